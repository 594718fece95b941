"""Events beside the designed ones: by them a server shows itself that counts what it must not, or leaves out what it must count.

Each lies where a careless rule and the right one differ: a filter nearly passed, the bounds of what is billed, a number written as text
(checklist 7.2, contract 3.5, 3.8).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from pytest_flexprice.model.decimals import ZERO, total
from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.model.times import Window, second
from pytest_flexprice.oracle.metering.expressions import ExpressionError, variables
from pytest_flexprice.oracle.metering.meters import quantity
from pytest_flexprice.oracle.metering.reaching import plain_properties, properties_worth, zeros

WORTH = Decimal(11)
"""What such an event counts, or would count; others count otherwise, so that it shows which of them it was."""
_LATE, _TEXT, _BELOW, _OTHER_KEY = Decimal(24), Decimal(7), Decimal(13), Decimal(5)
_OTHER = "golive-other"
_LONG = "golive-" * 11
_SECOND, _HAIR = timedelta(seconds=1), timedelta(milliseconds=400)
_INDIA = timezone(timedelta(hours=5, minutes=30))
CROWD = 60
"""So many events of a meter that one in as many which is lost must show."""


def controls(meters: Sequence[Meter], model: Event, prefix: str) -> list[Event]:
    """For each filter of each meter events that pass all others and not this one: none of them may count.

    One has another value, one a value that differs in upper and lower case only, two have one that only begins like it, and three have
    none: how many of them count all the same tells which careless comparison takes them in.
    """
    found: list[Event] = []
    for meter in meters:
        for one in meter.filters:
            for number, value in enumerate(_near(one.values[0])):
                properties = {**_worth(meter, WORTH, f"{_OTHER}-{number}", meters), one.key: value}
                if value is None:
                    del properties[one.key]
                name = f"{prefix}-filtered-{len(found):02d}"
                customer = model.external_customer_id
                found.append(Event(name, meter.event_name, second(model.timestamp), properties, customer))
    return [event for event in found if not any(meter.accepts(event) for meter in meters)]


def _near(value: str) -> tuple[str | None, ...]:
    """Values that do not pass a filter; ``None`` for no value at all."""
    return _OTHER, value.swapcase(), f"{value}-1", f"{value}-2", None, None, None


def edges(meters: Sequence[Meter], sent: Sequence[Event], billed: Window, begins: datetime, prefix: str) -> list[Event]:
    """Events at the bounds of what is billed, and of values that are easily misread.

    Of each meter one in the second before the billed time (late in it, and in another zone) and one in the second after it, of which
    none counts, and one in the second in which all lines have begun, which does; ``begins`` is in it.
    """
    found: list[Event] = []
    for meter in meters:
        most = _most(meter, sent)
        places = [
            ("early", (second(billed.start) - _HAIR).astimezone(_INDIA), total((most, WORTH))),
            ("late", second(billed.end), total((most, _LATE))),
            ("first", begins, WORTH),
        ]
        for word, moment, worth in places:
            properties = _worth(meter, worth, f"golive-{word}", meters)
            found.append(_event(f"{prefix}-{word}-{len(found):02d}", meter, moment, properties, sent))
        for properties in _misread(meter, most if meter.aggregation.type == "MAX" else ZERO, meters):
            found.append(_event(f"{prefix}-odd-{len(found):02d}", meter, second(begins) + _SECOND, properties, sent))
    return found


def twins(meters: Sequence[Meter], sent: Sequence[Event], customer: str) -> list[Event]:
    """For each meter an event of another customer with the id and the time of one that the first customer sent, and more in it."""
    found: dict[str, Event] = {}
    for meter in meters:
        own = next((event for event in sent if meter.accepts(event)), None)
        if own is not None:
            worth = _worth(meter, total((_most(meter, sent), WORTH)), "golive-twin", meters)
            found[own.id] = Event(own.id, own.name, own.timestamp, worth, customer)
    return [*found.values()]


def _event(name: str, meter: Meter, moment: datetime, properties: dict[str, object], sent: Sequence[Event]) -> Event:
    return Event(name, meter.event_name, moment, properties, sent[0].external_customer_id)


def _worth(meter: Meter, worth: Decimal, value: str, meters: Sequence[Meter]) -> dict[str, object]:
    """Properties that count so much, or are another value where values are counted."""
    found = properties_worth(meter, worth) or plain_properties(meter)
    if meter.aggregation.type == "COUNT_UNIQUE":
        found[meter.aggregation.field] = value
    return {**zeros(meter.event_name, meters), **found}


def _misread(meter: Meter, most: Decimal, meters: Sequence[Meter]) -> Iterator[dict[str, object]]:
    """A number as text with an exponent, which counts; one below zero, a truth value, none at all, one of another key do not (3.5).

    Where different values are counted: a number, the same as text, and two that differ at their end only. Not of an expression, where
    some of these have no value, nor of the latest value, which this event is not.
    """
    spec = meter.aggregation
    others = [each.aggregation.expression for each in meters if each.event_name == meter.event_name]
    if spec.type in ("COUNT", "LATEST") or any(
        spec.field in variables(each) for each in (*others, spec.expression) if each
    ):
        return
    properties = _worth(meter, total((most, _TEXT)), "", meters)
    number, below = (_worth(meter, total((most, worth)), "", meters).get(spec.field) for worth in (_TEXT, _BELOW))
    if spec.type == "COUNT_UNIQUE":
        yield from ({**properties, spec.field: value} for value in (1, "1", f"{_LONG}1", f"{_LONG}2"))
    elif isinstance(number, int | float) and isinstance(below, int | float):
        values = (f"{Decimal(str(number)).scaleb(-1)}e1", -below, True)
        yield from ({**properties, spec.field: value} for value in values)
        left = {key: value for key, value in properties.items() if key != spec.field}
        yield left
        yield {**left, spec.field.swapcase(): _worth(meter, total((most, _OTHER_KEY)), "", meters)[spec.field]}


def crowd(meters: Sequence[Meter], sent: Sequence[Event], customer: str, most: int) -> list[Event]:
    """Events of another customer, so many of each meter that every so-manieth which is lost shows, and ``most`` of all in all."""
    models = [(meter, next((event for event in sent if meter.accepts(event)), None)) for meter in meters]
    return [
        Event(f"{_LONG}{sent[0].id}-{place}-{number:03d}", own.name, own.timestamp, own.properties, customer)
        for place, (meter, own) in enumerate(models)
        if own is not None
        for number in range(min(CROWD, most // len(meters)))
    ]


def _most(meter: Meter, sent: Sequence[Event]) -> Decimal:
    """The most that one event counts."""
    return max((_counted(meter, event) for event in sent if meter.accepts(event)), default=ZERO)


def _counted(meter: Meter, event: Event) -> Decimal:
    try:
        return quantity(meter, event)
    except ExpressionError:
        return ZERO
