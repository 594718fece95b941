"""What may be promised for one line item, by amount or by quantity (contract 2.4, 11.2; recording deals_phases)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..kernel import errors
from ..kernel.render import dec
from ..kernel.tables import Row
from .commitment import LineCommitment
from .pricing import number
from .rounding import ONE, ZERO
from .scope import Scope

KINDS = ("amount", "quantity")


def check_all(given: Mapping[str, Mapping[str, Any] | None] | None) -> None:
    """Refuse commitments, by price, that cannot be meant."""
    for price_id, agreed in (given or {}).items():
        if not price_id:
            raise errors.validation("Each entry in line_item_commitments must have a valid price_id as the key")
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


def promise(scope: Scope, agreed: Mapping[str, Any] | None, price: Row) -> LineCommitment | None:
    """The commitment that a line of ``price`` carries.

    Raises :class:`errors.ApiError` when the line has no usage, or its meter no buckets for a commitment by window.
    """
    if agreed is None or not (_positive(agreed, "commitment_amount") or _positive(agreed, "commitment_quantity")):
        return None
    if price["type"] != "USAGE":
        message = "Line item must have price_type='usage' to use commitment pricing"
        raise errors.validation(message, {"price_type": price["type"]})
    windowed = bool(agreed["is_window_commitment"])
    if windowed:
        _require_buckets(scope.need("meters", price["meter_id"]))
    quantity = agreed["commitment_quantity"]
    kind = agreed["commitment_type"] or ("quantity" if quantity else "amount")
    factor = number(agreed["overage_factor"]) or ONE
    amount = number(agreed["commitment_amount"])
    return LineCommitment(kind, amount, number(quantity) or ZERO, factor, bool(agreed["enable_true_up"]), windowed)


def _require_buckets(meter: Row) -> None:
    own = meter["aggregation"]
    if not own.get("bucket_size"):
        details = {"meter_id": meter["id"], "aggregation_type": own["type"], "bucket_size": ""}
        message = "Configure bucket_size on the meter to use window-based commitment"
        raise errors.validation(message, details)


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
