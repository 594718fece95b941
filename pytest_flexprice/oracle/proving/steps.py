"""The events of a price proof, step by step: after each step every meter has reached the next quantity that is to be tried."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.model.times import Window, second
from pytest_flexprice.oracle.metering.buckets import bucket_start
from pytest_flexprice.oracle.metering.reaching import MeterCount, counts, plain_properties, properties_worth, zeros
from pytest_flexprice.oracle.proving.targets import Aim

_APART = timedelta(seconds=2)
_MORE = Decimal(3)
_GRID = timedelta(minutes=1)
"""Every day and bucket begins on a whole minute."""


@dataclass(frozen=True)
class Step:
    """What is sent in one step, and by line id the quantity that its meter is to have counted after it."""

    events: tuple[Event, ...]
    goals: Mapping[str, Decimal]


def steps(aim: Aim, meters: Sequence[Meter], windows: tuple[Window, Window | None], customer: str) -> list[Step]:
    """The steps of a proof whose targets are all tried, as far as their ``reason`` is empty.

    Args:
        windows: when the events may have happened, and another day or bucket, if there was one, for the last step. Each step has
            seconds of its own, where there is room.
        customer: the external id of the customer, unique to the run; event ids start with it too.
    """
    window, other = windows
    wanted = {meter.id: _quantities(aim, meter, window) for meter in meters}
    number = max(map(len, wanted.values()), default=0)
    tallies = [MeterCount(meter) for meter in sorted(meters, key=counts)]
    stamp, name = stamper(window, number), _namer(customer)
    found = []
    for index in range(number):
        goals = {meter_id: chosen[index] for meter_id, chosen in wanted.items() if index < len(chosen)}
        events = tuple(_events(tallies, goals, partial(stamp, index), customer, name))
        lines = {each.line_id: goals[each.meter_id] for each in aim.targets if each.meter_id in goals}
        found.append(Step(completed(events, meters), lines))
    if found and other is not None:
        found.append(Step(completed(_elsewhere(aim, meters, other, customer), meters), {}))
    return found


def _elsewhere(aim: Aim, meters: Sequence[Meter], window: Window, customer: str) -> Iterator[Event]:
    """Usage in another day or bucket: what is counted, allowed or priced by the day shows itself.

    Of a meter that groups, of two groups; of one that tells values apart, one that it has counted already.
    """
    for meter in meters:
        free = [aim.subjects[each.line_id].free or Decimal(0) for each in aim.targets if each.meter_id == meter.id]
        for number in range(2 if meter.aggregation.group_by else 1):
            worth = max([Decimal(0), *free]) + _MORE + number
            properties = plain_properties(meter) if counts(meter) else properties_worth(meter, worth)
            if properties is None:
                continue
            if meter.aggregation.type == "COUNT_UNIQUE":
                properties[meter.aggregation.field] = "golive-0"
            if number:
                properties[meter.aggregation.group_by] = "golive-other"
            name = f"{customer}-other-{number}-{meter.id}"
            yield Event(name, meter.event_name, second(window.start), properties, customer)


def completed(events: Iterable[Event], meters: Sequence[Meter]) -> tuple[Event, ...]:
    """The events with every number that another meter reads of them: 0 counts as much as none, and is no mistake to be told."""
    return tuple(replace(each, properties={**zeros(each.name, meters), **each.properties}) for each in events)


def _quantities(aim: Aim, meter: Meter, window: Window) -> list[Decimal]:
    found = sorted({each.point.used for each in aim.targets if each.meter_id == meter.id and not each.reason})
    if meter.aggregation.type == "LATEST":  # each of its events needs seconds of its own, or any of them may count
        return found[-max(int((window.end - window.start) / _APART), 1) :]
    return found


def _events(
    tallies: Sequence[MeterCount],
    goals: Mapping[str, Decimal],
    stamp: Callable[[bool], datetime],
    customer: str,
    name: Callable[[], str],
) -> Iterator[Event]:
    for tally in tallies:
        goal = goals.get(tally.meter.id)
        if goal is None:
            continue
        moment = stamp(tally.meter.aggregation.type == "LATEST")
        for properties in list(tally.missing(goal)):
            for other in tallies:
                if other.meter.event_name == tally.meter.event_name:
                    other.add(properties)
            yield Event(name(), tally.meter.event_name, moment, properties, customer)


def _namer(prefix: str) -> Callable[[], str]:
    numbers = iter(range(10**9))
    return lambda: f"{prefix}-{next(numbers):05d}"


def stamper(window: Window, number: int) -> Callable[[int, bool], datetime]:
    """When the events of the n-th of so many steps happened: whole seconds, the ``late`` ones last (the latest event counts)."""
    room = max((window.end - window.start) / max(number, 1), timedelta(seconds=1))
    late = min(timedelta(seconds=1), room / 2)

    def stamp(index: int, is_late: bool) -> datetime:
        moment = window.start + room * index + (late if is_late else timedelta())
        return min(second(moment), second(window.end))

    return stamp


def roomiest(window: Window, sizes: Sequence[str], anchor: datetime) -> tuple[Window, Window | None]:
    """The longest part of a window that lies in one bucket of each of these sizes and in one UTC day, and the one before it.

    Of several as long the one that a UTC day begins with: whoever goes by another clock takes it for a part of the day before.
    """
    sizes = tuple(dict.fromkeys((*filter(None, sizes), "DAY")))
    cuts = [window.start, *_boundaries(window, sizes, anchor)]
    parts = [Window(start, end) for start, end in zip(cuts, [*cuts[1:], window.end], strict=True)]
    longest = max(
        parts, key=lambda part: (part.end - part.start, part.start > cuts[0] and _midnight(part.start), part.start)
    )
    before = [part for part in parts if part.end <= longest.start and part.end - part.start >= _APART]
    return longest, before[-1] if before else None


def _midnight(moment: datetime) -> bool:
    return moment == moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _boundaries(window: Window, sizes: Sequence[str], anchor: datetime) -> Iterator[datetime]:
    moment, before = window.start.replace(second=0, microsecond=0), _buckets(window.start, sizes, anchor)
    while (moment := moment + _GRID) < window.end:
        buckets = _buckets(moment, sizes, anchor)
        if buckets != before:
            yield moment
        before = buckets


def _buckets(moment: datetime, sizes: Sequence[str], anchor: datetime) -> list[datetime]:
    return [bucket_start(moment, size, anchor) for size in sizes]


def body_of(event: Event) -> dict[str, Any]:
    """An event as the body of an ingest request, its time not yet written out."""
    return {
        "event_name": event.name,
        "external_customer_id": event.external_customer_id,
        "event_id": event.id,
        "timestamp": event.timestamp,
        "properties": dict(event.properties),
    }
