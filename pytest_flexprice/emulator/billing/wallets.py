"""Wallets: prepaid credits of a customer, how they are filled and how invoices use them up (contract 7.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from ..kernel.due import at_moments
from ..kernel.tables import Row
from .pricing import number
from .rounding import ONE, ZERO, exact, to_currency
from .scope import Scope

USAGE_ONLY = {"allowed_price_types": ["USAGE"]}
_NEVER = datetime.max.replace(tzinfo=UTC)
CREDITING: dict[str, Callable[[Row, Decimal], Decimal]] = {}
"""Faults of what credits pay of an invoice: name -> the sum that is shown."""


def create(scope: Scope, customer_id: str, currency: str, **given: Any) -> Row:
    """Store an active, empty wallet; ``given`` overrides defaults. Publishes ``wallet.created``."""
    rate = given.get("conversion_rate") or ONE
    kind = given.get("wallet_type") or "PRE_PAID"
    row = scope.insert(
        "wallets",
        "wallet",
        customer_id=customer_id,
        currency=currency,
        balance=ZERO,
        credit_balance=ZERO,
        wallet_status="active",
        name=given.get("name") or f"{'Prepaid' if kind == 'PRE_PAID' else 'Postpaid'} Wallet - {currency.upper()}",
        description=given.get("description") or "",
        metadata=given.get("metadata"),
        wallet_type=kind,
        config=given.get("config") or USAGE_ONLY,
        conversion_rate=rate,
        topup_conversion_rate=given.get("topup_conversion_rate") or rate,
        alert_state="ok",
        **{name: given[name] for name in ("alert_settings", "auto_topup") if given.get(name)},
    )
    scope.publish("wallet.created", row)
    return row


def active(scope: Scope, customer_id: str, currency: str, kind: str = "PRE_PAID") -> list[Row]:
    """The active wallets of a customer in a currency and of a type, oldest first."""
    rows = scope.find("wallets", customer_id=customer_id, wallet_status="active", status="published")
    return [row for row in rows if row["currency"] == currency and row["wallet_type"] == kind]


def ensure(scope: Scope, customer_id: str, currency: str, **given: Any) -> Row:
    """The oldest active prepaid wallet of a customer in a currency, made where there is none."""
    existing = active(scope, customer_id, currency)
    return existing[0] if existing else create(scope, customer_id, currency, **given)


def move(scope: Scope, wallet: Row, credits: Decimal, reason: str, reference: str = "", **given: Any) -> Row:
    """Credit (or, negative, debit) a wallet and note the transaction. Publishes ``wallet.transaction.created``.

    ``given`` may say when credits expire (``expiry``), which go first (``priority``), and from which a debit is (``source``).
    """
    if credits < 0:
        spend(scope, wallet, -credits, given.get("source"))
    row = note(scope, wallet, credits, reason, reference, **given)
    after = row["credit_balance_after"]
    scope.touch(wallet, credit_balance=after, balance=after * wallet["conversion_rate"])
    scope.publish("wallet.transaction.created", row)
    return row


def note(
    scope: Scope, wallet: Row, credits: Decimal, reason: str, reference: str, *, pending: bool = False, **given: Any
) -> Row:
    """Store a transaction; what is ``pending`` has moved nothing yet."""
    before = wallet["credit_balance"]
    rate = wallet["conversion_rate"]
    return scope.insert(
        "wallet_transactions",
        "wtxn",
        wallet_id=wallet["id"],
        customer_id=wallet["customer_id"],
        type="credit" if credits >= 0 else "debit",
        amount=abs(credits) * rate,
        credit_amount=abs(credits),
        credit_balance_before=before,
        credit_balance_after=before if pending else before + credits,
        transaction_status="pending" if pending else "completed",
        reference_type=given.get("reference_type", "EXTERNAL"),
        reference_id=reference,
        description=given.get("description", ""),
        metadata=given.get("metadata"),
        expiry_date=given.get("expiry"),
        transaction_reason=reason,
        priority=given.get("priority"),
        credits_available=ZERO if pending else max(credits, ZERO),
        currency=wallet["currency"],
        conversion_rate=rate,
        topup_conversion_rate=wallet["topup_conversion_rate"],
        idempotency_key=given.get("idempotency_key", ""),
    )


def fill(scope: Scope, wallet: Row, entry: Row) -> None:
    before, credits = wallet["credit_balance"], entry["credit_amount"]
    scope.touch(wallet, credit_balance=before + credits, balance=(before + credits) * wallet["conversion_rate"])
    arrived = {"credit_balance_before": before, "credit_balance_after": before + credits, "credits_available": credits}
    scope.touch(entry, transaction_status="completed", **arrived)


def terminate(scope: Scope, wallet: Row) -> None:
    """Take what is left and close the wallet. Publishes ``wallet.terminated``."""
    if wallet["credit_balance"] > 0:
        move(scope, wallet, -wallet["credit_balance"], "WALLET_TERMINATION", wallet["id"])
    scope.touch(wallet, wallet_status="closed")
    scope.publish("wallet.terminated", wallet)


@at_moments(
    every=timedelta(minutes=15),
    name="wallet expiry",
    rows=lambda world: world.table("wallet_transactions").everywhere(type="credit"),
    moment=lambda _scope, row: row["expiry_date"] if row["credits_available"] > 0 else None,
)
def expire(scope: Scope, row: Row, _now: datetime) -> None:
    """Take away credits that have expired."""
    wallet = scope.need("wallets", row["wallet_id"])
    move(scope, wallet, -row["credits_available"], "CREDIT_EXPIRED", row["id"], source=row)


@exact
def apply_credits(scope: Scope, invoice: Row) -> Decimal:
    """Pay the lines of an invoice from the customer's prepaid wallets, as far as they may; the sum that was paid."""
    total = ZERO
    for wallet in active(scope, invoice["customer_id"], invoice["currency"]):
        spent, usable = ZERO, min(wallet["balance"], spendable(scope, wallet))
        for line in invoice["_lines"]:
            if not _allowed(wallet, line):
                continue
            share = min(_open(line), usable - spent)
            if share > 0:
                line["prepaid_credits_applied"] += share
                spent += share
        if spent > 0:
            move(scope, wallet, -spent / wallet["conversion_rate"], "INVOICE_PAYMENT", invoice["id"])
            invoice["_credits"] = [*invoice.get("_credits", []), (wallet["id"], spent)]
        total += spent
    for name in sorted(scope.world.faults & CREDITING.keys()):
        total = CREDITING[name](invoice, total)
    return to_currency(total, invoice["currency"])


def give_back(scope: Scope, invoice: Row) -> Decimal:
    """Return what an invoice took from wallets; the sum."""
    total = ZERO
    for wallet_id, spent in invoice.get("_credits", []):
        wallet = scope.need("wallets", wallet_id)
        move(scope, wallet, spent / wallet["conversion_rate"], "INVOICE_VOID_REFUND", invoice["id"])
        total += spent
    return total


def refund(scope: Scope, invoice: Row, amount: Decimal, reason: str = "INVOICE_VOID_REFUND", of: str = "") -> None:
    """Put money that was paid for an invoice into the customer's prepaid wallet, made where there is none."""
    wallet = ensure(scope, invoice["customer_id"], invoice["currency"], name="Subscription Wallet")
    move(scope, wallet, amount / wallet["conversion_rate"], reason, of or invoice["id"])


def _allowed(wallet: Row, line: Mapping[str, Any]) -> bool:
    kinds = (wallet["config"] or USAGE_ONLY).get("allowed_price_types") or ["ALL"]
    return "ALL" in kinds or line["price_type"] in kinds


def _open(line: Mapping[str, Any]) -> Decimal:
    taken = number(line["line_item_discount"]) + number(line["invoice_level_discount"])
    return number(line["amount"]) - taken - number(line["prepaid_credits_applied"])


def left(scope: Scope, wallet: Row) -> list[Row]:
    """The credits that may still be spent: by priority, then what expires soonest, then the most (the documentation's page on debits)."""
    rows = scope.find("wallet_transactions", wallet_id=wallet["id"], type="credit")
    usable = (row for row in rows if row["expiry_date"] is None or row["expiry_date"] > scope.now)
    return sorted((row for row in usable if row["credits_available"] > 0), key=_place)


def _place(row: Row) -> tuple[Any, ...]:
    priority = row["priority"]
    return priority is None, priority or 0, row["expiry_date"] or _NEVER, -row["credit_amount"], row["created_at"]


def spendable(scope: Scope, wallet: Row) -> Decimal:
    """What the credits that have not expired are worth."""
    worth: Decimal = sum((row["credits_available"] for row in left(scope, wallet)), ZERO) * wallet["conversion_rate"]
    return worth


def spend(scope: Scope, wallet: Row, credits: Decimal, source: Row | None = None) -> None:
    """Take credits from where they are spent first, or from one source only."""
    for row in [source] if source else left(scope, wallet):
        share = min(row["credits_available"], credits)
        scope.amend(row, {"credits_available": row["credits_available"] - share})
        credits -= share
