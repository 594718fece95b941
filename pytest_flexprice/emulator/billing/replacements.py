"""A fresh invoice in the place of a voided one (contract 5.3; the API's own description, not recorded)."""

from __future__ import annotations

from ..kernel import errors
from ..kernel.tables import Row
from . import drafts, workflows
from .lines import Period
from .scope import Scope


def replace(scope: Scope, invoice: Row) -> None:
    """Make and compute, a moment later, a draft for the period of a voided invoice of a subscription.

    Raises :class:`errors.ApiError` for an invoice of another kind or status, and for one that was replaced already.
    """
    details = {"current_status": invoice["invoice_status"], "invoice_id": invoice["id"]}
    if invoice["invoice_status"] != "VOIDED" or invoice["invoice_type"] != "SUBSCRIPTION":
        raise errors.validation("Only voided subscription invoices can be recalculated", details)
    errors.refuse(invoice.get("recalculated_invoice_id"), "The invoice has been recalculated already", **details)
    subscription = scope.need("subscriptions", invoice["subscription_id"])
    period = Period(invoice["period_start"], invoice["period_end"])
    fresh = drafts.new_subscription_invoice(scope, subscription, invoice["billing_reason"], period)
    scope.touch(invoice, recalculated_invoice_id=fresh["id"])
    workflows.compute_later(scope, fresh["id"])
