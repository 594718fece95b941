"""Divide and conquer: from days that differ to hours, to minutes, to the single events (contract 11.1).

Every question costs one request whatever the number of customers and events; only where something differs more are asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple

from pytest_flexprice.api import Flexprice
from pytest_flexprice.api.traffic import (
    PAGE,
    POINTS_READER,
    CountedStretch,
    check_within,
    read_arrived,
    read_ids_by_name,
    read_points,
)
from pytest_flexprice.model.decimals import QUANTITY_TOLERANCE, ZERO
from pytest_flexprice.model.finding import not_verified
from pytest_flexprice.model.meters import Event
from pytest_flexprice.model.times import Window
from pytest_flexprice.traffic.log import DAY, HOUR, MINUTE, Log
from pytest_flexprice.traffic.metered import Metered
from pytest_flexprice.traffic.metering import Counted
from pytest_flexprice.traffic.state import ResumeState
from pytest_flexprice.traffic.traits import Traits

WORDS = {DAY: "DAY", HOUR: "HOUR", MINUTE: "MINUTE"}
WHOLE = 20 * PAGE
"""So many events are read in whole rather than narrowed further where much of them differs."""
MOST_PARTS = {HOUR: 12, MINUTE: 20}
MOST_EVENTS = 500_000
"""So many single events are read in one run; what is left is told by its number."""


@dataclass
class Side:
    """One side of a comparison for the report: ids by name and day, and by meter and day what it counted."""

    ids: dict[tuple[str, datetime], int] = field(default_factory=dict)
    points: dict[str, Mapping[datetime, Any]] = field(default_factory=dict)


class Stretch(NamedTuple):
    """A stretch that differs: by how many events (at least one), and how many it holds, of all names, about."""

    window: Window
    differing: int
    events: int


@dataclass
class Search:
    """The search for what differs in a window of whole days; ``is_over`` tells that there is no time for more.

    ``state`` keeps what was read for the next run, ``counted`` is what both sides have of each day of the ``window``. ``touched``
    is how many single events are known to differ by name and day, ``repeated`` where some were sent again within their second,
    ``traits`` what the events of one cause share.
    """

    log: Log
    flexprice: Flexprice
    metered: Sequence[Metered]
    progress: Callable[[str], None] = lambda words: None
    is_over: Callable[[], bool] = lambda: False
    state: ResumeState | None = None
    counted: dict[datetime, list[object]] = field(default_factory=dict)
    window: Window | None = None
    touched: dict[tuple[str, datetime], int] = field(default_factory=dict)
    repeated: set[tuple[str, datetime]] = field(default_factory=set)
    traits: Traits = field(default_factory=dict)

    def touch(self, events: Iterable[Event]) -> None:
        """Note that single events are known to differ in their days; those of one id count once."""
        for name, day in {(one.name, day_of(one.timestamp)) for one in events}:
            self.touched[name, day] = self.touched.get((name, day), 0) + 1

    def note_repeats(self, events: Iterable[Event]) -> None:
        """Note the days in which something was sent again within its second: sums may hold it twice (contract 11.1)."""
        seen: set[tuple[str, str, datetime]] = set()
        for one in events:
            key = one.name, one.id, one.timestamp.replace(microsecond=0)
            if key in seen:
                self.repeated.add((one.name, day_of(one.timestamp)))
            seen.add(key)

    def days(self, window: Window, names: Iterable[str], ours: Side, theirs: Side) -> set[tuple[str, datetime]]:
        """The event names and days that differ; what was counted on both sides is left in ``ours`` and ``theirs``.

        Raises:
            NotVerified: there was no time to count every name.
        """
        self.window, ours.ids = window, dict(self.log.counts(window, DAY))
        for number, name in enumerate(names):
            if number and self.is_over():
                raise _no_time(number)
            self.progress(f"counting '{name}'")
            found = read_ids_by_name(self.flexprice, name, window, "DAY")
            theirs.ids.update({(name, start): count for start, count in found.items() if count})
        theirs.points = dict(read_points(self.flexprice, window, "DAY"))
        differing = {key for key in {*ours.ids, *theirs.ids} if ours.ids.get(key, 0) != theirs.ids.get(key, 0)}
        for one in self.metered:
            self.progress(f"adding up '{one.title}'")
            name, seen = one.meter.event_name, theirs.points.get(one.meter.id, {})
            mine = ours.points[one.meter.id] = self._mine(one, window, ours.ids)
            if not one.is_long:
                check_within(seen, window, POINTS_READER)
                differing.update((name, day_of(start)) for start in _differing(one, mine, seen))
            elif one.adds_up and not equal(summed(mine.values()), summed(seen.values())):
                differing.update((name, start) for start in _days(window))
        for side in (ours, theirs):
            for (name, start), count in sorted(side.ids.items()):
                self.counted.setdefault(start, []).append((name, count))
            for meter, points in sorted(side.points.items()):
                for start, point in sorted(points.items()):
                    self.counted.setdefault(day_of(start), []).append(
                        (meter, str(start), str(point.event_count), f"{point[0]:f}")
                    )
        return differing

    def counts_of(self, window: Window) -> list[object]:
        """What both sides have of the days that a stretch lies in, to tell whether it is still the same."""
        return [self.counted.get(day) for day in _days(Window(day_of(window.start), window.end))]

    def _mine(
        self, one: Metered, window: Window, ids: Mapping[tuple[str, datetime], int]
    ) -> Mapping[datetime, Counted]:
        size = DAY if one.is_long else one.stretch(DAY)
        if one.counts_ids and not one.adds_up and size == DAY:
            name = one.meter.event_name
            return {start: Counted(Decimal(count), count) for (each, start), count in ids.items() if each == name}
        return self.log.metered(one.meter, window, size)

    def stretches(self, differing: Iterable[tuple[str, datetime]], ours: Side, theirs: Side) -> list[Stretch]:
        """Where single events have to be looked at: minutes, or whole hours and days where they hold few events or much differs."""
        held, found, spent = _held(ours, theirs), list[Stretch](), 0
        for name, day in sorted(differing, key=lambda each: (each[1], each[0])):
            mine, seen = ours.ids.get((name, day), 0), theirs.ids.get((name, day), 0)
            whole = Stretch(Window(day, day + timedelta(seconds=DAY)), max(abs(mine - seen), 1), held.get(day, 0))
            if spent > MOST_EVENTS or self.is_over():
                found.append(whole)
                continue
            self.progress(f"looking into '{name}' on {day:%Y-%m-%d}")
            parts = self._narrow(name, whole, HOUR, whole.events / max(mine, seen, 1))
            spent += sum(part.events for part in parts)
            found += parts
        return _merged(found)

    def _narrow(self, name: str, whole: Stretch, size: int, share: float) -> list[Stretch]:
        """The parts of a stretch that differ; ``share`` is how many events of all names there are for each one of this."""
        if whole.events <= PAGE:
            return [whole]
        parts = list(self._parts(name, whole.window, size, share))
        if (not parts and self._is_coarse(name, size)) or (len(parts) > MOST_PARTS[size] and whole.events <= WHOLE):
            return [whole]
        return parts if size == MINUTE else [each for part in parts for each in self._narrow(name, part, MINUTE, share)]

    def _is_coarse(self, name: str, size: int) -> bool:
        """Whether a sum of longer buckets may differ where no number of events does."""
        return any(one.meter.event_name == name and one.adds_up and one.bucket > size for one in self.metered)

    def _parts(self, name: str, window: Window, size: int, share: float) -> Iterator[Stretch]:
        ours = {start: count for (_, start), count in self.log.counts(window, size, [name]).items()}
        theirs = read_ids_by_name(self.flexprice, name, window, WORDS[size])
        found = {start for start in {*ours, *theirs} if ours.get(start, 0) != theirs.get(start, 0)}
        found |= self._unequal_sums(name, window, size)
        for start in sorted(found):
            mine, seen = ours.get(start, 0), theirs.get(start, 0)
            end = start + timedelta(seconds=size)
            yield Stretch(Window(start, end), max(abs(mine - seen), 1), round(max(mine, seen) * share))

    def _unequal_sums(self, name: str, window: Window, size: int) -> set[datetime]:
        own = [one for one in self.metered if one.meter.event_name == name and one.stretch(size) == size]
        wanted = [one for one in own if not one.counts_ids or one.adds_up]
        points = read_points(self.flexprice, window, WORDS[size], [one.feature for one in wanted]) if wanted else {}
        found: set[datetime] = set()
        for one in wanted:
            found |= _differing(one, self.log.metered(one.meter, window, size), points.get(one.meter.id, {}))
        return {start for start in found if window.holds(start)}

    def arrived(self, window: Window, most: int = MOST_EVENTS, **only: str) -> list[Event]:
        """The events that Flexprice holds of a window, in order of time.

        Raises:
            NotVerified: there are more than ``most``.
        """
        rows = list(islice(read_arrived(self.flexprice, window, **only), most + 1))
        if len(rows) > most:
            span = f"{window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M}"
            raise not_verified("3.1", "POST /v1/events/query", f"Flexprice holds more than {most:,} events from {span}")
        return [Event.from_api(row) for row in rows][::-1]


def _no_time(counted: int) -> Exception:
    return not_verified(
        "3.1",
        "traffic",
        f"there was no time left once {counted:,} event names had been counted, so the company's log was not compared",
        remedy="run again, with more time by --flexprice-deadline",
    )


def _differing(
    one: Metered, ours: Mapping[datetime, Counted], theirs: Mapping[datetime, CountedStretch]
) -> set[datetime]:
    found = set()
    for start in {*ours, *theirs}:
        mine, seen = ours.get(start, Counted(ZERO, 0)), theirs.get(start, CountedStretch(ZERO, 0))
        if mine.event_count != seen.event_count or (one.adds_up and not equal(mine.value, seen.usage)):
            found.add(start)
    return found


def summed(points: Iterable[Counted | CountedStretch]) -> Decimal:
    """The sum of the values of some points."""
    return sum((value for value, _ in points), ZERO)


def equal(one: Decimal, other: Decimal) -> bool:
    """Whether two quantities are the same, as exact as they are kept."""
    return abs(one - other) <= QUANTITY_TOLERANCE


def _held(ours: Side, theirs: Side) -> dict[datetime, int]:
    """How many events of all names the fuller side has of each day."""
    found: dict[datetime, int] = {}
    for name, day in {*ours.ids, *theirs.ids}:
        found[day] = found.get(day, 0) + max(ours.ids.get((name, day), 0), theirs.ids.get((name, day), 0))
    return found


def day_of(start: datetime) -> datetime:
    """The start of the UTC day that a moment lies in."""
    return start.replace(hour=0, minute=0, second=0, microsecond=0)


def _days(window: Window) -> Iterator[datetime]:
    start = window.start
    while start < window.end:
        yield start
        start += timedelta(seconds=DAY)


def _merged(found: Iterable[Stretch]) -> list[Stretch]:
    """The stretches without overlaps, small neighbours joined."""
    merged: list[Stretch] = []
    for each in sorted(found):
        last = merged[-1] if merged else each
        inside, beside = each.window.start < last.window.end, each.window.start == last.window.end
        if merged and (inside or (beside and last.events + each.events <= WHOLE)):
            window = Window(last.window.start, max(last.window.end, each.window.end))
            events = max(last.events, each.events) if inside else last.events + each.events
            merged[-1] = Stretch(window, last.differing + each.differing, events)
        else:
            merged.append(each)
    return merged
