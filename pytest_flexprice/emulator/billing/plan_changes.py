"""Another plan for a running subscription, in place: now, or when its period ends (by the API's own description; not recorded).

Id, anchor and period of the subscription stay. Lines of the old plan end where those of the new one begin, so that each bills
its own part of the period; fees in advance are settled where the request asks for it. One change may be pending at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..kernel import errors
from ..kernel.resource import holds_at
from ..kernel.tables import Row
from . import addons, attachments, inheritance, line_items, views
from .line_items import Origin
from .pricing import number
from .quantities import Changed
from .rounding import ZERO, exact
from .scope import Scope

Given = Mapping[str, Any]
TIMES = ("immediate", "end_of_period")
BEHAVIOURS = ("carry", "drop")
PENDING = "pending"


@dataclass
class Swap:
    """What a change of plan comes to; ``schedule`` is set where it is still to come."""

    source: Row
    target: Row
    at: datetime
    kind: str
    changed: Changed = field(default_factory=dict)
    entities: list[dict[str, Any]] = field(default_factory=list)
    schedule: Row | None = None


def request(scope: Scope, row: Row, body: Given) -> Swap:
    """Change the plan now or note that it is to change.

    Raises :class:`errors.ApiError` for an unknown plan or one without a matching price, for a subscription that does not run, is
    billed with another or has phases, and for a second pending change.
    """
    target = _target(scope, row, body["target_plan_id"])
    if body["change_at"] != "end_of_period":
        return swap(scope, row, target, body, scope.now)
    errors.refuse(pending(scope, row), "The subscription has a pending plan change", subscription_id=row["id"])
    at = row["current_period_end"]
    found = _described(scope, row, target, at)
    found.schedule = _scheduled(scope, row, body, at)
    return found


def _target(scope: Scope, row: Row, identifier: str) -> Row:
    target = scope.named("plans", identifier)
    details = {"subscription_id": row["id"], "status": row["subscription_status"]}
    errors.refuse(row["subscription_status"] != "active", "Only active subscriptions can change their plan", **details)
    if not inheritance.has_invoices(row):
        raise errors.validation("A subscription that is billed with another cannot change its plan", details)
    if scope.find("subscription_phases", subscription_id=row["id"], status="published"):
        raise errors.validation("A subscription with phases cannot change its plan", details)
    errors.refuse(target["id"] == row["plan_id"], "The subscription is on this plan already", plan_id=identifier)
    line_items.matching(scope, target["id"], "PLAN", row["currency"], row["billing_period"])
    return target


def pending(scope: Scope, row: Row) -> list[Row]:
    """The changes that are to come, at most one."""
    return scope.find("subscription_schedules", subscription_id=row["id"], schedule_status=PENDING)


def _scheduled(scope: Scope, row: Row, body: Given, at: datetime) -> Row:
    return scope.insert(
        "subscription_schedules",
        "schd",
        subscription_id=row["id"],
        schedule_type="plan_change",
        schedule_status=PENDING,
        scheduled_at=at,
        configuration={"target_plan_id": body["target_plan_id"], "proration_behavior": body["proration_behavior"]},
        metadata=body["metadata"],
        _asked=dict(body),
    )


def cancel(scope: Scope, schedule: Row) -> None:
    """Take a pending change back; 400 for any other."""
    if schedule["schedule_status"] != PENDING:
        details = {"schedule_id": schedule["id"], "status": schedule["schedule_status"]}
        raise errors.validation("Only pending schedules can be cancelled", details)
    scope.touch(schedule, schedule_status="cancelled", cancelled_at=scope.now)


def execute_due(scope: Scope, row: Row, boundary: datetime) -> None:
    """Where a period of a subscription ends: make the change that waits for it."""
    for schedule in pending(scope, row):
        if schedule["scheduled_at"] > boundary:
            continue
        asked = schedule["_asked"]
        try:
            swap(scope, row, _target(scope, row, asked["target_plan_id"]), asked, boundary)
        except errors.ApiError as error:
            scope.touch(schedule, schedule_status="failed", error_message=error.message)
        else:
            scope.touch(schedule, schedule_status="executed", executed_at=scope.now)
            scope.publish("subscription.plan_changed", row)


def swap(scope: Scope, row: Row, target: Row, body: Given, at: datetime) -> Swap:
    """End the lines of the old plan at ``at`` and begin those of the new one."""
    found = _described(scope, row, target, at)
    ended = _plan_lines(scope, row, at)
    for item in ended:
        scope.touch(item, end_date=at)
    prices = line_items.matching(scope, target["id"], "PLAN", row["currency"], row["billing_period"])
    spans = [(price, line_items.span(row, price, at)) for price in prices]
    begun = [line_items.add(scope, row, Origin.plan(target), price, when) for price, when in spans]
    found.entities = _entities(scope, row, body.get("entity_policies") or {}, at)
    scope.touch(row, plan_id=target["id"], synced_price_sequence=views.price_sequence(scope, target["id"]))
    invoices = attachments.prorate(scope, row, body, begun=begun, ended=ended)
    lines = [*(attachments.line(one, "ended") for one in ended), *(attachments.line(one, "created") for one in begun)]
    found.changed = {"line_items": lines, **({"invoices": invoices} if invoices else {})}
    return found


def _plan_lines(scope: Scope, row: Row, at: datetime) -> list[Row]:
    """The lines of the plan that have begun, or are still to begin, and have not ended."""
    own = [item for item in line_items.of(scope, row) if item["entity_type"] == "plan"]
    return [item for item in own if holds_at({**item, "start_date": at}, at)]


def _described(scope: Scope, row: Row, target: Row, at: datetime) -> Swap:
    return Swap(scope.need("plans", row["plan_id"]), target, at, _kind(scope, row, target, at))


@exact
def _kind(scope: Scope, row: Row, target: Row, at: datetime) -> str:
    """Up or down, by the fees of both plans."""
    prices = line_items.matching(scope, target["id"], "PLAN", row["currency"], row["billing_period"])
    new = sum((_fee(price) * line_items.default_quantity(price) for price in prices), ZERO)
    lines = _plan_lines(scope, row, at)
    old = sum((_fee(scope.need("prices", item["price_id"])) * number(item["quantity"]) for item in lines), ZERO)
    return "lateral" if new == old else "upgrade" if new > old else "downgrade"


def _fee(price: Row) -> Any:
    return number(price["amount"]) if price["type"] == "FIXED" else ZERO


def _entities(scope: Scope, row: Row, policies: Given, at: datetime) -> list[dict[str, Any]]:
    """Addons stay unless they are to be dropped."""
    policy = policies.get("addons") or {}
    overrides: Given = policy.get("overrides") or {}
    default = policy.get("default_behaviour") or "carry"
    found = []
    for association in addons.current(scope, row):
        behaviour = overrides.get(association["id"], default)
        if behaviour == "drop" and association["end_date"] is None:
            gone = {"reason": "plan_change", "proration_behavior": None, "effective_date": at}
            addons.detach(scope, {"addon_association_id": association["id"], **gone})
        entity = {"entity_type": "addon", "entity_id": association["addon_id"], "reference_id": association["id"]}
        found.append({**entity, "behaviour": behaviour})
    return found


def schedule_view(scope: Scope, row: Row) -> dict[str, Any]:
    """A schedule as it is shown."""
    waiting = row["schedule_status"] == PENDING
    hidden = ("schedule_status", "environment_id", "tenant_id", "created_by", "updated_by")
    shown = {name: value for name, value in row.public().items() if name not in hidden and value is not None}
    days = {"days_until_execution": max((row["scheduled_at"] - scope.now).days, 0)} if waiting else {}
    return {**shown, "status": row["schedule_status"], "can_be_cancelled": waiting, **days}


def check_policies(given: Given | None) -> None:
    """Refuse a behaviour that is none."""
    policy = (given or {}).get("addons") or {}
    said: Sequence[str | None] = [policy.get("default_behaviour"), *(policy.get("overrides") or {}).values()]
    for behaviour in said:
        errors.require_one_of(BEHAVIOURS, behaviour, "entity change behaviour", "behaviour")
