"""What a subscription or customer has and used: line items, entitlements, usage (contract 4.1, 4.3, 4.5)."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

from ..billing import consumption, views
from ..billing.inheritance import LIVE
from ..billing.scope import Scope, customer_by_external_id, customer_by_id, customer_of, subscription_by_id
from ..kernel import errors
from ..kernel.binding import Schema, boolean, field, instant, several
from ..kernel.call import Call
from ..kernel.render import filled
from ..kernel.resource import Filter, Resource, among, amongs, equal
from ..kernel.routing import route
from ..kernel.tables import Row

_LINE_COLUMNS = (
    "subscription_id", "customer_id", "price_id", "price_type", "meter_id", "entity_id", "display_name", "start_date",
    "end_date", "currency", "billing_period",
)  # fmt: skip
LINES = Resource(
    "subscription line items",
    _LINE_COLUMNS,
    (
        *amongs("subscription_ids customer_ids price_ids meter_ids entity_ids addon_association_ids"),
        among("currencies", "currency"),
        among("billing_periods", "billing_period"),
        among("subscription_line_item_ids", "id"),
        equal("entity_type"),
        Filter("active_filter", boolean),
        Filter("current_period_start", instant),
    ),
    view=lambda call, row, _page: views.line_item(call, row),
)
_USAGE = Schema(
    "GetUsageBySubscriptionRequest",
    field("subscription_id", rules="required", bound=True),
    *several(instant, "start_time end_time"),
    field("lifetime_usage", boolean),
)


@route("POST", "/v1/subscriptions/lineitems/search")
def search_line_items(call: Call) -> dict[str, Any]:
    """A page of line items; ``active_filter`` leaves those out that ended before ``current_period_start``."""
    values, page = LINES.asked_by_body(call)
    at = values["current_period_start"] if values["active_filter"] else None
    rows = [row for row in LINES.all(call) if at is None or row["end_date"] is None or row["end_date"] >= at]
    return LINES.answer(call, values, page, rows)


@route("GET", "/v1/subscriptions/:id/entitlements")
def subscription_entitlements(call: Call) -> dict[str, Any]:
    """The features that a subscription entitles to; ``feature_ids`` leaves out the others."""
    row = subscription_by_id(call, call.params["id"])
    features = _asked(call, consumption.entitled_features(call, [row]))
    return {"subscription_id": row["id"], "plan_id": row["plan_id"], "features": features}


@route("POST", "/v1/subscriptions/usage")
def subscription_usage(call: Call) -> dict[str, Any]:
    """The usage charges of a subscription, as floats."""
    body = call.bind(_USAGE)
    row = subscription_by_id(call, body["subscription_id"])
    start = row["start_date"] if body["lifetime_usage"] else (body["start_time"] or row["current_period_start"])
    end = body["end_time"] or (call.now if body["lifetime_usage"] else row["current_period_end"])
    return consumption.subscription_usage(call, row, start, end)


def _asked(call: Call, features: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of features that a query names by ``feature_ids`` or ``feature_lookup_keys``; all when it names none."""
    for name, key in (("feature_ids", "id"), ("feature_lookup_keys", "lookup_key")):
        wanted = _named(call, name)
        features = [one for one in features if not wanted or one["feature"][key] in wanted]
    return features


def _named(call: Call, name: str) -> set[str]:
    """The values of a query's parameter, which may be repeated or hold several."""
    return {part for value in call.query.getlist(name) for part in value.split(",") if part}


def expanded(scope: Scope, row: Row, expand: Sequence[str], *, plan: dict[str, Any] | None) -> dict[str, Any]:
    """A subscription with what is asked for; lines, coupons and entitlements where there are any (by the API's description)."""
    parts = filled(
        line_items="subscription_line_items" in expand and views.line_items(scope, row["id"]),
        coupon_associations="coupon_associations" in expand and views.coupon_associations(scope, row),
        entitlements="entitlements" in expand and consumption.entitled_features(scope, [row]),
    )
    customer = views.embedded(scope, "customers", row["customer_id"]) if "customer" in expand else None
    return views.subscription(row, plan=plan, customer=customer, **parts)


def _running(scope: Scope, customer: Row, wanted: Container[str] = ()) -> list[Row]:
    rows = scope.find("subscriptions", customer_id=customer["id"])[::-1]
    return [row for row in rows if row["subscription_status"] in LIVE and (not wanted or row["id"] in wanted)]


@route("GET", "/v1/customers/external/:external_id/subscriptions")
def customer_subscriptions(call: Call) -> dict[str, Any]:
    """A customer's active and trialing subscriptions; ``null`` when there are none."""
    customer = customer_by_external_id(call, call.params["external_id"], named=True)
    rows = _running(call, customer)
    expand = (call.query.get("expand") or "").split(",")
    items = [
        expanded(call, row, expand, plan=views.plan(call, row["plan_id"]) if "plan" in expand else None) for row in rows
    ] or None
    return {"items": items, "pagination": {"total": 0, "limit": 0, "offset": 0}}


@route("GET", "/v1/customers/:id/entitlements")
@route("GET", "/v1/customers/external/:external_id/entitlements")
def customer_entitlements(call: Call) -> dict[str, Any]:
    """A customer's running subscriptions and the features they entitle to."""
    customer = customer_of(call, call.params.get("id"), call.params.get("external_id"))
    rows = _running(call, customer)
    return {
        "customer_id": customer["id"],
        "subscriptions": [views.subscription(row) for row in rows],
        "features": consumption.entitled_features(call, rows),
    }


def _usage(scope: Scope, customer: Row, wanted: Container[str] = ()) -> dict[str, Any]:
    """How much of what they are entitled to a customer has used."""
    rows = _running(scope, customer, wanted)
    features = consumption.customer_usage(scope, customer, rows)
    period = None
    if features:
        period = {"start_time": rows[0]["current_period_start"], "end_time": rows[0]["current_period_end"]}
    return {"customer_id": customer["id"], "features": features, "period": period}


route("GET", "/v1/customers/:id/usage")(lambda call: _usage(call, customer_by_id(call, call.params["id"])))


@route("GET", "/v1/customers/usage")
def usage_by_query(call: Call) -> dict[str, Any]:
    """The same, by ``customer_id`` or ``customer_lookup_key``, of the features and subscriptions that the query names."""
    identifier, key = call.query.get("customer_id"), call.query.get("customer_lookup_key")
    errors.refuse(not identifier and not key, "Either customer_id or customer_lookup_key is required")
    usage = _usage(call, customer_of(call, identifier, key), _named(call, "subscription_ids"))
    return {**usage, "features": _asked(call, usage["features"])}


@route("GET", "/v1/customers/:id/invoices/summary")
def invoice_summary(call: Call) -> dict[str, Any]:
    """A customer's invoices in numbers; tells ``invoice.payment.overdue`` of each overdue one, on every call."""
    customer = customer_by_id(call, call.params["id"])
    return consumption.invoice_summary(call, customer, _running(call, customer))
