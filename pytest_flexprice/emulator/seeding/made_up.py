"""A catalog made up from what a plan says beside it, where the signed-off one is a live environment or not decided yet.

It sells every event for one unit of money and every fee that customers have for another, so that everything but the catalog itself can
be rehearsed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_flexprice.model.cell_values import pairs
from pytest_flexprice.model.golive_plan import Environment, EventKind, GoLivePlan

Row = Mapping[str, str]
_USUAL = ("usd", "MONTHLY")
_FLAT = {"billing_model": "FLAT_FEE", "billing_period_count": 1}
_NAMED = ("price_overrides", "quantity")
_UNNAMED_FEE = "Fee"


def made_up(plan: GoLivePlan, own: Environment | None, rows: Iterable[Row]) -> dict[str, Any]:
    """The catalog, in the form of a snapshot; ``own`` is the environment that is rehearsed, ``rows`` are its customers."""
    events = [event for event in plan.events if not event.unbilled]
    features = {event.name.strip(): _feature(event) for event in events}
    terms: dict[str, set[tuple[str, str]]] = {key: {_usual(own)} for key in _tested(own)}
    fees: dict[str, set[str]] = {}
    codes: set[str] = set()
    for row in rows:
        codes.update(filter(None, (row.get("coupon") or "").split("; ")))
        key = row.get("plan")
        if key:
            currency, period = row.get("currency") or _usual(own)[0], row.get("billing_period") or _usual(own)[1]
            terms.setdefault(key, set()).add((currency, period))
            fees.setdefault(key, set()).update(_fees(row, features))
    extras: dict[str, Any] = {"addons": {}, "tax_rates": {}, "price_units": {}, "settings": {}}
    extras["coupons"] = {code: coupon(code) for code in sorted(codes)}
    return {
        "flexprice_catalog": 1,
        "features": features,
        "plans": {key: _plan(key, features, sorted(sold), sorted(fees.get(key, ()))) for key, sold in terms.items()},
        "extras": extras,
    }


def coupon(code: str) -> dict[str, Any]:
    """A coupon of which only the code is known: it takes off a tenth."""
    return {"name": code, "coupon_code": code, "type": "percentage", "percentage_off": "10", "cadence": "forever"}


def _tested(own: Environment | None) -> list[str]:
    if own is None:
        return []
    several = own.test_plans if isinstance(own.test_plans, tuple) else ()
    return [key for key in (own.test_plan, *several) if key]


def _usual(own: Environment | None) -> tuple[str, str]:
    """Currency and billing period where no row says another."""
    given = (own.test_currency, own.test_billing_period or "") if own else ("", "")
    return given[0] or _USUAL[0], given[1] or _USUAL[1]


def _fees(row: Row, features: Mapping[str, Any]) -> set[str]:
    """The fees that a customer's deal names, "" being the only one."""
    named = {name for column in _NAMED for name in pairs(row.get(column) or "")}
    return {name or _UNNAMED_FEE for name in named if name not in features}


def _feature(event: EventKind) -> dict[str, Any]:
    number = next((name for name, kind in event.properties.items() if kind == "number"), "")
    counted = {"aggregation": "SUM", "field": number} if number else {"aggregation": "COUNT"}
    meter = {"event_name": event.name.strip(), "reset_usage": "BILLING_PERIOD", "status": "published", **counted}
    return {"name": event.name.strip(), "type": "metered", "meter": meter}


def _plan(
    key: str, features: Mapping[str, Any], sold: Iterable[tuple[str, str]], fees: Iterable[str]
) -> dict[str, Any]:
    prices = [
        {**price, "currency": currency, "billing_period": period}
        for currency, period in sold
        for price in [*map(_usage, features), *map(_fee, fees)]
    ]
    return {"name": key, "prices": prices, "entitlements": {}}


def _usage(name: str) -> dict[str, Any]:
    return {**_FLAT, "type": "USAGE", "invoice_cadence": "ARREAR", "amount": "1", "feature": name, "event_name": name}


def _fee(name: str) -> dict[str, Any]:
    return {**_FLAT, "type": "FIXED", "invoice_cadence": "ADVANCE", "amount": "10", "display_name": name}
