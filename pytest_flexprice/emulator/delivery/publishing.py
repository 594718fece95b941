"""What is published, and how its body is built when it is sent.

A part of the emulator that owns a kind of object registers its body::

    @webhook_body("invoice")
    def body(world, environment, id): ...

The builder runs at delivery, so a late webhook shows the object's later state (contract 6.3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..kernel import render
from ..kernel.world import World

Builder = Callable[["World", str, str], "Mapping[str, Any] | None"]
"""``(world, environment, id)`` to the object's fields in the server's own order; ``None`` when it is not there."""

BODIES: dict[str, Builder] = {}
_KEYS = {"wallet.transaction.created": "transaction", "wallet.transaction.updated": "updated_transaction"}
"""The object's key in the body, where it is not the kind."""


def webhook_body(kind: str) -> Callable[[Builder], Builder]:
    """Register the builder for objects of ``kind``, which is also their key in the body."""

    def register(builder: Builder) -> Builder:
        BODIES[kind] = builder
        return builder

    return register


@dataclass
class Event:
    """One thing that happened to an object and has to be told; the real server keeps it as a system event."""

    id: str
    tenant: str
    environment: str
    name: str
    kind: str
    object_id: str
    at: datetime
    done: bool = False
    failures: int = 0
    queued: bool = False


def body_of(world: World, event: Event) -> bytes | None:
    """The body as the server writes it, ``{"event_type": …, kind: {…}}``; ``None`` while the object is not there."""
    builder = BODIES.get(event.kind)
    fields = builder(world, event.environment, event.object_id) if builder else None
    if fields is None:
        return None
    shown = invoice_in_order(fields) if event.kind == "invoice" else dict(fields)
    return render.to_json({"event_type": event.name, _KEYS.get(event.name, event.kind): maps_sorted(shown)})


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
