"""Which wrong way to count explains a wrong usage: each is tried on what is known of the events (checklist 5.3, 7.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any

from pytest_flexprice.model.decimals import QUANTITY_TOLERANCE, ZERO, difference, quotient, total
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
_CUT = (64, 36, 16)
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
        "events without the property of its filter pass": _passing(meter, named, str.__eq__, lacking=True),
    }
    return [words for words, taken in ways.items() if _comes_to(loose, taken, quantity)]


def mistaken(usage: Usage, quantity: Decimal, events: Sequence[Event]) -> list[str]:
    """The wrong ways to take events for others that come to a quantity, in words."""
    rows, meter, window = usage.rows or (), usage.meter, usage.window
    try:
        kept = metered_rows(meter, events) if window else []
    except NotVerified:
        return []
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
        **{words: _reread(usage, events, other) for words, other in _readings(usage)},
        "the names of properties go without upper and lower case": _reread(
            usage, _folded_keys(usage.meter, events), _as_is
        ),
        "the zone of a time is ignored": _reread(usage, [_without_zone(event) for event in events], _as_is),
        **{f"event ids are cut off after {most} characters": _merged(rows, most) for most in _CUT},
    }
    return [words for words, taken in ways.items() if [*taken] != [*rows] and _adds_up(meter, taken, quantity)]


_READINGS: Mapping[str, Callable[[Any], Any]] = {
    "a number that is written as text counts nothing": lambda value: 0 if isinstance(value, str) else value,
    "a number's exponent is ignored": lambda value: value.partition("e")[0] if isinstance(value, str) else value,
    "a value below zero counts without its sign": lambda value: abs(value) if _is_number(value) else value,
    "a truth value counts one": lambda value: 1 if value is True else value,
    "an event without a value counts one": lambda value: 1 if value is None else value,
    "every event with a value that is no number counts one": lambda value: (
        1 if value is None or value is True else value
    ),
}
"""Wrong ways to read the value of an event, in words that follow "as if"."""


_APART = "a number and the same one as text are two values"


def _readings(usage: Usage) -> Iterable[tuple[str, Callable[[Any], Any]]]:
    if usage.meter.aggregation.type == "COUNT_UNIQUE":
        return [(_APART, lambda value: f"{value} {type(value).__name__}")]
    return _READINGS.items()


def _as_is(value: Any) -> Any:
    return value


def _folded_keys(meter: Meter, events: Iterable[Event]) -> list[Event]:
    """The events if a property of nearly the meter's name were of that name."""
    field = meter.aggregation.field
    alike = [
        {key: value for key, value in each.properties.items() if key.casefold() == field.casefold()} for each in events
    ]
    return [
        replace(each, properties={**each.properties, field: each.properties.get(field, next(iter(own.values()), None))})
        for each, own in zip(events, alike, strict=True)
    ]


def _without_zone(event: Event) -> Event:
    return replace(event, timestamp=event.timestamp.replace(tzinfo=UTC))


def _merged(rows: Iterable[CountedEvent], most: int) -> list[CountedEvent]:
    """The rows if ids were the same that begin alike: the later one stays."""
    return [*{(row.event_id[:most], row.second): row for row in rows}.values()]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _reread(usage: Usage, events: Sequence[Event], other: Callable[[Any], Any]) -> list[CountedEvent]:
    """The counted rows if values were read otherwise."""
    meter, field = usage.meter, usage.meter.aggregation.field
    if not field or meter.aggregation.type == "COUNT":
        return list(usage.rows or ())
    read = [replace(each, properties={**each.properties, field: other(each.properties.get(field))}) for each in events]
    return [row for row in metered_rows(meter, read) if usage.window is None or usage.window.holds(row.second)]


def _in_time(usage: Usage, moment: datetime) -> bool:
    return usage.window is None or usage.window.holds(moment)


def _folded(sent: str, value: str) -> bool:
    return sent.casefold() == value.casefold()


def _passing(
    meter: Meter, events: Sequence[Event], alike: Callable[[str, str], bool], *, lacking: bool = False
) -> list[Event]:
    """The events that pass a meter's filters if values are compared like that, and ``lacking`` ones do or not."""
    return [
        event
        for event in events
        if all(
            any(alike(printed(event.properties[one.key]), each) for each in one.values)
            if one.key in event.properties
            else lacking
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
    yield from _of_days(usage)
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
    if usage.rows and own == "COUNT_UNIQUE":
        texts = [row.unique for row in usage.rows if row.unique is not None]
        yield "values go without upper and lower case", Decimal(len({text.strip().casefold() for text in texts}))
        for most in _CUT:
            yield f"values are cut off after {most} characters", Decimal(len({text[:most] for text in texts}))
    multiplier = usage.meter.aggregation.multiplier
    if multiplier and usage.meter.aggregation.type == "SUM_WITH_MULTIPLIER":
        yield "the multiplier is forgotten", quotient(usage.total, multiplier)


def _of_days(usage: Usage) -> Iterator[tuple[str, Decimal]]:
    """What days come to by themselves, where a meter counts them together; and buckets whose groups are not told apart."""
    spec = usage.meter.aggregation
    days: dict[date, list[CountedEvent]] = {}
    for row in usage.rows or ():
        days.setdefault(row.second.astimezone(UTC).date(), []).append(row)
    if len(days) > 1 and spec.type not in _ADDING and not spec.bucket_size:
        with suppress(NotVerified):
            by_day = total(aggregated(spec.type, rows, usage.meter.name) for rows in days.values())
            yield "each day is counted by itself, and the days are added up", by_day
    if spec.group_by and spec.bucket_size and usage.rows:
        mixed = replace(usage, rows=tuple(row._replace(group="") for row in usage.rows))
        yield "the groups of a bucket are not told apart", total(mixed.per(spec.bucket_size))


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
