"""``/v1/prices/units``: units of a company's own that prices are given in, and what such a price is in money (by the API's
description; the lists: recordings catalog_listing, list_conventions)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ..kernel import errors
from ..kernel.binding import Schema, decimal, field, several, strings, text
from ..kernel.call import Call, Reply, created
from ..kernel.lists import OWN
from ..kernel.render import dec
from ..kernel.resource import Resource, among, free
from ..kernel.routing import route
from ..kernel.tables import Row

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
    if rate <= 0:
        details = {"conversion_rate": dec(rate)}
        raise errors.validation("Conversion rate must be greater than zero", details)
    free(call, "price_units", "A price unit with this code already exists", body["code"], column="code")
    fields = {**body, "base_currency": body["base_currency"].lower()}
    return created(call.table("price_units").insert(call.stamp("price_unit", **fields)))


@route("GET", "/v1/prices/units/code/:code")
def get_unit_by_code(call: Call) -> Any:
    """One published unit by its code."""
    return _by_code(call, call.params["code"])


@route("DELETE", "/v1/prices/units/:id", permission="price_unit:write")
def delete_unit(call: Call) -> dict[str, str]:
    """Archive a unit that no price is given in."""
    row = UNITS.found(call, call.params["id"])
    if call.table("prices").first(call.environment, price_unit_id=row["id"], status="published"):
        raise errors.validation("This price unit is in use by prices", {"price_unit_id": row["id"]})
    call.touch(row, status="archived")
    return {"message": "Price unit archived successfully"}


def _by_code(call: Call, code: str) -> Row:
    row = call.table("price_units").first(call.environment, code=code, status="published")
    if row is None:
        raise errors.not_found(f"Price unit with code {code} was not found", {"code": code})
    return row


def priced(call: Call, price: dict[str, Any]) -> dict[str, Any]:
    """The fields that tell a price's unit; where it has one of its own, ``price`` gets its amount and tiers in money."""
    if price["price_unit_type"] != "CUSTOM":
        return {}
    config = price["price_unit_config"]
    if not config or not config["price_unit"]:
        raise errors.validation("price_unit_config is required for prices in a custom unit")
    if price["amount"] is not None or price["tiers"]:
        raise errors.validation("Prices in a custom unit take amount and tiers in price_unit_config only")
    unit = _by_code(call, config["price_unit"])
    if unit["base_currency"] != price["currency"].lower():
        details = {"currency": price["currency"], "base_currency": unit["base_currency"]}
        raise errors.validation("The price's currency is not the base currency of its unit", details)
    rate, amount, tiers = unit["conversion_rate"], config["amount"], config["price_unit_tiers"]
    price["amount"] = None if amount is None else amount * rate
    price["tiers"] = tiers and [_tier(tier, rate) for tier in tiers]
    own = amount if amount is not None and price["billing_model"] != "TIERED" else Decimal(0)
    shown = {
        "price_unit_type": "CUSTOM",
        "price_unit_id": unit["id"],
        "price_unit": unit["code"],
        "price_unit_amount": own,
        "display_price_unit_amount": unit["symbol"] + dec(own),
        "conversion_rate": rate,
    }
    return shown | ({"price_unit_tiers": tiers} if tiers else {})


def _tier(tier: dict[str, Any], rate: Decimal) -> dict[str, Any]:
    amounts = {name: tier[name] * rate for name in ("unit_amount", "flat_amount") if tier[name] is not None}
    return {**tier, **amounts}
