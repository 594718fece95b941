"""Waiting for Flexprice: a deadline is a failure that shows the last answer, the attempts and the time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Generic, TypeVar

from pytest_flexprice.model.finding import Finding, Kind, NotVerified, not_verified

Value = TypeVar("Value")
Progress = Callable[[str, float, float], None]
SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 5.0
PACE_MARGIN = 10.0
LONGEST_UNTIL = 300.0  # seconds that a moment may be away


def steady() -> Callable[[], datetime]:
    """The wall clock as it is now, moved on by one that nobody sets: what is set in the middle of a run would move what was sent before."""
    passed = partial(time.clock_gettime, time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic
    began, first = datetime.now(UTC), passed()
    return lambda: began + timedelta(seconds=passed() - first)


@dataclass
class Waited(Generic[Value]):
    """What a wait saw: the last value read, how often it was read, the seconds it took, and why it was given up."""

    value: Value
    attempts: int
    seconds: float
    seen: list[str] = field(default_factory=list)
    reason: str = ""


@dataclass
class Eventually:
    """Polls until a condition holds.

    ``progress`` is told what is awaited, the seconds so far and the deadline; ``clock`` and ``pause`` are the time's, ``now`` is the
    wall clock, in UTC, as ``steady`` has it.
    """

    progress: Progress = lambda what, seconds, deadline: None
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = field(default_factory=steady)

    def until(self, moment: datetime, what: str = "the next step") -> None:
        """Let the wall clock reach a moment, ``what`` begins then.

        Raises:
            NotVerified: it is too far away to be waited for.
        """
        left = (moment - self.now()).total_seconds()
        if left > LONGEST_UNTIL:
            at = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
            raise not_verified("", what, f"{what} begins at {at} only, {left:.0f} s from now, which is not waited for")
        while left > 0:
            self.pause(min(left, 1.0))
            left = (moment - self.now()).total_seconds()

    def poll(
        self,
        what: str,
        read: Callable[[], Value],
        until: Callable[[Value], bool],
        deadline: float,
        pause: float = SHORTEST_PAUSE,
    ) -> tuple[bool, Waited[Value]]:
        """Read until the condition holds or the deadline (seconds) has passed; tells which, and what was seen.

        ``pause`` is the first of the pauses between two looks, which grow.
        """
        met, waited = self._poll(what, read, until, lambda: deadline, pause)
        waited.reason = "" if met else f"{deadline:.0f} s had passed"
        return met, waited

    def _poll(
        self,
        what: str,
        read: Callable[[], Value],
        until: Callable[[Value], bool],
        limit: Callable[[], float],
        pause: float = SHORTEST_PAUSE,
    ) -> tuple[bool, Waited[Value]]:
        began, attempts = self.clock(), 0
        seen: list[str] = []
        while True:
            value = read()
            attempts += 1
            shown = repr(value)[:200]
            if not seen or seen[-1] != shown:
                seen.append(shown)
            spent = self.clock() - began
            waited = Waited(value, attempts, spent, seen[-10:])
            if until(value):
                return True, waited
            deadline = limit()
            if spent >= deadline:
                return False, waited
            self.progress(what, spent, deadline)
            self.pause(min(pause, max(deadline - spent, 0.001)))
            pause = min(pause * 1.5, LONGEST_PAUSE)

    def follow(
        self,
        what: str,
        read: Callable[[], Value],
        done: Callable[[Value], bool],
        mark: Callable[[Value], float],
        *,
        first: float,
        quiet: float,
    ) -> tuple[bool, Waited[Value]]:
        """Read until the condition holds or nothing moves any more; tells which, and what was seen.

        Args:
            mark: how far it has come; any change of it is progress, 0 is where it starts.
            first: seconds to wait for the first sign of progress.
            quiet: seconds without further progress after which it is given up, or ten times the longest gap so far.
        """
        pace = _Pace(first, quiet)

        def read_on() -> Value:
            value = read()
            pace.note(mark(value), self.clock() - began)
            return value

        began = self.clock()
        met, waited = self._poll(what, read_on, done, lambda: pace.deadline)
        waited.reason = "" if met else pace.reason
        return met, waited

    def __call__(
        self,
        what: str,
        read: Callable[[], Value],
        until: Callable[[Value], bool],
        deadline: float,
        *,
        item: str = "",
        remedy: str = "",
    ) -> Value:
        """The value once the condition holds.

        Raises:
            NotVerified: the deadline (seconds) passed; the sentence has the last answer, attempts and time.
        """
        met, waited = self.poll(what, read, until, deadline)
        if met:
            return waited.value
        raise NotVerified([late(item, what, waited, remedy)])


@dataclass
class _Pace:
    """The deadline that follows the pace which is seen: moments are seconds since the wait began."""

    first: float
    quiet: float
    mark: float = 0.0
    last: float = 0.0
    longest: float = 0.0
    moved: bool = False

    def note(self, mark: float, at: float) -> None:
        """How far it has come by now."""
        if mark != self.mark:
            self.longest = max(self.longest, at - self.last)
            self.mark, self.last, self.moved = mark, at, True

    @property
    def deadline(self) -> float:
        """The second at which it is given up, unless something moves before."""
        return self.last + max(self.quiet, PACE_MARGIN * self.longest) if self.moved else self.first

    @property
    def reason(self) -> str:
        """Why it was given up then."""
        if not self.moved:
            return f"nothing came within {self.first:.0f} s"
        return f"the last progress was after {self.last:.1f} s, and then nothing came for {self.deadline - self.last:.0f} s"


def late(item: str, what: str, waited: Waited[Value], remedy: str = "", kind: Kind = Kind.NOT_VERIFIED) -> Finding:
    """The finding for a deadline that passed."""
    return Finding(
        item,
        what,
        f"{what} did not happen within {waited.seconds:.1f} s ({waited.attempts} attempts; last answer {waited.seen[-1]})",
        remedy=remedy,
        kind=kind,
    )
