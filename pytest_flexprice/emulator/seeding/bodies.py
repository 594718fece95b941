"""From the parts of a canonical catalog to the requests that make them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from .subscribing import Row

_PRICE_FIELDS = (
    "type", "currency", "billing_period", "billing_period_count", "billing_model", "invoice_cadence", "amount",
    "tier_mode", "tiers", "min_quantity", "trial_period_days", "display_name", "lookup_key",
)  # fmt: skip
_ENTITLEMENT_FIELDS = (
    "feature_type", "is_enabled", "usage_limit", "usage_reset_period", "is_soft_limit", "static_value", "config_value",
)  # fmt: skip
_COUPON_FIELDS = (
    "name", "type", "cadence", "percentage_off", "amount_off", "currency", "coupon_code", "duration_in_periods",
    "max_redemptions",
)  # fmt: skip
_TAX_RATE_FIELDS = ("name", "code", "description", "tax_rate_type", "percentage_value", "fixed_value", "scope")


def meter(key: str, given: Row) -> dict[str, Any]:
    """A meter; one without a name is called by its feature's key."""
    names = ("field", "expression", "multiplier", "bucket_size", "group_by")
    filters = [{"key": one, "values": list(values)} for one, values in (given.get("filters") or {}).items()]
    return {
        "name": given.get("name") or key,
        "event_name": given["event_name"],
        "aggregation": {"type": given["aggregation"], **{name: given[name] for name in names if given.get(name)}},
        "reset_usage": given.get("reset_usage") or "BILLING_PERIOD",
        **({"filters": filters} if filters else {}),
    }


def price(given: Row) -> dict[str, Any]:
    """A price, without its owner, its meter and its start; bounds and counts are JSON numbers, which catalogs hold as text."""
    body = {"billing_period_count": 1, **{name: given[name] for name in _PRICE_FIELDS if given.get(name) is not None}}
    if body.get("tiers"):
        body["tiers"] = [
            {**tier, "up_to": None if tier["up_to"] is None else int(tier["up_to"])} for tier in body["tiers"]
        ]
    if "min_quantity" in body:
        body["min_quantity"] = int(body["min_quantity"])
    if given.get("divide_by"):
        body["transform_quantity"] = {"divide_by": int(given["divide_by"]), "round": given.get("round") or "up"}
    return body


def entitlement(plan_id: str, feature_id: str, given: Row) -> dict[str, Any]:
    """An entitlement of a plan."""
    known = {name: given[name] for name in _ENTITLEMENT_FIELDS if given.get(name) is not None}
    if "usage_limit" in known:
        known["usage_limit"] = int(known["usage_limit"])
    return {"entity_type": "PLAN", "entity_id": plan_id, "feature_id": feature_id, **known}


def coupon(given: Row) -> dict[str, Any]:
    return _given(given, _COUPON_FIELDS)


def tax_rate(given: Row) -> dict[str, Any]:
    return _given(given, _TAX_RATE_FIELDS)


def terms(plan: Row) -> dict[str, str]:
    """Currency and billing period of a plan, for rows that say neither: those of most of its recurring prices."""
    recurring = (price for price in plan.get("prices") or () if price.get("billing_period") != "ONETIME")
    counted = Counter((price["currency"], price["billing_period"]) for price in recurring)
    return dict(zip(("currency", "billing_period"), counted.most_common(1)[0][0], strict=True)) if counted else {}


def _given(row: Row, names: Iterable[str]) -> dict[str, Any]:
    """The fields of a row that a request takes, without those that say nothing."""
    return {name: row[name] for name in names if row.get(name) not in (None, "", "0")}
