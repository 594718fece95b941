"""What an entitlement makes free before prices apply (contract 2.5; vectors soft, hard, unlimited, zero-limit)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from . import periods
from .rounding import ZERO, exact

Usage = Callable[[datetime, datetime], Decimal]
"""The metered quantity of a window."""

NAMED_RESETS = ("DAILY", "MONTHLY", "NEVER")
"""Reset periods that a usage line names in its metadata."""


@dataclass(frozen=True)
class Allowance:
    """A quantity that is free: ``limit`` (None: everything) per ``reset`` period."""

    limit: Decimal | None
    reset: str


@dataclass(frozen=True)
class Window:
    """The billed window and what else an allowance may look at."""

    start: datetime
    end: datetime
    billing_period: str
    subscription_start: datetime
    usage: Usage


def combine(allowances: Iterable[Allowance]) -> Allowance | None:
    """Several entitlements to one feature add up; one without a limit makes all of it free."""
    found = list(allowances)
    if not found:
        return None
    if any(allowance.limit is None for allowance in found):
        return Allowance(None, found[0].reset)
    return Allowance(sum((a.limit for a in found if a.limit is not None), ZERO), found[0].reset)


@exact
def billable(allowance: Allowance, quantity: Decimal, window: Window) -> Decimal:
    """How much of ``quantity`` (the window's usage) is to be paid. Hard limits bill like soft ones."""
    limit = allowance.limit
    if limit is None:
        return ZERO
    if allowance.reset == "DAILY" and window.billing_period != "DAILY":
        return _per_part(limit, periods.days_between(window.start, window.end), window.usage)
    if allowance.reset == "MONTHLY" and window.billing_period in ("QUARTERLY", "HALF_YEARLY", "ANNUAL"):
        return _per_part(limit, periods.months_between(window.start, window.end), window.usage)
    if allowance.reset == "NEVER":  # the growth since the subscription's start, with the whole limit in every period
        quantity = window.usage(window.subscription_start, window.end) - _before(window)
    return max(quantity - limit, ZERO)


def _before(window: Window) -> Decimal:
    if window.start <= window.subscription_start:
        return ZERO
    return window.usage(window.subscription_start, window.start)


def _per_part(limit: Decimal, parts: Iterable[tuple[datetime, datetime]], usage: Usage) -> Decimal:
    return sum((max(usage(start, end) - limit, ZERO) for start, end in parts), ZERO)
