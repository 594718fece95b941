"""``/v1/payments``: recording that an invoice was paid (contract 7.3, recording invoice_payment)."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from ..billing import invoices, views
from ..billing.rounding import ZERO
from ..billing.scope import Scope
from ..kernel import errors
from ..kernel.binding import Schema, boolean, decimal, field, instant, mapping, several, strings, text
from ..kernel.call import Call, Reply, created
from ..kernel.resource import Resource, among, equals
from ..kernel.routing import route
from ..kernel.tables import Row

_COLUMNS = ("destination_type", "destination_id", "payment_method_type", "amount", "currency", "payment_status")
_WITHOUT_ID = ("OFFLINE", "CREDITS", "PAYMENT_LINK")
_CREATE = Schema(
    "CreatePaymentRequest",
    *several(text, "idempotency_key payment_method_id payment_gateway success_url cancel_url"),
    *several(text, "destination_type destination_id payment_method_type currency", "required", bound=True),
    field("amount", decimal),
    *several(boolean, "process_payment save_card_and_make_default"),
    field("metadata", strings),
    field("gateway_options", mapping),
)


_GATEWAYS = ("stripe", "razorpay", "nomod", "moyasar", "paddle", "whop")
_STATUSES = (
    "INITIATED", "PENDING", "PROCESSING", "SUCCEEDED", "OVERPAID", "FAILED", "REFUNDED", "PARTIALLY_REFUNDED",
    "VOIDED",
)  # fmt: skip
_UPDATE = Schema(
    "UpdatePaymentRequest",
    *several(text, "payment_status payment_gateway gateway_payment_id payment_method_id error_message"),
    *several(instant, "succeeded_at failed_at refunded_at voided_at"),
    field("metadata", strings),
)


@route("POST", "/v1/payments", permission="payment:write")
def create_payment(call: Call) -> Reply:
    """A payment; it counts only when it is processed. An equal one before is answered again."""
    body = call.bind(_CREATE)
    if body["destination_type"] != "INVOICE":
        raise errors.validation("Invalid payment destination type", {"destination_type": body["destination_type"]})
    if body["payment_method_type"] not in _WITHOUT_ID and not body["payment_method_id"]:
        message = "Payment method ID is required for online payment methods"
        raise errors.validation(message, {"payment_method_type": body["payment_method_type"]})
    errors.require_one_of(_GATEWAYS, body["payment_gateway"], "payment gateway type", "payment_gateway")
    body["amount"] = body["amount"] or ZERO  # no number is zero, as of credits (recording credit_grants)
    errors.refuse(body["amount"] <= 0, "Amount must be greater than 0", amount=body["amount"])
    invoice = _invoice(call, body["destination_id"])
    currency = body["currency"].lower()
    if currency != invoice["currency"]:
        details = {"invoice_currency": invoice["currency"], "payment_currency": currency}
        raise errors.validation("Payment currency must match invoice currency", details)
    key = body["idempotency_key"] or _key(call, body)
    earlier = call.first("payments", idempotency_key=key)
    if earlier is not None:
        return created(_view(earlier))
    if body["payment_method_type"] != "OFFLINE" and body["process_payment"]:
        raise errors.not_implemented(f"processing payments by {body['payment_method_type']} without a gateway")
    row = _store(call, body, key, currency)
    call.publish("payment.created", row)
    call.publish("payment.pending", row)
    if body["process_payment"]:
        process(call, row, invoice)
    return created(_view(row))


def _invoice(scope: Scope, identifier: str) -> Row:
    row = scope.get("invoices", identifier)
    if row is None:
        details = {"id": identifier, "invoice_id": identifier}
        raise errors.validation(f"invoice {identifier} not found", details)
    invoices.require_status(row, ("FINALIZED", "DRAFT"))
    return row


def _key(scope: Scope, body: dict[str, Any]) -> str:
    names = ("destination_id", "payment_method_type", "amount", "currency")
    parts = "|".join([scope.environment, *(str(body[name]) for name in names)])
    return f"payment-{sha256(parts.encode()).hexdigest()[:16]}"


def _store(scope: Scope, body: dict[str, Any], key: str, currency: str) -> Row:
    return scope.insert(
        "payments",
        "pay",
        idempotency_key=key,
        **{name: body[name] for name in ("destination_type", "destination_id", "payment_method_type", "amount")},
        payment_method_id=body["payment_method_id"] or "",
        currency=currency,
        payment_status="PENDING",
        track_attempts=False,
        succeeded_at=None,
        save_card_and_make_default=bool(body["save_card_and_make_default"]),
        metadata=body["metadata"],
        **({"payment_gateway": body["payment_gateway"]} if body["payment_gateway"] else {}),
    )


def process(scope: Scope, row: Row, invoice: Row) -> None:
    """Let an offline payment succeed and pay its invoice."""
    scope.touch(row, payment_status="SUCCEEDED", succeeded_at=scope.now)
    invoices.pay(scope, invoice, row["amount"])
    scope.publish("payment.success", row)


def _view(row: Row) -> dict[str, Any]:
    hidden = ("status", *(key for key in ("succeeded_at", "metadata") if row[key] is None))
    return {key: value for key, value in views.shown(row, environment_id="").items() if key not in hidden}


def _read(scope: Scope, row: Row) -> dict[str, Any]:
    invoice = scope.get("invoices", row["destination_id"])
    return {**_view(row), **({"invoice_number": invoice["invoice_number"]} if invoice is not None else {})}


def _payment(scope: Scope, identifier: str) -> Row:
    row = scope.get("payments", identifier)
    if row is None or row["status"] == "deleted":
        raise errors.not_found("Payment not found", {"payment_id": identifier})
    return row


@route("POST", "/v1/payments/:id/process", permission="payment:write")
def process_payment(call: Call) -> dict[str, Any]:
    """Process a pending offline payment."""
    row = _payment(call, call.params["id"])
    if row["payment_status"] != "PENDING" or row["payment_method_type"] != "OFFLINE":
        raise errors.invalid_operation("Payment cannot be processed", {"payment_id": row["id"]})
    process(call, row, _invoice(call, row["destination_id"]))
    return _read(call, row)


@route("PUT", "/v1/payments/:id", permission="payment:write")
def update_payment(call: Call) -> dict[str, Any]:
    """Note what is known of a payment by hand: its status, references, dates (by the API's description, not recorded)."""
    body = call.bind(_UPDATE)
    row = _payment(call, call.params["id"])
    errors.require_one_of(_STATUSES, body["payment_status"], "payment status", "payment_status")
    call.touch(row, **{name: value for name, value in body.items() if value is not None})
    call.publish("payment.updated", row)
    return _read(call, row)


@route("DELETE", "/v1/payments/:id", permission="payment:write")
def delete_payment(call: Call) -> dict[str, str]:
    """Take a payment out of the lists; what it paid stays paid (by the API's description, not recorded)."""
    call.touch(_payment(call, call.params["id"]), status="deleted")
    return {"message": "payment deleted successfully"}


PAYMENTS = Resource(
    "payments",
    _COLUMNS,
    (
        among("payment_ids", "id", split=True),
        *equals("destination_id destination_type payment_method_type payment_status currency payment_gateway"),
        *equals("gateway_payment_id gateway_tracking_id"),
    ),
    sort="name",
    find=_payment,
    view=lambda call, row, _page: _read(call, row),
)
PAYMENTS.serve("/v1/payments", search=False, one=True)
