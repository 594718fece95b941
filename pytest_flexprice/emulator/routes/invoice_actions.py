"""What can be done to an invoice: compute, finalize, void, pay, print (contract 5.3, 5.5)."""

from __future__ import annotations

from typing import Any

from ..billing import drafts, invoices, views, workflows
from ..billing.scope import subscription_by_id
from ..kernel import errors
from ..kernel.binding import Schema, decimal, field, strings
from ..kernel.call import Call, Reply, accepted, started
from ..kernel.routing import route

_VOID = Schema("VoidInvoiceRequest", field("metadata", strings))
_PAYMENT = Schema(
    "UpdatePaymentStatusRequest", field("payment_status", rules="required", bound=True), field("amount", decimal)
)
_COMPUTABLE = ("DRAFT", "SKIPPED")


def triggered(call: Call, name: str, action: str, kind: str, identifier: str) -> Reply:
    """202 for a workflow about one object."""
    message = f"Successfully triggered {action} invoice workflow for {kind} {identifier}"
    return accepted(started(call, f"{name}Workflow_{identifier}", message))


@route("POST", "/v1/subscriptions/temporal/:id/draft-and-compute", permission="subscription:write")
def draft_and_compute(call: Call) -> Reply:
    """Ask for the draft of the running period; it appears a moment later, unless the period is taken."""
    identifier = call.params["id"]
    subscription_by_id(call, identifier)
    workflows.draft_current_period(call, identifier)
    return triggered(call, "DraftAndComputeSubscriptionInvoice", "draft-and-compute", "subscription", identifier)


@route("POST", "/v1/invoices/:id/compute", permission="invoice:write")
def compute_invoice(call: Call) -> Any:
    """Compute a draft anew; with ``sync=true`` the answer is the invoice."""
    row = invoices.by_id(call, call.params["id"])
    if row["invoice_status"] not in _COMPUTABLE or row["invoice_type"] != "SUBSCRIPTION":
        details = {"current_status": row["invoice_status"], "invoice_id": row["id"]}
        raise errors.validation("Only draft or skipped invoices can be computed", details)
    if call.query.get("sync") != "true":
        workflows.compute_later(call, row["id"])
        return triggered(call, "ComputeInvoice", "compute", "invoice", row["id"])
    drafts.compute(call, row)
    return {"invoice": views.full_invoice(call, row), "skipped": row["invoice_status"] == "SKIPPED"}


@route("POST", "/v1/invoices/:id/finalize", permission="invoice:write")
def finalize_invoice(call: Call) -> dict[str, str]:
    """Finalize a draft now; a SKIPPED one answers the same and stays SKIPPED."""
    invoices.finalize(call, invoices.by_id(call, call.params["id"]))
    return {"message": "invoice finalized successfully"}


@route("POST", "/v1/invoices/temporal/:id/finalize", permission="invoice:write")
def finalize_later(call: Call) -> Reply:
    """Ask for finalization by the job's rule: not computed or before the delay, nothing happens."""
    row = invoices.by_id(call, call.params["id"])
    workflows.finalize_when_due(call, row["id"])
    return triggered(call, "FinalizeInvoice", "finalize", "invoice", row["id"])


@route("POST", "/v1/invoices/:id/recalculate", permission="invoice:write")
def replace_invoice(call: Call) -> Reply:
    """A fresh invoice for the period of a voided one, which names it (by the API's description, not recorded)."""
    row = invoices.by_id(call, call.params["id"])
    workflows.replace(call, row)
    return triggered(call, "RecalculateInvoice", "recalculate", "invoice", row["id"])


@route("POST", "/v1/invoices/:id/recalculate-v2", permission="invoice:write")
def recalculate_draft(call: Call) -> dict[str, Any]:
    """Compute a subscription's draft anew and, unless ``finalize=false``, finalize it (contract 5.3)."""
    row = invoices.by_id(call, call.params["id"])
    if row["invoice_status"] != "DRAFT" or row["invoice_type"] != "SUBSCRIPTION":
        details = {"current_status": row["invoice_status"], "invoice_id": row["id"]}
        raise errors.validation("Only draft subscription invoices can be recalculated", details)
    drafts.compute(call, row)
    if call.query.get("finalize") != "false":
        invoices.finalize(call, row)
    return views.full_invoice(call, row)


@route("POST", "/v1/invoices/:id/comms/trigger", permission="invoice:write")
def communicate(call: Call) -> dict[str, str]:
    """Announce an invoice to whoever sends it to the customer; says what the other trigger says (recording webhook_dashboard_native)."""
    call.publish("invoice.communication.triggered", invoices.by_id(call, call.params["id"]))
    return {"message": "webhook triggered successfully"}


@route("POST", "/v1/invoices/:id/void", permission="invoice:write")
def void_invoice(call: Call) -> dict[str, str]:
    """Void an invoice; ``metadata`` is added to its own."""
    body = call.bind(_VOID, "invalid request body") if call.body.strip() else {"metadata": None}
    invoices.void(call, invoices.by_id(call, call.params["id"]), body["metadata"])
    return {"message": "invoice voided successfully"}


@route("PUT", "/v1/invoices/:id/payment", permission="invoice:write")
def update_payment(call: Call) -> dict[str, Any]:
    """Note by hand that, or how far, an invoice was paid."""
    body = call.bind(_PAYMENT, "failed to bind request body")
    row = invoices.by_id(call, call.params["id"])
    invoices.set_payment_status(call, row, body["payment_status"], body["amount"])
    return views.full_invoice(call, row)


@route("POST", "/v1/invoices/:id/payment/attempt", permission="invoice:write")
def attempt_payment(call: Call) -> dict[str, str]:
    """Without a gateway nothing is collected, and the answer is a success all the same."""
    invoices.by_id(call, call.params["id"])
    return {"message": "payment processed successfully"}


@route("GET", "/v1/invoices/:id/pdf")
def invoice_pdf(call: Call) -> Reply:
    """A minimal document with the invoice's number; its address needs a storage that is not there (500)."""
    row = invoices.by_id(call, call.params["id"])
    if call.query.get("url") == "true":
        raise errors.ApiError("system_error", "Document storage is not available")
    return Reply(200, data=_pdf(row["invoice_number"] or row["id"]), content_type="application/pdf")


def _pdf(title: str) -> bytes:
    text = f"BT /F1 12 Tf 72 720 Td ({title}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources"
        b" << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
    ]
    out, offsets = b"%PDF-1.4\n", []
    for index, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (index, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    tail = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(out))
    return out + head + table + tail
