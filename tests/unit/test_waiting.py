"""Waiting has a deadline, and a deadline is a failure that shows what was seen."""

from __future__ import annotations

from itertools import count

import pytest

from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.testbed.waiting import Eventually


class Clock:
    """A clock that only waiting moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_it_gives_the_value_once_the_condition_holds(clock: Clock) -> None:
    numbers = count()
    eventually = Eventually(clock=clock, pause=clock.pause)
    assert eventually("a number above 3", lambda: next(numbers), lambda number: number > 3, 60) == 4


def test_at_the_deadline_it_shows_the_last_answer_the_attempts_and_the_time(clock: Clock) -> None:
    eventually = Eventually(clock=clock, pause=clock.pause)
    with pytest.raises(
        NotVerified, match=r"did not happen within 9\.\d s \(\d+ attempts; last answer 'pending'\)"
    ) as raised:
        eventually("the invoice", lambda: "pending", lambda answer: answer == "done", 9)
    assert raised.value.findings[0].kind.value == "not verified"
    assert 9 <= clock.now < 10


def test_a_passed_deadline_still_reads_once(clock: Clock) -> None:
    met, waited = Eventually(clock=clock, pause=clock.pause).poll("it", lambda: 1, lambda value: True, 0)
    assert (met, waited.attempts) == (True, 1)


def test_a_lasting_wait_is_told(clock: Clock) -> None:
    told: list[tuple[str, float]] = []
    eventually = Eventually(lambda what, seconds, deadline: told.append((what, deadline)), clock, clock.pause)
    eventually.poll("the webhook", lambda: None, lambda value: clock.now > 2, 30)
    assert told
    assert set(told) == {("the webhook", 30)}
