"""The order in which the real server writes an invoice's fields; native webhooks show it (recordings of invoices)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_INVOICE = (
    "id customer_id subscription_id subscription_customer_id invoice_type invoice_status payment_status currency"
    " amount_due amount_paid subtotal total total_discount amount_remaining invoice_number idempotency_key"
    " billing_sequence description due_date paid_at voided_at billing_period finalized_at issue_date last_computed_at"
    " period_start period_end invoice_pdf_url billing_reason metadata version environment_id adjustment_amount"
    " refunded_amount total_tax total_prepaid_credits_applied is_manually_edited tenant_id status created_at updated_at"
    " created_by updated_by subscription customer taxes line_items coupon_applications"
)
_LINE = (
    "id invoice_id customer_id subscription_id entity_id entity_type plan_display_name price_id price_type meter_id"
    " meter_display_name price_unit_amount display_name amount quantity currency period_start period_end metadata"
    " environment_id prepaid_credits_applied line_item_discount invoice_level_discount adjusted_entitlement_quantity"
    " subscription_line_item_id tenant_id status created_at updated_at created_by updated_by"
)
_RANKS = {text: {name: rank for rank, name in enumerate(text.split())} for text in (_INVOICE, _LINE)}


def invoice_in_order(fields: Mapping[str, Any]) -> dict[str, Any]:
    """An invoice with its fields, and those of its lines, in the server's order; unknown ones come last."""
    ordered = _ordered(fields, _INVOICE)
    if isinstance(ordered.get("line_items"), list):
        ordered["line_items"] = [_ordered(line, _LINE) for line in ordered["line_items"]]
    return ordered


def maps_sorted(value: Any) -> Any:
    """A body whose ``metadata`` objects are sorted by key, as Go writes maps."""
    if isinstance(value, Mapping):
        return {
            name: dict(sorted(item.items())) if name == "metadata" and isinstance(item, Mapping) else maps_sorted(item)
            for name, item in value.items()
        }
    return [maps_sorted(item) for item in value] if isinstance(value, list) else value


def _ordered(fields: Mapping[str, Any], names: str) -> dict[str, Any]:
    ranks = _RANKS[names]
    return {name: fields[name] for name in sorted(fields, key=lambda name: ranks.get(name, len(ranks)))}
