"""Where periods begin and end (contract 4.2, recording billing_periods)."""

from __future__ import annotations

import calendar
import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.emulator.billing import periods

MOMENTS = st.datetimes(datetime(1999, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))
PERIODS = st.sampled_from(periods.BILLING_PERIODS)
COUNTS = st.integers(1, 12)


def at(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "anchor", "period", "count", "ends"),
    [
        ("2026-01-31", "2026-01-31", "MONTHLY", 1, ["2026-02-28", "2026-03-31", "2026-04-30"]),
        ("2024-01-30", "2024-01-30", "MONTHLY", 1, ["2024-02-29", "2024-03-30"]),
        ("2024-02-29", "2024-02-29", "ANNUAL", 1, ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]),
        ("2025-11-30", "2025-11-30", "QUARTERLY", 1, ["2026-02-28", "2026-05-30"]),
        ("2025-08-31", "2025-08-31", "HALF_YEARLY", 1, ["2026-02-28", "2026-08-31"]),
        ("2026-01-31", "2026-01-31", "MONTHLY", 3, ["2026-04-30", "2026-07-31"]),
        ("2026-01-15", "2026-01-15", "WEEKLY", 2, ["2026-01-29", "2026-02-12"]),
        ("2026-01-05", "2026-01-20", "MONTHLY", 1, ["2026-01-20", "2026-02-20"]),
        ("2026-01-20", "2026-01-05", "MONTHLY", 1, ["2026-02-05", "2026-03-05"]),
        ("2026-01-05", "2026-03-20", "ANNUAL", 1, ["2027-03-20", "2028-03-20"]),
        ("2026-01-05", "2026-03-20", "QUARTERLY", 1, ["2026-03-20", "2026-06-20"]),
        ("2026-01-05", "2025-12-20", "MONTHLY", 2, ["2026-01-20", "2026-03-20"]),
        ("2026-01-20", "2026-01-16", "WEEKLY", 1, ["2026-01-23", "2026-01-30"]),
        ("2026-01-20", "2026-01-16", "DAILY", 3, ["2026-01-23", "2026-01-26"]),
    ],
)
def test_month_ends_are_clamped_to_the_anchor(
    start: str, anchor: str, period: str, count: int, ends: list[str]
) -> None:
    found, moment = [], at(start)
    for _ in ends:
        moment = periods.next_boundary(moment, at(anchor), period, count)
        found.append(f"{moment:%Y-%m-%d}")
    assert found == ends


@given(MOMENTS, MOMENTS, PERIODS, COUNTS)
def test_periods_go_on_for_ever(start: datetime, anchor: datetime, period: str, count: int) -> None:
    first = periods.next_boundary(start, anchor, period, count)
    second = periods.next_boundary(first, anchor, period, count)
    assert start.replace(microsecond=0) - timedelta(days=1) < first < second
    assert second.time() == anchor.replace(microsecond=0).time()
    longest = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 31, "QUARTERLY": 92, "HALF_YEARLY": 184, "ANNUAL": 366}[period]
    assert second - first <= timedelta(days=longest * count + 3)


def test_boundaries_follow_the_customers_clock_through_summer_time() -> None:
    zone = ZoneInfo("Europe/Berlin")
    start = datetime(2026, 3, 14, 23, tzinfo=UTC)  # midnight of 15 March there
    assert periods.next_boundary(start, start, "MONTHLY", 1, zone) == datetime(2026, 4, 14, 22, tzinfo=UTC)
    assert periods.calendar_anchor(start, "MONTHLY", zone) == datetime(2026, 3, 31, 22, tzinfo=UTC)
    assert periods.calendar_anchor(start, "WEEKLY", zone) == datetime(2026, 3, 15, 23, tzinfo=UTC)


def test_a_subscription_ends_its_last_period() -> None:
    last = at("2026-02-10")
    assert periods.period_end(at("2026-01-31"), at("2026-01-31"), ("MONTHLY", 1), last) == last
    assert periods.period_end(at("2026-01-05"), at("2026-01-05"), ("MONTHLY", 1), last) == at("2026-02-05")


@given(MOMENTS, PERIODS)
def test_the_clock_of_the_anchor_is_kept(start: datetime, period: str) -> None:
    end = periods.next_boundary(start, start, period)
    assert end.time() == start.replace(microsecond=0).time()
    if period not in ("DAILY", "WEEKLY"):
        assert end.day == min(start.day, calendar.monthrange(end.year, end.month)[1])


@given(MOMENTS, PERIODS)
def test_calendar_periods_begin_at_midnight_of_their_first_day(start: datetime, period: str) -> None:
    begin = periods.calendar_anchor(start, period)
    assert begin > start
    assert (begin.hour, begin.minute, begin.second, begin.microsecond) == (0, 0, 0, 0)
    if period == "WEEKLY":
        assert begin.weekday() == 0
    elif period != "DAILY":
        assert begin.day == 1
        months = {"MONTHLY": 1, "QUARTERLY": 3, "HALF_YEARLY": 6, "ANNUAL": 12}[period]
        assert (begin.month - 1) % months == 0
    assert periods.next_boundary(start, begin, period) == begin


@given(MOMENTS, st.floats(0, 100), st.integers(1, 31))
def test_parts_cover_a_window_without_gap(start: datetime, days: float, day: int) -> None:
    end = start + timedelta(days=days)
    for parts in (periods.days_between(start, end), periods.months_between(start, end, day)):
        if start == end:
            assert parts == []
            continue
        assert (parts[0][0], parts[-1][1]) == (start, end)
        assert all(before[1] == after[0] for before, after in itertools.pairwise(parts))
