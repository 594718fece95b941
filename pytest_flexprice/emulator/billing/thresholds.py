"""Billing as soon as usage reaches an amount: ``auto_invoice_threshold`` (contract 5.5)."""

from __future__ import annotations

from datetime import datetime, timedelta

from ..kernel.jobs import job
from ..kernel.tables import Row
from ..kernel.world import World
from . import drafts, invoices, lines
from .lines import Period
from .pricing import number
from .rollover import active
from .scope import Scope, Work


def _watched(world: World) -> list[Row]:
    return [row for row in active(world) if row["auto_invoice_threshold"] is not None]


def _first(world: World) -> datetime | None:
    return min((row["current_period_start"] for row in _watched(world)), default=None)


@job(every=timedelta(minutes=5), name="auto invoice threshold", due=_first)
def bill_thresholds(world: World, now: datetime) -> None:
    """Bill the running period of every subscription whose usage has reached its threshold."""
    for row in _watched(world):
        _bill(Work.on(world, row), row, now)


def _bill(scope: Scope, row: Row, now: datetime) -> None:
    period = Period(row["current_period_start"], now)
    if period.start >= period.end or now >= row["current_period_end"]:
        return
    reached = lines.subtotal(lines.arrear(scope, row, period))
    if reached <= 0 or reached < number(row["auto_invoice_threshold"]):
        return
    invoice = drafts.new_subscription_invoice(scope, row, "AUTO_INVOICE_THRESHOLD", period)
    invoices.close(scope, invoice)
    scope.touch(row, current_period_start=now)
