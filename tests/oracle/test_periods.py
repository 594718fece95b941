"""Billing periods on the literal dates that a real server answered (recording billing_periods)."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.model.times import Window, instant
from pytest_flexprice.oracle.invoicing.subscription import BilledSubscription
from pytest_flexprice.oracle.pricing.periods import BILLING_PERIODS, next_boundary, next_period

from .first_periods import first_period

ANNIVERSARIES = [
    ("MONTHLY", 1, "2026-01-15T10:30:00Z", "2026-02-15T10:30:00Z"),
    ("MONTHLY", 1, "2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z"),
    ("MONTHLY", 1, "2024-01-30T23:59:59Z", "2024-02-29T23:59:59Z"),
    ("MONTHLY", 1, "2026-05-31T12:00:00Z", "2026-06-30T12:00:00Z"),
    ("MONTHLY", 1, "2026-03-01T00:00:00+05:30", "2026-03-28T18:30:00Z"),
    ("MONTHLY", 1, "2026-03-01T00:00:00.123456789Z", "2026-04-01T00:00:00Z"),
    ("MONTHLY", 3, "2026-01-31T00:00:00Z", "2026-04-30T00:00:00Z"),
    ("ANNUAL", 1, "2024-02-29T00:00:00Z", "2025-02-28T00:00:00Z"),
    ("WEEKLY", 1, "2026-01-15T10:30:00Z", "2026-01-22T10:30:00Z"),
    ("DAILY", 1, "2026-01-15T10:30:00Z", "2026-01-16T10:30:00Z"),
    ("QUARTERLY", 1, "2025-11-30T00:00:00Z", "2026-02-28T00:00:00Z"),
    ("HALF_YEARLY", 1, "2025-08-31T00:00:00Z", "2026-02-28T00:00:00Z"),
]
BOUNDARIES = [
    ("MONTHLY", "2026-01-15T10:30:00Z", "2026-02-01T00:00:00Z"),
    ("MONTHLY", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"),
    ("WEEKLY", "2026-01-15T10:30:00Z", "2026-01-19T00:00:00Z"),
    ("QUARTERLY", "2026-01-15T10:30:00Z", "2026-04-01T00:00:00Z"),
    ("HALF_YEARLY", "2026-01-15T10:30:00Z", "2026-07-01T00:00:00Z"),
    ("ANNUAL", "2026-01-15T10:30:00Z", "2027-01-01T00:00:00Z"),
]
MOMENTS = st.datetimes(datetime(2001, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))


@pytest.mark.parametrize(("period", "count", "start", "end"), ANNIVERSARIES)
def test_anniversary(period, count, start, end):
    assert first_period(instant(start), period, count).end == instant(end)


@pytest.mark.parametrize(("period", "start", "end"), BOUNDARIES)
def test_calendar(period, start, end):
    assert first_period(instant(start), period, calendar_cycle=True).end == instant(end)


@pytest.mark.parametrize(
    ("start", "anchor", "end"),
    [
        ("2026-01-05T00:00:00Z", "2026-01-20T00:00:00Z", "2026-01-20T00:00:00Z"),
        ("2026-01-20T00:00:00Z", "2026-01-05T00:00:00Z", "2026-02-05T00:00:00Z"),
    ],
)
def test_anchor_shortens_the_first_period(start, anchor, end):
    assert first_period(instant(start), "MONTHLY", anchor=instant(anchor)).end == instant(end)


def test_start_keeps_milliseconds_and_the_end_none():
    assert first_period(instant("2026-03-01T00:00:00.123456789Z"), "MONTHLY").start.microsecond == 123000


def test_later_months_aim_at_the_anchor_again():
    anchor = instant("2026-01-31T00:00:00Z")
    first = first_period(anchor, "MONTHLY")
    assert next_period(first, "MONTHLY", anchor).end == instant("2026-03-31T00:00:00Z")


@given(MOMENTS, st.sampled_from(BILLING_PERIODS))
def test_periods_follow_each_other_without_a_gap(start, period):
    window = first_period(start, period)
    for _ in range(4):
        following = next_period(window, period, start)
        assert following.start == window.end < following.end
        window = following


@given(MOMENTS, st.sampled_from(BILLING_PERIODS))
def test_a_boundary_is_midnight_and_ahead(moment, period):
    boundary = next_boundary(moment, period)
    assert boundary > moment
    assert (boundary.hour, boundary.minute, boundary.second) == (0, 0, 0)


def test_unknown_period_is_refused():
    with pytest.raises(ValueError, match="'YEARLY' is no billing period"):
        first_period(instant("2026-01-01T00:00:00Z"), "YEARLY")


def test_window_counts_whole_seconds():
    window = Window(instant("2026-01-01T00:00:00.5Z"), instant("2026-01-01T00:00:09.9Z"))
    assert window.holds(instant("2026-01-01T00:00:00.1Z"))
    assert not window.holds(instant("2026-01-01T00:00:09.1Z"))
    assert not window.holds(instant("2025-12-31T23:59:59.9Z"))


BY_ANOTHER_CLOCK = [
    ("WEEKLY", "2026-11-29T23:00:00Z", "2026-12-06T23:00:00Z"),
    ("MONTHLY", "2026-11-30T23:00:00Z", "2026-12-31T23:00:00Z"),
    ("MONTHLY", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"),
    ("DAILY", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
    ("QUARTERLY", "2026-06-30T22:00:00Z", "2026-09-30T22:00:00Z"),
]


@pytest.mark.parametrize(("billing_period", "moment", "boundary"), BY_ANOTHER_CLOCK)
def test_the_calendar_is_that_of_the_subscriptions_time_zone(billing_period, moment, boundary):
    berlin = ZoneInfo("Europe/Berlin")
    assert next_boundary(instant(moment), billing_period, zone=berlin) == instant(boundary)
    data = {
        "id": "subs_1", "currency": "eur", "billing_period": billing_period, "billing_cycle": "calendar", "timezone": "Europe/Berlin",
        "start_date": moment, "current_period_start": "2026-01-01T00:00:00Z", "current_period_end": moment,
    }  # fmt: skip
    assert BilledSubscription.from_api(data).coming_period == Window(instant(moment), instant(boundary))
    assert BilledSubscription.from_api({**data, "timezone": "Mars"}).zone is UTC
    assert str(BilledSubscription.from_api({**data, "timezone": "IST"}).zone) == "Asia/Kolkata"


def test_months_from_an_anchor_go_by_the_time_zone_too():
    """The first of a month in Berlin is the last day of the month before in UTC."""
    previous = Window(instant("2026-01-31T23:00:00Z"), instant("2026-02-28T23:00:00Z"))
    coming = next_period(previous, "MONTHLY", instant("2025-12-31T23:00:00Z"), zone=ZoneInfo("Europe/Berlin"))
    assert coming == Window(previous.end, instant("2026-03-31T22:00:00Z"))


def test_a_calendar_period_may_span_several():
    data = {
        "id": "subs_1", "currency": "eur", "billing_period": "QUARTERLY", "billing_cycle": "calendar", "billing_period_count": 3,
        "start_date": "2026-11-17T00:00:00Z",
        "current_period_start": "2026-11-17T00:00:00Z", "current_period_end": "2027-01-01T00:00:00Z",
    }  # fmt: skip
    assert BilledSubscription.from_api(data).coming_period.end == instant("2027-10-01T00:00:00Z")
