"""Why the company's log and Flexprice differ: every event that differs, under one of the causes that have names (checklist 3.1)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    events that are only counted. ``about`` tells that the money is that of the quantity alone, not what it changes in a bill.
    """

    cause: Cause
    events: int = 0
    grave: int = 0
    quantities: dict[str, Decimal] = field(default_factory=dict)
    examples: list[Difference] = field(default_factory=list)
    money: dict[str, Decimal] = field(default_factory=dict)
    by_customer: dict[tuple[str, str], Decimal] = field(default_factory=dict)
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
    variants = _variants(logged)
    for identifier in dict.fromkeys((*ours, *theirs)):
        yield from _of_one_id(ours.get(identifier, {}), theirs.get(identifier, {}), meters, variants, window)


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
            taken.add(other.event_id)
            found.append(one._replace(cause=Cause.ID, detail=f"arrived as '{other.event_id}'", quantity=ZERO))
        else:
            found.append(one)
    return [one for one in found if not (one.cause is Cause.FOREIGN and one.event_id in taken)]


def _alike(one: Difference) -> tuple[object, ...]:
    return one.name, one.customer, one.time.replace(microsecond=0), one.meter, abs(one.quantity)


def _by_id(events: Sequence[Event]) -> dict[str, dict[datetime, Event]]:
    """The events by id and second; of equal ones the later stays."""
    found: dict[str, dict[datetime, Event]] = defaultdict(dict)
    for event in events:
        found[event.id][event.timestamp.replace(microsecond=0)] = event
    return found


Variants = Mapping[tuple[str, datetime], Sequence[Event]]


def _variants(events: Sequence[Event]) -> Variants:
    """Everything that was logged under one id and second: of several values any may win (contract 11.1)."""
    found: dict[tuple[str, datetime], list[Event]] = defaultdict(list)
    for event in events:
        found[event.id, event.timestamp.replace(microsecond=0)].append(event)
    return found


def _of_one_id(
    ours: Mapping[datetime, Event],
    theirs: Mapping[datetime, Event],
    meters: Mapping[str, Sequence[Meter]],
    variants: Variants,
    window: Window | None,
) -> Iterator[Difference]:
    shared = [second for second in ours if second in theirs]
    for second in shared:
        other = theirs[second]
        if all(list(_altered(one, other, meters)) for one in variants[other.id, second]):
            yield from _altered(ours[second], other, meters)
    lost = [ours[second] for second in ours if second not in theirs]
    extra = [theirs[second] for second in theirs if second not in ours]
    for one, other in zip(lost, extra, strict=False):
        sign = int(window.holds(one.timestamp)) - int(window.holds(other.timestamp)) if window else 0
        yield _told(Cause.MOVED, one, meters, f"arrived as of {other.timestamp.isoformat()}", sign=sign)
        altered = _altered(one, other, meters)
        yield from (each._replace(quantity=ZERO) for each in altered) if sign > 0 else altered
    for one in lost[len(extra) :]:
        yield _told(Cause.LOST, one, meters)
    for other in extra[len(lost) :]:
        if ours:
            first = next(iter(ours)).isoformat()
            yield _told(Cause.TWICE, other, meters, f"logged as of {first}", sign=-1)
        else:
            yield _told(Cause.FOREIGN, other, meters, sign=-1)


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
