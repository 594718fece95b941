"""Servers that take an event for another one: for one of another time, of another customer, or for one that it has seen (item 7.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from ..kernel.call import Call
from ..kernel.world import World
from ..metering.pipeline import LOST
from ..metering.reads import SELECTING, Selection
from ..metering.rules import Measure, Meter, filters_match
from ..metering.store import Event, MeteredRow
from ..metering.windows import millisecond_of
from .counting import Filters, OtherFilter, known_as
from .events import metered, sent
from .registry import fault, hooking

_SECOND = timedelta(seconds=1)
_LONG = timedelta(days=3650)
_FIFTY = 50


def _lost(row: MeteredRow) -> MeteredRow:
    """The row as the debugger alone sees it."""
    return row._replace(meter=row.meter + LOST)


def _first_only(
    name: str, meaning: str, place: Callable[[MeteredRow], Hashable], own: Callable[[MeteredRow], str]
) -> None:
    """A server to which only the first of several counts that have a place in common."""

    def change(world: World, rows: list[MeteredRow]) -> list[MeteredRow]:
        seen: dict[Hashable, str] = world.part(f"fault {name}", lambda _world: {})
        return [row if seen.setdefault(place(row), own(row)) == own(row) else _lost(row) for row in rows]

    metered(name, meaning)(change)


def _moment(row: MeteredRow) -> tuple[str, str, int]:
    return row.event.environment, row.meter, row.event.moment // 1000


_first_only(
    "W151",
    "of a customer's events of one second only the first counts",
    lambda row: (*_moment(row), row.event.external_customer_id),
    lambda row: row.event.id,
)
_first_only(
    "W152",
    "an event counts for one customer only, whoever else sends one of its id",
    lambda row: (*_moment(row), row.event.id),
    lambda row: row.event.external_customer_id,
)


@metered("W174", "every fiftieth event is lost")
def fiftieth(world: World, rows: list[MeteredRow]) -> list[MeteredRow]:
    seen: dict[str, int] = world.part("fault W174", lambda _world: {})
    for row in rows:
        seen.setdefault(row.event.id, len(seen) + 1)
    return [_lost(row) if seen[row.event.id] % _FIFTY == 0 else row for row in rows]


@metered("W182", "ids are cut off after 64 characters")
def short_ids(_world: World, rows: list[MeteredRow]) -> list[MeteredRow]:
    """Those that begin alike are one event."""
    return [row._replace(event=row.event._replace(id=row.event.id[:64])) for row in rows]


@metered("W183", "times are rounded to whole seconds")
def rounded_times(_world: World, rows: list[MeteredRow]) -> list[MeteredRow]:
    """The later half of a second is in the next one."""
    return [row._replace(event=row.event._replace(moment=row.event.moment + 500)) for row in rows]


@metered("W184", "an event that is sent again takes the first one away")
def taken_away(world: World, rows: list[MeteredRow]) -> list[MeteredRow]:
    seen: dict[Hashable, str] = world.part("fault W184", lambda _world: {})
    places = [(*_moment(row), row.event.id, row.event.external_customer_id) for row in rows]
    known = seen.keys() & places
    seen.update(dict.fromkeys(places, ""))
    return [row._replace(quantity=0) if place in known else row for place, row in zip(places, rows, strict=True)]


@metered("W153", "events count when they arrive, whenever they happened")
def arrived(world: World, rows: list[MeteredRow]) -> list[MeteredRow]:
    """The debugger shows them at their own time."""
    now = millisecond_of(world.clock.now())
    return [*map(_lost, rows), *(row._replace(event=row.event._replace(moment=now)) for row in rows)]


def _read_as(name: str, meaning: str, other: Callable[[Any], Any], *, unique: bool = False) -> None:
    """A server that takes values for others: those that are added up, or those that are told apart."""

    class Reading(Meter):
        """A meter that looks at another value."""

        def measure(self, properties: Mapping[str, Any]) -> Measure | None:
            if self.field and self.type != "COUNT" and (self.type == "COUNT_UNIQUE") is unique:
                properties = {**properties, self.field: other(properties.get(self.field))}
            return super().measure(properties)

    known_as(name, meaning)(Reading)


def _text(change: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda value: change(value) if isinstance(value, str) else value


_read_as("W154", "numbers that are written as text count nothing", _text(lambda _: 0))
_read_as("W175", "the exponent of a number is ignored", _text(lambda value: value.partition("e")[0]))
_read_as("W176", "an event without a value counts one", lambda value: 1 if value is None else value)
_read_as(
    "W177",
    "values below zero count without their sign",
    lambda value: abs(value) if isinstance(value, (int, float)) and value is not True else value,
)
_read_as("W178", "a truth value counts one", lambda value: 1 if value is True else value)
_read_as("W179", "a number and the same one as text are two values", repr, unique=True)
_read_as("W180", "values are cut off after 64 characters", lambda value: str(value)[:64], unique=True)


class _FoldedKeys(Meter):
    """A meter that takes a property for its own whose name nearly is."""

    def measure(self, properties: Mapping[str, Any]) -> Measure | None:
        alike = [value for key, value in properties.items() if key.lower() == self.field.lower()]
        return super().measure(
            {**properties, self.field: properties.get(self.field, *alike[:1])} if alike else properties
        )


known_as("W210", "the names of properties go without upper and lower case")(_FoldedKeys)


@fault("W211", "the zones of events' times are ignored", "before")
def zoneless(call: Call) -> None:
    """Whatever clock a time is of, it is taken for UTC."""
    if call.method == "POST" and call.pattern.startswith("/v1/events"):
        call.body = re.sub(rb'[+-]\d\d:\d\d"', b'Z"', call.body)


def _found_pass(filters: Filters, properties: Mapping[str, Any]) -> bool:
    return filters_match([one for one in filters if one["key"] in properties], properties)


known_as("W181", "events without the property of a filter pass it")(partial(OtherFilter, passes=_found_pass))


def _starting(by: timedelta) -> Callable[[Selection, str], Selection]:
    return lambda asked, _: replace(asked, start=asked.start + by)


_selecting = hooking(SELECTING)
_selecting("W155", "the first second of a period is not in it")(_starting(_SECOND))
_selecting("W156", "the first second after a period is in it")(lambda asked, _: replace(asked, end=asked.end + _SECOND))
_selecting("W157", "the last second before a period is in it")(_starting(-_SECOND))
_selecting("W158", "what was used before a subscription began is billed in it")(_starting(-_LONG))
_selecting("W159", "the highest value is that of all customers")(
    lambda asked, kind: replace(asked, customer=None) if kind == "MAX" else asked
)


@metered("W160", "customers' ids are written in lower case, whoever sends them")
def folded_customer(_world: World, rows: list[MeteredRow]) -> list[MeteredRow]:
    """``Acme`` uses what ``acme`` is billed for."""
    folded = (row.event._replace(external_customer_id=row.event.external_customer_id.lower()) for row in rows)
    return [row._replace(event=event) for row, event in zip(rows, folded, strict=True)]


@sent("W161", "meters listen to their events' names without regard to upper and lower case")
def folded_name(world: World, event: Event) -> Event:
    """``API.CALL`` counts where ``api.call`` is meant."""
    names: list[str] = [row["event_name"] for row in world.table("meters").find(event.environment)]
    return event._replace(name=next((name for name in names if name.lower() == event.name.lower()), event.name))
