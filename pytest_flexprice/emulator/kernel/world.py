"""Everything one emulator knows: clock, ids, lock, options, tables and the parts that keep state of their own."""

from __future__ import annotations

import dataclasses
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from . import hooks, jobs
from .ids import Ids
from .options import EmulatorOptions
from .tables import Table

T = TypeVar("T")
REQUESTS_KEPT = 5000
"""How many requests a world remembers, without bodies and with keys masked."""


class World:
    """The state behind one server. Handlers and jobs run under :attr:`lock`, one at a time."""

    def __init__(self, options: EmulatorOptions | None = None) -> None:
        self.options = options or EmulatorOptions()
        self._first_options = dataclasses.replace(self.options)
        self.clock = Clock()
        self.lock = threading.RLock()
        self._ids = Ids()
        self._tables: dict[str, Table] = {}
        self._parts: dict[str, Any] = {}
        self.sequences: dict[str, int] = {}
        self.faults: set[str] = set(self.options.faults)
        self.requests: deque[dict[str, Any]] = deque(maxlen=REQUESTS_KEPT)

    def new_id(self, prefix: str) -> str:
        """A fresh ``prefix_ULID``."""
        return self._ids.new(prefix, self.clock.now())

    def new_ulid(self) -> str:
        """A fresh ULID."""
        return self._ids.ulid(self.clock.now())

    def next(self, sequence: str) -> int:
        """The next number (from 1) of a counter of the whole server."""
        self.sequences[sequence] = self.sequences.get(sequence, 0) + 1
        return self.sequences[sequence]

    def table(self, name: str) -> Table:
        """The table of that name, made on first use."""
        return self._tables.setdefault(name, Table(name))

    def tables(self) -> dict[str, int]:
        """The number of rows of each table."""
        return {name: len(table) for name, table in sorted(self._tables.items())}

    def part(self, name: str, factory: Callable[[World], T]) -> T:
        """A part's own state, made by ``factory(world)`` on first use and forgotten by :meth:`reset`."""
        if name not in self._parts:
            self._parts[name] = factory(self)
        found: T = self._parts[name]
        return found

    def publish(self, environment: str, name: str, *, kind: str, id: str) -> None:
        """Tell the delivery service that ``name`` (such as "customer.created") happened to an object."""
        for sink in hooks.SINKS:
            sink(self, environment, name, kind, id)

    def advance(self, by: timedelta) -> None:
        """Move the clock forward, running every due job at its own instant on the way."""
        with self.lock:
            jobs.advance(self, by)

    def advance_to(self, moment: datetime) -> None:
        """Move the clock forward to ``moment`` (not backward)."""
        self.advance(max(moment - self.clock.now(), timedelta()))

    def reset(self) -> None:
        """Forget everything: rows, parts, counters, the moved clock, changed options and faults switched on later."""
        with self.lock:
            for hook in hooks.STOPPING:
                hook(self)
            self._tables.clear()
            self._parts.clear()
            self.sequences.clear()
            self.requests.clear()
            self.clock.reset()
            for name in (each.name for each in dataclasses.fields(self.options)):
                setattr(self.options, name, getattr(self._first_options, name))
            self.faults = set(self.options.faults)
            for hook in hooks.STARTING:
                hook(self)


class Clock:
    """Tells the server's time; thread-safe."""

    def __init__(self) -> None:
        self._offset = timedelta()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The current instant, aware UTC with microseconds."""
        with self._lock:
            return datetime.now(UTC) + self._offset

    @property
    def offset(self) -> timedelta:
        """How far the clock is ahead of the real one."""
        return self._offset

    def shift(self, by: timedelta) -> None:
        """Move the clock without running any job; :meth:`World.advance` is what callers want."""
        with self._lock:
            self._offset += by

    def reset(self) -> None:
        """Back to the real time."""
        with self._lock:
            self._offset = timedelta()
