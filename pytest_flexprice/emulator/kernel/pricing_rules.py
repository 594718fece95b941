"""What a new price must be (contract 2.4; recordings prices, price_changes), and what one in a unit of a company's own is in money."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from . import errors
from .render import dec
from .scope import Scope
from .tables import Row

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

CURRENCY_LENGTH = 3

_SYMBOLS = {
    "usd": "$", "eur": "€", "gbp": "£", "aud": "AUS", "cad": "CAD", "jpy": "¥", "inr": "₹", "idr": "Rp", "sgd": "S$",
    "thb": "฿", "myr": "RM", "php": "₱", "vnd": "₫", "hkd": "HK$", "krw": "₩", "nzd": "NZ$", "brl": "R$", "clp": "CLP$",
    "cny": "CN¥",
}  # fmt: skip


def currency_code(given: str) -> str:
    """A currency as it is kept, in lower case; its length is all that is checked (recordings invoice_oneoff, prices)."""
    errors.refuse(len(given) != CURRENCY_LENGTH, f"Currency code must be {CURRENCY_LENGTH} characters long")
    return given.lower()


def display_amount(amount: Decimal, currency: str) -> str:
    """The amount behind the currency's symbol, or behind its code in capitals."""
    return _SYMBOLS.get(currency, currency.upper()) + dec(amount)


def tiers(given: Iterable[Mapping[str, Any]] | None) -> list[dict[str, Any]]:
    """The tiers of a request as a price keeps them."""
    return [
        {name: value for name, value in tier.items() if value is not None or name == "up_to"} for tier in given or ()
    ]


def published(price: Mapping[str, Any], currency: str, meter: Mapping[str, Any] | None, owner: str) -> dict[str, Any]:
    """What a price made of these bound request fields shows, before its dates; without a name it bears its meter's or owner's."""
    tiered = price["billing_model"] == "TIERED"
    amount = Decimal(0) if tiered or price["amount"] is None else price["amount"]
    package = price["transform_quantity"] if price["billing_model"] == "PACKAGE" else None
    minimum = price["min_quantity"]
    optional = {
        "tier_mode": price["tier_mode"] or None,
        "tiers": tiers(price["tiers"]) if tiered else None,
        "end_date": price["end_date"],
        "min_quantity": None if minimum is None else Decimal(minimum),
    }
    return {
        "amount": amount,
        "display_amount": display_amount(amount, currency),
        "currency": currency,
        "price_unit_type": "FIAT",
        **UNIT_FIELDS,
        **{name: price[name] for name in ("type", "billing_period", "billing_model", "invoice_cadence")},
        **{name: price[name] or "" for name in ("lookup_key", "description")},
        "billing_period_count": price["billing_period_count"] or 1,
        "display_name": price["display_name"] or (meter["name"] if meter else owner),
        "billing_cadence": "RECURRING",
        "trial_period_days": price["trial_period_days"] or 0,
        "meter_id": meter["id"] if meter else "",
        "transform_quantity": {name: value for name, value in (package or {"divide_by": 1}).items() if value},
        "metadata": price["metadata"] or {},
        **{name: value for name, value in optional.items() if value is not None},
    }


def check_price(price: dict[str, Any]) -> None:
    """Raise what the server answers to a price (bound request fields) that it does not take."""
    _check_words(price)
    _check_amounts(price)
    if price["type"] == "USAGE" and not price["meter_id"]:
        raise errors.validation("Please select a metered feature to set up usage pricing")
    if (price["trial_period_days"] or 0) < 0:
        details = {"trial_period_days": price["trial_period_days"]}
        raise errors.validation("Trial period days must be non-negative", details)
    if price["trial_period_days"] and price["billing_period"] == "ONETIME":  # so the API's own description
        raise errors.validation(
            "Trial period days are only applicable for recurring prices", {"billing_period": "ONETIME"}
        )
    if price["start_date"] and price["end_date"] and price["end_date"] < price["start_date"]:
        details = {"start_date": price["start_date"], "end_date": price["end_date"]}
        raise errors.validation("Start date must be before end date", details)
    if (price["min_quantity"] or 0) < 0:
        raise errors.validation("Minimum quantity cannot be negative", {"min_quantity": price["min_quantity"]})


def _check_words(price: dict[str, Any]) -> None:
    errors.require_one_of(UNITS, price["price_unit_type"], "price unit type", "price_unit_type")
    errors.require_one_of(ENTITIES, price["entity_type"], "entity type", "entity_type")
    errors.require_one_of(TYPES, price["type"], "price type", "type")
    if price["invoice_cadence"] not in CADENCES:
        raise errors.validation("Please provide a valid invoice cadence", {"allowed": list(CADENCES)})
    errors.require_one_of(MODELS, price["billing_model"], "billing model", "billing_model")
    if price["billing_period"] not in PERIODS:
        raise errors.validation("Invalid billing period", {"billing_period": price["billing_period"]})
    if (price["billing_period_count"] or 0) < 1:
        details = {"billing_period_count": price["billing_period_count"] or 0}
        raise errors.validation("Billing period count must be greater than 0", details)
    if price["type"] == "USAGE" and price["invoice_cadence"] == "ADVANCE":
        details = {"invoice_cadence": "ADVANCE", "price_type": "USAGE", "allowed": ["ARREAR"]}
        raise errors.validation("Please use ARREAR invoice cadence for USAGE price type", details)
    if price["billing_period"] == "ONETIME" and price["invoice_cadence"] == "ARREAR":
        raise errors.validation("One-time charges are always billed in advance")


def _check_amounts(price: dict[str, Any]) -> None:
    check_values(price)
    model = price["billing_model"]
    if model in ("FLAT_FEE", "PACKAGE") and price["amount"] is None:
        words = model.lower().replace("_", " ")
        raise errors.validation(f"Amount is required to set up {words} pricing with fiat pricing units")
    errors.refuse(model == "TIERED" and not price["tiers"], "Price tiers are required to set up tiered pricing")
    if model == "PACKAGE" and price["transform_quantity"] is None:
        raise errors.validation("Please provide the number of units to set up package pricing")
    if model == "PACKAGE" and (price["transform_quantity"]["divide_by"] or 0) <= 0:
        raise errors.validation("Please provide a valid number of units to set up package pricing")


def check_values(price: dict[str, Any]) -> None:
    """The checks of the values that a price may be changed to."""
    amount = price["amount"]
    errors.refuse(amount is not None and amount < 0, "Please provide a non-negative amount value", amount=amount)
    errors.require_one_of(TIER_MODES, price["tier_mode"], "billing tier", "billing_tier")
    for tier in price["tiers"] or []:
        if tier is None or tier["unit_amount"] is None:
            raise errors.validation("Unit amount is required to set up tiered pricing")
        errors.refuse(tier["unit_amount"] < 0, "Unit amount cannot be negative", unit_amount=tier["unit_amount"])
        errors.refuse((tier["flat_amount"] or 0) < 0, "Flat amount cannot be negative", flat_amount=tier["flat_amount"])
    rounding = (price["transform_quantity"] or {}).get("round")
    errors.refuse(rounding and rounding not in ROUNDINGS, "Invalid rounding type- allowed up and down", round=rounding)


OF_UNITS = ("price_unit_amount", "price_unit_tiers")


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
    changes = {name: given[name] for name in OF_UNITS if given[name] is not None}
    if old["price_unit_type"] != "CUSTOM":
        errors.refuse(changes, "This price is not in a custom unit", price_id=old["id"])
        return None
    errors.refuse(given["amount"] is not None or given["tiers"], "This price is in a custom unit", price_id=old["id"])
    return {
        "price_unit": old["price_unit"],
        "amount": changes.get("price_unit_amount", old["price_unit_amount"]),
        "price_unit_tiers": changes.get("price_unit_tiers", old.get("price_unit_tiers")),
    }
