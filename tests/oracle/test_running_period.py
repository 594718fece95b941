"""A running period that ends elsewhere than its terms say is told; right ones never are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.model.times import Window, instant
from pytest_flexprice.oracle.invoicing.running_period import period_findings
from pytest_flexprice.oracle.invoicing.subscription import BilledSubscription
from pytest_flexprice.oracle.pricing.periods import BILLING_PERIODS, next_period

from .first_periods import first_period
from .test_periods import ANNIVERSARIES, BOUNDARIES, MOMENTS

ZONES = st.sampled_from(("UTC", "Asia/Kolkata", "America/Los_Angeles", "Pacific/Auckland")).map(ZoneInfo)


def moment(text):
    """An instant, of a day its midnight."""
    return instant(text if "T" in text else f"{text}T00:00:00Z")


def subscription(start, end, period="MONTHLY", *, began="", anchor="", zone="UTC", **more):
    began, first = moment(began or start), moment(anchor or began or start)
    window = Window(moment(start), moment(end))
    return BilledSubscription("subs_1", "usd", period, began, window, (), first, zone=ZoneInfo(zone), **more)


@pytest.mark.parametrize(("period", "count", "start", "end"), ANNIVERSARIES)
def test_recorded_periods_are_right(period, count, start, end):
    assert period_findings(subscription(start, end, period, billing_period_count=count), "5.3") == []


@pytest.mark.parametrize(("period", "start", "end"), BOUNDARIES)
def test_recorded_boundaries_are_right(period, start, end):
    assert period_findings(subscription(start, end, period, calendar_cycle=True), "5.3") == []


@given(MOMENTS, st.sampled_from(BILLING_PERIODS), st.integers(1, 3), ZONES, st.integers(0, 30))
def test_periods_that_follow_each_other_are_right(start, period, count, zone, later):
    window = first_period(start, period, count)
    made = BilledSubscription("s", "usd", period, window.start, window, (), window.start, billing_period_count=count)
    for _ in range(later):
        made = replace(made, period=next_period(made.period, period, made.anchor, count))
        assert period_findings(made, "5.3") == []
    moved = replace(made, zone=zone)
    right = next_period(Window(start, made.period.start), period, made.anchor, count, zone)
    assert period_findings(replace(moved, period=right), "5.3") == []


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (
            subscription("2026-11-04", "2026-12-03", began="2026-11-03"),
            "since 2026-11-03T00:00:00Z begins at 2026-11-03T00:00:00Z, as if it begins a day too late",
        ),
        (subscription("2026-11-03", "2026-12-04"), "where MONTHLY ends at 2026-12-03T00:00:00Z, as if it is a day too long"),
        (subscription("2026-10-03", "2026-11-02"), "as if it is a day too short, or as if every month has 30 days"),
        (subscription("2026-01-31", "2026-03-03"), "ends at 2026-02-28T00:00:00Z, as if a month's end runs over"),
        (subscription("2026-02-28", "2026-03-28", began="2026-01-31"), "where MONTHLY ends at 2026-03-31"),
        (subscription("2026-02-28T18:30:00Z", "2026-03-28T18:30:00Z", zone="Asia/Kolkata"), "as if it goes by UTC and not"),
        (subscription("2026-10-15T22:00:00Z", "2026-11-15T22:00:00Z", zone="Europe/Berlin"), "11-15T23:00:00Z, as if it goes by UTC"),
        (subscription("2024-01-01", "2024-12-31", "ANNUAL"), "as if it is a day too short, or as if every year has 365 days"),
        (subscription("2026-11-03", "2026-12-01"), "as if it goes by the calendar"),
        (subscription("2026-11-03", "2026-12-03", calendar_cycle=True), "where MONTHLY ends at 2026-12-01T00:00:00Z"),
        (subscription("2026-11-03", "2026-12-02T23:59:59Z"), "as if its last second is left out"),
        (subscription("2026-11-03", "2026-12-03", "QUARTERLY", billing_period_count=2), "where 2 × QUARTERLY ends at 2027-05-03"),
    ],
)  # fmt: skip
def test_a_wrong_period_is_told_with_both_ends_and_its_rule(made, words):
    (finding,) = period_findings(made, "5.3")
    assert words in finding.problem


def test_what_is_agreed_or_not_known_is_not_judged():
    shortened = subscription("2026-11-03", "2026-11-20", anchor="2026-11-20")
    ending = subscription("2026-11-03", "2026-11-20", ends=datetime(2026, 11, 20, tzinfo=UTC))
    assert period_findings(shortened, "5.3") == period_findings(ending, "5.3") == []
