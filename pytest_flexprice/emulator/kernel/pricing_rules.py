"""What a new price must be (contract 2.4; recordings prices, price_changes)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from . import errors
from .render import dec

TYPES = ("USAGE", "FIXED")
MODELS = ("FLAT_FEE", "PACKAGE", "TIERED")
CADENCES = ("ARREAR", "ADVANCE")
TIER_MODES = ("VOLUME", "SLAB")
PERIODS = ("MONTHLY", "ANNUAL", "WEEKLY", "DAILY", "QUARTERLY", "HALF_YEARLY", "ONETIME")
ENTITIES = ("PLAN", "SUBSCRIPTION", "ADDON", "COSTSHEET")
UNITS = ("FIAT", "CUSTOM")
ROUNDINGS = ("up", "down")

UNIT_FIELDS = {"price_unit_amount": "0", "conversion_rate": "1"}
"""What a price in money says of units."""

_SYMBOLS = {
    "usd": "$",
    "eur": "€",
    "gbp": "£",
    "aud": "AUS",
    "cad": "CAD",
    "jpy": "¥",
    "inr": "₹",
    "idr": "Rp",
    "sgd": "S$",
    "thb": "฿",
    "myr": "RM",
    "php": "₱",
    "vnd": "₫",
    "hkd": "HK$",
    "krw": "₩",
    "nzd": "NZ$",
    "brl": "R$",
    "clp": "CLP$",
    "cny": "CN¥",
}


def display_amount(amount: Decimal, currency: str) -> str:
    """The amount behind the currency's symbol, or behind its code in capitals."""
    return _SYMBOLS.get(currency, currency.upper()) + dec(amount)


def tiers(given: Iterable[Mapping[str, Any]] | None) -> list[dict[str, Any]]:
    """The tiers of a request as a price keeps them; without an amount a unit costs nothing."""
    return [
        {
            "up_to": tier["up_to"],
            "unit_amount": tier["unit_amount"] or Decimal(0),
            **({"flat_amount": tier["flat_amount"]} if tier.get("flat_amount") is not None else {}),
        }
        for tier in given or ()
    ]


def published(price: Mapping[str, Any], currency: str, meter: Mapping[str, Any] | None, owner: str) -> dict[str, Any]:
    """What a price made of these bound request fields shows, before its dates; without a name it bears its meter's or owner's."""
    amount = Decimal(0) if price["amount"] is None else price["amount"]
    minimum = price["min_quantity"]
    optional = {
        "tier_mode": price["tier_mode"] or None,
        "tiers": tiers(price["tiers"]) or None,
        "end_date": price["end_date"],
        "min_quantity": None if minimum is None else Decimal(minimum),
    }
    return {
        "amount": amount,
        "display_amount": display_amount(amount, currency),
        "currency": currency,
        "price_unit_type": "FIAT",
        **UNIT_FIELDS,
        "type": price["type"],
        "billing_period": price["billing_period"],
        "billing_period_count": price["billing_period_count"] or 1,
        "billing_model": price["billing_model"],
        "display_name": price["display_name"] or (meter["name"] if meter else owner),
        "billing_cadence": "RECURRING",
        "invoice_cadence": price["invoice_cadence"],
        "trial_period_days": price["trial_period_days"] or 0,
        "meter_id": meter["id"] if meter else "",
        "lookup_key": price["lookup_key"] or "",
        "description": price["description"] or "",
        "transform_quantity": {
            name: value for name, value in (price["transform_quantity"] or {"divide_by": 1}).items() if value
        },
        "metadata": price["metadata"] or {},
        **{name: value for name, value in optional.items() if value is not None},
    }


def check_price(price: dict[str, Any]) -> None:
    """Raise what the server answers to a price (bound request fields) that it does not take."""
    check_request(price)
    check_values(price)


def check_request(price: dict[str, Any]) -> None:
    """What is refused before anybody asks whose price it is."""
    _check_words(price)
    _check_amounts(price)
    usage, once = price["type"] == "USAGE", price["billing_period"] == "ONETIME"
    if usage and not price["meter_id"]:
        raise errors.validation("Please select a metered feature to set up usage pricing")
    if usage and price["min_quantity"] is not None:
        raise errors.validation("Only a fixed price has a minimum quantity")
    if once and price["invoice_cadence"] == "ARREAR":
        raise errors.validation("One-time charges are always billed in advance")
    trial = price["trial_period_days"] or 0
    if trial < 0:
        raise errors.validation("Trial period days must be non-negative")
    if trial and (once or usage):
        raise errors.validation("Only a recurring fixed price has trial period days")
    if price["start_date"] and price["end_date"] and price["end_date"] < price["start_date"]:
        raise errors.validation("Start date must be before end date")


def _check_words(price: dict[str, Any]) -> None:
    if (price["billing_period_count"] or 0) < 1:
        details = {"billing_period_count": price["billing_period_count"] or 0}
        raise errors.validation("Billing period count must be greater than 0", details)
    if price["type"] not in TYPES:
        raise errors.validation("Invalid price type", {"type": price["type"], "allowed": list(TYPES)})
    if price["billing_model"] not in MODELS:
        details = {"billing_model": price["billing_model"], "allowed": list(MODELS)}
        raise errors.validation("Invalid billing model", details)
    if price["billing_period"] not in PERIODS:
        raise errors.validation("Invalid billing period", {"billing_period": price["billing_period"]})
    if price["invoice_cadence"] not in CADENCES:
        raise errors.validation("Please provide a valid invoice cadence", {"allowed": list(CADENCES)})
    if price["entity_type"] not in ENTITIES:
        details = {"entity_type": price["entity_type"], "allowed": list(ENTITIES)}
        raise errors.validation("Invalid entity type", details)
    unit = price["price_unit_type"] or "FIAT"
    if unit not in UNITS:
        raise errors.validation("Invalid price unit type", {"price_unit_type": unit, "allowed": list(UNITS)})


def _check_amounts(price: dict[str, Any]) -> None:
    model, package = price["billing_model"], price["transform_quantity"]
    if model == "TIERED" and not price["tiers"]:
        raise errors.validation("Price tiers are required to set up tiered pricing")
    if model == "TIERED":
        _check_tiers(price["tiers"])
    if model == "PACKAGE" and package is None:
        raise errors.validation("Please provide the number of units to set up package pricing")
    if model == "PACKAGE" and (package["divide_by"] or 0) < 1:
        details = {"divide_by": package["divide_by"] or 0}
        raise errors.validation("Please provide a valid number of units to set up package pricing", details)
    rounding = package["round"] if model == "PACKAGE" else None
    if rounding and rounding not in ROUNDINGS:
        raise errors.validation("Invalid rounding type", {"round_type": rounding, "allowed": list(ROUNDINGS)})
    if model in ("FLAT_FEE", "PACKAGE") and price["amount"] is None:
        words = model.lower().replace("_", " ")
        raise errors.validation(f"Amount is required to set up {words} pricing with fiat pricing units")


def _check_tiers(given: Iterable[Mapping[str, Any]]) -> None:
    for index, tier in enumerate(given):
        for name in ("unit_amount", "flat_amount"):
            if (tier[name] or 0) < 0:
                details = {name: dec(tier[name]), "tier_index": index, "field_name": "tiers"}
                raise errors.validation(f"{name.replace('_', ' ').capitalize()} cannot be negative", details)


def check_values(price: dict[str, Any]) -> None:
    """What is refused of a price whose owner is known."""
    amount = price["amount"]
    if amount is not None and amount < 0:
        raise errors.validation("Please provide a non-negative amount value", {"amount": dec(amount)})
    if price["type"] == "USAGE" and price["invoice_cadence"] == "ADVANCE":
        details = {"invoice_cadence": "ADVANCE", "price_type": "USAGE", "allowed": ["ARREAR"]}
        raise errors.validation("Please use ARREAR invoice cadence for USAGE price type", details)
    if (price["min_quantity"] or 0) < 0:
        raise errors.validation("Minimum quantity cannot be negative")
    mode = price["tier_mode"]
    if mode and mode not in TIER_MODES:
        raise errors.validation("Invalid billing tier", {"allowed": list(TIER_MODES), "billing_tier": mode})
