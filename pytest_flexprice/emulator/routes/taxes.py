"""``/v1/taxes/rates`` (contract 5.4, recordings catalog_listing, invoice_coupon_tax_wallet)."""

from __future__ import annotations

from typing import Any

from ..billing import views
from ..billing.rounding import ZERO
from ..kernel import errors
from ..kernel.binding import Schema, decimal, field, several, strings, text
from ..kernel.call import Call, Reply, created
from ..kernel.resource import Resource, among, equal, free
from ..kernel.routing import route

_TYPES = ("percentage", "fixed")
_SCOPES = ("INTERNAL", "EXTERNAL", "ONETIME")
_COLUMNS = ("name", "code", "tax_rate_status", "tax_rate_type", "scope")
_HUNDRED = 100
_TAKEN = "A tax rate with this code already exists"
_CREATE = Schema(
    "CreateTaxRateRequest",
    *several(text, "name code", "required"),
    *several(text, "description tax_rate_type scope"),
    *several(decimal, "percentage_value fixed_value"),
    field("metadata", strings),
)
_STATUSES = ("ACTIVE", "INACTIVE")
_UPDATE = Schema(
    "UpdateTaxRateRequest", *several(text, "name code description tax_rate_status"), field("metadata", strings)
)


def _check(body: dict[str, Any]) -> None:
    kind = body["tax_rate_type"] or "percentage"
    errors.require_one_of(_TYPES, kind, "tax rate type", "type")
    errors.require_one_of(_SCOPES, body["scope"], "tax rate scope", "scope")
    errors.refuse(
        kind == "percentage"
        and (not 0 <= (body["percentage_value"] if body["percentage_value"] is not None else -1) <= _HUNDRED),
        "Percentage value must be between 0 and 100",
    )
    if kind == "fixed" and (body["fixed_value"] is None or body["fixed_value"] < 0):
        raise errors.validation("Fixed value must be non-negative")


@route("POST", "/v1/taxes/rates", permission="tax:write")
def create_tax_rate(call: Call) -> Reply:
    """A new tax rate; the answer holds only the value of its kind."""
    body = call.bind(_CREATE)
    _check(body)
    free(call, "tax_rates", _TAKEN, body["code"], column="code")
    kind = body["tax_rate_type"] or "percentage"
    key = f"{kind}_value"
    row = call.insert(
        "tax_rates",
        "taxrate",
        name=body["name"],
        code=body["code"],
        **({"description": body["description"]} if body["description"] else {}),
        tax_rate_status="ACTIVE",
        tax_rate_type=kind,
        scope=body["scope"] or "INTERNAL",
        **{key: body[key] if body[key] is not None else ZERO},
        **({"metadata": body["metadata"]} if body["metadata"] else {}),
        _editor="",
    )
    return created(row.public())


RATES = Resource(
    "tax rates",
    _COLUMNS,
    (among("taxrate_ids", "id", split=True), among("taxrate_codes", "code", split=True), equal("scope")),
    view=lambda _call, row, _page: views.tax_rate(row),
)
RATES.serve("/v1/taxes/rates", search=False, one=True)


@route("PUT", "/v1/taxes/rates/:id", permission="tax:write")
def update_tax_rate(call: Call) -> dict[str, Any]:
    """Name, code, description, metadata, and whether it is in use; a code that another has is refused, as of plans (recording plans)."""
    body = call.bind(_UPDATE)
    errors.require_one_of(_STATUSES, body["tax_rate_status"], "tax rate status", "status")
    row = RATES.found(call, call.params["id"])
    if body["code"] != row["code"]:
        free(call, "tax_rates", _TAKEN, body["code"], column="code")
    call.touch(row, **{name: value for name, value in body.items() if value is not None}, _editor=call.caller.user_id)
    return views.tax_rate(row)


@route("DELETE", "/v1/taxes/rates/:id", permission="tax:write")
def delete_tax_rate(call: Call) -> Reply:
    """Archive a tax rate that counts for nobody."""
    rate = RATES.found(call, call.params["id"])
    if call.find("tax_associations", tax_rate_id=rate["id"], status="published"):
        message = "This tax rate has active associations. Please remove all associations before deleting it."
        raise errors.validation(message)
    call.touch(rate, status="archived", tax_rate_status="INACTIVE")
    return Reply(204)
