"""``/v1/subscriptions/:id/change/v2`` and the schedules that it makes (by the API's own description; not recorded)."""

from __future__ import annotations

from typing import Any

from ..billing import config, modifications, plan_changes, transaction, views
from ..billing.plan_changes import Swap
from ..billing.scope import Scope, subscription_by_id
from ..kernel import errors
from ..kernel.binding import Schema, field, several, strings, text
from ..kernel.call import Call
from ..kernel.lists import query_page
from ..kernel.render import filled
from ..kernel.routing import route
from ..kernel.tables import Row

_ADDONS = Schema("EntityChangePolicy", field("default_behaviour"), field("overrides", strings))
_CHANGE = Schema(
    "SubscriptionChangeV2Request",
    *several(text, "target_plan_id proration_behavior", "required"),
    *several(text, "change_at idempotency_key"),
    field("metadata", strings),
    field("entity_policies", Schema("SubscriptionChangeEntityPolicies", field("addons", _ADDONS))),
)
_CANCEL = Schema("CancelScheduleRequest", *several(text, "schedule_id subscription_id schedule_type"))


def _asked(call: Call) -> dict[str, Any]:
    body = call.bind(_CHANGE)
    config.check_proration(body["proration_behavior"])
    errors.require_allowed(plan_changes.TIMES, body["change_at"], "Invalid change at", "change_at")
    plan_changes.check_policies(body["entity_policies"])
    return body


@route("POST", "/v1/subscriptions/:id/change/v2/preview")
def preview_change(call: Call) -> dict[str, Any]:
    """What a change of plan would come to, without making it."""
    body = _asked(call)
    row = subscription_by_id(call, call.params["id"])
    with transaction.undone(call) as attempt:
        found = plan_changes.request(attempt, row, body)
        found.schedule = None
        modifications.as_preview(found.changed)
        return _shown(attempt, row, body, found)


@route("POST", "/v1/subscriptions/:id/change/v2/execute", permission="subscription:write")
def execute_change(call: Call) -> dict[str, Any]:
    """Another plan, now or at the period's end."""
    body = _asked(call)
    row = subscription_by_id(call, call.params["id"])
    with transaction.all_or_nothing(call) as deal:
        done = plan_changes.request(deal, row, body)
    if done.schedule is None:
        call.publish("subscription.updated", row)
        call.publish("subscription.plan_changed", row)
    return _shown(call, row, body, done)


def _shown(scope: Scope, row: Row, body: dict[str, Any], done: Swap) -> dict[str, Any]:
    later = body["change_at"] == "end_of_period"
    when = {"scheduled_at": done.at} if later else {"effective_at": done.at}
    return {
        "subscription": views.full_subscription(scope, row),
        "change_type": done.kind,
        "from_plan": _plan(done.source),
        "to_plan": _plan(done.target),
        "is_scheduled": later,
        **when,
        "changed_resources": done.changed,
        **filled(schedule_id=done.schedule and done.schedule["id"]),
        **filled(entity_changes=done.entities, metadata=body["metadata"]),
    }


def _plan(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("id", "name", "lookup_key", "description")}


def _schedule(scope: Scope, identifier: str) -> Row:
    message = f"Subscription schedule with ID {identifier} was not found"
    return scope.found("subscription_schedules", identifier, message, {"schedule_id": identifier}, any_status=True)


def _listed(scope: Scope, rows: list[Row]) -> dict[str, Any]:
    return {"schedules": [plan_changes.schedule_view(scope, row) for row in rows], "count": len(rows)}


@route("GET", "/v1/subscriptions/:id/schedules")
def schedules_of_subscription(call: Call) -> dict[str, Any]:
    """The schedules of a subscription, newest first."""
    row = subscription_by_id(call, call.params["id"])
    return _listed(call, call.find("subscription_schedules", subscription_id=row["id"])[::-1])


@route("GET", "/v1/subscription-schedules")
def list_schedules(call: Call) -> dict[str, Any]:
    """A page of schedules, newest first; ``pending_only=true`` leaves out what was done or taken back."""
    page = query_page(call, sort="ignored")
    mine = {"subscription_id": owner} if (owner := call.query.get("subscription_id")) else {}
    waiting = {"schedule_status": plan_changes.PENDING} if call.query.get("pending_only") == "true" else {}
    rows = call.find("subscription_schedules", **mine, **waiting)[::-1]
    return _listed(call, rows[page.offset : page.offset + page.limit])


route("GET", "/v1/subscription-schedules/:id")(
    lambda call: plan_changes.schedule_view(call, _schedule(call, call.params["id"]))
)


@route("POST", "/v1/subscriptions/schedules/:id/cancel", permission="subscription:write")
def cancel_schedule(call: Call) -> dict[str, str]:
    """Take a pending change back."""
    if call.body.strip():
        call.bind(_CANCEL)
    plan_changes.cancel(call, _schedule(call, call.params["id"]))
    return {"status": "cancelled", "message": "Schedule cancelled successfully"}
