"""From accepted to stored and metered: two independent consumers, each at its own moment (contract 3.4).

Nothing runs in the background: what has become due is processed before the next request is handled and before any
aggregated read, with the meters as they were at that moment. Meters are remembered by event name, positive answers
only, for ``meter_cache_seconds`` (contract 2.1, recording meter_cache).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

from ..kernel import hooks
from ..kernel.world import World
from .rules import Meter, TooLarge
from .store import Event, MeteredRow, Store
from .windows import millisecond_of

T = TypeVar("T")
Stage = Literal["raw", "metered"]
_SHARES: dict[Stage, float] = {"raw": 0.5, "metered": 1.0}  # of the lag: the two consumers are never at the same point
LOST = "#lost"
"""Ending of the meter id of a row that the debugger sees and no total counts (fault F133)."""

ACCEPTING: dict[str, Callable[[World, Event], Event | None]] = {}
"""Faults of what is sent: name -> the event as it arrives; ``None`` drops it."""
METERING: dict[str, Callable[[World, list[MeteredRow]], list[MeteredRow]]] = {}
"""Faults of the metering consumer: name -> the rows of a batch as they are stored."""
KNOWING: dict[str, Callable[[Mapping[str, Any]], Meter]] = {}
"""Faults of how the metering consumer understands a meter: name -> what it makes of the stored one."""
LAGS: dict[str, Callable[[World], float | None]] = {}
"""Faults of the metering consumer's queue: name -> its lag in seconds, ``None`` for ever."""


@dataclass
class _Waiting:
    """A batch that a consumer has not reached yet."""

    arrived: datetime
    events: list[Event]


class Pipeline:
    """The queues in front of the two stores of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.store = Store()
        self._waiting: dict[Stage, deque[_Waiting]] = {"raw": deque(), "metered": deque()}
        self._meters: dict[tuple[str, str], tuple[datetime, list[Meter]]] = {}

    def accept(self, events: list[Event]) -> None:
        """Queue accepted events. Blank names are dropped: they are never stored (recording events_ingest)."""
        for change in self._active(ACCEPTING):
            events = [changed for event in events if (changed := change(self._world, event)) is not None]
        events = [event for event in events if event.name]
        if events:
            batch = _Waiting(self._world.clock.now(), events)
            for queue in self._waiting.values():
                queue.append(batch)
            self.catch_up()

    def _active(self, faults: dict[str, T]) -> list[T]:
        on = self._world.faults
        return [rule for name, rule in faults.items() if name in on] if on else []

    def _lag(self, stage: Stage) -> timedelta | None:
        seconds = self._world.options.lag
        if stage == "metered":
            for lag in self._active(LAGS):
                seconds = lag(self._world)
        return None if seconds is None else timedelta(seconds=seconds * _SHARES[stage])

    def catch_up(self) -> None:
        """Process every batch whose lag is over by the world's clock, in order of arrival."""
        if not (self._waiting["raw"] or self._waiting["metered"]):
            return
        now = self._world.clock.now()
        for stage, queue in self._waiting.items():
            lag = self._lag(stage)
            while lag is not None and queue and queue[0].arrived + lag <= now:
                batch = queue.popleft()
                self._process(stage, batch.events, batch.arrived + lag)

    def release(self, count: int | None = None, stages: Iterable[Stage] = ("raw", "metered")) -> int:
        """Process the oldest ``count`` waiting events now, whatever the lag (default: all); returns how many it were."""
        released = 0
        now = self._world.clock.now()
        for stage in stages:
            queue, left = self._waiting[stage], count
            while queue and (left is None or left > 0):
                batch = queue.popleft()
                part = batch.events if left is None else batch.events[:left]
                if len(part) < len(batch.events):
                    queue.appendleft(_Waiting(batch.arrived, batch.events[len(part) :]))
                self._process(stage, part, now)
                left = None if left is None else left - len(part)
                released += len(part)
        return released

    def waiting(self) -> dict[Stage, int]:
        """How many events each consumer has not processed yet."""
        return {stage: sum(len(batch.events) for batch in queue) for stage, queue in self._waiting.items()}

    def _process(self, stage: Stage, events: list[Event], now: datetime) -> None:
        if stage == "raw":
            self.store.add_raw(events)
            return
        rows = self._rows(events, now)
        for change in self._active(METERING):
            rows = change(self._world, rows)
        self.store.add_metered(rows)

    def _rows(self, events: list[Event], now: datetime) -> list[MeteredRow]:
        processed = millisecond_of(now)
        rows: list[MeteredRow] = []
        known: dict[tuple[str, str], list[Meter]] = {}  # all events of a batch meet the meters of one moment
        for event in events:
            place = (event.environment, event.name)
            meters = known.get(place)
            if meters is None:
                meters = known[place] = self._meters_of(*place, now)
            for meter in meters:
                try:
                    measure = meter.measure(event.properties)
                except TooLarge:
                    self.store.add_too_large(event)
                    continue
                if measure is not None:
                    rows.append(MeteredRow(event, meter.id, measure.quantity, measure.unique, processed))
        return rows

    def _meters_of(self, environment: str, name: str, now: datetime) -> list[Meter]:
        key = (environment, name)
        known = self._meters.get(key)
        if known is not None and known[0] > now:
            return known[1]
        rows = self._world.table("meters").find(environment, event_name=name)
        known_as = (*self._active(KNOWING), Meter)[0]
        meters = [known_as(row) for row in rows if row.get("status") == "published"]
        if meters:
            self._meters[key] = (now + timedelta(seconds=self._world.options.meter_cache_seconds), meters)
        else:
            self._meters.pop(key, None)
        return meters


def pipeline(world: World) -> Pipeline:
    """The pipeline of a world."""
    return world.part("events", Pipeline)


@hooks.on_request
def _catch_up(world: World) -> None:
    pipeline(world).catch_up()
