"""Killing a smoke run before and after each of its writes, with one worker and with two: ``python -m tests.safety.kill_points``.

At a kill point the proxy holds the request back (before), or lets Flexprice execute it and holds the answer back (after),
while every process of the run is killed. Then one sweep behind an honest server has to leave nothing, and the company as it
was.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from tests.safety.company import Company
from tests.safety.proxy import Exchange, Reply
from tests.warm import Running

SMOKE = ("-m", "smoke", "-k", "not webhook", "-p", "no:randomly", "-p", "no:cacheprovider")
MOST_WRITES = 200  # more than any run makes: trying ends with the first number that no run reaches
SECONDS = 240


@dataclass(frozen=True)
class KillPoint:
    """The kill at the ``number``-th write (from 1) whose path ends with ``at``, before or after Flexprice executed it.

    ``workers`` are xdist's; 0 is a run without.
    """

    number: int
    after: bool
    workers: int = 0
    at: str = ""

    def __str__(self) -> str:
        return f"{'after' if self.after else 'before'}-{self.at or 'write'}-{self.number}-workers-{self.workers or 1}"


@dataclass
class Killed:
    """What came of it: which write it was ("" when the run ended before), the sweep's exit code and output, and what is left."""

    write: str
    code: int
    output: str
    left: list[str]
    foreign_untouched: bool


class _Assassin:
    """Kills a process group at a write, and lets nothing through afterwards."""

    def __init__(self, point: KillPoint) -> None:
        self._point, self._count, self._lock = point, 0, threading.Lock()
        self.running: Running | None = None
        self.write = ""
        self.dead = threading.Event()

    def __call__(self, exchange: Exchange) -> Reply | None:
        """The attack."""
        if self.write:
            return self._gone()
        if not exchange.writes or not exchange.path.endswith(self._point.at):
            return None
        with self._lock:
            self._count += 1
            mine = self._count == self._point.number
            if mine:
                self.write = f"{exchange.method} {exchange.path}"
        if not mine:
            return None
        if self._point.after:
            exchange.forward()
        self._kill()
        return self._gone()

    def _kill(self) -> None:
        assert self.running is not None
        self.running.kill()
        self.dead.set()

    def _gone(self) -> Reply:
        self.dead.wait(10)
        return Reply(502, b"", {})


def kill(company: Company, point: KillPoint) -> Killed:
    """Kill one run, sweep once."""
    before, assassin = company.foreign(), _Assassin(point)
    workers = ("-n", str(point.workers)) if point.workers else ()
    with company.proxy.attacking(assassin):
        assassin.running = company.begin(*SMOKE, *workers)
        assassin.running.ended(SECONDS)
    assert company.proxy.wait_until_idle(SECONDS)  # whatever the kill let through has arrived
    swept = company.run("--flexprice-sweep")
    return Killed(assassin.write, swept.code, swept.output, company.left(), company.foreign() == before)


def main() -> int:
    """All points, one line each; 1 if a sweep left anything."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--workers", type=int, nargs="*", default=[0, 2])
    arguments.add_argument("--first", type=int, default=1)
    given = arguments.parse_args()
    bad = tried = 0
    for workers in given.workers:
        for number in range(given.first, MOST_WRITES):
            results = [_try(KillPoint(number, after, workers)) for after in (False, True)]
            tried += sum(bool(each.write) for each in results)
            bad += sum(bool(each.write) and not _good(each) for each in results)
            if not any(each.write for each in results):
                break
    print(f"{tried} kill points, {bad} of them left something after one sweep")
    return min(bad, 1)


def _try(point: KillPoint) -> Killed:
    with tempfile.TemporaryDirectory() as folder:
        company = Company(Path(folder))
        try:
            killed = kill(company, point)
        finally:
            company.stop()
    if killed.write:
        print(f"{point}: {killed.write}: {'nothing left' if _good(killed) else killed}", flush=True)
    return killed


def _good(killed: Killed) -> bool:
    return killed.code == 0 and not killed.left and killed.foreign_untouched


if __name__ == "__main__":
    sys.exit(main())
