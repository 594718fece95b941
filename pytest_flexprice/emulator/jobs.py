"""Periodic work of the server: rollover, finalization, auto-cancel (contract 7.1)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .world import World

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Job:
    """Work that runs on whole multiples of ``every`` (counted from the epoch)."""

    name: str
    every: timedelta
    run: Callable[[World, datetime], None]

    def next_after(self, moment: datetime) -> datetime:
        """The first instant after ``moment`` at which the job is due."""
        return _EPOCH + ((moment - _EPOCH) // self.every + 1) * self.every


JOBS: dict[str, Job] = {}


def job(
    *, every: timedelta, name: str
) -> Callable[[Callable[[World, datetime], None]], Callable[[World, datetime], None]]:
    """Register ``run(world, now)``."""

    def register(run: Callable[[World, datetime], None]) -> Callable[[World, datetime], None]:
        JOBS[name] = Job(name, every, run)
        return run

    return register


def advance(world: World, by: timedelta) -> None:
    """Move the world's clock by ``by``, stopping at every due job on the way to run it."""
    goal = world.clock.now() + by
    while True:
        now = world.clock.now()
        due = min(((j.next_after(now), j.name) for j in JOBS.values()), default=None)
        if due is None or due[0] > goal:
            break
        world.clock.shift(due[0] - now)
        run_due(world, now, due[0])
    world.clock.shift(max(goal - world.clock.now(), timedelta()))


def run_due(world: World, after: datetime, until: datetime) -> None:
    """Run each job that has an instant in ``(after, until]``, once, in order of that instant."""
    due = sorted((moment, j.name) for j in JOBS.values() if (moment := j.next_after(after)) <= until)
    for moment, name in due:
        with world.lock:
            JOBS[name].run(world, moment)


class Scheduler(threading.Thread):
    """Runs the jobs of a world by the world's own clock until stopped."""

    def __init__(self, world: World, tick: float = 0.25) -> None:
        super().__init__(name="emulator-jobs", daemon=True)
        self._world = world
        self._tick = tick
        self._ended = threading.Event()

    def run(self) -> None:
        """Look every tick which jobs have become due."""
        seen = self._world.clock.now()
        while not self._ended.wait(self._tick):
            now = self._world.clock.now()
            if now > seen:
                run_due(self._world, seen, now)
            seen = now

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._ended.set()
        self.join(timeout=5)
