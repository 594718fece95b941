"""What one meter makes of one event: whether it counts, its quantity, its unique value (contract 3.5)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Any, NamedTuple

from .expressions import ExpressionError, compiled
from .values import LARGEST, ZERO, cut, printed, quantity

_SMALL = 2**40
_HOPELESS = 1000
_EXACT = Context(prec=2000)
_FIELD_TYPES = ("SUM", "MAX", "AVG", "LATEST", "WEIGHTED_SUM")


class TooLarge(ValueError):
    """A quantity above :data:`values.LARGEST`, which stops the real server for every tenant."""


class Measure(NamedTuple):
    """A metered row's own part: ``quantity`` (an int where it is small and whole) and the value COUNT_UNIQUE counts."""

    quantity: Decimal | int
    unique: str | None = None


_ONE = Measure(1)
_NONE = Measure(0)
_WHOLE = [Measure(number) for number in range(1024)]


def filters_match(filters: list[dict[str, Any]] | None, properties: Mapping[str, Any]) -> bool:
    """Whether every filter's key is a property whose printed value is one of the filter's values."""
    return all(
        rule["key"] in properties and printed(properties[rule["key"]]) in rule["values"] for rule in filters or ()
    )


class Meter:
    """A meter as a consumer keeps it: a snapshot that later changes of the stored meter do not reach."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        aggregation = row["aggregation"]
        self.id: str = row["id"]
        self.event_name: str = row["event_name"]
        self.type: str = aggregation["type"]
        self.field: str = aggregation.get("field") or ""
        multiplier = aggregation.get("multiplier")
        self.multiplier = None if multiplier in (None, "") else Decimal(str(multiplier))
        self._filters = [{"key": f["key"], "values": frozenset(f["values"])} for f in row.get("filters") or ()]
        self._source: str = aggregation.get("expression") or ""

    def measure(self, properties: Mapping[str, Any]) -> Measure | None:
        """The row of an event with these properties; ``None`` when the meter keeps none.

        Raises :class:`TooLarge` for a quantity that the real server's table cannot hold.
        """
        if self._filters and not filters_match(self._filters, properties):
            return None
        if not self._source:
            return _ONE if self.type == "COUNT" else self._of_field(properties)
        try:
            return _stored(self.id, self._multiplied(compiled(self._source).quantity(properties)))
        except ExpressionError:
            return None

    def _of_field(self, properties: Mapping[str, Any]) -> Measure:
        if self.field not in properties or not self.field:
            return _NONE
        value = properties[self.field]
        if self.type == "COUNT_UNIQUE":
            return Measure(1, printed(value))
        if self.type == "SUM_WITH_MULTIPLIER":
            return _stored(self.id, self._multiplied(quantity(value)) if self.multiplier is not None else ZERO)
        if self.type not in _FIELD_TYPES:
            return _NONE
        if type(value) is int and 0 <= value < _SMALL:
            return _WHOLE[value] if value < len(_WHOLE) else Measure(value)
        return _stored(self.id, quantity(value))

    def _multiplied(self, amount: Decimal) -> Decimal:
        if self.multiplier is None or not amount:
            return amount
        if amount.adjusted() > _HOPELESS:
            raise TooLarge(self.id)
        return _EXACT.multiply(amount, self.multiplier)


def _stored(meter: str, amount: Decimal) -> Measure:
    amount = cut(amount)
    if amount > LARGEST:
        raise TooLarge(meter)
    if not amount:
        return _NONE
    return Measure(int(amount) if amount < _SMALL and amount == amount.to_integral_value() else amount)
