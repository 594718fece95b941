"""What goes in and out of ``/v1/wallets``: top-ups, transactions, the balance of this moment (contract 7.2)."""

from __future__ import annotations

from operator import gt, lt
from typing import Any

from ..billing import consumption, topups, wallets
from ..billing.rounding import ZERO
from ..billing.scope import Scope, customer_of
from ..kernel import errors
from ..kernel.binding import Schema, boolean, decimal, field, instant, integer, mapping, several, strings, text
from ..kernel.call import Call
from ..kernel.lists import OWN
from ..kernel.resource import Filter, Resource, bounded, equals
from ..kernel.routing import route
from ..kernel.tables import Row
from .wallets import wallet_by_id

_BOUGHT = ("PURCHASED_CREDIT_INVOICED", "PURCHASED_CREDIT_DIRECT")
_REASONS = (
    "INVOICE_PAYMENT", "FREE_CREDIT_GRANT", "SUBSCRIPTION_CREDIT_GRANT", "PURCHASED_CREDIT_INVOICED",
    "PURCHASED_CREDIT_DIRECT", "CREDIT_NOTE", "CREDIT_EXPIRED", "WALLET_TERMINATION", "MANUAL_BALANCE_DEBIT",
    "CREDIT_ADJUSTMENT", "INVOICE_VOID_REFUND", "PURCHASED_CREDIT_BONUS",
)  # fmt: skip
_TOP_UP = Schema(
    "TopUpWalletRequest",
    *several(decimal, "credits_to_add amount bonus_credits_to_add"),
    field("transaction_reason", rules="required", bound=True),
    *several(text, "idempotency_key description"),
    field("metadata", strings),
    *several(instant, "expiry_date_utc bonus_credits_expiry_date_utc"),
    field("priority", integer),
    field("force_sync_invoice", boolean),
    field("checkout", mapping),
)
_DEBIT = Schema(
    "ManualBalanceDebitRequest",
    *several(text, "transaction_reason idempotency_key", "required", bound=True),
    field("credits", decimal),
    field("description"),
    field("metadata", strings),
)
_TYPED = ("type", "transaction_status", "transaction_reason")
TRANSACTIONS = Resource(
    "wallet transactions",
    (*_TYPED, "amount", "credit_amount", "expiry_date", "priority", "wallet_id"),
    (
        *equals("id", *_TYPED, "reference_type", "reference_id", "created_by"),
        bounded("expiry_date_before", "expiry_date", lt),
        bounded("expiry_date_after", "expiry_date", gt),
        bounded("credits_available_gt", "credits_available", gt, decimal),
        Filter("priority", integer, lambda row, given: row["priority"] == given),
    ),
    offset=OWN,
)


@route("POST", "/v1/wallets/:id/top-up", permission="wallet:write")
def top_up_wallet(call: Call) -> dict[str, Any]:
    """Add credits (or an amount, by the wallet's rate)."""
    body = call.bind(_TOP_UP)
    row = _open_wallet(call)
    reason = body["transaction_reason"]
    errors.require_one_of(_REASONS, reason, "transaction reason", "transaction_reason")
    if body["checkout"]:
        raise errors.not_implemented("checkout on POST /v1/wallets/:id/top-up")
    bonus = body["bonus_credits_to_add"]
    errors.refuse(bonus is not None and bonus <= 0, "Bonus credits must be greater than 0", bonus_credits_to_add=bonus)
    added = body["credits_to_add"]
    if added is None and body["amount"] is not None:
        added = body["amount"] / row["topup_conversion_rate"]
    if added is None or added <= 0:
        raise errors.validation("Please provide positive credits_to_add or amount")
    _require_new(call, row, body["idempotency_key"])
    known = {"description": body["description"] or "", "metadata": body["metadata"], "priority": body["priority"],
             "idempotency_key": body["idempotency_key"] or "", "expiry": body["expiry_date_utc"]}  # fmt: skip
    invoice = None
    if reason == "PURCHASED_CREDIT_INVOICED":
        entry, invoice = topups.bought(call, row, added, "MANUAL", **known)
    else:
        entry = wallets.move(call, row, added, reason, row["id"], **known)
    if bonus is not None:
        expiry = body["bonus_credits_expiry_date_utc"]
        wallets.move(call, row, bonus, "PURCHASED_CREDIT_BONUS", row["id"], expiry=expiry, priority=body["priority"])
    return {"wallet_transaction": entry, "invoice_id": invoice["id"] if invoice is not None else None, "wallet": row}


@route("POST", "/v1/wallets/:id/debit", permission="wallet:write")
def debit_wallet(call: Call) -> Row:
    """Take credits away by hand; the same key again takes nothing more (by the documentation's page on debits)."""
    body = call.bind(_DEBIT)
    row = _open_wallet(call)
    asked, key = body["credits"] or ZERO, body["idempotency_key"]
    errors.require_one_of(
        ("MANUAL_BALANCE_DEBIT",), body["transaction_reason"], "transaction reason", "transaction_reason"
    )
    errors.refuse(asked <= 0, "Credits amount must be positive", credits=asked)
    _require_new(call, row, key)
    available = sum((one["credits_available"] for one in wallets.left(call, row)), ZERO)
    if asked > available:
        details = {"wallet_id": row["id"], "amount": asked, "available_balance": available}
        raise errors.invalid_operation("Insufficient balance to process debit operation", details)
    known = {"description": body["description"] or "", "metadata": body["metadata"], "idempotency_key": key}
    wallets.move(call, row, -asked, "MANUAL_BALANCE_DEBIT", row["id"], **known)
    return row


def _require_new(call: Call, row: Row, key: str | None) -> None:
    """Refuse a movement that was made already (the documentation's changelog)."""
    if key and call.find("wallet_transactions", wallet_id=row["id"], idempotency_key=key):
        raise errors.conflict("A transaction with this idempotency key already exists", {"idempotency_key": key})


def _open_wallet(call: Call) -> Row:
    row = wallet_by_id(call, call.params["id"])
    if row["wallet_status"] != "active":
        raise errors.invalid_operation("Wallet is not active", {"wallet_id": row["id"]})
    return row


@route("GET", "/v1/wallets/:id/transactions")
def wallet_transactions(call: Call) -> dict[str, Any]:
    """A page of a wallet's movements."""
    row = wallet_by_id(call, call.params["id"])
    rows = call.find("wallet_transactions", wallet_id=row["id"])
    return TRANSACTIONS.answer(call, *TRANSACTIONS.asked_by_query(call), rows)


route("POST", "/v1/wallets/transactions/search")(TRANSACTIONS.searched)


@route("GET", "/v1/wallets/:id/balance/real-time")
def wallet_balance(call: Call) -> dict[str, Any]:
    """The balance less what unpaid invoices of the customer ask for and what was used since."""
    row = wallet_by_id(call, call.params["id"])
    return row.public(**_balance(call, row), balance_updated_at=row["updated_at"], is_cached_fallback=False)


@route("GET", "/v1/customers/wallets")
def wallets_of_customer(call: Call) -> list[dict[str, Any]]:
    """The wallets of a customer named by ``id`` or ``lookup_key``, where it is asked for with the balance of this moment."""
    identifier, key = call.query.get("id"), call.query.get("lookup_key")
    errors.refuse(not identifier and not key, "Please provide either id or lookup_key")
    rows = call.find("wallets", customer_id=customer_of(call, identifier, key)["id"], status="published")
    live = call.query.get("include_real_time_balance") == "true"
    shown = ("real_time_balance", "real_time_credit_balance", "credits_available_breakdown")
    balances = [_balance(call, row).items() if live else () for row in rows]
    known = [{name: value for name, value in balance if name in shown} for balance in balances]
    return [row.public(**balance) for row, balance in zip(rows, known, strict=True)]


def _balance(call: Call, row: Row) -> dict[str, Any]:
    """What is left of a wallet; the price of credits that are still to be paid is not taken off."""
    invoices = call.find(
        "invoices", customer_id=row["customer_id"], currency=row["currency"], invoice_status="FINALIZED"
    )
    unpaid = sum((one["amount_remaining"] for one in invoices if one["invoice_type"] != "CREDIT"), ZERO)
    used = consumption.running_usage(call, row["customer_id"], row["currency"])
    left = row["balance"] - unpaid - used
    asked = "credits_available_breakdown" in (call.query.get("expand") or "")
    return {
        "real_time_balance": left,
        "real_time_credit_balance": left / row["conversion_rate"],
        "unpaid_invoices_amount": unpaid,
        "current_period_usage": used,
        **({"credits_available_breakdown": _breakdown(call, row)} if asked else {}),
    }


def _breakdown(scope: Scope, row: Row) -> dict[str, Any]:
    """What is left of credits that were bought, and of those that were given."""
    parts = {"purchased": ZERO, "free": ZERO}
    for entry in wallets.left(scope, row):
        parts["purchased" if entry["transaction_reason"] in _BOUGHT else "free"] += entry["credits_available"]
    return parts
