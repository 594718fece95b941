"""What a change of quantities would come to, as ``modify/preview`` shows it (contract 11.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from ..kernel.tables import Row
from . import inheritance, wallets
from .rounding import ONE, ZERO
from .scope import Scope

_BILL, _CREDIT = "(preview-invoice)", "(preview-wallet-credit)"


@dataclass(frozen=True)
class Change:
    """A line that is to get another quantity at ``moment``; ``old`` is the one it had."""

    item: Row
    old: Decimal
    new: Decimal
    moment: datetime


def lines(row: Row, one: Change) -> list[dict[str, Any]]:
    """The line that would end and the one that would follow it."""
    price = one.item["price_id"]
    end = one.item["end_date"] or row["current_period_end"]
    return [
        {
            "id": "(preview-ended)",
            "price_id": price,
            "quantity": one.old,
            "start_date": one.item["start_date"],
            "end_date": one.moment,
            "change_action": "ended",
        },
        {
            "id": "(preview-created)",
            "price_id": price,
            "quantity": one.new,
            "start_date": one.moment,
            "end_date": end,
            "change_action": "created",
        },
    ]


def settled(scope: Scope, row: Row, one: Change, amount: Decimal, line: Mapping[str, Any]) -> dict[str, Any]:
    """The invoice (of ``line``) or the credit that would follow."""
    if amount > 0:
        return {
            "id": _BILL,
            "action": "created",
            "status": "preview",
            "invoice": _invoice(scope, row, one, amount, line),
        }
    return {
        "id": _CREDIT,
        "action": "wallet_credit",
        "status": "preview",
        "wallet_transaction": _credit(scope, row, -amount),
    }


def _invoice(scope: Scope, row: Row, one: Change, amount: Decimal, line: Mapping[str, Any]) -> dict[str, Any]:
    zero = ("amount_paid", "total_discount", "adjustment_amount", "refunded_amount", "total_tax",
            "total_prepaid_credits_applied")  # fmt: skip
    return {
        "id": _BILL,
        "customer_id": inheritance.payer(row),
        "subscription_id": row["id"],
        "subscription_customer_id": row["customer_id"],
        "invoice_type": "ONE_OFF",
        "invoice_status": "DRAFT",
        "payment_status": "PENDING",
        "currency": row["currency"],
        **dict.fromkeys(("amount_due", "subtotal", "total", "amount_remaining"), amount),
        **dict.fromkeys(zero, ZERO),
        **dict.fromkeys(("invoice_number", "idempotency_key", "billing_sequence")),
        "period_start": one.moment,
        "period_end": row["current_period_end"],
        "billing_reason": "SUBSCRIPTION_UPDATE",
        "version": 1,
        "is_manually_edited": False,
        **scope.stamped(),
        "line_items": [_line(scope, row, one, line)],
    }


def _line(scope: Scope, row: Row, one: Change, line: Mapping[str, Any]) -> dict[str, Any]:
    """The line of such an invoice, which is named after the plan where the stored one is named after its fee."""
    plan = one.item["plan_display_name"] or ""
    name = str(line["display_name"]).removeprefix(one.item["display_name"])
    kept = ("price_id", "price_type", "amount", "quantity", "period_start", "period_end", "metadata")
    return {
        "id": "(preview-line)",
        "invoice_id": _BILL,
        "customer_id": inheritance.payer(row),
        "subscription_id": row["id"],
        "plan_display_name": plan,
        "display_name": f"{plan}{name}",
        "currency": row["currency"],
        **{key: line[key] for key in kept},
        **dict.fromkeys(("prepaid_credits_applied", "line_item_discount", "invoice_level_discount"), ZERO),
        **scope.stamped(),
    }


def _credit(scope: Scope, row: Row, amount: Decimal) -> dict[str, Any]:
    customer = inheritance.payer(row)
    existing = wallets.active(scope, customer, row["currency"])
    rate = existing[0]["topup_conversion_rate"] if existing else ONE
    credits = amount / rate
    return {
        "id": _CREDIT,
        "wallet_id": "",
        "customer_id": customer,
        "type": "credit",
        "amount": amount,
        "credit_amount": credits,
        "credit_balance_before": ZERO,
        "credit_balance_after": credits,
        "transaction_status": "completed",
        "reference_type": "EXTERNAL",
        "reference_id": "preview",
        "description": "Proration credit from subscription change (preview)",
        "metadata": None,
        "expiry_date": None,
        "credits_available": ZERO,
        "transaction_reason": "SUBSCRIPTION_CREDIT_GRANT",
        "priority": None,
        "currency": row["currency"],
        "topup_conversion_rate": rate,
        "idempotency_key": "",
        **scope.stamped(),
    }
