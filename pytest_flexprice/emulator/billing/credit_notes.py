"""Credit notes: what is taken off a finalized invoice afterwards, or given back of a paid one.

A note of an unpaid invoice is an ADJUSTMENT and lowers what is due; one of a paid invoice is a REFUND and goes to the customer's
prepaid wallet. Nothing of them was recorded: shapes and rules are those of the API's own description.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ..kernel import errors
from ..kernel.tables import Row
from . import invoices, wallets
from .rounding import ZERO
from .scope import Scope

REASONS = (
    "DUPLICATE", "FRAUDULENT", "ORDER_CHANGE", "UNSATISFACTORY", "SERVICE_ISSUE", "BILLING_ERROR",
    "SUBSCRIPTION_CANCELLATION",
)  # fmt: skip
_PAID = ("SUCCEEDED", "OVERPAID", "PARTIALLY_REFUNDED")
_UNPAID = ("PENDING", "FAILED")


def create(scope: Scope, given: Mapping[str, Any]) -> Row:
    """Store a draft note. Publishes ``credit_note.created``.

    Raises :class:`errors.ApiError` for an invoice that takes none, lines that are not its own, and more than is left.
    """
    invoice = invoices.by_id(scope, given["invoice_id"])
    invoices.require_status(invoice, ("FINALIZED",))
    kind = _kind(invoice)
    lines = [_line(invoice, one) for one in given["line_items"]]
    total = sum((line["amount"] for line in lines), ZERO)
    _require_left(scope, invoice, kind, total)
    key = given["idempotency_key"] or ""
    if key and scope.find("credit_notes", idempotency_key=key, status="published"):
        raise errors.conflict("A credit note with this idempotency key already exists", {"idempotency_key": key})
    row = scope.insert(
        "credit_notes",
        "cn",
        environment_id=scope.environment,
        credit_note_number=given["credit_note_number"] or f"CN-{scope.now:%Y%m}-{scope.world.next('credit_note'):05d}",
        invoice_id=invoice["id"],
        **{name: invoice[name] for name in ("customer_id", "subscription_id", "currency")},
        **{name: given[name] for name in ("reason", "metadata")},
        **dict.fromkeys(("refund_status", "finalized_at", "voided_at")),
        credit_note_status="DRAFT",
        credit_note_type=kind,
        memo=given["memo"] or "",
        total_amount=total,
        idempotency_key=key,
    )
    row["line_items"] = [_stored(scope, row, line) for line in lines]
    scope.publish("credit_note.created", row)
    return row


def _kind(invoice: Row) -> str:
    if invoice["payment_status"] in _PAID:
        return "REFUND"
    if invoice["payment_status"] in _UNPAID:
        return "ADJUSTMENT"
    details = {"payment_status": invoice["payment_status"]}
    raise errors.validation("A credit note cannot be made for an invoice of this payment status", details)


def _line(invoice: Row, given: Mapping[str, Any]) -> dict[str, Any]:
    identifier = given["invoice_line_item_id"]
    line = next((line for line in invoice["_lines"] if line["id"] == identifier), None)
    if line is None:
        raise errors.validation("The line item is not part of the invoice", {"invoice_line_item_id": identifier})
    amount = given["amount"] or ZERO
    if amount <= 0 or amount > line["amount"]:
        details = {"invoice_line_item_id": identifier, "amount": str(amount), "max_amount": str(line["amount"])}
        raise errors.validation("The amount of a line must be positive and no more than was billed", details)
    return {**given, "display_name": given["display_name"] or line["display_name"]}


def _stored(scope: Scope, note: Row, line: Mapping[str, Any]) -> dict[str, Any]:
    own = {"id": scope.world.new_id("cn_line_item"), "credit_note_id": note["id"], "currency": note["currency"]}
    return {**own, **line, **scope.stamped()}


def _require_left(scope: Scope, invoice: Row, kind: str, total: Decimal) -> None:
    others = scope.find("credit_notes", invoice_id=invoice["id"], status="published")
    drafted = sum((one["total_amount"] for one in others if one["credit_note_status"] == "DRAFT"), ZERO)
    whole = invoice["amount_paid"] - invoice["refunded_amount"] if kind == "REFUND" else invoice["amount_remaining"]
    if total > whole - drafted:
        details = {"total_amount": str(total), "max_amount": str(whole - drafted)}
        raise errors.validation("The credit note is for more than is left of the invoice", details)


def require_draft(note: Row) -> None:
    """400 for a note that is final."""
    if note["credit_note_status"] != "DRAFT":
        details = {"credit_note_status": note["credit_note_status"], "allowed_statuses": ["DRAFT"]}
        raise errors.validation("Only draft credit notes can be finalized or voided", details)


def finalize(scope: Scope, note: Row) -> None:
    """Take the note off its invoice, or give it back. Publishes ``credit_note.updated``."""
    require_draft(note)
    invoice = invoices.by_id(scope, note["invoice_id"])
    total = note["total_amount"]
    changes: dict[str, Any] = {}
    if note["credit_note_type"] == "REFUND":
        wallets.refund(scope, invoice, total, "CREDIT_NOTE", note["id"])
        refunded = invoice["refunded_amount"] + total
        whole = refunded >= invoice["amount_paid"]
        changes = {"refunded_amount": refunded, "payment_status": "REFUNDED" if whole else "PARTIALLY_REFUNDED"}
        scope.touch(note, refund_status="SUCCEEDED")
    else:
        left = invoice["amount_remaining"] - total
        changes = {
            "adjustment_amount": invoice["adjustment_amount"] + total,
            "amount_due": invoice["amount_due"] - total,
            "amount_remaining": left,
        }
        if left <= 0:
            changes |= {"payment_status": "SUCCEEDED", "paid_at": scope.now}
    scope.touch(invoice, **changes, version=invoice["version"] + 1)
    scope.touch(note, credit_note_status="FINALIZED", finalized_at=scope.now)
    scope.publish("credit_note.updated", note)


def void(scope: Scope, note: Row) -> None:
    """Take back a draft. Publishes ``credit_note.updated``."""
    require_draft(note)
    scope.touch(note, credit_note_status="VOIDED", voided_at=scope.now)
    scope.publish("credit_note.updated", note)
