"""``/v1/subscriptions``: creation, reads, updates, activation, cancelling (contract 4.2–4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..billing import (
    cancelling,
    lifecycle,  # noqa: F401 -- registers the jobs that go with subscriptions
    subscribing,
    views,
)
from ..billing.scope import Scope, customer_by_external_id, subscription_by_id
from ..kernel import errors
from ..kernel.binding import Schema, array, boolean, field, instant, text
from ..kernel.call import Call, Reply, created
from ..kernel.lists import SEARCH_FIELDS, Page, listing, query_page, search, select
from ..kernel.routing import route
from ..kernel.tables import Row
from .subscription_requests import CREATE, STATUSES, check

_COLUMNS = (
    "customer_id", "plan_id", "subscription_status", "currency", "start_date", "end_date", "current_period_start",
    "current_period_end", "billing_period", "lookup_key", "collection_method", "billing_cycle",
)  # fmt: skip
_UPDATE = Schema(
    "UpdateSubscriptionRequest",
    field("status"),
    field("cancel_at", instant),
    field("cancel_at_period_end", boolean),
)
_CANCEL = Schema(
    "CancelSubscriptionRequest",
    field("cancellation_type"),
    field("cancel_immediately_inovice_policy"),
    field("proration_behavior"),
    field("cancel_at", instant),
    field("reason"),
)
_ACTIVATE = Schema("ActivateDraftSubscriptionRequest", field("start_date", instant, "required"))
_SEARCH = Schema(
    "SubscriptionFilter",
    *SEARCH_FIELDS,
    field("customer_id"),
    field("customer_ids", array(text)),
    field("external_customer_id"),
    field("plan_id"),
    field("subscription_ids", array(text)),
    field("subscription_status", array(text)),
    field("billing_period", array(text)),
    field("active_at", instant),
    field("with_line_items", boolean),
)


@route("POST", "/v1/subscriptions", permission="subscription:write")
def create_subscription(call: Call) -> Reply:
    """A new subscription with its line items and, where it has advance fees, its first invoice."""
    body = call.bind(CREATE)
    check(body, call)
    scope = Scope.of(call)
    row, invoice = subscribing.create(scope, body)
    return created(views.created_subscription(scope, row, invoice))


@route("GET", "/v1/subscriptions/:id")
def get_subscription(call: Call) -> dict[str, Any]:
    """One subscription with line items, prices, plan and customer."""
    scope = Scope.of(call)
    return views.full_subscription(scope, subscription_by_id(scope, call.params["id"]))


@route("GET", "/v1/subscriptions/:id/v2")
def get_subscription_v2(call: Call) -> dict[str, Any]:
    """One subscription, bare; ``expand`` adds plan, customer, line items and prices."""
    scope = Scope.of(call)
    row = subscription_by_id(scope, call.params["id"])
    expand = {part.strip() for part in (call.query.get("expand") or "").split(",")}
    view = views.shown(row)
    if "plan" in expand:
        view["plan"] = views.plan(scope, row["plan_id"])
    if "customer" in expand:
        view["customer"] = views.customer(scope, row["customer_id"])
    if "subscription_line_items" in expand:
        view["line_items"] = views.line_items(scope, row["id"], with_price="prices" in expand)
    view["plan_prices_out_of_sync"] = views.out_of_sync(scope, row)
    return view


def _matching(scope: Scope, given: dict[str, Any]) -> list[Row]:
    wanted = [status for status in given.get("subscription_status") or [] if status] or ["active"]
    for status in wanted:
        if status not in STATUSES:
            details = {"allowed_status": list(STATUSES), "status": status}
            raise errors.validation("Invalid subscription status", details)
    customers = set(given.get("customer_ids") or [])
    if given.get("customer_id"):
        customers.add(given["customer_id"])
    if given.get("external_customer_id"):
        customers.add(customer_by_external_id(scope, given["external_customer_id"], named=True)["id"])
    at = given.get("active_at")
    return [
        row
        for row in scope.table("subscriptions").all(scope.environment)
        if row["subscription_status"] in wanted
        and (not customers or row["customer_id"] in customers)
        and (not given.get("plan_id") or row["plan_id"] == given["plan_id"])
        and (not given.get("subscription_ids") or row["id"] in given["subscription_ids"])
        and (not given.get("billing_period") or row["billing_period"] in given["billing_period"])
        and (at is None or (row["start_date"] <= at and (row["end_date"] is None or row["end_date"] > at)))
    ]


def _page(call: Call, page: Page, given: dict[str, Any]) -> dict[str, Any]:
    scope = Scope.of(call)
    rows = select(_matching(scope, given), page, _COLUMNS, "subscriptions")
    answer = listing(rows, page)
    answer["items"] = [_item(scope, row, page.expand, bool(given.get("with_line_items"))) for row in answer["items"]]
    return answer


def _item(scope: Scope, row: Row, expand: Sequence[str], with_lines: bool) -> dict[str, Any]:
    parts: dict[str, Any] = {"plan": views.listed_plan(scope, row["plan_id"], expand)}
    if with_lines and (lines := views.line_items(scope, row["id"])):
        parts["line_items"] = lines
    if "customer" in expand:
        parts["customer"] = views.customer(scope, row["customer_id"])
    return views.subscription(row, **parts)


@route("GET", "/v1/subscriptions")
def list_subscriptions(call: Call) -> dict[str, Any]:
    """A page of subscriptions; active ones only, unless statuses are given."""
    page = query_page(call, noun="subscriptions")
    given: dict[str, Any] = {name: call.query.get(name) for name in ("customer_id", "external_customer_id", "plan_id")}
    for name in ("subscription_status", "subscription_ids", "customer_ids", "billing_period"):
        given[name] = [part for value in call.query.getlist(name) for part in value.split(",") if part]
    given["with_line_items"] = call.query.get("with_line_items") == "true"
    return _page(call, page, given)


@route("POST", "/v1/subscriptions/search")
def search_subscriptions(call: Call) -> dict[str, Any]:
    """The same by a body."""
    values, page = search(call, _SEARCH)
    return _page(call, page, values)


@route("PUT", "/v1/subscriptions/:id", permission="subscription:write")
def update_subscription(call: Call) -> dict[str, Any]:
    """Status and scheduled cancel; ``cancel_at_period_end`` left out becomes false (contract 4.3)."""
    body = call.bind(_UPDATE)
    scope = Scope.of(call)
    row = subscription_by_id(scope, call.params["id"])
    changes: dict[str, Any] = {"cancel_at_period_end": bool(body["cancel_at_period_end"])}
    if body["status"]:
        if body["status"] not in STATUSES:
            details = {"allowed_status": list(STATUSES), "status": body["status"]}
            raise errors.validation("Invalid subscription status", details)
        changes["subscription_status"] = body["status"]
    if body["cancel_at"] is not None:
        changes["cancel_at"] = body["cancel_at"]
    scope.touch(row, **changes)
    scope.publish("subscription.updated", row)
    return views.full_subscription(scope, row)


@route("POST", "/v1/subscriptions/:id/activate", permission="subscription:write")
def activate_subscription(call: Call) -> dict[str, Any]:
    """Start a draft."""
    body = call.bind(_ACTIVATE)
    scope = Scope.of(call)
    row = subscription_by_id(scope, call.params["id"])
    if row["subscription_status"] != "draft":
        details = {"current_status": row["subscription_status"], "subscription_id": row["id"]}
        raise errors.validation("Only draft subscriptions can be activated", details)
    invoice = subscribing.activate(scope, row, body["start_date"])
    return views.created_subscription(scope, row, invoice)


@route("POST", "/v1/subscriptions/:id/cancel", permission="subscription:write")
def cancel_subscription(call: Call) -> dict[str, Any]:
    """Cancel now, at the period's end, or on a date."""
    body = call.bind(_CANCEL)
    cancelling.check(body, call.now)
    scope = Scope.of(call)
    return cancelling.cancel(scope, subscription_by_id(scope, call.params["id"]), body)
