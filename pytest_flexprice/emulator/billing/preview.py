"""The invoice a subscription would get, without storing it (contract 5.4, recording invoice_preview)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from ..kernel.render import ZERO_TIME, filled
from ..kernel.tables import Row
from . import config, discounts, drafts, inheritance, invoices, views
from .lines import Period
from .rounding import ZERO, total
from .scope import Scope


def preview(
    scope: Scope, subscription: Row, start: datetime | None, end: datetime | None, *, hide_zero: bool = False
) -> dict[str, Any]:
    """This period's usage and arrears with the next period's advance fees; discount and tax are in, credits are not."""
    period = Period(start or subscription["current_period_start"], end or subscription["current_period_end"])
    charged = drafts.charges(scope, subscription, "SUBSCRIPTION_CYCLE", period)
    identifier = scope.world.new_id("inv")
    if hide_zero:
        charged = [line for line in charged if line.amount != 0]
    rows = [drafts.invoice_line(scope, identifier, subscription, line) for line in charged]
    taken = discounts.taken(scope, subscription, charged, period)
    discounts.note(rows, taken)
    subtotal, off = total(charged), total(taken)
    taxes = _taxes(scope, subscription, identifier, subtotal - off)
    taxed = sum((entry["tax_amount"] for entry in taxes), ZERO)
    due = max(subtotal - off + taxed, ZERO)
    view: dict[str, Any] = {
        **dict.fromkeys(drafts.AMOUNTS, ZERO),
        **dict.fromkeys(("amount_due", "total", "amount_remaining"), due),
        **dict.fromkeys(("invoice_number", "idempotency_key", "billing_sequence")),
        "id": identifier,
        "customer_id": inheritance.payer(subscription),
        "subscription_id": subscription["id"],
        "invoice_type": "SUBSCRIPTION",
        "invoice_status": "DRAFT",
        "payment_status": "PENDING",
        "currency": subscription["currency"],
        "subtotal": subtotal,
        "total_discount": off,
        "total_tax": taxed,
        "description": f"Preview invoice for subscription {subscription['id']}",
        "due_date": config.due_date(scope, subscription, period.end),
        "billing_period": subscription["billing_period"],
        "period_start": period.start,
        "period_end": period.end,
        "billing_reason": "SUBSCRIPTION_CYCLE",
        "metadata": {"is_preview": "true"},
        "version": 0,
        "is_manually_edited": False,
        **scope.stamped(),
    }
    return view | filled(
        customer=views.embedded(scope, "customers", inheritance.payer(subscription)),
        taxes=taxes,
        line_items=[views.shown(row, price_unit_amount=ZERO) for row in rows],
        coupon_applications=[discounts.application(scope, subscription, one, identifier, rows) for one in taken],
    )


def _taxes(scope: Scope, subscription: Row, identifier: str, taxable: Decimal) -> list[dict[str, Any]]:
    currency = subscription["currency"]
    nobody = {"created_at": ZERO_TIME, "updated_at": ZERO_TIME, "created_by": "", "updated_by": ""}
    return [
        {**invoices.applied(scope, identifier, rate, taxable, currency), **nobody, "tax_rate": views.tax_rate(rate)}
        for rate in invoices.subscription_rates(scope, subscription["id"], currency)
    ]
