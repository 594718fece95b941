"""From accepted to stored and metered: two independent consumers, each at its own moment (contract 3.4).

Nothing runs in the background: what has become due is processed before the next request is handled and before any
aggregated read, with the meters as they were at that moment. Meters are remembered by event name, positive answers
only, for ``meter_cache_seconds`` (contract 2.1, recording meter_cache).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Literal

from .. import hooks
from .rules import Meter, TooLarge
from .store import Event, MeteredRow, Store
from .windows import millisecond_of

if TYPE_CHECKING:
    from ..world import World

Stage = Literal["raw", "metered"]
_SHARES: dict[Stage, float] = {"raw": 0.5, "metered": 1.0}  # of the lag: the two consumers are never at the same point
Change = Callable[["World", list[Event]], "list[Event]"]

METERING_FILTERS: dict[str, Change] = {}
"""Faults of the metering consumer: name of the fault -> what it makes of a batch."""
LAG_FACTORS: dict[str, Callable[[World], float | None]] = {}
"""Faults of the queue: name of the fault -> the lag in its place (``None``: for ever)."""

_NEVER = datetime.max.replace(tzinfo=timezone.utc)


class Pipeline:
    """The queue in front of the two stores of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.store = Store()
        self.lag: float | None = world.options.lag
        self._waiting: dict[Stage, deque[tuple[datetime, list[Event]]]] = {"raw": deque(), "metered": deque()}
        self._meters: dict[tuple[str, str], tuple[datetime, list[Meter]]] = {}

    def accept(self, events: list[Event]) -> None:
        """Queue accepted events. Blank names are dropped: they are never stored (recording events_ingest)."""
        events = [event for event in events if event.name]
        if not events:
            return
        now = self._world.clock.now()
        lag = self._lag()
        for stage, queue in self._waiting.items():
            due = _NEVER if lag is None else now + timedelta(seconds=lag * _SHARES[stage])
            queue.append((due, events))
        self.catch_up()

    def _lag(self) -> float | None:
        for name, lag in LAG_FACTORS.items():
            if name in self._world.faults:
                return lag(self._world)
        return self.lag

    def catch_up(self) -> None:
        """Process every batch that is due by the world's clock, in order of arrival."""
        if not (self._waiting["raw"] or self._waiting["metered"]):
            return
        now = self._world.clock.now()
        for stage, queue in self._waiting.items():
            while queue and queue[0][0] <= now:
                due, batch = queue.popleft()
                self._process(stage, batch, due)

    def release(self, count: int | None = None, stages: Iterable[Stage] = ("raw", "metered")) -> int:
        """Process held batches now, the oldest ``count`` events at least (default: all); returns how many events."""
        released = 0
        now = self._world.clock.now()
        for stage in stages:
            done = 0
            queue = self._waiting[stage]
            while queue and (count is None or done < count):
                _, batch = queue.popleft()
                self._process(stage, batch, now)
                done += len(batch)
            released = max(released, done)
        return released

    def waiting(self) -> dict[str, int]:
        """How many events each consumer has not processed yet."""
        return {stage: sum(len(batch) for _, batch in queue) for stage, queue in self._waiting.items()}

    def oldest_wait(self) -> float:
        """Seconds since the oldest event that is not metered yet was sent; 0 when there is none."""
        queue = self._waiting["metered"]
        if not queue:
            return 0.0
        return max((millisecond_of(self._world.clock.now()) - queue[0][1][0].moment) / 1000, 0.0)

    def _process(self, stage: Stage, batch: list[Event], now: datetime) -> None:
        if stage == "raw":
            self.store.add_raw(batch)
        else:
            self._meter(batch, now)

    def _meter(self, batch: list[Event], due: datetime) -> None:
        for name, change in METERING_FILTERS.items():
            if name in self._world.faults:
                batch = change(self._world, batch)
        processed = millisecond_of(due)
        rows: list[MeteredRow] = []
        for event in batch:
            for meter in self._meters_of(event.environment, event.name, due):
                try:
                    measure = meter.measure(event.properties)
                except TooLarge:
                    self.store.add_too_large(event)
                    continue
                if measure is not None:
                    rows.append(MeteredRow(event, meter.id, measure.quantity, measure.unique, processed))
        self.store.add_metered(rows)

    def _meters_of(self, environment: str, name: str, now: datetime) -> list[Meter]:
        key = (environment, name)
        known = self._meters.get(key)
        if known is not None and known[0] > now:
            return known[1]
        rows = self._world.table("meters").find(environment, event_name=name)
        meters = [Meter(row) for row in rows if row.get("status") == "published"]
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
