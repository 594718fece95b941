"""Which wrong way to count explains a wrong usage: each is tried on what is known of the events (checklist 5.3, 7.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_DOWN, Decimal

from pytest_flexprice.model.decimals import QUANTITY_TOLERANCE, ZERO, difference, quotient
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.model.times import second
from pytest_flexprice.model.values import printed
from pytest_flexprice.oracle.metering.aggregation import CountedEvent, aggregated
from pytest_flexprice.oracle.metering.meters import Usage, metered_rows

WAYS = {
    "COUNT": "events are counted",
    "SUM": "the values of events are added up",
    "MAX": "the highest value counts",
    "LATEST": "the latest value counts",
    "AVG": "the mean of the values counts",
    "COUNT_UNIQUE": "different values are counted",
}
"""Ways to count, in words that follow "as if"."""
TIMES = {
    "EVER": "usage of earlier periods counts too",
    "HOUR": "usage of the last hour is left out",
    "TODAY": "today's usage is left out",
    "OTHERS": "another customer's usage counts too",
}
"""Other times and customers to count in, in words that follow "as if"."""
_KEEPING = ("SUM", "MAX", "LATEST", "AVG")
"""Ways to count that keep the values of events."""
_ADDING = ("SUM", "WEIGHTED_SUM", "SUM_WITH_MULTIPLIER")


def miscounted(usage: Usage, quantity: Decimal) -> list[str]:
    """The wrong ways to count that come to a quantity, in words; none where no known one does."""
    return [words for words, value in _ways(usage) if abs(difference(value, quantity)) <= QUANTITY_TOLERANCE]


def unfiltered(usage: Usage, quantity: Decimal, events: Sequence[Event]) -> list[str]:
    """The wrong ways to filter that come to a quantity of these events, in words."""
    meter = usage.meter
    named = [event for event in events if event.name == meter.event_name and _in_time(usage, event.timestamp)]
    if all(meter.accepts(event) for event in named):
        return []
    loose = replace(meter, filters=())
    some = [event for event in named if any(replace(meter, filters=(one,)).accepts(event) for one in meter.filters)]
    ways = {
        "its filter is ignored": named,
        "one of its filters is enough": some,
        "its filter goes without upper and lower case": _passing(meter, named, _folded),
        "its filter compares the beginning only": _passing(meter, named, str.startswith),
    }
    return [words for words, taken in ways.items() if _comes_to(loose, taken, quantity)]


def mistaken(usage: Usage, quantity: Decimal, events: Sequence[Event]) -> list[str]:
    """The wrong ways to take events for others that come to a quantity, in words."""
    rows, meter, window = usage.rows or (), usage.meter, usage.window
    try:
        kept = metered_rows(meter, events) if window else []
    except NotVerified:
        return []
    texts = {event.id for event in events if isinstance(event.properties.get(meter.aggregation.field), str)}
    before = [row for row in kept if window and row.second < second(window.start)]
    after = [row for row in kept if window and row.second >= second(window.end)]
    firsts = {row.second: row for row in reversed(rows)}
    ways = {
        "what happened before the billed time counts too": [*before, *rows],
        "what happens after the billed time counts too": [*rows, *after],
        "events count whenever they happened": [*before, *rows, *after],
        "each event counts once more at another time": [*before, *rows, *rows],
        "the first second of the billed time is left out": [row for row in rows if row.second > rows[0].second],
        "of the events of one second only the first counts": [*firsts.values()],
        "a number that is written as text counts nothing": [
            row._replace(quantity=ZERO) if row.event_id in texts else row for row in rows
        ],
    }
    return [words for words, taken in ways.items() if [*taken] != [*rows] and _adds_up(meter, taken, quantity)]


def _in_time(usage: Usage, moment: datetime) -> bool:
    return usage.window is None or usage.window.holds(moment)


def _folded(sent: str, value: str) -> bool:
    return sent.casefold() == value.casefold()


def _passing(meter: Meter, events: Sequence[Event], alike: Callable[[str, str], bool]) -> list[Event]:
    """The events that pass a meter's filters if values are compared like that."""
    return [
        event
        for event in events
        if all(
            one.key in event.properties and any(alike(printed(event.properties[one.key]), each) for each in one.values)
            for one in meter.filters
        )
    ]


def _comes_to(meter: Meter, events: Sequence[Event], quantity: Decimal) -> bool:
    try:
        return _adds_up(meter, metered_rows(meter, events), quantity)
    except NotVerified:
        return False


def _adds_up(meter: Meter, rows: Sequence[CountedEvent], quantity: Decimal) -> bool:
    try:
        value = aggregated(meter.aggregation.type, rows, meter.name)
    except NotVerified:
        return False
    return abs(difference(value, quantity)) <= QUANTITY_TOLERANCE


def _ways(usage: Usage) -> Iterator[tuple[str, Decimal]]:
    yield from _of_buckets(usage)
    own = "SUM" if usage.meter.aggregation.type in _ADDING else usage.meter.aggregation.type
    for kind, words in WAYS.items():
        value = _counted(usage, kind) if kind != own else None
        if value is not None:
            yield words, value
    for time, words in TIMES.items():
        if usage.otherwise and time in usage.otherwise:
            yield words, usage.otherwise[time]
    if usage.rows and own in _KEEPING:
        whole = tuple(row._replace(quantity=row.quantity.to_integral_value(ROUND_DOWN)) for row in usage.rows)
        yield "what is behind the point is lost", aggregated(own, whole, usage.meter.name)
    seconds = {row.second: row for row in usage.rows or ()}
    if usage.rows and len(seconds) < len(usage.rows):
        yield "of the events of one second only the last counts", aggregated(own, [*seconds.values()], usage.meter.name)
    if usage.rows and own == "LATEST":
        last = max(usage.rows, key=lambda row: row.event_id)  # ids rise in the order of sending
        yield "the value that arrived last counts, whenever it was stamped", last.quantity
    multiplier = usage.meter.aggregation.multiplier
    if multiplier and usage.meter.aggregation.type == "SUM_WITH_MULTIPLIER":
        yield "the multiplier is forgotten", quotient(usage.total, multiplier)


def _of_buckets(usage: Usage) -> Iterator[tuple[str, Decimal]]:
    size = usage.meter.aggregation.bucket_size
    try:
        values = usage.per(size) if size else ()
    except NotVerified:
        return
    if len(values) > 1:
        yield f"only the highest {size.lower()} counts", max(values, default=ZERO)
        yield f"only the last {size.lower()} counts", values[-1]


def _counted(usage: Usage, kind: str) -> Decimal | None:
    if usage.rows is None and usage.otherwise and kind in usage.otherwise:
        return usage.otherwise[kind]
    if usage.rows is None:
        return Decimal(usage.event_count) if kind == "COUNT" and usage.event_count else None
    try:
        return aggregated(kind, usage.rows, usage.meter.name)
    except NotVerified:
        return None
