"""``/v1/subscriptions``: creation, reads, updates, activation, cancelling (contract 4.2–4.4)."""

from __future__ import annotations

from datetime import datetime
from operator import le
from typing import Any

from ..billing import (
    cancelling,
    inheritance,
    lifecycle,  # noqa: F401 -- registers the jobs that go with subscriptions
    subscribing,
    views,
)
from ..billing.scope import customer_by_external_id, subscription_by_id
from ..kernel import errors
from ..kernel.binding import Schema, boolean, field, instant, several, text
from ..kernel.call import Call, Reply, created
from ..kernel.lists import Page, listing
from ..kernel.render import filled
from ..kernel.resource import Filter, Resource, Values, among, amongs, bounded, equal, holds_at
from ..kernel.routing import route
from ..kernel.tables import Row
from .subscription_reads import expanded
from .subscription_requests import CREATE, check, require_known

_COLUMNS = (
    "customer_id", "plan_id", "subscription_status", "currency", "start_date", "end_date", "current_period_start",
    "current_period_end", "billing_period", "lookup_key", "collection_method", "billing_cycle",
)  # fmt: skip
_UPDATE = Schema(
    "UpdateSubscriptionRequest",
    *several(text, "status parent_subscription_id"),
    field("cancel_at", instant),
    field("cancel_at_period_end", boolean),
)
_CANCEL = Schema(
    "CancelSubscriptionRequest",
    *several(text, "cancellation_type cancel_immediately_inovice_policy proration_behavior reason"),
    field("cancel_at", instant),
)
_FLAGS = {"with_line_items": "subscription_line_items", "with_coupon_associations": "coupon_associations"}
"""What a list shows by a switch of its own, and by which name among what it expands."""
_ACTIVATE = Schema("ActivateDraftSubscriptionRequest", field("start_date", instant, "required"))


def _due(row: Row, moment: datetime) -> bool:
    """Whether the period or the subscription ends by ``moment``."""
    return bool(row["current_period_end"] <= moment or (row["cancel_at"] is not None and row["cancel_at"] <= moment))


SUBSCRIPTIONS = Resource(
    "subscriptions",
    _COLUMNS,
    (
        equal("customer_id"),
        Filter("external_customer_id", text),
        equal("plan_id"),
        among("subscription_ids", "id", split=True),
        *amongs("customer_ids parent_subscription_ids invoicing_customer_ids", split=True),
        *amongs("subscription_status subscription_type billing_cadence billing_period", split=True),
        Filter("active_at", instant, holds_at),
        bounded("trial_end_due_lte", "trial_end", le),
        Filter("effective_date_for_update", instant, _due),
        *(Filter(name, boolean) for name in _FLAGS),
    ),
    find=subscription_by_id,
    full=lambda call, row, _page: views.full_subscription(call, row),
)


@route("POST", "/v1/subscriptions", permission="subscription:write")
def create_subscription(call: Call) -> Reply:
    """A new subscription with its line items and, where it has advance fees, its first invoice."""
    body = call.bind(CREATE)
    check(body, call)
    row, invoice = subscribing.create(call, body)
    return created(views.created_subscription(call, row, invoice))


@route("GET", "/v1/subscriptions/:id/v2")
def get_subscription_v2(call: Call) -> dict[str, Any]:
    """One subscription, bare; ``expand`` adds plan, customer, line items and prices."""
    row = subscription_by_id(call, call.params["id"])
    expand = {part.strip() for part in (call.query.get("expand") or "").split(",")}
    lines = "subscription_line_items" in expand and views.line_items(call, row["id"], with_price="prices" in expand)
    parts = filled(
        plan="plan" in expand and views.plan(call, row["plan_id"]),
        customer="customer" in expand and views.embedded(call, "customers", row["customer_id"]),
        line_items=lines,
    )
    return {**views.shown(row), **parts, "plan_prices_out_of_sync": views.out_of_sync(call, row)}


def _page(call: Call, values: Values, page: Page) -> dict[str, Any]:
    """Active ones only, unless statuses are asked for."""
    wanted = [status for status in values["subscription_status"] or [] if status] or ["active"]
    for status in wanted:
        require_known(status)
    rows = [row for row in SUBSCRIPTIONS.all(call) if row["subscription_status"] in wanted]
    if values["external_customer_id"]:
        customer = customer_by_external_id(call, values["external_customer_id"], named=True)
        rows = [row for row in rows if row["customer_id"] == customer["id"]]
    answer = listing(SUBSCRIPTIONS.selected(call, {**values, "subscription_status": wanted}, page, rows), page)
    parts = [*page.expand, *(part for flag, part in _FLAGS.items() if values[flag])]
    answer["items"] = [
        expanded(call, row, parts, plan=views.listed_plan(call, row["plan_id"], parts)) for row in answer["items"]
    ]
    return answer


SUBSCRIPTIONS.serve("/v1/subscriptions", one=True, answer=_page)


@route("PUT", "/v1/subscriptions/:id", permission="subscription:write")
def update_subscription(call: Call) -> dict[str, Any]:
    """Status and scheduled cancel; ``cancel_at_period_end`` left out becomes false (contract 4.3)."""
    body = call.bind(_UPDATE)
    row = subscription_by_id(call, call.params["id"])
    changes: dict[str, Any] = {"cancel_at_period_end": bool(body["cancel_at_period_end"])}
    if body["parent_subscription_id"] is not None:
        changes["parent_subscription_id"] = inheritance.linked(call, row, body["parent_subscription_id"])
    if body["status"]:
        require_known(body["status"])
        changes["subscription_status"] = body["status"]
    if body["cancel_at"] is not None:
        changes["cancel_at"] = body["cancel_at"]
    call.touch(row, **changes)
    call.publish("subscription.updated", row)
    return views.full_subscription(call, row)


@route("POST", "/v1/subscriptions/:id/activate", permission="subscription:write")
def activate_subscription(call: Call) -> dict[str, Any]:
    """Start a draft."""
    body = call.bind(_ACTIVATE)
    row = subscription_by_id(call, call.params["id"])
    if row["subscription_status"] != "draft":
        details = {"current_status": row["subscription_status"], "subscription_id": row["id"]}
        raise errors.validation("Only draft subscriptions can be activated", details)
    invoice = subscribing.activate(call, row, body["start_date"])
    return views.created_subscription(call, row, invoice)


@route("POST", "/v1/subscriptions/:id/cancel", permission="subscription:write")
def cancel_subscription(call: Call) -> dict[str, Any]:
    """Cancel now, at the period's end, or on a date."""
    body = call.bind(_CANCEL)
    cancelling.check(body, call.now)
    return cancelling.cancel(call, subscription_by_id(call, call.params["id"]), body)
