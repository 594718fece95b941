"""Events by which a meter counts a wanted quantity: what a proof sends to reach a point of a price list (checklist 5.3, 7.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from pytest_flexprice.model.decimals import ZERO, difference, product, quotient, total
from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.model.values import printed
from pytest_flexprice.oracle.metering.expressions import ExpressionError, quantity_by_expression, variables
from pytest_flexprice.oracle.metering.meters import quantity

COUNTING = ("COUNT", "COUNT_UNIQUE")
_DIGITS = 15
_MOST_PARTS = 3
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)
#: Values that the other properties of an expression may have while one is varied.
_OTHERS = (1.0, 0.0, 100.0)
_HALVINGS = 120
_LARGEST = 1e15


def counts(meter: Meter) -> bool:
    """Whether a meter goes by the number of events and not by a value in them."""
    return meter.aggregation.type in COUNTING


def plain_properties(meter: Meter, number: int = 0) -> dict[str, Any]:
    """What an event needs to pass a meter's filters, the ``number``-th of several; without the value that is counted.

    A filter without values lets nothing pass, whatever an event has.
    """
    properties: dict[str, Any] = {one.key: one.values[number % len(one.values)] for one in meter.filters if one.values}
    if meter.aggregation.group_by:
        properties.setdefault(meter.aggregation.group_by, "golive-0")
    return properties


def zeros(event_name: str, meters: Iterable[Meter]) -> dict[str, Any]:
    """The numbers that meters read of an event of that name, all 0."""
    return {name: 0 for meter in meters if meter.event_name == event_name for name in _numbers_of(meter)}


def _numbers_of(meter: Meter) -> tuple[str, ...]:
    spec = meter.aggregation
    if counts(meter):
        return ()
    return variables(spec.expression) if spec.expression else (spec.field,)


def properties_worth(meter: Meter, wanted: Decimal, number: int = 0) -> dict[str, Any] | None:
    """Properties of an event that counts ``wanted``, or as much below it as its meter's expression allows; none if it cannot."""
    properties = plain_properties(meter, number)
    spec = meter.aggregation
    if spec.expression:
        solved = _solved(spec.expression, properties, wanted)
        return None if solved is None else {**solved, **properties}
    value = quotient(wanted, spec.multiplier) if spec.type == "SUM_WITH_MULTIPLIER" and spec.multiplier else wanted
    properties.setdefault(spec.field, number_for_json(value))
    return properties


def number_for_json(value: Decimal) -> int | float:
    """A number as an event carries it: whole where it is whole, and of no more digits than a double keeps."""
    kept = Decimal(f"{value:.{_DIGITS - 1}e}")
    return int(kept) if kept == kept.to_integral_value() else float(kept)


def _solved(expression: str, fixed: Mapping[str, Any], wanted: Decimal) -> dict[str, Any] | None:
    names = [name for name in variables(expression) if name not in fixed]
    best: tuple[Decimal, dict[str, Any]] | None = None
    for other in _OTHERS:
        for name in names:
            rest = {**{each: number_for_json(Decimal(other)) for each in names}, **fixed}
            for value in _tries(expression, rest, name, wanted):
                properties = {**rest, name: number_for_json(value)}
                worth = _worth(expression, properties)
                if worth is None or not ZERO < worth <= wanted:
                    continue
                if worth == wanted:
                    return properties
                if best is None or worth > best[0]:
                    best = worth, properties
    return None if best is None else best[1]


def _worth(expression: str, properties: Mapping[str, Any]) -> Decimal | None:
    try:
        return quantity_by_expression(expression, properties)
    except ExpressionError:
        return None


def _tries(expression: str, rest: Mapping[str, Any], name: str, wanted: Decimal) -> Iterator[Decimal]:
    """Values of one property that may give the wanted quantity: as if the expression were a straight line, then by halving."""
    one, two = (_worth(expression, {**rest, name: value}) for value in (1, 2))
    if one is not None and two is not None and one != two:
        guess = total((Decimal(1), quotient(difference(wanted, one), difference(two, one))))
        if ZERO <= guess <= Decimal(_LARGEST):
            yield guess
    low, high = 0.0, _LARGEST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        worth = _worth(expression, {**rest, name: middle})
        low, high = (middle, high) if worth is not None and worth <= wanted else (low, middle)
    for digits in (3, 6, 9, 12, _DIGITS):
        yield _floored(Decimal(repr(low)), digits)


def _floored(number: Decimal, digits: int) -> Decimal:
    """A number with so many significant digits, the rest cut off."""
    return number.quantize(Decimal(1).scaleb(number.adjusted() - digits + 1), ROUND_FLOOR) if number else number


@dataclass
class MeterCount:
    """What a meter has counted of the events designed so far."""

    meter: Meter
    total: Decimal = ZERO
    events: int = 0
    seen: set[str] = field(default_factory=set)

    def add(self, properties: Mapping[str, Any]) -> None:
        """Count one event, if the meter takes it."""
        event = Event("", self.meter.event_name, _NEVER, properties)
        if not self.meter.accepts(event):
            return
        try:
            worth = quantity(self.meter, event)
        except ExpressionError:
            return
        self.events += 1
        self.total = max(self.total, worth) if self.meter.aggregation.type == "MAX" else total((self.total, worth))
        if self.meter.aggregation.type == "LATEST":
            self.total = worth
        if self.meter.aggregation.field in properties:
            self.seen.add(printed(properties[self.meter.aggregation.field]))

    @property
    def counted(self) -> int:
        """What a counting meter has reached."""
        return len(self.seen) if self.meter.aggregation.type == "COUNT_UNIQUE" else self.events

    def missing(self, target: Decimal) -> Iterable[dict[str, Any]]:
        """Properties of the events that bring the meter from what it has counted to a target above it."""
        if counts(self.meter):
            return self._more(int(target) - self.counted)
        if self.meter.aggregation.type in ("MAX", "LATEST"):
            return self._parts(target)
        if self.meter.aggregation.type == "AVG":
            return self._parts(difference(product(target, Decimal(self.events + 1)), self.total))
        return self._parts(difference(target, self.total))

    def _more(self, number: int) -> Iterator[dict[str, Any]]:
        for index in range(self.counted, self.counted + number):
            properties = plain_properties(self.meter, index)
            if self.meter.aggregation.type == "COUNT_UNIQUE":
                properties[self.meter.aggregation.field] = f"golive-{index}"
            yield properties

    def _parts(self, wanted: Decimal) -> Iterator[dict[str, Any]]:
        several = self.meter.aggregation.type not in ("MAX", "LATEST", "AVG")
        for number in range(_MOST_PARTS if several else 1):
            properties = properties_worth(self.meter, wanted, number) if wanted > 0 else None
            if properties is None:
                return
            yield properties
            wanted = difference(wanted, quantity(self.meter, Event("", self.meter.event_name, _NEVER, properties)))
