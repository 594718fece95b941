"""What webhooks say about subscriptions, invoices, payments and wallets (contract 6.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..delivery.publishing import webhook_body
from ..kernel.tables import Row
from . import views
from .scope import Scope, Work

if TYPE_CHECKING:
    from ..kernel.world import World

_SUBSCRIPTION = (
    "id", "customer_id", "plan_id", "lookup_key", "subscription_status", "currency", "start_date", "end_date",
    "current_period_start", "current_period_end", "cancelled_at", "cancel_at", "cancel_at_period_end", "trial_start",
    "trial_end", "billing_cadence", "billing_period", "billing_period_count", "pause_status", "subscription_type",
    "metadata",
)  # fmt: skip
_CUSTOMER = ("id", "external_id", "environment_id", "name", "email", "timezone")


def _scope(world: World, row: Row) -> Scope:
    return Work.on(world, row)


@webhook_body("invoice")
def full_invoice(world: World, environment: str, id: str) -> dict[str, Any] | None:
    """The whole invoice with lines, subscription, customer and an empty address of its document."""
    row = world.table("invoices").get(id, environment)
    if row is None:
        return None
    view = views.full_invoice(_scope(world, row), row)
    return _before(view, "billing_reason", invoice_pdf_url="")


def _before(view: dict[str, Any], mark: str, **added: Any) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in view.items():
        if key == mark:
            out.update(added)
        out[key] = value
    return {**added, **out} if mark not in view else out


@webhook_body("subscription")
def subscription_event(world: World, environment: str, id: str) -> dict[str, Any] | None:
    """A subscription in short, with its customer in short; no plan, no line items."""
    row = world.table("subscriptions").get(id, environment)
    if row is None:
        return None
    view = {key: row[key] for key in _SUBSCRIPTION if row.get(key) is not None}
    customer = world.table("customers").get(row["customer_id"], environment)
    if customer is not None:
        view["customer"] = {key: customer[key] for key in _CUSTOMER if customer.get(key)}
    return view
