"""Where windows begin, compared with a calculation on datetimes."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_flexprice.emulator.metering import windows

MOMENTS = st.datetimes(datetime(1960, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
MINUTES = {"MINUTE": 1, "15MIN": 15, "30MIN": 30, "HOUR": 60, "3HOUR": 180, "6HOUR": 360, "12HOUR": 720, "DAY": 1440}


def begin(size: str, moment: datetime, anchor: datetime | None = None) -> datetime:
    connection = sqlite3.connect(":memory:")
    connection.create_function("month_start", 2, windows.month_start)
    second = windows.second_of(moment)
    sql = f"SELECT {windows.expression(size, '?1', anchor)}"
    (found,) = connection.execute(sql, (second,)).fetchone()
    connection.close()
    return windows.at_second(found)


@settings(deadline=None)
@given(MOMENTS, st.sampled_from(sorted(MINUTES)))
def test_windows_up_to_a_day_divide_the_utc_day(moment: datetime, size: str) -> None:
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    step = timedelta(minutes=MINUTES[size])
    assert begin(size, moment) == day + (moment - day) // step * step


@settings(deadline=None)
@given(MOMENTS)
def test_weeks_begin_on_sunday(moment: datetime) -> None:
    found = begin("WEEK", moment)
    assert found.isoweekday() == 7
    assert found <= moment < found + timedelta(days=7)
    assert found == found.replace(hour=0, minute=0, second=0)


@settings(deadline=None)
@given(MOMENTS)
def test_months_begin_on_the_first(moment: datetime) -> None:
    assert begin("MONTH", moment) == moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


@pytest.mark.parametrize(
    ("moment", "anchor_day", "start"),
    [("2026-03-05", 5, "2026-03-05"), ("2026-03-04", 5, "2026-02-05"), ("2026-01-01", 5, "2025-12-05"),
     ("2026-03-31", 15, "2026-03-15")],
)  # fmt: skip
def test_months_begin_on_the_day_of_the_anchor(moment: str, anchor_day: int, start: str) -> None:
    def at(day: str) -> datetime:
        return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)

    anchor = datetime(2020, 1, anchor_day, 13, 30, tzinfo=UTC)
    assert begin("MONTH", at(moment), anchor) == at(start)


@settings(deadline=None)
@given(MOMENTS)
def test_an_unknown_size_is_a_day(moment: datetime) -> None:
    assert begin("FORTNIGHT", moment) == begin("DAY", moment)


@settings(deadline=None)
@given(MOMENTS)
def test_seconds_and_milliseconds_are_cut(moment: datetime) -> None:
    assert windows.at_second(windows.second_of(moment)) == moment.replace(microsecond=0)
    cut = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert windows.at_millisecond(windows.millisecond_of(moment)) == cut
