"""Why the company's log and Flexprice differ: every event that differs, under one of the causes that have names (checklist 3.1)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from pytest_flexprice.model.decimals import ZERO, difference, words
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.model.near_miss import NearMisses
from pytest_flexprice.model.times import Window
from pytest_flexprice.oracle.metering.attribution import why_zero
from pytest_flexprice.oracle.metering.expressions import ExpressionError
from pytest_flexprice.oracle.metering.meters import quantity

Identity = tuple[datetime, str, str]


class Cause(StrEnum):
    """Why an event of the log is not billed as it was logged, or is billed without being logged."""

    LOST = "never arrived"
    TWICE = "sent twice with another second"
    MOVED = "arrived with another time"
    ID = "under another id"
    NAME = "under another name"
    CUSTOMER = "under another customer"
    PROPERTY = "under another property"
    VALUE = "with another value"
    WORTHLESS = "counted 0 because it is no number"
    EARLY = "before the line's start"
    AFTER = "after the line's end"
    UNKNOWN_NAME = "under a name that no meter has"
    UNKNOWN_CUSTOMER = "for a customer who does not exist"
    UNSUBSCRIBED = "for a customer without a subscription"
    FOREIGN = "not in the log"
    UNSEEN = "not looked into one by one"
    UNCOUNTED = "counted otherwise than it arrived"
    LATE = "late, inside the settling margin"


class Difference(NamedTuple):
    """One event that differs: ``quantity`` is what is billed too little, below zero what is billed too much.

    ``seconds`` is the log's time (Flexprice's, where the log has none), ``meter`` the one whose quantity it is.
    """

    cause: Cause
    event_id: str
    name: str
    customer: str
    time: datetime
    detail: str = ""
    quantity: Decimal = ZERO
    meter: str = ""


@dataclass
class Tally:
    """All differences of one cause: how many events, which quantity by meter, and three of them; money is filled in later.

    ``grave`` of the events are missing on a bill that should hold them; ``by_customer`` is the quantity by customer and meter of
    events that are only counted. ``spread`` is what the events share, in words. ``about`` tells that the
    money is that of the quantity alone, not what it changes in a bill.
    """

    cause: Cause
    events: int = 0
    grave: int = 0
    quantities: dict[str, Decimal] = field(default_factory=dict)
    examples: list[Difference] = field(default_factory=list)
    money: dict[str, Decimal] = field(default_factory=dict)
    by_customer: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    spread: str = ""
    about: bool = True


EXAMPLES = 3


def tallied(differences: Iterable[Difference]) -> list[Tally]:
    """The differences by cause, in the order of the causes."""
    found: dict[Cause, Tally] = {}
    for one in differences:
        own = found.setdefault(one.cause, Tally(one.cause))
        own.events += 1
        if one.meter:
            own.quantities[one.meter] = own.quantities.get(one.meter, ZERO) + one.quantity
        if len(own.examples) < EXAMPLES:
            own.examples.append(one)
    return [found[cause] for cause in Cause if cause in found]


def classified(
    logged: Sequence[Event],
    arrived: Sequence[Event],
    meters: Mapping[str, Sequence[Meter]],
    window: Window | None = None,
) -> Iterator[Difference]:
    """The differences between everything that the log and Flexprice hold of the same ids; ``meters`` by event name.

    An event that moved out of the ``window`` is missing on its bill, one that moved into it is billed too much.
    """
    ours, theirs = _by_id(logged), _by_id(arrived)
    for identifier in dict.fromkeys((*ours, *theirs)):
        yield from _of_one_id(ours.get(identifier, {}), theirs.get(identifier, {}), meters, window)


def by_other_ids(differences: Sequence[Difference]) -> list[Difference]:
    """The differences, of which an event that is lost and one that is not in the log are one where only their ids differ.

    They are of one name, customer and second, and count the same; what is billed is right.
    """
    foreign: dict[tuple[object, ...], list[Difference]] = defaultdict(list)
    for one in differences:
        if one.cause is Cause.FOREIGN:
            foreign[_alike(one)].append(one)
    found, taken = [], set()
    for one in differences:
        others = foreign.get(_alike(one)) if one.cause is Cause.LOST else None
        if others:
            other = others.pop(0)
            taken.add(other)
            found.append(one._replace(cause=Cause.ID, detail=f"arrived as '{other.event_id}'", quantity=ZERO))
        else:
            found.append(one)
    return [one for one in found if one not in taken]


def copied(differences: Iterable[Difference], logged: Iterable[Event], arrived: Iterable[Event]) -> list[Difference]:
    """The differences, of which an event that nobody logged says of which logged one it is a copy under an id of its own."""
    found = list(differences)
    foreign = {one.event_id for one in found if one.cause is Cause.FOREIGN}
    if not foreign:
        return found
    first = {_content(event): event.id for event in logged}
    copies = {event.id: first.get(_content(event), "") for event in arrived if event.id in foreign}
    return [
        one._replace(detail=f"the same as '{copies[one.event_id]}'") if copies.get(one.event_id) else one
        for one in found
    ]


def _content(event: Event) -> tuple[object, ...]:
    return *identity(event), json.dumps(event.properties, sort_keys=True)


def _alike(one: Difference) -> tuple[object, ...]:
    return one.name, one.customer, one.time.replace(microsecond=0), one.meter, abs(one.quantity)


def identity(event: Event) -> Identity:
    """What tells events of one id apart: an id counts again for another customer, name or second (contract 3.3)."""
    return event.timestamp.replace(microsecond=0), event.name, event.external_customer_id


def _by_id(events: Sequence[Event]) -> dict[str, dict[Identity, list[Event]]]:
    """The events by id and identity: of several values any may win (contract 11.1)."""
    found: dict[str, dict[Identity, list[Event]]] = defaultdict(lambda: defaultdict(list))
    for event in events:
        found[event.id][identity(event)].append(event)
    return found


_PAIRED: tuple[Callable[[Identity], object], ...] = (
    lambda one: one[:2],
    lambda one: one[::2],
    lambda one: one[0],
    lambda one: one[1:],
    lambda one: None,
)
"""What the two sides of an event that differs still share: the first of these that they do."""


def _of_one_id(
    ours: Mapping[Identity, Sequence[Event]],
    theirs: Mapping[Identity, Sequence[Event]],
    meters: Mapping[str, Sequence[Meter]],
    window: Window | None,
) -> Iterator[Difference]:
    for key in ours:
        if key in theirs:
            other = theirs[key][-1]
            if all(list(_altered(one, other, meters)) for one in ours[key]):
                yield from _altered(ours[key][-1], other, meters)
    lost = {key: each[-1] for key, each in ours.items() if key not in theirs}
    extra = {key: each[-1] for key, each in theirs.items() if key not in ours}
    for one, other in _pairs(lost, extra):
        if one.timestamp.replace(microsecond=0) == other.timestamp.replace(microsecond=0):
            yield from _altered(one, other, meters)
            continue
        sign = int(window.holds(one.timestamp)) - int(window.holds(other.timestamp)) if window else 0
        yield _told(Cause.MOVED, one, meters, f"arrived as of {other.timestamp.isoformat()}", sign=sign)
        altered = _altered(one, other, meters)
        yield from (each._replace(quantity=ZERO) for each in altered) if sign > 0 else altered
    for one in lost.values():
        yield _told(Cause.LOST, one, meters)
    for other in extra.values():
        same = [key for key in ours if key[1:] == identity(other)[1:]]
        if same:
            yield _told(Cause.TWICE, other, meters, f"logged as of {same[0][0].isoformat()}", sign=-1)
        else:
            yield _told(Cause.FOREIGN, other, meters, sign=-1)


def _pairs(lost: dict[Identity, Event], extra: dict[Identity, Event]) -> Iterator[tuple[Event, Event]]:
    """The events of one id that are on one side only, with what became of them on the other; both are taken out."""
    for shared in _PAIRED:
        others: dict[object, list[Identity]] = defaultdict(list)
        for key in extra:
            others[shared(key)].append(key)
        for key in list(lost):
            if others[shared(key)]:
                yield lost.pop(key), extra.pop(others[shared(key)].pop(0))


def _altered(one: Event, other: Event, meters: Mapping[str, Sequence[Meter]]) -> Iterator[Difference]:
    """What a pipeline changed of an event beside its time."""
    if one.name != other.name:
        yield _told(Cause.NAME, one, meters, f"arrived as '{other.name}'")
        return
    if one.external_customer_id != other.external_customer_id:
        yield _told(Cause.CUSTOMER, one, meters, f"arrived for '{other.external_customer_id}'")
        return
    for meter in meters.get(one.name, ()):
        expected, observed = worth(meter, one), worth(meter, other)
        if expected != observed:
            cause, detail = _changed(meter, one, other)
            yield Difference(
                cause, one.id, one.name, one.external_customer_id, one.timestamp, detail,
                difference(expected, observed), meter.id,
            )  # fmt: skip
            return


def _changed(meter: Meter, one: Event, other: Event) -> tuple[Cause, str]:
    read = [meter.aggregation.field, *(each.key for each in meter.filters)]
    for key in filter(None, read):
        if key in one.properties and key not in other.properties:
            near = NearMisses(other.properties).of(key)
            return Cause.PROPERTY, f"'{key}' arrived as '{near[0]}'" if near else f"arrived without '{key}'"
    why = why_zero(meter, other)
    if why:
        return Cause.WORTHLESS, why
    shown = f"{words(worth(meter, one))} arrived as {words(worth(meter, other))}"
    return Cause.VALUE, shown


def worth(meter: Meter, event: Event) -> Decimal:
    """What an event counts for a meter; 0 where it is not metered or cannot be known."""
    try:
        return quantity(meter, event) if meter.accepts(event) else ZERO
    except (ExpressionError, NotVerified):
        return ZERO


def _told(
    cause: Cause,
    event: Event,
    meters: Mapping[str, Sequence[Meter]],
    detail: str = "",
    *,
    sign: int = 1,
) -> Difference:
    meter = next((one for one in meters.get(event.name, ()) if one.accepts(event)), None)
    counts = worth(meter, event) * sign if meter else ZERO
    if cause is Cause.TWICE and meter and meter.aggregation.type in ("COUNT", "COUNT_UNIQUE", "MAX", "LATEST"):
        counts = ZERO  # an id counts once, and a maximum is the same twice
    return Difference(
        cause,
        event.id,
        event.name,
        event.external_customer_id,
        event.timestamp,
        detail,
        counts,
        meter.id if meter else "",
    )
