"""What a reconciliation asks of the company's log: counts in windows, and single events where something differs."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.model.times import Window
from pytest_flexprice.traffic.dialects import dialect
from pytest_flexprice.traffic.fetching import fetched, in_memory
from pytest_flexprice.traffic.metering import Counted, counted, metering
from pytest_flexprice.traffic.numbers import Rows
from pytest_flexprice.traffic.prepared import Questions, bounded, stretched
from pytest_flexprice.traffic.source import OpenedLog

DAY, HOUR, MINUTE = 86_400, 3_600, 60
_EVENT = ("name", "customer", "id", "second", "properties", "seq")


@dataclass(frozen=True)
class Log:
    """The log of one source; windows are ``[start, end)`` in whole seconds.

    ``repeats`` are the names with the seconds at which days begin that were counted, and whether an id comes twice in that day.
    ``days`` are the counts of whole windows by day, which are asked for more than once.
    """

    opened: OpenedLog
    repeats: dict[tuple[str, int], bool] = field(default_factory=dict, repr=False, compare=False)
    counted_days: list[tuple[int, int]] = field(default_factory=list, repr=False, compare=False)
    days: dict[Window, dict[tuple[str, datetime], int]] = field(default_factory=dict, repr=False, compare=False)

    def _within(self, window: Window) -> Rows:
        table = self.opened.table
        return table.filter(table.second >= epoch(window.start), table.second < epoch(window.end))

    def counts(self, window: Window, size: int, names: Collection[str] = ()) -> dict[tuple[str, datetime], int]:
        """How many different ids each event name has in each stretch of ``size`` seconds."""
        if size != DAY or names:
            return self._counts(window, size, names)
        if window not in self.days:
            self.days[window] = self._counts(window, size, names)
        return self.days[window]

    def _counts(self, window: Window, size: int, names: Collection[str]) -> dict[tuple[str, datetime], int]:
        rows = self._within(window)
        if names:
            rows = rows.filter(rows.name.isin(list(names)))
        rows = rows.mutate(stretch=_start(rows, size))
        found = fetched(rows.group_by("name", "stretch").agg(ids=rows.id.nunique(), events=rows.count()))
        start, end = epoch(window.start), epoch(window.end)
        if size == DAY and not names and not start % DAY and not end % DAY:
            self.counted_days.append((start, end))
            self.repeats.update({(row["name"], row["stretch"]): row["events"] > row["ids"] for row in found})
        return {(row["name"], at(row["stretch"])): row["ids"] for row in found}

    def _is_once(self, name: str, start: int, end: int) -> bool:
        """Whether it is known that no id of a name comes twice within a day of this stretch."""
        if not any(first <= start and end <= last for first, last in self.counted_days):
            return False
        return not any(self.repeats.get((name, day)) for day in range(start - start % DAY, end, DAY))

    def metered(self, meter: Meter, window: Window, size: int) -> dict[datetime, Counted]:
        """What a meter makes of all customers' events in each stretch of ``size`` seconds, as the environment's totals count it."""
        start, end = epoch(window.start), epoch(window.end)
        once = self._is_once(meter.event_name, start, end) and size <= DAY
        if self.opened.engine == "duckdb":
            found = self.questions.totals(meter, start, end, size, once=once)
        else:
            rows = stretched(self.opened.table, start, end, size)
            own = replace(metering(rows, meter, dialect(self.opened.engine), once=once), keeps_absent=True)
            found = {key[0]: value for key, value in counted(own, rows, "stretch").items()}
        return {at(stretch): value for stretch, value in found.items()}

    @cached_property
    def questions(self) -> Questions:
        """What DuckDB is asked."""
        return Questions(self.opened.table)

    def usages(
        self, meter: Meter, windows: Mapping[str, Window], owners: Mapping[str, str] | None = None
    ) -> dict[str, Counted]:
        """What a meter makes of the events of several customers, each in a window of its own: one query.

        ``owners`` names the customer to whom the events of each are counted, by default itself.
        """
        bounds = _bounds(windows, owner=[(owners or {}).get(each, each) for each in windows])
        once = self._is_once(meter.event_name, min(bounds["start"], default=0), max(bounds["end"], default=0))
        if self.opened.engine == "duckdb":
            return self.questions.usages(meter, bounds, once=once)
        rows = bounded(self.opened.table, in_memory(bounds))
        own = metering(rows, meter, dialect(self.opened.engine), once=once)
        return {key[0]: value for key, value in counted(own, rows, "owner").items()}

    def newest(self) -> datetime:
        """The second of the newest event."""
        table = self.opened.table
        return at(fetched(table.agg(newest=table.second.max()))[0]["newest"])

    def hours(self, window: Window) -> dict[datetime, int]:
        """How many events there are in each hour."""
        rows = self._within(window)
        rows = rows.mutate(stretch=_start(rows, HOUR))
        return {at(row["stretch"]): row["events"] for row in fetched(rows.group_by("stretch").agg(events=rows.count()))}

    def customers(self, window: Window) -> dict[str, int]:
        """How many events each customer has."""
        rows = self._within(window)
        return {row["customer"]: row["events"] for row in fetched(rows.group_by("customer").agg(events=rows.count()))}

    def ids_of(self, customers: Collection[str], window: Window) -> dict[tuple[str, str], int]:
        """How many different ids each of some customers has of each event name."""
        rows = self._within(window).semi_join(in_memory({"customer": list(customers)}), "customer")
        found = rows.group_by("customer", "name").agg(ids=rows.id.nunique())
        return {(row["customer"], row["name"]): row["ids"] for row in fetched(found)}

    def events(self, window: Window, most: int) -> list[Event]:
        """The events of a window, in the order in which they were sent; at most so many."""
        return self._events(self._within(window), most)

    def events_of(self, customer: str, window: Window, most: int) -> list[Event]:
        """The events of one customer."""
        rows = self._within(window)
        return self._events(rows.filter(rows.customer == customer), most)

    def worthless(self, meter: Meter, window: Window, most: int) -> tuple[int, list[Event]]:
        """How many events of a meter count 0 although they hold something else or nothing, and some of them."""
        if self.opened.engine == "duckdb" and not self.questions.worthless(
            meter, epoch(window.start), epoch(window.end)
        ):
            return 0, []
        rows = metering(self._within(window), meter, dialect(self.opened.engine)).worthless(self._within(window))
        count = fetched(rows.agg(events=rows.count()))[0]["events"]
        return count, self._events(rows, most) if count else []

    def within(self, name: str, windows: Mapping[str, Window], most: int) -> list[Event]:
        """Some events of a name, of each customer in a window of its own."""
        bounds = in_memory(_bounds(windows))
        rows = self.opened.table
        rows = rows.filter(rows.name == name).inner_join(bounds, "customer")
        return self._events(rows.filter(rows.second >= rows.start, rows.second < rows.end).select(*_EVENT), most)

    def events_by_id(self, ids: Iterable[str], most: int) -> list[Event]:
        """The events of those ids, whenever they were."""
        table = self.opened.table
        wanted = list(ids)
        return self._events(table.semi_join(in_memory({"id": wanted}), "id"), most) if wanted else []

    @staticmethod
    def _events(rows: Rows, most: int) -> list[Event]:
        found = rows.select(*_EVENT).order_by("seq").limit(most)
        return [
            Event(row["id"], row["name"], at(row["second"]), _loaded(row["properties"]), row["customer"])
            for row in fetched(found)
        ]


def _bounds(windows: Mapping[str, Window], **more: Sequence[Any]) -> dict[str, Sequence[Any]]:
    """The windows of customers as the columns of a table to join with."""
    start, end = ([epoch(each[side]) for each in windows.values()] for side in (0, 1))
    return {"customer": list(windows), "start": start, "end": end, **more}


def _start(rows: Rows, size: int) -> Any:
    return rows.second - rows.second % size


def _loaded(text: str | None) -> dict[str, Any]:
    try:
        held = json.loads(text or "{}")
    except ValueError:
        return {}
    return held if isinstance(held, dict) else {}


def epoch(moment: datetime) -> int:
    """The whole second of the epoch that a moment lies in."""
    return int(moment.timestamp() // 1)


def at(second: int) -> datetime:
    """The instant of a second of the epoch."""
    return datetime.fromtimestamp(int(second), UTC)
