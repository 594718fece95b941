"""Events beside the designed ones: by them a server shows itself that counts what it must not, or leaves out what it must count.

Each lies where a careless rule and the right one differ: a filter nearly passed, the bounds of what is billed, a number written as text
(checklist 7.2, contract 3.5, 3.8).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from pytest_flexprice.model.decimals import ZERO, total
from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.model.times import Window, second
from pytest_flexprice.oracle.metering.expressions import ExpressionError, variables
from pytest_flexprice.oracle.metering.meters import quantity
from pytest_flexprice.oracle.metering.reaching import counts, plain_properties, properties_worth, zeros

WORTH = Decimal(11)
"""What such an event counts, or would count; others count otherwise, so that it shows which of them it was."""
_LATE, _TEXT = Decimal(24), Decimal(7)
_OTHER = "golive-other"
_SECOND = timedelta(seconds=1)


def controls(meters: Sequence[Meter], model: Event, prefix: str) -> list[Event]:
    """For each filter of each meter events that pass all others and not this one: none of them may count.

    One has another value, one a value that differs in upper and lower case only, and two have one that only begins like it: how many
    of them count all the same tells which careless comparison takes them in.
    """
    found: list[Event] = []
    for meter in meters:
        for one in meter.filters:
            for number, value in enumerate(_near(one.values[0])):
                properties = {**_worth(meter, WORTH, f"{_OTHER}-{number}", meters), one.key: value}
                name = f"{prefix}-filtered-{len(found)}"
                customer = model.external_customer_id
                found.append(Event(name, meter.event_name, second(model.timestamp), properties, customer))
    return [event for event in found if not any(meter.accepts(event) for meter in meters)]


def _near(value: str) -> tuple[str, ...]:
    """Values that do not pass a filter."""
    return _OTHER, value.swapcase(), f"{value}-1", f"{value}-2"


def edges(meters: Sequence[Meter], sent: Sequence[Event], billed: Window, begins: datetime, prefix: str) -> list[Event]:
    """Events at the bounds of what is billed, and numbers that are written as text.

    Of each meter one in the second before the billed time and one in the second after it, of which none counts, and one in the
    second in which all lines have begun, which does; ``begins`` is in it.
    """
    found: list[Event] = []
    for meter in meters:
        most = _most(meter, sent)
        places = [
            ("early", second(billed.start) - _SECOND, total((most, WORTH))),
            ("late", second(billed.end), total((most, _LATE))),
            ("first", begins, WORTH),
        ]
        for word, moment, worth in places:
            properties = _worth(meter, worth, f"golive-{word}", meters)
            found.append(_event(f"{prefix}-{word}-{len(found)}", meter, moment, properties, sent))
        for properties in _as_text(meter, total((most if meter.aggregation.type == "MAX" else ZERO, _TEXT)), meters):
            found.append(_event(f"{prefix}-text-{len(found)}", meter, second(begins) + _SECOND, properties, sent))
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


def _as_text(meter: Meter, worth: Decimal, meters: Sequence[Meter]) -> Iterator[dict[str, object]]:
    """A number as text: of a value that is no expression's, where text has none, nor the latest one, which this event is not."""
    spec = meter.aggregation
    if counts(meter) or spec.expression or spec.type == "LATEST":
        return
    others = [each.aggregation.expression for each in meters if each.event_name == meter.event_name]
    properties = _worth(meter, worth, "", meters)
    number = properties[spec.field]
    if isinstance(number, int | float) and not any(spec.field in variables(each) for each in others if each):
        yield {**properties, spec.field: str(number)}


def _most(meter: Meter, sent: Sequence[Event]) -> Decimal:
    """The most that one event counts."""
    return max((_counted(meter, event) for event in sent if meter.accepts(event)), default=ZERO)


def _counted(meter: Meter, event: Event) -> Decimal:
    try:
        return quantity(meter, event)
    except ExpressionError:
        return ZERO
