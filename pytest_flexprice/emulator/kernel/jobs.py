"""Periodic work of the server: rollover, finalization, auto-cancel (contract 7.1).

A job runs on whole multiples of its interval in UTC, as the real server's do. Real time passes under
:func:`keep_running`; :func:`advance` moves the clock instead and stops at every instant at which a job has work, so that
months pass in a moment and always in the same order.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from .scheduler import Scheduler

if TYPE_CHECKING:
    from .world import World

    Run = Callable[[World, datetime], None]
    Due = Callable[[World], datetime | None]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_LOOK_AGAIN = timedelta(seconds=0.25)
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """Work on whole multiples of ``every`` (counted from the epoch; zero: at any instant).

    ``due`` tells when there will first be something to do, ``None`` for nothing: instants before it are left out.
    """

    name: str
    every: timedelta
    run: Run
    due: Due | None = None

    def instant_after(self, moment: datetime) -> datetime:
        """The first instant after ``moment`` at which the job may run, whether it has work or not."""
        return _EPOCH + ((moment - _EPOCH) // self.every + 1) * self.every if self.every else moment + _TICK

    def next_after(self, world: World, moment: datetime) -> datetime | None:
        """The first instant after ``moment`` at which the job is to run."""
        wanted = moment
        if self.due is not None:
            due = self.due(world)
            if due is None:
                return None
            wanted = max(moment, due - _TICK)
        return self.instant_after(wanted)


JOBS: dict[str, Job] = {}


def job(*, every: timedelta, name: str, due: Due | None = None) -> Callable[[Run], Run]:
    """Register ``run(world, now)``; jobs of one instant run in the order in which they were registered."""

    def register(run: Run) -> Run:
        JOBS[name] = Job(name, every, run, due)
        return run

    return register


def _coming(world: World, after: datetime, until: datetime | None = None) -> list[tuple[datetime, int, Job]]:
    found = []
    for place, each in enumerate(JOBS.values()):
        if until is not None and each.instant_after(after) > until:
            continue  # asking for its work would cost more than it tells
        moment = each.next_after(world, after)
        if moment is not None:
            found.append((moment, place, each))
    return sorted(found, key=lambda entry: entry[:2])


def advance(world: World, by: timedelta) -> None:
    """Move the world's clock by ``by``, running every job at its own instant on the way."""
    with world.lock:
        seen = world.clock.now()
        goal = seen + by
        while True:
            coming = _coming(world, seen)
            if not coming or coming[0][0] > goal:
                break
            seen = coming[0][0]
            world.clock.shift(max(seen - world.clock.now(), timedelta()))
            for moment, _place, each in coming:
                if moment == seen:
                    each.run(world, seen)
        world.clock.shift(max(goal - world.clock.now(), timedelta()))


def run_due(world: World, after: datetime, until: datetime) -> None:
    """Run each job that has an instant in ``(after, until]``, once, in order of that instant.

    A job that fails is logged and does not keep the others from running.
    """
    with world.lock:
        coming = _coming(world, after, until)
    for moment, _place, each in coming:
        if moment > until:
            continue
        try:
            with world.lock:
                each.run(world, moment)
        except Exception:
            _LOG.exception("job %s failed", each.name)


def keep_running(world: World) -> Scheduler:
    """Run the jobs of a world as its clock goes, in a thread of their own, until the answered scheduler is stopped.

    It looks by the real clock which jobs have become due: the world's may be moved back.
    """
    scheduler = Scheduler(lambda: datetime.now(UTC), 1, "emulator-jobs")
    seen = world.clock.now()

    def look() -> None:
        nonlocal seen
        now = world.clock.now()
        if now > seen:
            run_due(world, seen, now)
        seen = now
        scheduler.at(datetime.now(UTC) + _LOOK_AGAIN, look)

    scheduler.at(datetime.now(UTC) + _LOOK_AGAIN, look)
    return scheduler
