"""Servers that count wrongly: at billing only, where the usage query stays right (5.3), or for every reader (7.2)."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from datetime import timedelta
from decimal import ROUND_DOWN, Decimal
from functools import partial
from itertools import pairwise
from typing import Any

from ..billing import usage
from ..billing.lines import Line
from ..billing.rounding import ZERO, exact, to_currency
from ..billing.scope import Scope
from ..kernel.tables import Row
from ..metering.pipeline import KNOWING
from ..metering.reads import LAST_ARRIVED, Selection, aggregate, points
from ..metering.rules import Measure, Meter, filters_match
from ..metering.values import printed
from .calculation import bill, charged, priced_line
from .registry import declare, hooking

Filters = list[dict[str, Any]]
_DAY = timedelta(days=1)
_NOT_ADDED = ("COUNT_UNIQUE", "MAX", "AVG", "LATEST")


@exact
def recount(scope: Scope, subscription: Row, line: Line, kinds: Container[str] = (), kind: str = "") -> None:
    """Bill what a usage line's meter counts in the line's time, which a rule has changed.

    With ``kinds``, bill meters of these only, and as if they were of another ``kind``.
    """
    priced = priced_line(scope, subscription, line)
    if priced is not None and line.item is not None and priced.buckets is None:
        own = scope.need("meters", line.item["meter_id"])["aggregation"]["type"]
        if not kinds or own in kinds:
            used = _value(scope, subscription, line.item["meter_id"], (line.start, line.end), kind or own)
            bill(priced, max(used - (line.free or ZERO), ZERO))


def _value(scope: Scope, subscription: Row, meter_id: str, window: tuple[Any, Any], kind: str) -> Decimal:
    customer = scope.need("customers", subscription["customer_id"])["external_id"]
    start, end = (usage.second(moment) for moment in window)
    ((_keys, found),) = aggregate(scope.world, Selection(scope.environment, customer, (meter_id,), start, end), kind)
    return found.value


def _billed_as(name: str, meaning: str, kinds: tuple[str, ...], kind: str) -> None:
    """Register a fault that bills meters of some kinds as if they were of another one."""
    charged(name, meaning, "USAGE")(lambda scope, subscription, line: recount(scope, subscription, line, kinds, kind))


@charged("W212", "each day is counted by itself, and the days are added up", "USAGE")
def by_days(scope: Scope, subscription: Row, line: Line) -> None:
    """Of meters that do not add up anyway."""
    priced = priced_line(scope, subscription, line)
    kind = scope.need("meters", line.item["meter_id"])["aggregation"]["type"] if line.item is not None else ""
    if priced is None or line.item is None or priced.buckets is not None or kind not in _NOT_ADDED:
        return
    starts = [usage.second(line.start)]
    while starts[-1] < line.end:
        starts.append(min(starts[-1].replace(hour=0, minute=0, second=0) + _DAY, usage.second(line.end)))
    values = [_value(scope, subscription, line.item["meter_id"], days, kind) for days in pairwise(starts)]
    bill(priced, max(sum(values, ZERO) - (line.free or ZERO), ZERO))


@charged("W213", "the groups of a bucketed meter are not told apart", "USAGE")
def ungrouped(scope: Scope, subscription: Row, line: Line) -> None:
    """Of each bucket one of them counts."""
    priced = priced_line(scope, subscription, line)
    own = scope.need("meters", line.item["meter_id"])["aggregation"] if line.item is not None else {}
    if priced is None or line.item is None or not own.get("group_by") or line.free:
        return
    customer = scope.need("customers", subscription["customer_id"])["external_id"]
    window = (usage.second(line.start), usage.second(line.end))
    selection = Selection(scope.environment, customer, (line.item["meter_id"],), *window)
    found = points(scope.world, selection, own["type"], own["bucket_size"], anchor=subscription["billing_anchor"])
    priced.buckets = [bucket.value for bucket in found]
    line.quantity, line.amount = sum(priced.buckets, ZERO), to_currency(priced.cost(priced.tariff), priced.currency)


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


known_as = hooking(KNOWING)
"""Registers how a fault understands meters, for every reader alike."""


@known_as("W56", "the filters of meters are ignored")
def unfiltered(row: Mapping[str, Any]) -> Meter:
    return Meter({**row, "filters": []})


class OtherFilter(Meter):
    """A meter that compares its filters by another rule."""

    def __init__(self, row: Mapping[str, Any], passes: Callable[[Filters, Mapping[str, Any]], bool]) -> None:
        super().__init__(row)
        self._compared, self._filters = self._filters, []
        self._passes = passes

    def measure(self, properties: Mapping[str, Any]) -> Measure | None:
        passed = not self._compared or self._passes(self._compared, properties)
        return super().measure(properties) if passed else None


def _any_passes(filters: Filters, properties: Mapping[str, Any]) -> bool:
    return any(filters_match([one], properties) for one in filters)


def _folded_pass(filters: Filters, properties: Mapping[str, Any]) -> bool:
    folded = [{**one, "values": {each.casefold() for each in one["values"]}} for one in filters]
    return filters_match(folded, {key: printed(value).casefold() for key, value in properties.items()})


def _begun_pass(filters: Filters, properties: Mapping[str, Any]) -> bool:
    shown = {key: printed(value) for key, value in properties.items()}
    return all(shown.get(one["key"], "").startswith(tuple(one["values"])) for one in filters)


known_as("W57", "one of several filters of a meter is enough")(partial(OtherFilter, passes=_any_passes))
known_as("W147", "filters do not look at upper and lower case")(partial(OtherFilter, passes=_folded_pass))
known_as("W148", "filters compare the beginning of a value")(partial(OtherFilter, passes=_begun_pass))


@known_as("W58", "the multiplier of meters is forgotten")
def unmultiplied(row: Mapping[str, Any]) -> Meter:
    aggregation = row["aggregation"]
    multiplier = 1 if aggregation.get("multiplier") not in (None, "") else None
    return Meter({**row, "aggregation": {**aggregation, "multiplier": multiplier}})


class _OtherMeasure(Meter):
    """A meter that makes something else of what it measures."""

    def __init__(self, row: Mapping[str, Any], change: Callable[[Measure], Measure]) -> None:
        super().__init__(row)
        self._change = change

    def measure(self, properties: Mapping[str, Any]) -> Measure | None:
        found = super().measure(properties)
        return None if found is None else self._change(found)


def _cut(found: Measure) -> Measure:
    return found._replace(quantity=Decimal(found.quantity).to_integral_value(ROUND_DOWN))


def _alike(found: Measure) -> Measure:
    return found._replace(unique=found.unique and found.unique.strip().lower())


known_as("W97", "the values of events are cut to whole numbers")(partial(_OtherMeasure, change=_cut))
known_as("W59", "unique values are counted without regard to case and space")(partial(_OtherMeasure, change=_alike))
