"""The clock of the ladder: nobody sets it, and no moment far away is waited for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

import pytest

from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.testbed import waiting
from pytest_flexprice.testbed.waiting import LONGEST_UNTIL, Eventually, steady


@pytest.mark.parametrize("year", [1999, 2099])
def test_a_wall_clock_that_is_set_in_the_middle_changes_nothing(year: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class Set(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Set:
            return cls(year, 1, 1, tzinfo=tz)

    now, before = steady(), datetime.now(UTC)
    monkeypatch.setattr(waiting, "datetime", Set)
    assert timedelta() <= now() - before + timedelta(seconds=1) < timedelta(minutes=5)


def test_what_begins_in_years_is_not_waited_for() -> None:
    paused: list[float] = []
    eventually = Eventually(pause=paused.append)
    with pytest.raises(NotVerified, match=r"the first bill begins at 2099-.* s from now, which is not waited for"):
        eventually.until(datetime(2099, 1, 1, tzinfo=UTC), "the first bill")
    assert paused == []


def test_what_begins_soon_is_waited_for() -> None:
    moments = iter(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=each) for each in (0, 0, 1, 2))
    paused: list[float] = []
    Eventually(pause=paused.append, now=lambda: next(moments)).until(datetime(2026, 1, 1, 0, 0, 2, tzinfo=UTC))
    assert paused == [1.0, 1.0, 1.0]
    assert paused[0] < LONGEST_UNTIL
