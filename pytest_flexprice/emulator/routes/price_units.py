"""``/v1/prices/units``: units of a company's own that prices are given in (by the API's description; the lists: recordings
catalog_listing, list_conventions)."""

from __future__ import annotations

from decimal import Decimal

from ..kernel import errors
from ..kernel.binding import Schema, decimal, field, several, strings, text
from ..kernel.call import Call, Reply, created
from ..kernel.lists import OWN
from ..kernel.pricing_rules import by_code
from ..kernel.resource import Resource, among, free
from ..kernel.routing import route

_CREATE = Schema(
    "CreatePriceUnitRequest",
    *several(text, "name code symbol", "required"),
    field("base_currency", rules="required,len=3"),
    field("conversion_rate", decimal),
    field("metadata", strings),
)
_UPDATE = Schema("UpdatePriceUnitRequest", field("name"), field("metadata", strings))
UNITS = Resource(
    "price units",
    ("name", "code", "symbol", "base_currency", "conversion_rate"),
    (among("price_unit_ids", "id", split=True),),
    offset=OWN,
)
UNITS.serve("/v1/prices/units", one=True, change=_UPDATE, permission="price_unit:write")


@route("POST", "/v1/prices/units", permission="price_unit:write")
def create_unit(call: Call) -> Reply:
    """A new unit; its code is free among the published ones."""
    body = call.bind(_CREATE)
    rate = body["conversion_rate"] or Decimal(0)  # as of credits (recording credit_grants), no number is zero
    errors.refuse(rate <= 0, "Conversion rate must be greater than zero", conversion_rate=rate)
    free(call, "price_units", "A price unit with this code already exists", body["code"], column="code")
    fields = {**body, "base_currency": body["base_currency"].lower()}
    return created(call.insert("price_units", "price_unit", **fields))


route("GET", "/v1/prices/units/code/:code")(lambda call: by_code(call, call.params["code"]))


@route("DELETE", "/v1/prices/units/:id", permission="price_unit:write")
def delete_unit(call: Call) -> dict[str, str]:
    """Archive a unit that no price is given in."""
    row = UNITS.found(call, call.params["id"])
    if call.first("prices", price_unit_id=row["id"]):
        raise errors.validation("This price unit is in use by prices", {"price_unit_id": row["id"]})
    call.touch(row, status="archived")
    return {"message": "Price unit archived successfully"}
