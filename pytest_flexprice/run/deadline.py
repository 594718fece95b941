"""One deadline for the whole run: what is left then is *not verified*, and clean-up still happens."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import FrameType

from pytest_flexprice.model.finding import Finding, Kind, NotVerified

DEFAULT = "60m"
AGAIN_SECONDS = 5.0
_UNITS = {"": 60, "s": 1, "m": 60, "h": 3600}
_SPAN = re.compile(r"\s*([0-9]{1,6})\s*([smh]?)\s*")


class DeadlinePassed(NotVerified):
    """The run's deadline passed before a scenario came to its end."""


def span(text: str) -> timedelta:
    """How long a run may take, such as ``90s``, ``60m`` or ``2h``; a bare number is minutes.

    Raises:
        ValueError: it is none of these, or nought.
    """
    match = _SPAN.fullmatch(text)
    if match is None or not int(match[1]):
        raise ValueError(f"'{text}' is no span of time; write one such as 90s, 60m or 2h")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


@contextmanager
def enforced(ends: datetime, left: float) -> Iterator[None]:
    """Nothing begins after ``ends``, ``left`` seconds from now, and what lasts until then is interrupted there, where the system can.

    Raises:
        DeadlinePassed: the moment has come.
    """
    if left <= 0:
        raise _passed(ends)
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    theirs, began = signal.getitimer(signal.ITIMER_REAL)[0], time.monotonic()
    if 0 < theirs < left:  # somebody else's comes sooner, such as the one of pytest-timeout
        yield
        return

    def interrupt(signal_number: int, frame: FrameType | None) -> None:
        raise _passed(ends)

    before = signal.signal(signal.SIGALRM, interrupt)
    # Again and again: the first time may be in a place that goes on after any exception.
    signal.setitimer(signal.ITIMER_REAL, left, AGAIN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if theirs:
            signal.setitimer(signal.ITIMER_REAL, max(theirs - (time.monotonic() - began), 0.001))


def _passed(ends: datetime) -> DeadlinePassed:
    problem = f"the run's deadline passed at {ends:%H:%M:%S} UTC, before this was seen"
    remedy = "look for what took so long, or give the run more time with --flexprice-deadline"
    return DeadlinePassed([Finding("", "--flexprice-deadline", problem, remedy=remedy, kind=Kind.NOT_VERIFIED)])
