"""Aggregated reads of metered rows: what bills and what ``meter-usage`` answers (contract 3.9, recording usage).

Windows are ``[start, end)`` in whole seconds: rows are stored by the second, and both bounds are cut to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Context, Decimal
from typing import Any, NamedTuple

from ..kernel.world import World
from . import windows
from .pipeline import pipeline
from .store import Store, Where

_SUM = "coalesce(sum(quantity) FILTER (WHERE typeof(quantity)='integer'), 0)"
_EXACT = "exact_sum(quantity) FILTER (WHERE typeof(quantity)='text')"
_VALUES = {
    "COUNT": ("count(DISTINCT id)", "0"),
    "COUNT_UNIQUE": ("count(DISTINCT value)", "0"),
    "MAX": ("max(quantity) FILTER (WHERE typeof(quantity)='integer')", "exact_max(quantity)"),
    "UNIQUE_OR_NONE": ("count(DISTINCT value) + max(value IS NULL)", "0"),
    "NOTHING": ("0", "0"),
    "LATEST": ("max(printf('%020d%020d', ms + 99999999999999999, arrival) || quantity)", "0"),
}
_STAMP_LENGTH = 40
_SCALE = 10**15
_WIDE = Context(prec=200)
ZERO = Decimal(0)
Customers = str | Sequence[str]
"""The external id of one customer, or those of several whose usage counts together."""


class Usage(NamedTuple):
    """An aggregated value and the number of distinct event ids behind it."""

    value: Decimal
    event_count: int


@dataclass(frozen=True)
class BucketValue:
    """One bucket (and group, where the meter has a ``group_by``) of a window: when it begins, its value, its events."""

    start: datetime
    value: Decimal
    event_count: int
    group: str = ""


@dataclass(frozen=True)
class Selection:
    """Which metered rows are meant: of one customer, of several together, or (``None``) of all.

    Empty sequences of the other fields do not restrict; property values are texts as extracted.
    """

    environment: str
    customer: Customers | None
    meters: Sequence[str]
    start: datetime
    end: datetime
    sources: Sequence[str] = ()
    properties: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def where(self, store: Store, aggregation: str) -> Where:
        """The rows that are meant, of those that such an aggregation looks at."""
        bounds = windows.second_of(self.start), windows.second_of(self.end)
        where = Where("env=? AND sec>=? AND sec<?", store.number(self.environment), *bounds)
        if self.customer is not None:
            where.among("ext", [self.customer] if isinstance(self.customer, str) else self.customer)
        if self.meters:
            where.among("meter", [store.number(meter) for meter in self.meters])
        if self.sources:
            where.among("source", self.sources)
        if aggregation == "COUNT_UNIQUE":
            where.also("value IS NOT NULL")
        return where.having(self.properties)


SELECTING: dict[str, Callable[[Selection, str], Selection]] = {}
"""Faults of every aggregated read: name -> which rows are looked at in place of those asked for, by the aggregation."""
LAST_ARRIVED = "W122"
"""The fault by which the latest value is the one that arrived last, whenever it was stamped."""


def aggregate(
    world: World, selection: Selection, aggregation: str, keys: Sequence[str] = (), arguments: Sequence[Any] = ()
) -> list[tuple[list[Any], Usage]]:
    """The value per combination of ``keys`` (SQL expressions with ``arguments``), ordered by them.

    ``aggregation`` is not checked: an unknown one is a SUM, as WEIGHTED_SUM and SUM_WITH_MULTIPLIER are.
    """
    events = pipeline(world)
    events.catch_up()
    for name in world.faults & SELECTING.keys():
        selection = SELECTING[name](selection, aggregation)
    where = selection.where(events.store, aggregation)
    first, second = _VALUES.get(aggregation, (_SUM, _EXACT))
    if aggregation == "LATEST" and LAST_ARRIVED in world.faults:
        first = "max(printf('%020d%020d', arrival, ms + 99999999999999999) || quantity)"
    columns = ", ".join([*keys, first, second, "count(DISTINCT id)", "count(*)"])
    order = ", ".join(str(index + 1) for index in range(len(keys)))
    sql = f"SELECT {columns} FROM metered WHERE {where.text}"  # noqa: S608 -- every value is bound, the rest is ours
    if keys:
        sql += f" GROUP BY {order} ORDER BY {order}"
    found = []
    for row in events.store.query(sql, [*arguments, *where.arguments]):
        *values, one, two, ids, rows = row
        if rows or not keys:
            found.append((values, Usage(_value(aggregation, one, two, rows), ids)))
    return found


def _value(aggregation: str, one: Any, two: Any, rows: int) -> Decimal:
    if not rows:
        return ZERO
    if aggregation in ("COUNT", "COUNT_UNIQUE", "UNIQUE_OR_NONE", "NOTHING"):
        return Decimal(one)
    if aggregation == "LATEST":
        return Decimal(one[_STAMP_LENGTH:])
    if aggregation == "MAX":
        return max(Decimal(part) for part in (one, two) if part is not None)
    sum_of_all = _WIDE.add(Decimal(one), Decimal(two or 0))
    return _average(sum_of_all, rows) if aggregation == "AVG" else sum_of_all


def _average(total: Decimal, rows: int) -> Decimal:
    """The mean as the store gives it: a double (vector avg-third)."""
    return Decimal(repr(float(int(_WIDE.multiply(total, Decimal(_SCALE)))) / _SCALE / rows))


def summed(values: Iterable[Decimal]) -> Decimal:
    """The exact sum of quantities."""
    found = ZERO
    for value in values:
        found = _WIDE.add(found, value)
    return found


def detailed(aggregation: str) -> str:
    """The aggregation as the server's detailed query knows it: a missing value is one more unique value, and kinds that it
    does not know come to nothing (recording reconcile_totals)."""
    return {
        "COUNT_UNIQUE": "UNIQUE_OR_NONE",
        "SUM_WITH_MULTIPLIER": "NOTHING",
        "WEIGHTED_SUM": "NOTHING",
    }.get(aggregation, aggregation)


def meters_with_rows(world: World, selection: Selection) -> set[str]:
    """The ids of the meters that have any selected rows."""
    store = pipeline(world).store
    return {store.name(meter) for (meter,), _usage in aggregate(world, selection, "COUNT", ["meter"])}


def total(world: World, selection: Selection, aggregation: str) -> Usage:
    """One value over all selected rows."""
    return aggregate(world, selection, aggregation)[0][1]


def points(
    world: World,
    selection: Selection,
    aggregation: str,
    size: str,
    group_by: str | None = None,
    *,
    anchor: datetime | None = None,
    zone: str = "",
) -> list[BucketValue]:
    """One value per window of ``size`` (in the days of ``zone``, where one is given) that has rows.

    With ``group_by``, one for each value of that property too (a missing one is "").
    """
    arguments = [group_by] if group_by else []
    keys = [windows.expression(size, "sec", anchor, zone), *("extracted(properties, ?)" for _ in arguments)]
    rows = aggregate(world, selection, aggregation, keys, arguments)
    return [BucketValue(windows.at_second(start), *usage, *group) for (start, *group), usage in rows]
