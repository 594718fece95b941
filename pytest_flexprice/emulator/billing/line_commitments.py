"""What may be promised for one line item, by amount or by quantity (contract 2.4, 11.2; recording deals_phases)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..kernel import errors
from ..kernel.render import dec
from ..kernel.tables import Row
from .commitment import LineCommitment
from .pricing import number
from .rounding import ONE
from .scope import Scope

KINDS = ("amount", "quantity")


def check_all(given: Mapping[str, Mapping[str, Any] | None] | None) -> None:
    """Refuse commitments, by price, that cannot be meant."""
    for price_id, agreed in (given or {}).items():
        errors.refuse(not price_id, "Each entry in line_item_commitments must have a valid price_id as the key")
        if agreed is None:
            message = f"Commitment configuration for price_id {price_id} cannot be nil"
            raise errors.validation(message, {"price_id": price_id})
        if agreed["commitment_time_buckets"]:
            raise errors.not_implemented("commitment_time_buckets")
        reason = wrong(agreed)
        errors.refuse(reason, "Line item commitment validation failed", error=reason, price_id=price_id)


def wrong(agreed: Mapping[str, Any]) -> str:
    """Why a commitment cannot be meant; empty when it can."""
    amount, quantity = _positive(agreed, "commitment_amount"), _positive(agreed, "commitment_quantity")
    kind, factor = agreed["commitment_type"], agreed["overage_factor"]
    if not amount and not quantity:
        return ""
    if amount and quantity:
        return "cannot set both commitment_amount and commitment_quantity"
    if kind and kind not in KINDS:
        return "invalid commitment_type"
    if kind and kind != ("amount" if amount else "quantity"):
        return "commitment_type mismatch"
    if factor is None:
        return "overage_factor is required when commitment is set"
    return "overage_factor must be at least 1.0" if factor < ONE else ""


def _positive(agreed: Mapping[str, Any], name: str) -> bool:
    return agreed[name] is not None and agreed[name] > 0


def read(agreed: Mapping[str, Any] | None) -> LineCommitment | None:
    """What a request agrees on, whatever the line."""
    if agreed is None or not (_positive(agreed, "commitment_amount") or _positive(agreed, "commitment_quantity")):
        return None
    quantity, factor = number(agreed["commitment_quantity"]), number(agreed["overage_factor"]) or ONE
    kind = agreed["commitment_type"] or ("quantity" if quantity else "amount")
    flags = bool(agreed["enable_true_up"]), bool(agreed["is_window_commitment"])
    return LineCommitment(kind, number(agreed["commitment_amount"]), quantity, factor, *flags)


def promise(scope: Scope, agreed: Mapping[str, Any] | None, price: Row) -> LineCommitment | None:
    """The commitment that a line of ``price`` carries.

    Raises :class:`errors.ApiError` when the line has no usage, or its meter no buckets for a commitment by window.
    """
    found = read(agreed)
    if found is not None:
        words = "Line item must have price_type='usage' to use commitment pricing"
        errors.refuse(price["type"] != "USAGE", words, price_type=price["type"])
    if found is not None and found.windowed:
        own = scope.need("meters", price["meter_id"])["aggregation"]
        details = {"meter_id": price["meter_id"], "aggregation_type": own["type"], "bucket_size": ""}
        words = "Configure bucket_size on the meter to use window-based commitment"
        errors.refuse(not own.get("bucket_size"), words, **details)
    return found


def check_beside(row: Row, items: list[Row]) -> None:
    """Refuse commitments of lines beside one of the subscription itself."""
    if not number(row["commitment_amount"]) or number(row["overage_factor"]) <= ONE:
        return
    for item in items:
        if item["_commitment"] is not None:
            details = {
                "subscription_id": row["id"],
                "subscription_commitment": dec(number(row["commitment_amount"])),
                "line_item_id": item["id"],
                "line_item_commitment_amount": item["commitment_amount"],
                "line_item_commitment_quantity": item["commitment_quantity"],
            }
            message = "Use either subscription-level commitment or line-item-level commitment, not both"
            raise errors.validation(message, details)
