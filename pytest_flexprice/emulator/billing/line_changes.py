"""Lines of a running subscription: one more, another price from a date on, the end of one (contract 11.2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..kernel import errors, pricing_rules
from ..kernel.catalog import find_meter
from ..kernel.pricing_rules import check_price, published
from ..kernel.tables import Row
from . import line_commitments, line_items, overrides, periods
from .line_items import Origin
from .scope import Scope

Given = Mapping[str, Any]
COSTLY = ("amount", "billing_model", "tier_mode", "tiers", "transform_quantity")


def add(scope: Scope, row: Row, given: Given) -> Row:
    """Give a subscription a line beside its plan's, by an existing price or by one made for it.

    Raises :class:`errors.ApiError` for a request that names none or both, or dates outside of the subscription.
    """
    check_new(row, given)
    if row["subscription_status"] != "active":
        details = {"subscription_id": row["id"], "status": row["subscription_status"]}
        raise errors.validation("Only active subscriptions can have line items added", details)
    own = given["price"]
    price = _inline(scope, row, own) if own else scope.named("prices", given["price_id"], any_status=True)
    promise = line_commitments.promise(scope, _as_agreed(given), price)
    when = line_items.span(row, price, given["start_date"], given["end_date"])
    quantity = line_items.default_quantity(price)
    if price["type"] != "USAGE":
        quantity = given["quantity"] or quantity
    item = line_items.add(
        scope,
        row,
        _origin(scope, row, price),
        price,
        when,
        quantity=quantity,
        display_name=given["display_name"] or price.get("display_name") or "",
        metadata=given["metadata"] or None,
        subscription_phase_id=given["subscription_phase_id"] or None,
        commitment=promise,
    )
    line_commitments.check_beside(row, line_items.of(scope, row))
    return item


def check_new(row: Mapping[str, Any], given: Given) -> None:
    """Refuse a new line, of a subscription with these dates, that cannot be meant."""
    if given["price_id"] and given["price"]:
        raise errors.validation("Provide either price_id (existing price) or price (inline price), not both.")
    if not given["price_id"] and not given["price"]:
        raise errors.validation("Provide either price_id (existing price) or price (inline price).")
    start, end = given["start_date"], given["end_date"]
    errors.refuse(start is not None and end is not None and start > end, "Start date cannot be after end date")
    if start is not None and start < row["start_date"]:
        details = {"start_date": start, "subscription_start": row["start_date"]}
        raise errors.validation("start_date must be on or after the subscription's start date.", details)
    if end is not None and row["end_date"] is not None and end > row["end_date"]:
        details = {"end_date": end, "subscription_end": row["end_date"]}
        message = "end_date must be on or before the subscription's end date when the subscription has an end date."
        raise errors.validation(message, details)
    overrides.check_quantity(given["quantity"])
    _check_commitment(given)


def _inline(scope: Scope, row: Row, given: Given) -> Row:
    """Store a price made for a subscription; it counts from the subscription's start unless dated."""
    given = {**given, "currency": row["currency"], "entity_type": "SUBSCRIPTION"}
    unit = pricing_rules.priced(scope, given)
    check_price({**given, "billing_period_count": given["billing_period_count"] or 1})
    meter = find_meter(scope, given["meter_id"]) if given["type"] == "USAGE" else None
    return scope.insert(
        "prices",
        "price",
        **published(given, row["currency"], meter, "") | unit,
        environment_id=scope.environment,
        entity_type="SUBSCRIPTION",
        entity_id=row["id"],
        start_date=given["start_date"] or row["start_date"],
        sequence=scope.world.next("price"),
    )


def _origin(scope: Scope, row: Row, price: Row) -> Origin:
    if price["entity_type"] == "PLAN":
        return Origin.plan(scope.need("plans", price["entity_id"]))
    if price["entity_type"] == "ADDON":
        return Origin.addon(scope.need("addons", price["entity_id"]))
    return Origin.subscription(row, price)


def _as_agreed(given: Given) -> dict[str, Any]:
    """The commitment of a line's request by the names of a subscription's."""
    return {
        **{name: given[name] for name in ("commitment_amount", "commitment_quantity", "commitment_type")},
        "overage_factor": given["commitment_overage_factor"],
        "enable_true_up": given["commitment_true_up_enabled"],
        "is_window_commitment": given["commitment_windowed"],
    }


def _check_commitment(given: Given) -> None:
    if given["commitment_time_buckets"]:
        raise errors.not_implemented("commitment_time_buckets")
    reason = line_commitments.wrong(_as_agreed(given))
    if reason:
        raise errors.validation(_WORDS[reason])


_WORDS = {
    "cannot set both commitment_amount and commitment_quantity": (
        "Specify either commitment_amount or commitment_quantity, not both"
    ),
    "invalid commitment_type": "Commitment type must be either 'amount' or 'quantity'",
    "commitment_type mismatch": "When commitment_amount is set, commitment_type must be 'amount'",
    "overage_factor is required when commitment is set": "Specify a commitment_overage_factor of 1.0 or greater",
    "overage_factor must be at least 1.0": "Overage factor determines the multiplier for usage beyond commitment",
}


def change(scope: Scope, item: Row, given: Given) -> Row:
    """Change a line: what costs ends it and starts another at the effective date, the rest changes it in place.

    Raises :class:`errors.ApiError` when the subscription does not run, or the date is before the line's start.
    """
    agreed = line_commitments.read(_as_agreed(given))
    costly = agreed is not None or any(given[name] not in (None, "", []) for name in COSTLY)
    if given["effective_from"] is not None and not costly:
        message = (
            "When providing effective_from, you must also provide one of: amount, billing_model, tier_mode, tiers, "
            "transform_quantity, or commitment fields"
        )
        raise errors.validation(message)
    _check_commitment(given)
    row = scope.need("subscriptions", item["subscription_id"])
    if row["subscription_status"] != "active":
        details = {"subscription_id": row["id"], "status": row["subscription_status"]}
        raise errors.validation("Only active subscriptions can have line items updated", details)
    moment = given["effective_from"] or scope.now
    if moment < item["start_date"]:
        details = {"line_item_id": item["id"], "start_date": item["start_date"], "effective_from": moment}
        message = "The effective date for terminating this line item cannot be before the line item's start date"
        raise errors.validation(message, details)
    if costly:
        return _succeed(scope, row, item, {**given, "_commitment": agreed or item["_commitment"]}, moment)
    if given["metadata"] is not None:
        scope.touch(item, metadata=given["metadata"])
    return item


def _succeed(scope: Scope, row: Row, item: Row, given: Given, moment: datetime) -> Row:
    """End ``item`` at ``moment`` and store the line that follows it."""
    _check_end(item, moment)
    price = scope.need("prices", item["price_id"])
    override = {**dict.fromkeys(overrides.FIELDS), "price_id": price["id"], **{name: given[name] for name in COSTLY}}
    overrides.check({**override, "quantity": item["quantity"]}, price)
    price = overrides.make(scope, row, price, override)
    promise = given["_commitment"]
    copied = ("quantity", "subscription_phase_id", "addon_association_id", "plan_display_name")
    fields = {
        **{name: item[name] for name in copied},
        "metadata": item["metadata"] if given["metadata"] is None else given["metadata"],
    }
    origin = Origin(item["entity_type"], item["entity_id"], item["plan_display_name"])
    until = item["end_date"]
    scope.touch(item, end_date=moment)
    return line_items.add(scope, row, origin, price, line_items.Span(moment, until), commitment=promise, **fields)


def _check_end(item: Row, moment: datetime) -> None:
    end = item["end_date"]
    if end is None or (item["billing_period"] != periods.ONETIME and moment <= end):
        return
    details = {"line_item_id": item["id"], "end_date": end, "new_date": moment}
    raise errors.validation("This line item's end date cannot be moved to the requested date", details)


def end(scope: Scope, item: Row, moment: datetime | None) -> Row:
    """Let a line end, now or at ``moment``.

    Raises :class:`errors.ApiError` for a date before its start or after the end that it has.
    """
    moment = moment or scope.now
    if moment < item["start_date"]:
        details = {"line_item_id": item["id"], "start_date": item["start_date"], "effective_from": moment}
        raise errors.validation("The effective from date must be on or after the line item's start date", details)
    _check_end(item, moment)
    scope.touch(item, end_date=moment)
    return item
