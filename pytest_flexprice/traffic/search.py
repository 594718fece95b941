"""Divide and conquer: from days that differ to hours, to minutes, to the single events (contract 11.1).

Every question costs one request whatever the number of customers and events; only where something differs more are asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from pytest_flexprice.api import Flexprice
from pytest_flexprice.api.traffic import Point, read_arrived, read_ids_by_name, read_points
from pytest_flexprice.model.decimals import QUANTITY_TOLERANCE, ZERO
from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.model.times import Window
from pytest_flexprice.traffic.log import DAY, HOUR, MINUTE, WEEK_SHIFT, Log
from pytest_flexprice.traffic.metering import Counted

WORDS = {DAY: "DAY", HOUR: "HOUR", MINUTE: "MINUTE"}
MOST_HOURS, MOST_MINUTES = 12, 20
"""Where more hours of a day (minutes of an hour) differ, the whole of it is read."""
_ADDING = ("SUM",)
_SECONDS = {"MINUTE": 60, "15MIN": 900, "30MIN": 1800, "HOUR": 3600, "3HOUR": 10_800, "6HOUR": 21_600, "12HOUR": 43_200,
            "DAY": DAY, "WEEK": 7 * DAY}  # fmt: skip


@dataclass(frozen=True)
class Metered:
    """A meter with the feature that shows it."""

    meter: Meter
    feature: str
    title: str

    @property
    def counts_ids(self) -> bool:
        """Whether it counts every event of its name, so that no property need be read."""
        return (
            not self.meter.filters
            and not self.meter.aggregation.expression
            and self.meter.aggregation.type != "COUNT_UNIQUE"
        )

    @property
    def adds_up(self) -> bool:
        """Whether the environment's sum says something: multiplied and weighted sums are shown as 0 there."""
        return self.meter.aggregation.type in _ADDING

    def stretch(self, size: int) -> tuple[int, int]:
        """Seconds and shift of the points that are answered: those of its own buckets, whatever larger size is asked for."""
        own = _SECONDS.get(self.meter.aggregation.bucket_size, 0)
        return (own, WEEK_SHIFT if own == 7 * DAY else 0) if own else (size, 0)


@dataclass
class Side:
    """One side of a comparison for the report: ids by name and day, and by meter and day what it counted."""

    ids: dict[tuple[str, datetime], int] = field(default_factory=dict)
    points: dict[str, Mapping[datetime, Any]] = field(default_factory=dict)


@dataclass
class Search:
    """The search for what differs in a window of whole days."""

    log: Log
    flexprice: Flexprice
    metered: Sequence[Metered]
    progress: Callable[[str], None] = lambda words: None

    def days(self, window: Window, names: Iterable[str], ours: Side, theirs: Side) -> set[tuple[str, datetime]]:
        """The event names and days that differ; what was counted on both sides is left in ``ours`` and ``theirs``."""
        ours.ids = self.log.counts(window, DAY)
        for name in names:
            self.progress(f"counting '{name}'")
            found = read_ids_by_name(self.flexprice, name, window, "DAY")
            theirs.ids.update({(name, start): count for start, count in found.items() if count})
        theirs.points = dict(read_points(self.flexprice, window, "DAY"))
        differing = {key for key in {*ours.ids, *theirs.ids} if ours.ids.get(key, 0) != theirs.ids.get(key, 0)}
        for one in self.metered:
            self.progress(f"adding up '{one.title}'")
            size, shift = one.stretch(DAY)
            mine = self._mine(one, window, size, shift, ours.ids)
            ours.points[one.meter.id] = mine
            for start in _differing(one, mine, theirs.points.get(one.meter.id, {})):
                differing.add((one.meter.event_name, _day(start)))
                differing.update((one.meter.event_name, day) for day in _days(start, size))
        return differing

    def _mine(
        self, one: Metered, window: Window, size: int, shift: int, ids: Mapping[tuple[str, datetime], int]
    ) -> Mapping[datetime, Counted]:
        if one.counts_ids and not one.adds_up and size == DAY:
            name = one.meter.event_name
            return {start: Counted(Decimal(count), count) for (each, start), count in ids.items() if each == name}
        return self.log.metered(one.meter, window, size, shift)

    def windows(self, differing: Iterable[tuple[str, datetime]]) -> list[Window]:
        """The stretches in which single events have to be looked at: minutes, or whole hours and days where much differs."""
        found: set[Window] = set()
        for name, day in sorted(differing, key=lambda each: (each[1], each[0])):
            self.progress(f"looking into '{name}' on {day:%Y-%m-%d}")
            found.update(self._narrow(name, Window(day, day + timedelta(seconds=DAY)), HOUR))
        return _merged(found)

    def _narrow(self, name: str, window: Window, size: int) -> list[Window]:
        starts = sorted(self._starts(name, window, size))
        if len(starts) > (MOST_HOURS if size == HOUR else MOST_MINUTES):
            return [window]
        parts = [Window(start, start + timedelta(seconds=size)) for start in starts]
        return parts if size == MINUTE else [each for part in parts for each in self._narrow(name, part, MINUTE)]

    def _starts(self, name: str, window: Window, size: int) -> set[datetime]:
        ours = {start: count for (_, start), count in self.log.counts(window, size, [name]).items()}
        theirs = read_ids_by_name(self.flexprice, name, window, WORDS[size])
        found = {start for start in {*ours, *theirs} if ours.get(start, 0) != theirs.get(start, 0)}
        own = [one for one in self.metered if one.meter.event_name == name and not _coarse(one, size)]
        wanted = [one for one in own if not one.counts_ids or one.adds_up]
        points = read_points(self.flexprice, window, WORDS[size], [one.feature for one in wanted]) if wanted else {}
        for one in wanted:
            mine = self.log.metered(one.meter, window, size)
            finer = points.get(one.meter.id, {})
            if one.stretch(size)[0] == size or not one.meter.aggregation.bucket_size:
                found.update(start for start in _differing(one, mine, finer) if window.holds(start))
        return found

    def arrived(self, window: Window, **only: str) -> list[Event]:
        """The events that Flexprice holds of a window, in order of time."""
        rows = read_arrived(self.flexprice, window, **only)
        return [Event.from_api(row) for row in rows][::-1]


def _coarse(one: Metered, size: int) -> bool:
    """Whether the points of a meter are coarser than what is asked for, so that they cannot help."""
    return one.stretch(size)[0] > size


def _differing(one: Metered, ours: Mapping[datetime, Counted], theirs: Mapping[datetime, Point]) -> set[datetime]:
    found = set()
    for start in {*ours, *theirs}:
        mine, seen = ours.get(start, Counted(ZERO, 0)), theirs.get(start, Point(ZERO, 0))
        if mine.event_count != seen.event_count or (one.adds_up and abs(mine.value - seen.usage) > QUANTITY_TOLERANCE):
            found.add(start)
    return found


def _day(start: datetime) -> datetime:
    return start.replace(hour=0, minute=0, second=0, microsecond=0)


def _days(start: datetime, size: int) -> list[datetime]:
    return [_day(start) + timedelta(days=number) for number in range(max(1, size // DAY))]


def _merged(windows: Iterable[Window]) -> list[Window]:
    """The windows without overlaps, neighbours joined."""
    found: list[Window] = []
    for each in sorted(windows):
        if found and each.start <= found[-1].end:
            found[-1] = Window(found[-1].start, max(found[-1].end, each.end))
        else:
            found.append(each)
    return found
