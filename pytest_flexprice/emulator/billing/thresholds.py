"""Billing as soon as usage reaches an amount: ``auto_invoice_threshold`` (contract 5.5)."""

from __future__ import annotations

from datetime import datetime, timedelta

from ..kernel.due import at_moments
from ..kernel.tables import Row
from ..kernel.world import World
from . import drafts, invoices, lines
from .lines import Period
from .pricing import number
from .rollover import active
from .scope import Scope


def _watched(world: World) -> list[Row]:
    return [row for row in active(world) if row["auto_invoice_threshold"] is not None]


@at_moments(
    every=timedelta(minutes=5),
    name="auto invoice threshold",
    rows=_watched,
    moment=lambda _scope, row: row["current_period_start"],
)
def bill_threshold(scope: Scope, row: Row, now: datetime) -> None:
    """Bill the running period of a subscription whose usage has reached its threshold."""
    period = Period(row["current_period_start"], now)
    if period.start >= period.end or now >= row["current_period_end"]:
        return
    reached = lines.subtotal(lines.arrear(scope, row, period))
    if reached <= 0 or reached < number(row["auto_invoice_threshold"]):
        return
    invoice = drafts.new_subscription_invoice(scope, row, "AUTO_INVOICE_THRESHOLD", period)
    invoices.close(scope, invoice)
    scope.touch(row, current_period_start=now)
