"""Waiting for Flexprice: a deadline is a failure that shows the last answer, the attempts and the time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pytest_flexprice.model.finding import Finding, Kind, NotVerified

Value = TypeVar("Value")
Progress = Callable[[str, float, float], None]
SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 5.0


@dataclass
class Waited(Generic[Value]):
    """What a wait saw: the last value read, how often it was read, and the seconds it took."""

    value: Value
    attempts: int
    seconds: float
    seen: list[str] = field(default_factory=list)


@dataclass
class Eventually:
    """Polls until a condition holds.

    ``progress`` is told what is awaited, the seconds so far and the deadline; ``clock`` and ``pause`` are the time's.
    """

    progress: Progress = lambda what, seconds, deadline: None
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep

    def poll(
        self, what: str, read: Callable[[], Value], until: Callable[[Value], bool], deadline: float
    ) -> tuple[bool, Waited[Value]]:
        """Read until the condition holds or the deadline (seconds) has passed; tells which, and what was seen."""
        began, pause, attempts = self.clock(), SHORTEST_PAUSE, 0
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
            if spent >= deadline:
                return False, waited
            self.progress(what, spent, deadline)
            self.pause(min(pause, max(deadline - spent, 0.001)))
            pause = min(pause * 1.5, LONGEST_PAUSE)

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


def late(item: str, what: str, waited: Waited[Value], remedy: str = "", kind: Kind = Kind.NOT_VERIFIED) -> Finding:
    """The finding for a deadline that passed."""
    return Finding(
        item,
        what,
        f"{what} did not happen within {waited.seconds:.1f} s ({waited.attempts} attempts; last answer {waited.seen[-1]})",
        remedy=remedy,
        kind=kind,
    )
