"""What webhooks say about subscriptions, invoices, payments and wallets (contract 6.3)."""

from __future__ import annotations

from typing import Any

from ..delivery.bodies import shown
from ..delivery.publishing import webhook_body
from ..kernel.world import World
from . import views
from .scope import Work

_SUBSCRIPTION = (
    "id", "customer_id", "plan_id", "lookup_key", "subscription_status", "currency", "start_date", "end_date",
    "current_period_start", "current_period_end", "cancelled_at", "cancel_at", "cancel_at_period_end", "trial_start",
    "trial_end", "billing_cadence", "billing_period", "billing_period_count", "pause_status", "subscription_type",
    "parent_subscription_id", "metadata",
)  # fmt: skip


@webhook_body("invoice")
def full_invoice(world: World, environment: str, id: str) -> dict[str, Any] | None:
    """The whole invoice with lines, subscription, customer and an empty address of its document."""
    row = world.table("invoices").get(id, environment)
    if row is None:
        return None
    return {**views.full_invoice(Work.on(world, row), row), "invoice_pdf_url": ""}


@webhook_body("subscription")
def subscription_event(world: World, environment: str, id: str) -> dict[str, Any] | None:
    """A subscription in short, with its customer in short; no plan, no line items."""
    row = world.table("subscriptions").get(id, environment)
    if row is None:
        return None
    view = {key: row[key] for key in _SUBSCRIPTION if row.get(key) is not None}
    owner = world.table("customers").get(row["customer_id"], environment)
    if owner is not None:
        view["customer"] = shown("customer", owner)
    return view
