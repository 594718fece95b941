"""The run's deadline and somebody else's alarm, such as the one of pytest-timeout: whichever comes sooner."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from pytest_flexprice.run.deadline import DeadlinePassed, enforced

ENDS = datetime(2026, 11, 28, tzinfo=UTC)
LONG = 60.0


class Theirs(Exception):
    """Their alarm."""


@pytest.fixture
def theirs() -> Iterator[None]:
    def ring(number: int, frame: object) -> None:
        raise Theirs

    before = signal.signal(signal.SIGALRM, ring)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(("set_by_them", "left", "rings"), [(0.05, LONG, Theirs), (LONG, 0.05, DeadlinePassed)])
def test_the_sooner_one_rings(set_by_them: float, left: float, rings: type[Exception], theirs: None) -> None:
    signal.setitimer(signal.ITIMER_REAL, set_by_them)
    with pytest.raises(rings), enforced(ENDS, left):
        threading.Event().wait(LONG)


def test_theirs_goes_on_afterwards(theirs: None) -> None:
    signal.setitimer(signal.ITIMER_REAL, LONG)
    with enforced(ENDS, LONG / 2):
        pass
    assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= LONG


def test_none_goes_on_where_none_was(theirs: None) -> None:
    with enforced(ENDS, LONG):
        pass
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
