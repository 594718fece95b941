"""Servers that take an event for another one: for one of another time, of another customer, or for one that it has seen (item 7.2)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from ..kernel.world import World
from ..metering.pipeline import LOST
from ..metering.reads import SELECTING, Selection
from ..metering.rules import Measure, Meter
from ..metering.store import Event, MeteredRow
from ..metering.windows import millisecond_of
from .counting import known_as
from .events import metered, sent
from .registry import hooking

_SECOND = timedelta(seconds=1)
_LONG = timedelta(days=3650)


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


@metered("W153", "events count when they arrive, whenever they happened")
def arrived(world: World, rows: list[MeteredRow]) -> list[MeteredRow]:
    """The debugger shows them at their own time."""
    now = millisecond_of(world.clock.now())
    return [*map(_lost, rows), *(row._replace(event=row.event._replace(moment=now)) for row in rows)]


class _NoText(Meter):
    """A meter to which a number that is written as text is none."""

    def measure(self, properties: Mapping[str, Any]) -> Measure | None:
        found = super().measure(properties)
        text = self.type not in ("COUNT", "COUNT_UNIQUE") and isinstance(properties.get(self.field), str)
        return found._replace(quantity=0) if found and text else found


known_as("W154", "numbers that are written as text count nothing")(_NoText)


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
