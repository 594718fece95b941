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
    anchor: datetime
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
    """How much of ``quantity`` (the window's usage) is to be paid. Hard limits bill like soft ones.

    An allowance that never resets comes off every period all the same: the server takes earlier usage off first.
    """
    limit, reset = allowance.limit, allowance.reset
    if limit is None:
        return ZERO
    if reset == window.billing_period:
        return max(quantity - limit, ZERO)
    if reset == "DAILY":
        return _per_part(limit, periods.days_between(window.start, window.end), window.usage)
    if reset == "MONTHLY":
        return _per_part(limit, periods.months_between(window.start, window.end, window.anchor.day), window.usage)
    if reset == "NEVER":
        quantity = window.usage(window.subscription_start, window.end) - _before(window)
    return max(quantity - limit, ZERO)


def _before(window: Window) -> Decimal:
    if window.start <= window.subscription_start:
        return ZERO
    return window.usage(window.subscription_start, window.start)


def _per_part(limit: Decimal, parts: Iterable[tuple[datetime, datetime]], usage: Usage) -> Decimal:
    return sum((max(usage(start, end) - limit, ZERO) for start, end in parts), ZERO)
