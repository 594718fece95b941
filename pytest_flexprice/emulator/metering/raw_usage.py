"""Aggregates over raw events, as ``events/usage`` answers them: doubles, no meter filters, negatives summed (recording
usage). An id counts once in a window, with its latest value; a result below zero is shown as zero."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..kernel.world import World
from . import windows
from .pipeline import pipeline
from .store import Store, Where

_NUMBER = "extracted_number(properties, ?)"
_OUTER = {"SUM": "sum(v)", "SUM_WITH_MULTIPLIER": "sum(v)", "AVG": "avg(v)", "MAX": "max(v)", "WEIGHTED_SUM": "sum(v)"}
TYPES = ("COUNT", "COUNT_UNIQUE", "LATEST", *_OUTER)


@dataclass(frozen=True)
class RawQuery:
    """What is aggregated: events of one name in ``[start, end)``, by millisecond."""

    environment: str
    event_name: str
    aggregation: str
    property_name: str
    start: datetime
    end: datetime
    customer: str = ""
    customer_id: str = ""
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    multiplier: float = 1.0
    anchor: datetime | None = None

    def where(self, store: Store) -> Where:
        """The events that are meant."""
        bounds = windows.millisecond_of(self.start), windows.millisecond_of(self.end)
        fixed = "env=? AND name=? AND ts>=? AND ts<?"
        where = Where(fixed, store.number(self.environment), self.event_name, *bounds)
        for column, value in (("ext", self.customer), ("customer", self.customer_id)):
            if value:
                where.also(f"{column}=?", value)
        return where.having(self.filters)


def total(world: World, query: RawQuery) -> float:
    """One value over all events."""
    rows = _rows(world, query, "0")
    return rows[0][1] if rows else 0.0


def points(world: World, query: RawQuery, size: str) -> list[tuple[datetime, float]]:
    """One value per window of ``size`` that has events, oldest first."""
    key = windows.expression(size, "((ts - ((ts % 1000) + 1000) % 1000) / 1000)", query.anchor)
    return [(windows.at_second(start), value) for start, value in _rows(world, query, key)]


def buckets(world: World, query: RawQuery, size: str, group_by: str) -> list[tuple[datetime, float]]:
    """One value (SUM or MAX) per bucket of ``size`` and value of the property ``group_by``, where one is given."""
    if not group_by:
        return points(world, query, size)
    store = pipeline(world).store
    where = query.where(store)
    key = windows.expression(size, "((ts - ((ts % 1000) + 1000) % 1000) / 1000)", query.anchor)
    sql = (
        f"SELECT {key} AS w, extracted(properties, ?) AS g, {query.aggregation.lower()}({_NUMBER}) FROM raw "  # noqa: S608 -- values are bound
        f"WHERE {where.text} GROUP BY w, g ORDER BY w, g"
    )
    rows = store.query_raw(sql, [group_by, query.property_name, *where.arguments])
    return [(windows.at_second(start), _shown(value)) for start, _group, value in rows]


def _rows(world: World, query: RawQuery, key: str) -> list[tuple[int, float]]:
    store = pipeline(world).store
    asked = query.where(store)
    where, kind = asked.text, query.aggregation
    arguments: list[Any] = [query.property_name]
    if kind == "COUNT":
        sql, arguments = f"SELECT {key} AS w, count(DISTINCT id) FROM raw WHERE {where} GROUP BY w", []  # noqa: S608 -- as above
    elif kind == "COUNT_UNIQUE":
        sql = f"SELECT {key} AS w, count(DISTINCT extracted(properties, ?)) FROM raw WHERE {where} GROUP BY w"  # noqa: S608 -- as above
    elif kind == "LATEST":
        sql = f"SELECT w, v FROM (SELECT {key} AS w, {_NUMBER} AS v, max(ts) FROM raw WHERE {where} GROUP BY w)"  # noqa: S608 -- as above
    elif kind == "WEIGHTED_SUM":
        sql, arguments = _weighted(query, key, where)
    else:
        latest = f"SELECT {key} AS w, {_NUMBER} AS v, max(ts) FROM raw WHERE {where} GROUP BY id, w"  # noqa: S608 -- as above
        sql = f"SELECT w, {_OUTER[kind]} FROM ({latest}) GROUP BY w"  # noqa: S608 -- as above
    factor = query.multiplier if kind == "SUM_WITH_MULTIPLIER" else 1.0
    rows = store.query_raw(sql + " ORDER BY w", [*arguments, *asked.arguments])
    return [(start, _shown(value * factor)) for start, value in rows]


def _weighted(query: RawQuery, key: str, where: str) -> tuple[str, list[Any]]:
    """Each value weighted by the part of the window that is left after it."""
    start, end = windows.second_of(query.start), windows.second_of(query.end)
    seconds = end - start
    sql = f"SELECT {key} AS w, sum({_NUMBER} / ? * (? - ts / 1000)) FROM raw WHERE {where} GROUP BY w"  # noqa: S608 -- as above
    return sql, [query.property_name, float(seconds or 1), end]


def _shown(value: float | None) -> float:
    return 0.0 if value is None or not math.isfinite(value) or value < 0 else float(value)
