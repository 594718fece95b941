"""Billing periods: where one ends and the next begins (contract 4.2, recording billing_periods).

A period ends at the next instant of a series that starts at the billing anchor and goes on in whole billing
periods. Month ends are clamped to the anchor's day, and every boundary is cut to the whole second.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import datetime, timedelta

BILLING_PERIODS = ("DAILY", "WEEKLY", "MONTHLY", "QUARTERLY", "HALF_YEARLY", "ANNUAL")
ONETIME = "ONETIME"

_DAYS = {"DAILY": 1, "WEEKLY": 7}
_MONTHS = {"MONTHLY": 1, "QUARTERLY": 3, "HALF_YEARLY": 6, "ANNUAL": 12}
_DAY = timedelta(days=1)


def add_months(moment: datetime, months: int) -> datetime:
    """``moment`` moved by whole months, its day clamped to the length of the month it falls into."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def boundary(anchor: datetime, period: str, count: int, index: int) -> datetime:
    """The ``index``-th boundary of the series of ``anchor`` (0 = the anchor itself), cut to the whole second."""
    anchor = anchor.replace(microsecond=0)
    if period in _DAYS:
        return anchor + timedelta(days=_DAYS[period] * count * index)
    return add_months(anchor, _MONTHS[period] * count * index)


def next_boundary(after: datetime, anchor: datetime, period: str, count: int = 1) -> datetime:
    """The first boundary of the anchor's series that lies after ``after``: the end of the period that starts there.

    Raises :class:`KeyError` for an unknown ``period``.
    """
    if period in _DAYS:
        index = (after - anchor) // timedelta(days=_DAYS[period] * count)
    else:
        months = (after.year - anchor.year) * 12 + after.month - anchor.month
        index = months // (_MONTHS[period] * count) - 1
    while boundary(anchor, period, count, index) <= after:
        index += 1
    return boundary(anchor, period, count, index)


def period_end(start: datetime, anchor: datetime, length: tuple[str, int], last: datetime | None) -> datetime:
    """The end of the period that starts at ``start``: the next boundary, or the subscription's own end before it."""
    end = next_boundary(start, anchor, *length)
    return end if last is None or last <= start else min(end, last)


def calendar_anchor(start: datetime, period: str) -> datetime:
    """The anchor of calendar billing: the first midnight (UTC) after ``start`` at which such a period begins."""
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "DAILY":
        return midnight + _DAY
    if period == "WEEKLY":
        return midnight + timedelta(days=7 - start.weekday())
    months = _MONTHS[period]
    first = midnight.replace(month=(start.month - 1) // months * months + 1, day=1)
    return add_months(first, months)


def days_between(start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The parts of ``[start, end)`` that lie in one UTC day each."""
    return _cut(start, end, lambda moment: moment.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY)


def months_between(start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The parts of ``[start, end)`` that lie in one month each, counted from ``start``."""
    return _cut(start, end, lambda moment: next_boundary(moment, start, "MONTHLY"))


def _cut(start: datetime, end: datetime, following: Callable[[datetime], datetime]) -> list[tuple[datetime, datetime]]:
    parts = []
    while start < end:
        stop = min(following(start), end)
        parts.append((start, stop))
        start = stop
    return parts
