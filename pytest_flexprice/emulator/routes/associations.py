"""What is attached to a subscription: addons, coupons, taxes (contract 11.2, recording deals_addons_coupons_tax)."""

from __future__ import annotations

from typing import Any

from ..billing import addons, promises, views
from ..billing.scope import Scope
from ..kernel import errors
from ..kernel.binding import Schema, boolean, field, integer, strings
from ..kernel.call import Call, Reply, created
from ..kernel.catalog import plan_view
from ..kernel.lists import listing, query_page, select
from ..kernel.routing import route
from ..kernel.tables import Row

_TAXED = ("customer", "subscription", "invoice", "tenant")
_CREATE = Schema(
    "CreateTaxAssociationRequest",
    field("tax_rate_code", rules="required"),
    field("entity_type", rules="required"),
    field("entity_id"),
    field("external_customer_id"),
    field("priority", integer),
    field("auto_apply", boolean),
    field("currency"),
    field("metadata", strings),
)
_UPDATE = Schema(
    "TaxAssociationUpdateRequest", field("priority", integer), field("auto_apply", boolean), field("metadata", strings)
)


@route("GET", "/v1/subscriptions/:id/addons/associations")
def list_addon_associations(call: Call) -> dict[str, Any]:
    """The addons that a subscription has in its running period, newest first, with their prices."""
    scope = Scope.of(call)
    subscription = call.found("subscriptions", call.params["id"], "Subscription not found")
    rows = addons.current(scope, subscription)
    items = [views.shown(row, addon=_addon(scope, row["addon_id"])) for row in reversed(rows)]
    return {"items": items, "pagination": {"total": len(items), "limit": 0, "offset": 0}}


def _addon(scope: Scope, identifier: str) -> dict[str, Any]:
    return plan_view(scope.world, scope.environment, scope.need("addons", identifier), ("prices", "entitlements"))


def _among(call: Call, name: str, value: Any) -> bool:
    wanted = [part for given in call.query.getlist(name) for part in given.split(",") if part]
    return not wanted or value in wanted


@route("GET", "/v1/coupons/associations")
def list_coupon_associations(call: Call) -> dict[str, Any]:
    """A page of what coupons are attached to which subscriptions."""
    page = query_page(call, sort="ignored", noun="coupon associations")
    scope = Scope.of(call)
    rows = [
        row
        for row in scope.table("coupon_associations").all(scope.environment)
        if _among(call, "subscription_ids", row["subscription_id"])
        and _among(call, "coupon_ids", row["coupon_id"])
        and _among(call, "subscription_line_item_ids", row["subscription_line_item_id"])
        and _among(call, "subscription_phase_ids", row["subscription_phase_id"])
    ]
    answer = listing(select(rows, page, ("start_date", "end_date"), "coupon associations"), page)
    answer["items"] = [views.coupon_association(scope, row) for row in answer["items"]]
    return answer


@route("GET", "/v1/coupons/associations/:id")
def get_coupon_association(call: Call) -> dict[str, Any]:
    """One of them."""
    scope = Scope.of(call)
    row = scope.get("coupon_associations", call.params["id"])
    if row is None:
        message = f"Coupon association with ID {call.params['id']} was not found"
        raise errors.not_found(message, {"coupon_association_id": call.params["id"]})
    return views.coupon_association(scope, row)


@route("GET", "/v1/taxes/associations")
def list_tax_associations(call: Call) -> dict[str, Any]:
    """A page of which tax rates count for whom."""
    page = query_page(call, sort="ignored", noun="tax associations")
    names = ("entity_type", "entity_id", "currency")
    wanted = {name: call.query.get(name) for name in names if call.query.get(name)}
    rates = call.query.getlist("tax_rate_ids")
    rows = [
        row
        for row in call.world.table("tax_associations").all(call.environment)
        if all(row[name] == value for name, value in wanted.items()) and (not rates or row["tax_rate_id"] in rates)
    ]
    answer = listing(select(rows, page, ("priority", "start_date"), "tax associations"), page)
    answer["items"] = [views.shown(row) for row in answer["items"]]
    return answer


@route("POST", "/v1/taxes/associations", permission="tax:write")
def create_tax_association(call: Call) -> Reply:
    """Let a tax rate count for a customer or a subscription; a customer's are taken over by its new subscriptions."""
    body = call.bind(_CREATE)
    if body["entity_type"] not in _TAXED:
        details = {"entity_type": body["entity_type"], "allowed": list(_TAXED)}
        raise errors.validation("Invalid tax rate entity type", details)
    scope = Scope.of(call)
    owner = body["entity_id"] or ""
    if body["external_customer_id"]:
        found = scope.table("customers").first(
            scope.environment, external_id=body["external_customer_id"], status="published"
        )
        owner = found["id"] if found else owner
    rate = promises.tax_rate_by_code(scope, body["tax_rate_code"])
    return created(views.shown(promises.associate_tax(scope, rate, body["entity_type"], owner, body)))


def _tax_association(call: Call) -> Row:
    identifier = call.params["id"]
    message = f"Tax association with ID {identifier} was not found"
    return call.found("tax_associations", identifier, message, {"tax_association_id": identifier})


@route("GET", "/v1/taxes/associations/:id")
def get_tax_association(call: Call) -> dict[str, Any]:
    """One tax association."""
    return views.shown(_tax_association(call))


@route("PUT", "/v1/taxes/associations/:id", permission="tax:write")
def update_tax_association(call: Call) -> dict[str, Any]:
    """Change priority, metadata, and whether it applies by itself."""
    body = call.bind(_UPDATE)
    row = _tax_association(call)
    call.touch(row, **{name: value for name, value in body.items() if value is not None})
    return views.shown(row)


@route("DELETE", "/v1/taxes/associations/:id", permission="tax:write")
def delete_tax_association(call: Call) -> Reply:
    """Archive a tax association."""
    call.touch(_tax_association(call), status="archived")
    return Reply(204)
