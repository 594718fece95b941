"""``/v1/creditnotes``: what is taken off an invoice afterwards (by the API's description)."""

from __future__ import annotations

from typing import Any

from ..billing import credit_notes, invoices, transaction, views
from ..billing.scope import Scope
from ..kernel import errors
from ..kernel.binding import Schema, array, boolean, decimal, field, several, strings, text
from ..kernel.call import Call, Reply, created
from ..kernel.resource import Resource, among, equal
from ..kernel.routing import route
from ..kernel.tables import Row

_LINE = Schema(
    "CreateCreditNoteLineItemRequest",
    field("invoice_line_item_id", rules="required"),
    field("display_name"),
    field("amount", decimal),
    field("metadata", strings),
)
_CREATE = Schema(
    "CreateCreditNoteRequest",
    *several(text, "credit_note_number memo idempotency_key"),
    *several(text, "invoice_id reason", "required"),
    field("metadata", strings),
    field("line_items", array(_LINE), rules="required,min=1,dive"),
    field("process_credit_note", boolean),
)
NOTES = Resource(
    "credit notes",
    ("credit_note_number", "credit_note_status", "credit_note_type", "invoice_id", "total_amount"),
    (
        among("credit_note_ids", "id", split=True),
        equal("invoice_id"),
        equal("credit_note_type"),
        among("credit_note_status", "credit_note_status", split=True),
    ),
    full=lambda call, row, _page: _view(call, row),
)
NOTES.serve("/v1/creditnotes", search=False, one=True)


def _view(scope: Scope, note: Row) -> dict[str, Any]:
    return note.public(invoice=views.invoice(invoices.by_id(scope, note["invoice_id"])))


@route("POST", "/v1/creditnotes", permission="credit_note:write")
def create_note(call: Call) -> Reply:
    """A draft of a note, or with ``process_credit_note`` a final one."""
    body = call.bind(_CREATE)
    errors.require_one_of(credit_notes.REASONS, body["reason"], "credit note reason", "reason")
    with transaction.all_or_nothing(call) as deal:
        note = credit_notes.create(deal, body)
    if body["process_credit_note"]:
        credit_notes.finalize(call, note)
    return created(_view(call, note))


@route("POST", "/v1/creditnotes/:id/finalize", permission="credit_note:write")
def finalize_note(call: Call) -> dict[str, Any]:
    """Take a draft off its invoice, or give it back."""
    note = NOTES.found(call, call.params["id"])
    credit_notes.finalize(call, note)
    return _view(call, note)


@route("POST", "/v1/creditnotes/:id/void", permission="credit_note:write")
def void_note(call: Call) -> dict[str, Any]:
    note = NOTES.found(call, call.params["id"])
    credit_notes.void(call, note)
    return _view(call, note)
