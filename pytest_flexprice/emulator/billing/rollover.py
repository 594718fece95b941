"""The end of a period: a draft for it, then the next period, or the end of the subscription (contract 4.4, 5.5)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ..kernel.due import at_moments
from ..kernel.tables import Row
from ..kernel.world import World
from . import cancelling, drafts, finalization, grants, inheritance, invoices, lines, plan_changes
from .lines import Period
from .pricing import number
from .rounding import total
from .scope import Scope


def active(world: World) -> list[Row]:
    """The subscriptions that run, of all environments."""
    return world.table("subscriptions").everywhere(subscription_status="active")


def _ending(row: Row) -> datetime | None:
    """When a subscription is to end by itself; a cancel date whose flag was taken back counts no more."""
    cancel = row["cancel_at"] if row["cancel_at_period_end"] else None
    return min((moment for moment in (cancel, row["end_date"]) if moment is not None), default=None)


def _next(row: Row) -> datetime:
    moment: datetime = row["current_period_end"]
    ending = _ending(row)
    return moment if ending is None else min(moment, ending)


def _leading(world: World) -> list[Row]:
    """The active subscriptions whose periods end by themselves; a grouped one moves on with its parent."""
    return [row for row in active(world) if row["subscription_type"] != inheritance.GROUPED]


@at_moments(every=timedelta(minutes=2), name="rollover", rows=_leading, moment=lambda _scope, row: _next(row))
def roll_over(scope: Scope, row: Row, now: datetime) -> None:
    """End every period that is over; a subscription that is to end then ends."""
    while row["subscription_status"] == "active" and _next(row) <= now:
        _step(scope, row)


def _step(scope: Scope, row: Row) -> None:
    ending = _ending(row)
    period = Period(row["current_period_start"], row["current_period_end"])
    if ending is not None and ending <= period.end:
        _end(scope, row, period, ending)
        return
    plan_changes.execute_due(scope, row, period.end)
    _draft(scope, row, period)
    _move(scope, row, drafts.following(row, period))


def _draft(scope: Scope, row: Row, period: Period) -> None:
    """Store the empty draft of a finished period, to be computed later; nothing is announced."""
    if not inheritance.has_invoices(row) or period.start >= period.end:
        return
    if drafts.period_taken(scope, row, period) is not None:
        return
    invoice = drafts.new_subscription_invoice(scope, row, "SUBSCRIPTION_CYCLE", period)
    invoice["_compute_at"] = finalization.compute_time(invoice["id"], scope.now)


def _move(scope: Scope, row: Row, period: Period) -> None:
    last = row["end_date"]
    end = period.end if last is None or last <= period.start else min(period.end, last)
    for one in (row, *inheritance.grouped(scope, row)):
        scope.touch(one, current_period_start=period.start, current_period_end=end)


def _end(scope: Scope, row: Row, period: Period, ending: datetime) -> None:
    """A planned end: the last period gets its draft, and the subscription is cancelled as of the planned instant."""
    planned = row["cancel_at"] is not None
    _draft(scope, row, Period(period.start, ending))
    cancelling.end_line_items(scope, row, ending)
    last = drafts.following(row, period) if ending == period.end and not row["end_date"] else Period(ending, ending)
    _move(scope, row, last)
    changes: dict[str, Any] = {"cancel_at_period_end": row["cancel_at_period_end"]}
    cancelling.finish(scope, row, ending, ending, keep_cancel_at=not planned, **changes)


def _instalment(scope: Scope, row: Row) -> datetime | None:
    coming = (grants.coming(grant) for grant in grants.of(scope, row))
    return min((moment for moment in coming if moment is not None), default=None)


pay_grants = at_moments(every=timedelta(minutes=15), name="credit grants", rows=active, moment=_instalment)(
    lambda scope, row, _now: grants.pay_all(scope, row)
)
"""Pay out instalments of recurring grants."""


def _renewal(_scope: Scope, row: Row) -> datetime | None:
    """When it is told that a period ends: once, a day before; never of a subscription that is going to end."""
    end: datetime = row["current_period_end"]
    ends_itself = row["end_date"] is not None and row["end_date"] <= end
    told = row["cancel_at"] is not None or ends_itself or row.get("_renewal_told") == end
    return None if told else end - timedelta(hours=24)


@at_moments(every=timedelta(minutes=15), name="renewal alerts", rows=active, moment=_renewal)
def tell_renewals(scope: Scope, row: Row, now: datetime) -> None:
    """Announce that a period ends."""
    end = row["_renewal_told"] = row["current_period_end"]
    if now < end:
        scope.publish("subscription.renewal.due", row)


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
    reached = total(lines.arrear(scope, row, period))
    if reached <= 0 or reached < number(row["auto_invoice_threshold"]):
        return
    invoice = drafts.new_subscription_invoice(scope, row, "AUTO_INVOICE_THRESHOLD", period)
    invoices.close(scope, invoice)
    scope.touch(row, current_period_start=now)
