"""Invoices of a subscription up to the draft: rows, lines, discounts, due date (contract 5.2, 5.4, 5.5)."""

from __future__ import annotations

import secrets
from typing import Any

from ..faults.registry import rules
from ..kernel.tables import Row
from . import config, discounts, inheritance, lines, periods
from .lines import Line, Period
from .pricing import number
from .rounding import ZERO, stored, total
from .scope import Scope

AMOUNTS = (
    "amount_due", "amount_paid", "subtotal", "total", "total_discount", "amount_remaining", "adjustment_amount",
    "refunded_amount", "total_tax", "total_prepaid_credits_applied",
)  # fmt: skip
"""The sums of an invoice."""
_UNKNOWN = (
    "customer_id", "subscription_id", "subscription_customer_id", "description", "due_date", "paid_at", "voided_at",
    "finalized_at", "last_computed_at", "period_start", "period_end", "billing_reason", "metadata", "_compute_at",
)  # fmt: skip


def new_invoice(scope: Scope, kind: str, prefix: str, **fields: Any) -> Row:
    """Store an empty draft. ``prefix`` starts its idempotency key unless ``fields`` brings one."""
    base: dict[str, Any] = {
        **dict.fromkeys(_UNKNOWN),
        **dict.fromkeys(AMOUNTS, ZERO),
        "invoice_type": kind,
        "invoice_status": "DRAFT",
        "payment_status": "PENDING",
        "currency": "usd",
        "invoice_number": "",
        "billing_sequence": 0,
        "billing_period": "",
        "issue_date": scope.now,
        "version": 0,
        "environment_id": scope.environment,
        "is_manually_edited": False,
        **{name: [] for name in ("_lines", "_coupons", "_taxes", "_tax_rates")},
        **fields,
    }
    base["idempotency_key"] = fields.get("idempotency_key") or f"{prefix}-{secrets.token_hex(8)}"
    return scope.insert("invoices", "inv", **base)


def new_subscription_invoice(scope: Scope, subscription: Row, reason: str, period: Period) -> Row:
    """Store an empty draft for a period of a subscription, with the next billing sequence."""
    earlier = scope.find("invoices", subscription_id=subscription["id"])
    return new_invoice(
        scope,
        "SUBSCRIPTION",
        "subscription_invoice",
        customer_id=inheritance.payer(subscription),
        subscription_id=subscription["id"],
        subscription_customer_id=subscription["customer_id"],
        currency=subscription["currency"],
        billing_sequence=1 + max((int(row["billing_sequence"] or 0) for row in earlier), default=0),
        billing_period=subscription["billing_period"],
        period_start=period.start,
        period_end=period.end,
        billing_reason=reason,
    )


def period_taken(scope: Scope, subscription: Row, period: Period) -> Row | None:
    """The invoice that a period of a subscription has already, unless it was voided."""
    cycle = {"billing_reason": "SUBSCRIPTION_CYCLE", "period_start": period.start, "period_end": period.end}
    rows = scope.find("invoices", subscription_id=subscription["id"], **cycle)
    return next((row for row in rows if row["invoice_status"] != "VOIDED"), None)


_OPENING = frozenset({"SUBSCRIPTION_CREATE", "SUBSCRIPTION_TRIAL_START", "SUBSCRIPTION_TRIAL_END"})
_USAGE_ONLY = frozenset({"PRORATION", "AUTO_INVOICE_THRESHOLD"})


def following(subscription: Row, period: Period) -> Period:
    """The period after ``period``."""
    length = (subscription["billing_period"], subscription["billing_period_count"])
    zone, last = config.zone(subscription["timezone"]), subscription["end_date"]
    return Period(period.end, periods.period_end(period.end, subscription["billing_anchor"], length, last, zone))


def charges(scope: Scope, subscription: Row, reason: str, period: Period) -> list[Line]:
    """The lines of an invoice with that reason for that period, with those of subscriptions grouped under it."""
    found = _calculated(scope, subscription, reason, period)
    for child in inheritance.grouped(scope, subscription):
        for line in _calculated(scope, child, reason, period):
            line.child = child
            line.metadata["child_customer_id"] = child["customer_id"]
            found.append(line)
    return found


def _calculated(scope: Scope, subscription: Row, reason: str, period: Period) -> list[Line]:
    """The subscription's own lines, as a server with its faults calculates them."""
    found = _own(scope, subscription, reason, period)
    for rule in rules(scope.world, "charges"):
        found = rule(scope, subscription, found)
    return found


def _own(scope: Scope, subscription: Row, reason: str, period: Period) -> list[Line]:
    if reason in _OPENING:
        opening = lines.advance(scope, subscription, period)
        if reason == "SUBSCRIPTION_TRIAL_START":
            for line in opening:
                line.amount = ZERO
        return opening
    if reason in _USAGE_ONLY:
        return lines.arrear(scope, subscription, period, whole=True)
    charged = lines.arrear(scope, subscription, period)
    return charged + lines.advance(scope, subscription, following(subscription, period))


def invoice_line(scope: Scope, invoice_id: str, subscription: Row, line: Line) -> Row:
    """A line as an invoice holds it, with its exact quantity."""
    return Row(
        id=scope.world.new_id("inv_line"),
        invoice_id=invoice_id,
        customer_id=inheritance.payer(subscription),
        subscription_id=(line.child or subscription)["id"],
        **_origin(scope, line.child or subscription, line),
        display_name=line.name,
        amount=line.amount,
        quantity=line.quantity,
        currency=subscription["currency"],
        period_start=line.start,
        period_end=line.end,
        metadata=line.metadata,
        environment_id=scope.environment,
        commitment_info=line.commitment,
        **dict.fromkeys(("prepaid_credits_applied", "line_item_discount", "invoice_level_discount"), ZERO),
        adjusted_entitlement_quantity=line.free,
        subscription_line_item_id=line.item["id"] if line.item is not None else None,
        **scope.stamped(with_environment=False),
    )


def _origin(scope: Scope, subscription: Row, line: Line) -> dict[str, Any]:
    """What a line is charged for: its line item's price, or the plan by a price of its own that exists nowhere."""
    if line.item is not None:
        names = ("entity_id", "entity_type", "plan_display_name", "price_id", "price_type", "meter_id")
        found = {name: line.item[name] for name in (*names, "meter_display_name")}
        metered = {"meter_display_name": found["meter_display_name"] or ""} if found["meter_id"] else {}
        return {**found, "plan_display_name": found["plan_display_name"] or "", **metered}
    return {
        "entity_id": subscription["plan_id"],
        "entity_type": "plan",
        "plan_display_name": scope.need("plans", subscription["plan_id"])["name"],
        "price_id": scope.world.new_id("price"),
        "price_type": "FIXED",
        "meter_id": None,
        "meter_display_name": None,
    }


def compute(scope: Scope, invoice: Row, charged: list[Line] | None = None) -> None:
    """Work out lines (unless given), discount, total and due date of a subscription's draft.

    Nothing to bill makes it SKIPPED; one of a subscription that is billed with another stays as it is.
    """
    subscription = scope.need("subscriptions", invoice["subscription_id"])
    if not inheritance.has_invoices(subscription):
        invoice["_compute_at"] = None
        return
    period = Period(invoice["period_start"], invoice["period_end"])
    reason = invoice["billing_reason"]
    charged = charges(scope, subscription, reason, period) if charged is None else charged
    rows = [invoice_line(scope, invoice["id"], subscription, line) for line in charged]
    taken = discounts.taken(scope, subscription, charged, period, invoice["id"])
    discounts.note(rows, taken)
    discounts.spread(rows, taken, subscription["currency"])
    for row in rows:
        row["quantity"] = stored(row["quantity"])
        if row["adjusted_entitlement_quantity"] is not None:
            row["adjusted_entitlement_quantity"] = stored(row["adjusted_entitlement_quantity"])
    subtotal, off = total(charged), total(taken)
    skipped = subtotal == 0 and reason != "SUBSCRIPTION_TRIAL_START"
    scope.touch(
        invoice,
        invoice_status="SKIPPED" if skipped else "DRAFT",
        description=_description(invoice) if rows else None,
        due_date=config.due_date(scope, subscription, period.end),
        last_computed_at=scope.now,
        version=invoice["version"] + 1,
        subtotal=subtotal,
        total_discount=off,
        _lines=rows,
        _coupons=[discounts.application(scope, subscription, one, invoice["id"], rows) for one in taken],
        _compute_at=None,
    )
    set_total(invoice)
    if not skipped:
        scope.publish("invoice.update", invoice)


def set_total(invoice: Row) -> None:
    """total = subtotal − discount − credits + tax, never negative; what is due and remains follows (contract 5.4)."""
    off = number(invoice["total_discount"]) + number(invoice["total_prepaid_credits_applied"])
    total = max(number(invoice["subtotal"]) - off + number(invoice["total_tax"]), ZERO)
    invoice.update(total=total, amount_due=total, amount_remaining=max(total - invoice["amount_paid"], ZERO))


def _description(invoice: Row) -> str:
    opening = invoice["billing_reason"] in _OPENING
    what = "Invoice for advance charges - subscription" if opening else "Invoice for subscription"
    return f"{what} {invoice['subscription_id']}"
