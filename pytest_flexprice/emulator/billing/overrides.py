"""Prices of a subscription's own in place of a plan's or an addon's (contract 11.2; recording deals_overrides).

Each override makes a price of ``entity_type`` SUBSCRIPTION that follows the first price of its line of successors; the line
item then points to it. Tiers only count together with a billing model that has tiers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ..kernel import errors, pricing_rules
from ..kernel.pricing_rules import MODELS, ROUNDINGS, TIER_MODES, display_amount
from ..kernel.render import dec
from ..kernel.tables import Row
from .line_items import default_quantity
from .rounding import ZERO
from .scope import Scope

Override = Mapping[str, Any]
FIELDS = (
    "quantity", "amount", "billing_model", "tier_mode", "tiers", "transform_quantity", "price_unit_amount",
    "price_unit_tiers",
)  # fmt: skip
_KEPT = (
    "currency", "price_unit_type", "price_unit_amount", "conversion_rate", "type", "billing_period",
    "billing_period_count", "display_name", "billing_cadence", "invoice_cadence", "trial_period_days", "meter_id",
    "description", "metadata",
)  # fmt: skip
_ONE_UNIT = {"divide_by": 1}


def check_once(given: Sequence[Override]) -> None:
    """Refuse two overrides of one price."""
    seen = set()
    for index, override in enumerate(given):
        if override["price_id"] in seen:
            details = {"index": index, "price_id": override["price_id"]}
            raise errors.validation("Each price can only be overridden once per subscription", details)
        seen.add(override["price_id"])


def apply(scope: Scope, row: Row, given: Sequence[Override], items: Mapping[str, Row]) -> None:
    """Give line items, found by the price they stand for, prices of their own.

    Raises :class:`errors.ApiError` for an override of a price that is not among them, or one that cannot be meant.
    """
    for override in given:
        item = items.get(override["price_id"])
        price = scope.need("prices", override["price_id"]) if item is not None else None
        check(override, price)
        if item is None or price is None:
            raise LookupError(override["price_id"])
        own = make(scope, row, price, override)
        quantity = override["quantity"]
        if quantity is not None:
            item["quantity"] = quantity or default_quantity(price)
        item.update(price_id=own["id"], display_name=own["display_name"])


def make(scope: Scope, row: Row, price: Row, override: Override) -> Row:
    """Store the price that an override makes of ``price``."""
    fields: dict[str, Any] = {name: price[name] for name in _KEPT if name in price}
    model = override["billing_model"] or price["billing_model"]
    config = pricing_rules.following(price, override)
    if config:
        own = {"price_unit_type": "CUSTOM", "price_unit_config": config, "amount": None, "tiers": None}
        override = {**override, **own, "currency": price["currency"], "billing_model": model}
        fields |= pricing_rules.priced(scope, override)
    fields |= {"billing_model": model, **_charge(model, price, override)}
    return scope.insert(
        "prices",
        "price",
        **fields,
        display_amount=display_amount(fields["amount"], price["currency"]),
        lookup_key="",
        environment_id=scope.environment,
        entity_type="SUBSCRIPTION",
        entity_id=row["id"],
        parent_price_id=price.get("parent_price_id") or price["id"],
        start_date=scope.now,
        sequence=scope.world.next("price"),
    )


def _charge(model: str, price: Row, override: Override) -> dict[str, Any]:
    """Amount, tiers and package of an override, for what it does not say those of the price."""
    mode = price.get("tier_mode")
    if model == "TIERED":
        mode = override["tier_mode"] or mode
        steps = pricing_rules.tiers(override["tiers"]) or price.get("tiers") or []
        return {
            "amount": ZERO,
            "tiers": steps,
            "transform_quantity": _ONE_UNIT,
            **({"tier_mode": mode} if mode else {}),
        }
    amount = price["amount"] if override["amount"] is None else override["amount"]
    package = _ONE_UNIT
    if model == "PACKAGE":
        given = override["transform_quantity"]
        package = {k: v for k, v in given.items() if v} if given else price.get("transform_quantity") or _ONE_UNIT
    return {"amount": amount, "transform_quantity": package, **({"tier_mode": mode} if mode else {})}


def check(override: Override, price: Row | None) -> None:
    """Refuse an override that cannot be meant; ``price`` is what it stands for, ``None`` for an unknown one."""
    if not any(override[name] not in (None, "", []) for name in FIELDS):
        raise errors.validation(
            "Specify at least one of: quantity, amount, billing_model, tier_mode, tiers, transform_quantity, "
            "price_unit_amount, or price_unit_tiers for price override"
        )
    for name in ("amount", "price_unit_amount"):
        if (override[name] or 0) < 0:
            raise errors.validation("Override amount cannot be negative", {name: dec(override[name])})
    check_quantity(override["quantity"])
    if price is None:
        message = (
            "Could not find the original price for the specified price ID. "
            "The price must exist in the plan to create an override"
        )
        raise errors.validation(message, {"price_id": override["price_id"]})
    pricing_rules.following(price, override)
    if price["type"] == "USAGE" and (override["quantity"] or 0) > 0:
        message = (
            "Quantity overrides are only allowed for fixed prices. "
            "Usage-based prices track quantity automatically from meter events"
        )
        raise errors.validation(message, {"price_id": price["id"], "price_type": "USAGE"})
    if override["billing_model"]:
        _check_model(override, price)
    errors.require_one_of(TIER_MODES, override["tier_mode"], "billing tier", "billing_tier")
    _check_package(override["transform_quantity"])


def check_quantity(quantity: Decimal | None) -> None:
    errors.refuse(quantity is not None and quantity < 0, "Quantity cannot be negative")


def _check_model(override: Override, price: Row) -> None:
    model = override["billing_model"]
    errors.require_one_of(MODELS, model, "billing model", "billing_model")
    details = {"price_id": price["id"], "price_unit_type": price["price_unit_type"]}
    tiers = override["tiers"] or override["price_unit_tiers"]
    if model == "TIERED":
        errors.refuse(not tiers, "Price tiers are required to set up tiered pricing", **details)
        errors.require_one_of(TIER_MODES, override["tier_mode"], "billing tier", "billing_tier")
        _check_tiers(tiers)
        return
    if model == "PACKAGE" and override["transform_quantity"] is None:
        raise errors.validation("Please provide the number of units to set up package pricing override")
    _check_package(override["transform_quantity"])
    if override["amount"] is None and override["price_unit_amount"] is None:
        words, units = model.lower().replace("_", " "), price["price_unit_type"].lower()
        raise errors.validation(f"Amount is required to set up {words} pricing with {units} pricing units", details)


def _check_tiers(given: Sequence[Mapping[str, Any]]) -> None:
    for index, tier in enumerate(given):
        for name in ("unit_amount", "flat_amount"):
            if (tier[name] or 0) < 0:
                details = {"tier_index": index, name: dec(tier[name])}
                raise errors.validation(f"Tier {name.replace('_', ' ')} cannot be negative", details)


def _check_package(package: Mapping[str, Any] | None) -> None:
    if package is None:
        return
    errors.refuse((package["divide_by"] or 0) <= 0, "Please provide a valid number of units to set up package pricing")
    if package["round"] and package["round"] not in ROUNDINGS:
        raise errors.validation("Invalid rounding type- allowed up and down", {"round": package["round"]})
