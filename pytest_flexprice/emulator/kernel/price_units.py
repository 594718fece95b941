"""Prices in units of a company's own: what they are in money, and what follows them (by the API's description)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from . import errors
from .render import dec
from .scope import Scope
from .tables import Row

FIELDS = ("price_unit_amount", "price_unit_tiers")


def by_code(scope: Scope, code: str) -> Row:
    """The published unit of that code; else 404."""
    return scope.keyed("price_units", f"Price unit with code {code} was not found", code=code)


def priced(scope: Scope, price: dict[str, Any]) -> dict[str, Any]:
    """The fields that tell a price's unit; where it has one of its own, ``price`` gets its amount and tiers in money."""
    if price["price_unit_type"] != "CUSTOM":
        return {}
    config = price["price_unit_config"]
    errors.refuse(not config or not config["price_unit"], "price_unit_config is required for prices in a custom unit")
    if price["amount"] is not None or price["tiers"]:
        raise errors.validation("Prices in a custom unit take amount and tiers in price_unit_config only")
    unit = by_code(scope, config["price_unit"])
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


def following(old: Row, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """The amounts of what follows a price in a unit, which is in the same one; none for prices in money."""
    changes = {name: given[name] for name in FIELDS if given[name] is not None}
    if old["price_unit_type"] != "CUSTOM":
        errors.refuse(changes, "This price is not in a custom unit", price_id=old["id"])
        return None
    errors.refuse(given["amount"] is not None or given["tiers"], "This price is in a custom unit", price_id=old["id"])
    return {
        "price_unit": old["price_unit"],
        "amount": changes.get("price_unit_amount", old["price_unit_amount"]),
        "price_unit_tiers": changes.get("price_unit_tiers", old.get("price_unit_tiers")),
    }
