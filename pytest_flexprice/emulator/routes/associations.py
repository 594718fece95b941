"""What is attached to a subscription: addons, coupons, taxes (contract 11.2, recording deals_addons_coupons_tax)."""

from __future__ import annotations

from typing import Any

from ..billing import addons, promises, views
from ..billing.scope import Scope, customer_by_external_id
from ..kernel import errors
from ..kernel.binding import Schema, boolean, field, instant, integer, several, strings, text
from ..kernel.call import Call
from ..kernel.catalog import plan_view
from ..kernel.lists import Page
from ..kernel.resource import Filter, Resource, Values, all_items, among, amongs, equal, holds_at
from ..kernel.routing import route

_TAXABLE = ("customer", "subscription", "invoice", "tenant")
_CREATE = Schema(
    "CreateTaxAssociationRequest",
    *several(text, "tax_rate_code entity_type", "required"),
    *several(text, "entity_id external_customer_id currency"),
    field("priority", integer),
    field("auto_apply", boolean),
    field("metadata", strings),
    *several(instant, "start_date end_date"),
)
_UPDATE = Schema(
    "TaxAssociationUpdateRequest", field("priority", integer), field("auto_apply", boolean), field("metadata", strings)
)


@route("GET", "/v1/subscriptions/:id/addons/associations")
def list_addon_associations(call: Call) -> dict[str, Any]:
    """The addons that a subscription has in its running period, newest first, with their prices."""
    subscription = call.found("subscriptions", call.params["id"], "Subscription not found")
    rows = addons.current(call, subscription)
    items = [views.shown(row, addon=_addon(call, row["addon_id"])) for row in reversed(rows)]
    return all_items(items)


def _addon(scope: Scope, identifier: str) -> dict[str, Any]:
    return plan_view(scope, scope.need("addons", identifier), ("prices", "entitlements"))


COUPONED = Resource(
    "coupon associations",
    ("start_date", "end_date"),
    (
        *amongs("subscription_ids coupon_ids subscription_line_item_ids subscription_phase_ids", split=True),
        Filter("active_only", boolean),
    ),
    view=lambda call, row, page: views.coupon_association(call, row, page.expand),
)
TAXED = Resource(
    "tax associations",
    ("priority", "start_date"),
    (equal("entity_type"), equal("entity_id"), equal("currency"), among("tax_rate_ids", "tax_rate_id", split=True),
     equal("tax_rate_id"), Filter("external_customer_id", text)),
    view=lambda _call, row, _page: views.shown(row),
)  # fmt: skip


def _coupons(call: Call, values: Values, page: Page) -> dict[str, Any]:
    """``active_only`` leaves out what has not begun or has ended."""
    rows = [row for row in COUPONED.all(call) if not values["active_only"] or holds_at(row, call.now)]
    return COUPONED.answer(call, values, page, rows)


def _taxes(call: Call, values: Values, page: Page) -> dict[str, Any]:
    """A customer may be named by its external id; an unknown one is 404, as in the list of invoices (recording invoice_listing)."""
    key = values["external_customer_id"]
    owner = {"entity_id": customer_by_external_id(call, key)["id"]} if key else {}
    return TAXED.answer(call, {**values, **owner}, page)


COUPONED.serve("/v1/coupons/associations", search=False, one=True, answer=_coupons)
TAXED.serve(
    "/v1/taxes/associations", search=False, one=True, answer=_taxes, change=_UPDATE, archive="", permission="tax:write"
)


@route("POST", "/v1/taxes/associations", permission="tax:write")
def create_tax_association(call: Call) -> dict[str, Any]:
    """Let a tax rate count for a customer or a subscription; a customer's are taken over by its new subscriptions.

    200, not 201: so the API's own description.
    """
    body = call.bind(_CREATE)
    errors.require_one_of(_TAXABLE, body["entity_type"], "tax rate entity type", "entity_type")
    start, end = body["start_date"], body["end_date"]
    errors.refuse(start and end and end <= start, "End date must be after start date", end_date=end, start_date=start)
    owner = body["entity_id"] or ""
    if body["external_customer_id"]:
        found = call.first("customers", external_id=body["external_customer_id"])
        owner = found["id"] if found else owner
    rate = promises.tax_rate_by_code(call, body["tax_rate_code"])
    return views.shown(promises.associate_tax(call, rate, body["entity_type"], owner, body))
