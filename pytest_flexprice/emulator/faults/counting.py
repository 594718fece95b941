"""Servers that count wrongly: at billing only, where the usage query stays right (5.3), or for every reader (7.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Any

from ..billing import usage
from ..billing.rounding import ZERO, exact, to_currency
from ..billing.scope import Scope
from ..kernel.tables import Row
from ..metering.pipeline import KNOWING
from ..metering.reads import LAST_ARRIVED, Selection, aggregate
from ..metering.rules import Measure, Meter, filters_match
from ..metering.values import printed
from .calculation import Lines, Priced, priced_line
from .registry import declare, fault

if TYPE_CHECKING:
    from ..billing.lines import Line


def _counted_as(kinds: tuple[str, ...], kind: str) -> Callable[[Scope, Row, Lines], Lines]:
    """A rule that bills meters of some kinds as if they were of another one."""

    def rule(scope: Scope, subscription: Row, lines: Lines) -> Lines:
        for line in lines:
            priced = priced_line(scope, subscription, line)
            if priced is not None and line.item is not None and line.kind == "USAGE":
                meter = scope.need("meters", line.item["meter_id"])
                if meter["aggregation"]["type"] in kinds and priced.buckets is None:
                    _bill(priced, _value(scope, subscription, line.item["meter_id"], (line.start, line.end), kind))
        return lines

    return rule


def recount(scope: Scope, subscription: Row, line: Line) -> None:
    """Bill what a usage line's meter counts in the line's time, which a rule has changed."""
    priced = priced_line(scope, subscription, line)
    if priced is not None and line.item is not None and priced.buckets is None:
        kind = scope.need("meters", line.item["meter_id"])["aggregation"]["type"]
        _bill(priced, _value(scope, subscription, line.item["meter_id"], (line.start, line.end), kind))


def _value(scope: Scope, subscription: Row, meter_id: str, window: tuple[Any, Any], kind: str) -> Decimal:
    customer = scope.need("customers", subscription["customer_id"])["external_id"]
    start, end = (usage.second(moment) for moment in window)
    ((_keys, found),) = aggregate(scope.world, Selection(scope.environment, customer, (meter_id,), start, end), kind)
    return found.value


@exact
def _bill(priced: Priced, used: Decimal) -> None:
    """Let so much be used of a line, what is free of it as before."""
    line = priced.line
    line.quantity = max(used - (line.free or ZERO), ZERO)
    line.amount = to_currency(priced.tariff.cost(line.quantity), priced.currency)


def _billed_as(name: str, meaning: str, kinds: tuple[str, ...], kind: str) -> None:
    fault(name, meaning, "charges")(_counted_as(kinds, kind))


_billed_as("W51", "unique values are billed as if each event had its own", ("COUNT_UNIQUE",), "COUNT")
_billed_as("W52", "of the latest value the highest is billed", ("LATEST",), "MAX")
_billed_as("W53", "of the highest value the sum is billed", ("MAX",), "SUM")
_billed_as("W54", "of the average the sum is billed", ("AVG",), "SUM")
_billed_as("W55", "events are billed where their values are to be added", ("SUM", "SUM_WITH_MULTIPLIER"), "COUNT")
_billed_as("W91", "of values to be added the highest is billed", ("SUM",), "MAX")
_billed_as("W92", "of values to be added the latest is billed", ("SUM",), "LATEST")
_billed_as("W93", "of values to be added the average is billed", ("SUM",), "AVG")
_billed_as("W94", "of the highest value the latest is billed", ("MAX",), "LATEST")
_billed_as("W95", "of the average the highest is billed", ("AVG",), "MAX")
_billed_as("W96", "of the latest value the sum is billed", ("LATEST",), "SUM")


declare(LAST_ARRIVED, "the latest value is the one that arrived last, whenever it was stamped")


def known_as(name: str, meaning: str) -> Callable[[Callable[[Mapping[str, Any]], Meter]], None]:
    """Register how a fault understands meters, for every reader alike."""

    def register(change: Callable[[Mapping[str, Any]], Meter]) -> None:
        declare(name, meaning)
        KNOWING[name] = change

    return register


@known_as("W56", "the filters of meters are ignored")
def unfiltered(row: Mapping[str, Any]) -> Meter:
    return Meter({**row, "filters": []})


class OtherFilter(Meter):
    """A meter that compares its filters by a rule of its own."""

    def measure(self, properties: Mapping[str, Any]) -> Measure | None:
        filters, self._filters = self._filters, []
        try:
            return super().measure(properties) if not filters or self.passes(filters, properties) else None
        finally:
            self._filters = filters

    def passes(self, filters: list[dict[str, Any]], properties: Mapping[str, Any]) -> bool:
        """Whether an event's properties are let through."""
        raise NotImplementedError


class _AnyFilter(OtherFilter):
    """A meter to which one of its filters is enough."""

    def passes(self, filters: list[dict[str, Any]], properties: Mapping[str, Any]) -> bool:
        return any(filters_match([one], properties) for one in filters)


class _CarelessFilter(OtherFilter):
    """A meter whose filters do not look at upper and lower case."""

    def passes(self, filters: list[dict[str, Any]], properties: Mapping[str, Any]) -> bool:
        folded = [{**one, "values": {each.casefold() for each in one["values"]}} for one in filters]
        return filters_match(folded, {key: printed(value).casefold() for key, value in properties.items()})


class _ShortFilter(OtherFilter):
    """A meter whose filters compare the beginning of a value."""

    def passes(self, filters: list[dict[str, Any]], properties: Mapping[str, Any]) -> bool:
        shown = {key: printed(value) for key, value in properties.items()}
        return all(shown.get(one["key"], "").startswith(tuple(one["values"])) for one in filters)


@known_as("W147", "filters do not look at upper and lower case")
def careless_filter(row: Mapping[str, Any]) -> Meter:
    return _CarelessFilter(row)


@known_as("W148", "filters compare the beginning of a value")
def short_filter(row: Mapping[str, Any]) -> Meter:
    return _ShortFilter(row)


@known_as("W57", "one of several filters of a meter is enough")
def any_filter(row: Mapping[str, Any]) -> Meter:
    return _AnyFilter(row)


@known_as("W58", "the multiplier of meters is forgotten")
def unmultiplied(row: Mapping[str, Any]) -> Meter:
    aggregation = row["aggregation"]
    multiplier = 1 if aggregation.get("multiplier") not in (None, "") else None
    return Meter({**row, "aggregation": {**aggregation, "multiplier": multiplier}})


class _Whole(Meter):
    """A meter that keeps whole numbers only."""

    def measure(self, properties: Mapping[str, Any]) -> Measure | None:
        found = super().measure(properties)
        return None if found is None else found._replace(quantity=Decimal(found.quantity).to_integral_value(ROUND_DOWN))


@known_as("W97", "the values of events are cut to whole numbers")
def whole(row: Mapping[str, Any]) -> Meter:
    return _Whole(row)


@known_as("W59", "unique values are counted without regard to case and space")
def carelessly_unique(row: Mapping[str, Any]) -> Meter:
    return _Careless(row)


class _Careless(Meter):
    """A meter that takes values for the same that look alike."""

    def measure(self, properties: Mapping[str, Any]) -> Measure | None:
        found = super().measure(properties)
        return None if found is None else found._replace(unique=found.unique and found.unique.strip().lower())
