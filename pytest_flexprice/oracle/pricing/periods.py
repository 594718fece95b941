"""The arithmetic of billing periods (contract 4.2; recording billing_periods).

Periods begin and end by the clock of the subscription's time zone, UTC for most, and are told in UTC; a period's end is cut to the
whole second; month ends clamp (31 January to 28 February).
"""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, tzinfo

from pytest_flexprice.model.times import Window, days, second

MONTHS = {"MONTHLY": 1, "QUARTERLY": 3, "HALF_YEARLY": 6, "ANNUAL": 12}
_DAYS = {"DAILY": 1, "WEEKLY": 7}
BILLING_PERIODS = (*MONTHS, *_DAYS)


def later(moment: datetime, billing_period: str, count: int = 1, day: int | None = None) -> datetime:
    """``count`` billing periods after a moment; ``day`` is the day of the month aimed at (the anchor's), else its own.

    Raises:
        ValueError: Flexprice has no such billing period.
    """
    if billing_period in _DAYS:
        return moment + days(_DAYS[billing_period] * count)
    if billing_period not in MONTHS:
        raise ValueError(f"'{billing_period}' is no billing period; Flexprice knows {', '.join(BILLING_PERIODS)}")
    months = moment.year * 12 + moment.month - 1 + MONTHS[billing_period] * count
    year, month = months // 12, months % 12 + 1
    last = calendar.monthrange(year, month)[1]
    return moment.replace(year=year, month=month, day=min(day or moment.day, last))


def next_boundary(moment: datetime, billing_period: str, count: int = 1, zone: tzinfo = UTC) -> datetime:
    """The first calendar boundary after a moment: midnight, Monday, or the first of a month, quarter, half-year or year.

    With a ``count``, the one as many periods on.

    Raises:
        ValueError: Flexprice has no such billing period.
    """
    begin = moment.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    if billing_period == "WEEKLY":
        begin -= days(begin.weekday())
    elif billing_period in MONTHS:
        step = MONTHS[billing_period]
        begin = begin.replace(month=(begin.month - 1) // step * step + 1, day=1)
    return later(begin, billing_period, count).astimezone(UTC)


def next_period(previous: Window, billing_period: str, anchor: datetime, count: int = 1, zone: tzinfo = UTC) -> Window:
    """The period after another one; months aim at the anchor's day again (31 January, 28 February, 31 March)."""
    end = later(previous.end.astimezone(zone), billing_period, count, day=anchor.astimezone(zone).day)
    return Window(previous.end, second(end.astimezone(UTC)))
