"""Billing periods: where one ends and the next begins (contract 4.2, recording billing_periods).

The anchor gives the time of day and, by the kind of period, the weekday, the day of the month, or month and day on
which periods end; month ends are clamped. A period that starts before the anchor's day is shortened to it. All this is
worked out in the customer's time zone, and every boundary is a whole second.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

from ..kernel import errors

BILLING_PERIODS = ("DAILY", "WEEKLY", "MONTHLY", "QUARTERLY", "HALF_YEARLY", "ANNUAL")
ONETIME = "ONETIME"

_UTC = UTC
_MONTHS = {"MONTHLY": 1, "QUARTERLY": 3, "HALF_YEARLY": 6, "ANNUAL": 12}
_DAY = timedelta(days=1)


def add_months(moment: datetime, months: int, day: int | None = None) -> datetime:
    """``moment`` moved by whole months to ``day`` (default: its own), clamped to the length of the month."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(day or moment.day, last))


def next_boundary(start: datetime, anchor: datetime, period: str, count: int = 1, zone: tzinfo = _UTC) -> datetime:
    """The end of the period that begins at ``start``, in UTC.

    Raises :class:`KeyError` for an unknown ``period``, :class:`ApiError` (400) when it ends beyond the calendar.
    """
    try:
        return _boundary(start, anchor, period, count, zone)
    except (OverflowError, ValueError) as error:
        raise errors.validation("The billing period ends beyond the year 9999") from error


def _boundary(start: datetime, anchor: datetime, period: str, count: int, zone: tzinfo) -> datetime:
    start, anchor = start.astimezone(zone), anchor.astimezone(zone)
    begin = start.replace(hour=anchor.hour, minute=anchor.minute, second=anchor.second, microsecond=0)
    if period == "DAILY":
        end = begin + _DAY * count
    elif period == "WEEKLY":
        end = begin + _DAY * _days_of_weeks(start.weekday(), anchor.weekday(), count)
    elif period == "ANNUAL":
        end = add_months(begin.replace(day=1), 12 * count + anchor.month - begin.month, anchor.day)
    elif period == "MONTHLY":
        same_month = add_months(begin, 0, anchor.day)
        end = same_month if start.day < same_month.day else add_months(begin, count, anchor.day)
    elif start < anchor:
        end = anchor
    else:
        end = add_months(begin, _MONTHS[period] * count, anchor.day)
    return end.astimezone(_UTC)


def _days_of_weeks(today: int, anchored: int, count: int) -> int:
    if today == anchored:
        return 7 * count
    return (anchored - today) % 7 + 7 * (count - 1)


def instalment(anchor: datetime, period: str, count: int, index: int) -> datetime:
    """The ``index``-th repetition of ``anchor``, 0 being the anchor itself."""
    if period in ("DAILY", "WEEKLY"):
        return anchor + _DAY * (count * index * (7 if period == "WEEKLY" else 1))
    return add_months(anchor, _MONTHS[period] * count * index)


def period_end(
    start: datetime, anchor: datetime, length: tuple[str, int], last: datetime | None, zone: tzinfo = _UTC
) -> datetime:
    """The end of the period that starts at ``start``: the next boundary, or the subscription's own end before it."""
    end = next_boundary(start, anchor, *length, zone)
    return end if last is None or last <= start else min(end, last)


def calendar_anchor(start: datetime, period: str, zone: tzinfo = _UTC) -> datetime:
    """The anchor of calendar billing: the first midnight after ``start`` at which such a period begins."""
    local = start.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "DAILY":
        return (midnight + _DAY).astimezone(_UTC)
    if period == "WEEKLY":
        return (midnight + timedelta(days=7 - local.weekday())).astimezone(_UTC)
    months = _MONTHS[period]
    first = midnight.replace(month=(local.month - 1) // months * months + 1, day=1)
    return add_months(first, months).astimezone(_UTC)


def days_between(start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The parts of ``[start, end)`` that lie in one UTC day each."""
    return _cut(start, end, lambda moment: moment.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY)


def months_between(start: datetime, end: datetime, day: int) -> list[tuple[datetime, datetime]]:
    """The parts of ``[start, end)`` that lie in one month each; months begin at midnight (UTC) of ``day``."""

    def following(moment: datetime) -> datetime:
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        this = add_months(midnight, 0, day)
        return this if this > moment else add_months(midnight, 1, day)

    return _cut(start, end, following)


def _cut(start: datetime, end: datetime, following: Callable[[datetime], datetime]) -> list[tuple[datetime, datetime]]:
    parts = []
    while start < end:
        stop = min(following(start), end)
        parts.append((start, stop))
        start = stop
    return parts
