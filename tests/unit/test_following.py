"""A deadline follows the pace that is seen, and its reason is said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from pytest_flexprice.testbed.delivered import KNOWN_AFTER, until_known
from pytest_flexprice.testbed.price_proof import UsagePace, thinned
from pytest_flexprice.testbed.waiting import Eventually, Waited
from pytest_flexprice.webhooks.service import Endpoint

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
URL = "https://billing.acme.example/flexprice"


class Clock:
    """Time that only waiting moves; both clocks show it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def pause(self, seconds: float) -> None:
        self.seconds += seconds

    def eventually(self) -> Eventually:
        return Eventually(
            clock=lambda: self.seconds, pause=self.pause, now=lambda: NOW + timedelta(seconds=self.seconds)
        )

    def follow(self, landed: Callable[[float], int], wanted: int = 12) -> tuple[bool, Waited[int]]:
        """Wait for events of which so many have landed at each second."""
        read = lambda: landed(self.seconds)  # noqa: E731 - one expression, used once
        return self.eventually().follow("events", read, lambda seen: seen == wanted, float, first=50, quiet=20)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_one_lost_event_among_quick_ones_is_told_within_half_a_minute(clock: Clock) -> None:
    met, waited = clock.follow(lambda seconds: 11 if seconds > 0.5 else 0)
    assert not met
    assert waited.seconds < 30
    assert "the last progress was after 0." in waited.reason
    assert "then nothing came for 20 s" in waited.reason


def test_where_nothing_comes_at_all_it_takes_less_than_a_minute(clock: Clock) -> None:
    met, waited = clock.follow(lambda seconds: 0)
    assert (met, waited.reason) == (False, "nothing came within 50 s")
    assert waited.seconds < 60


def test_a_slow_pipeline_is_waited_for_as_long_as_it_moves(clock: Clock) -> None:
    met, waited = clock.follow(lambda seconds: min(int(seconds / 40), 12))
    assert met
    assert waited.seconds >= 480


def test_a_slow_pipeline_that_stops_is_given_up_after_ten_times_its_pace(clock: Clock) -> None:
    met, waited = clock.follow(lambda seconds: min(int(seconds / 10), 5))
    assert not met
    assert 140 <= waited.seconds <= 220


def test_a_condition_that_holds_has_no_reason(clock: Clock) -> None:
    assert clock.follow(lambda seconds: 12)[1].reason == ""


def test_a_young_endpoint_is_waited_for_and_an_old_one_is_not(clock: Clock) -> None:
    young = Endpoint("ep_1", URL, created_at=NOW - timedelta(seconds=20))
    until_known([young], URL, clock.eventually())
    assert clock.seconds >= KNOWN_AFTER.total_seconds() - 20
    before = clock.seconds
    until_known([Endpoint("ep_2", URL, created_at=NOW - timedelta(days=1))], URL, clock.eventually())
    until_known([Endpoint("ep_3", f"{URL}/other", created_at=NOW + timedelta(seconds=before))], URL, clock.eventually())
    until_known([Endpoint("ep_4", URL)], URL, clock.eventually())
    assert clock.seconds == before


@pytest.mark.parametrize(("most", "left"), [(10, [3, 4, 5, 6, 7]), (2, [4, 7]), (1, [7]), (0, [7]), (-3, [7])])
def test_fewer_steps_keep_the_last_one(most: int, left: list[int]) -> None:
    assert thinned([3, 4, 5, 6, 7], most) == left


def test_no_steps_stay_none() -> None:
    assert thinned([], 3) == []


def test_the_first_look_comes_when_usage_can_have_arrived() -> None:
    pace = UsagePace()
    pace.learn(Waited(None, attempts=3, seconds=2.0))
    assert pace.guess == 2.0
    pace.learn(Waited(None, attempts=1, seconds=0.1))
    assert pace.guess < 2.0
    pace.learn(Waited(None, attempts=9, seconds=60.0))
    assert pace.guess == 5.0
