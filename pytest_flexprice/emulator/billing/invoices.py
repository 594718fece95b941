"""What happens to an invoice after the draft: finalizing, paying, voiding (contract 5.3, 5.5)."""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import Any

from ..kernel import errors
from ..kernel.resource import holds_at
from ..kernel.tables import Row
from . import config, tax, wallets
from .drafts import compute, set_total
from .pricing import number
from .rounding import ZERO
from .scope import Scope

_PAYABLE = ("DRAFT", "FINALIZED")
_VOIDABLE = ("DRAFT", "FINALIZED", "SKIPPED")
_TRANSITIONS = {
    "PENDING": ("PENDING", "SUCCEEDED", "OVERPAID", "FAILED"),
    "FAILED": ("PENDING", "FAILED", "SUCCEEDED", "OVERPAID"),
    "SUCCEEDED": ("SUCCEEDED", "OVERPAID"),
}
_PAID = ("SUCCEEDED", "OVERPAID")


def by_id(scope: Scope, identifier: str) -> Row:
    """An invoice of any status; 404 otherwise."""
    return scope.found("invoices", identifier, f"invoice {identifier} not found", {"id": identifier}, any_status=True)


def finalize(scope: Scope, invoice: Row) -> None:
    """Freeze a draft: credits, taxes, number, webhook. A SKIPPED one stays as it is, without a word.

    Raises :class:`errors.ApiError` for every other status.
    """
    if invoice["invoice_status"] == "SKIPPED":
        return
    errors.refuse(invoice["invoice_status"] != "DRAFT", "invoice must be in draft status to be finalized")
    steps = 1
    if invoice["_lines"] and invoice["invoice_type"] == "SUBSCRIPTION":
        _deduct(scope, invoice)
        steps = 3  # credits and taxes are saved by themselves
    elif invoice["_tax_rates"]:
        _deduct(scope, invoice)
    now = scope.now
    trial = invoice["billing_reason"] == "SUBSCRIPTION_TRIAL_START"
    if invoice["total"] == 0 and not trial:
        invoice["payment_status"] = "SUCCEEDED"
    scope.touch(
        invoice,
        invoice_status="FINALIZED",
        invoice_number=config.invoice_number(scope),
        finalized_at=now,
        version=invoice["version"] + steps,
        _compute_at=None,
    )
    scope.publish("invoice.update.finalized", invoice)


def close(scope: Scope, invoice: Row) -> None:
    """Compute and finalize in one go, as opening and final invoices are."""
    compute(scope, invoice)
    finalize(scope, invoice)


def _deduct(scope: Scope, invoice: Row) -> None:
    taxable = number(invoice["subtotal"]) - number(invoice["total_discount"])
    invoice["_taxes"] = [_kept(scope, invoice, rate, taxable) for rate in rates_of(scope, invoice)]
    invoice["total_tax"] = sum((entry["tax_amount"] for entry in invoice["_taxes"]), ZERO)
    if invoice["invoice_type"] == "SUBSCRIPTION":
        invoice["total_prepaid_credits_applied"] = wallets.apply_credits(scope, invoice)
    set_total(invoice)


def rates_of(scope: Scope, invoice: Row) -> list[Row]:
    """The tax rates of an invoice: those it was made with, and those of its subscription in its currency."""
    found = [scope.need("tax_rates", identifier) for identifier in invoice["_tax_rates"]]
    if invoice["subscription_id"]:
        found += subscription_rates(scope, invoice["subscription_id"], invoice["currency"])
    return found


def subscription_rates(scope: Scope, subscription_id: str, currency: str) -> list[Row]:
    """The tax rates of a subscription that apply by themselves in a currency, by priority."""
    rows = scope.find("tax_associations", entity_id=subscription_id, status="published")
    rows = [row for row in rows if row["auto_apply"] and row["currency"] == currency and holds_at(row, scope.now)]
    return [scope.need("tax_rates", row["tax_rate_id"]) for row in sorted(rows, key=lambda row: row["priority"] or 0)]


def applied(scope: Scope, invoice_id: str, rate: Row, taxable: Decimal, currency: str) -> dict[str, Any]:
    """What a tax rate takes of an invoice."""
    return {
        "tax_rate_id": rate["id"],
        "entity_type": "invoice",
        "entity_id": invoice_id,
        "taxable_amount": taxable,
        "tax_amount": tax.amount(rate, taxable, currency),
        "currency": currency,
        "applied_at": scope.now,
        **scope.stamped(),
    }


def _kept(scope: Scope, invoice: Row, rate: Row, taxable: Decimal) -> dict[str, Any]:
    own = {"id": scope.world.new_id("taxapp"), "idempotency_key": f"tax_application-{secrets.token_hex(8)}"}
    return {**own, **applied(scope, invoice["id"], rate, taxable, invoice["currency"])}


def void(scope: Scope, invoice: Row, metadata: dict[str, str] | None) -> None:
    """Void an invoice; what was paid goes to a wallet, credits go back to theirs."""
    require_status(invoice, _VOIDABLE)
    refunded = wallets.give_back(scope, invoice)
    paid = invoice["amount_paid"] - invoice["refunded_amount"]
    if paid > 0:
        wallets.refund(scope, invoice, paid)
        refunded += invoice["amount_paid"]
    if metadata:
        invoice["metadata"] = {**(invoice["metadata"] or {}), **metadata}
    if refunded > 0:
        invoice.update(payment_status="REFUNDED", refunded_amount=refunded)
    scope.touch(invoice, invoice_status="VOIDED", voided_at=scope.now, version=invoice["version"] + 1, _compute_at=None)
    scope.publish("invoice.update.voided", invoice)


def require_status(invoice: Row, allowed: tuple[str, ...]) -> None:
    """400 unless the invoice has one of these statuses."""
    if invoice["invoice_status"] not in allowed:
        message = f"invoice status - {invoice['invoice_status']} is not allowed"
        raise errors.validation(message, {"allowed_statuses": list(allowed)})


def set_payment_status(scope: Scope, invoice: Row, wanted: str, amount: Decimal | None) -> None:
    """Note by hand how an invoice was paid (recording invoice_payment). Publishes ``invoice.update.payment``."""
    require_status(invoice, _PAYABLE)
    if scope.find("payments", destination_id=invoice["id"], payment_status="SUCCEEDED"):
        raise errors.invalid_operation("Manual payment status updates are disabled for payment-based invoices.")
    current = invoice["payment_status"]
    allowed = _TRANSITIONS.get(current, ())
    if wanted not in allowed:
        message = f"invalid payment status transition from {current} to {wanted}"
        raise errors.validation(message, {"allowed_statuses": list(allowed)})
    errors.refuse(amount is not None and amount < 0, "amount must be non-negative")
    scope.touch(invoice, **_payment(invoice, wanted, amount, scope), version=invoice["version"] + 1)
    scope.publish("invoice.update.payment", invoice)


def _payment(invoice: Row, wanted: str, amount: Decimal | None, scope: Scope) -> dict[str, Any]:
    due = invoice["amount_due"]
    changes: dict[str, Any] = {"payment_status": wanted}
    if wanted == "SUCCEEDED":
        changes.update(amount_paid=due, amount_remaining=ZERO, paid_at=scope.now)
    elif wanted == "OVERPAID":
        errors.refuse(invoice["amount_remaining"] > 0, "amount_remaining must be zero for overpaid invoices")
        paid = invoice["amount_paid"] + (amount or ZERO)
        changes.update(amount_paid=paid, overpaid_amount=max(paid - due, ZERO), paid_at=scope.now)
    elif wanted == "PENDING" and amount is not None:
        errors.refuse(amount > due, "amount_paid cannot be greater than amount_due")
        changes.update(amount_paid=amount, amount_remaining=max(due - amount, ZERO))
    elif wanted == "FAILED":
        changes.update(amount_paid=ZERO, amount_remaining=due, paid_at=None)
    return changes


def pay(scope: Scope, invoice: Row, amount: Decimal) -> None:
    """Add the amount of a succeeded payment. No ``invoice.update.payment`` comes of it (contract 7.3)."""
    paid = invoice["amount_paid"] + amount
    left = invoice["amount_due"] - paid
    changes: dict[str, Any] = {"amount_paid": paid, "amount_remaining": max(left, ZERO)}
    if left <= 0:
        changes.update(payment_status="SUCCEEDED" if left == 0 else "OVERPAID", paid_at=scope.now)
    if left < 0:
        changes["overpaid_amount"] = -left
    scope.touch(invoice, **changes, version=invoice["version"] + 1)


def pay_trial(scope: Scope, invoice: Row) -> None:
    """The free opening invoice of a trial counts as paid at once when it is collected automatically."""
    scope.touch(invoice, payment_status="SUCCEEDED", paid_at=scope.now, version=invoice["version"] + 1)
    scope.publish("invoice.update.payment", invoice)
