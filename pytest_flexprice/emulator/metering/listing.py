"""Raw events read back, page by page (contract 3.7, recording events_query)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..kernel.render import filled
from ..kernel.world import World
from . import windows
from .pipeline import pipeline
from .store import Store, Where

_COLUMNS = "id, ext, customer, name, ts, properties, source"
_NANOSECONDS = 1_000_000  # in a millisecond


@dataclass(frozen=True)
class Cursor:
    """A place in the list: ``{unix ns}::{event id}``."""

    moment: int
    id: str


@dataclass(frozen=True)
class EventQuery:
    """What is asked for. Both bounds are inclusive; ``after`` and ``before`` are cursors."""

    environment: str
    start: datetime
    end: datetime
    equal: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sort: str = "ts"
    descending: bool = True
    size: int = 50
    offset: int = 0
    first: Cursor | None = None
    last: Cursor | None = None

    def where(self, store: Store) -> Where:
        """The events that are meant."""
        bounds = windows.millisecond_of(self.start), windows.millisecond_of(self.end)
        where = Where("env=? AND ts>=? AND ts<=?", store.number(self.environment), *bounds)
        for column, value in self.equal.items():
            where.also(f"{column}=?", value)
        for cursor, sign in ((self.first, ">"), (self.last, "<")):
            if cursor is not None:
                where.also(f"(ts, id) {sign} (?, ?)", cursor.moment, cursor.id)
        return where.having(self.properties)


def published(environment: str, row: Sequence[Any]) -> dict[str, Any]:
    """A raw row as the server shows it."""
    identifier, customer, customer_id, name, moment, text, source = row
    return {
        "id": identifier,
        "external_customer_id": customer,
        "customer_id": customer_id,
        "event_name": name,
        "timestamp": windows.at_millisecond(moment),
        "properties": None if text is None else json.loads(text),
        "source": source,
        "environment_id": environment,
    }


def page(world: World, query: EventQuery) -> dict[str, Any]:
    """The answer of ``GET /v1/events`` and ``POST /v1/events/query``."""
    store = pipeline(world).store
    where = query.where(store)
    total = store.query_raw(f"SELECT count(*) FROM raw WHERE {where.text}", where.arguments)[0][0]  # noqa: S608 -- values are bound
    by_cursor = query.first is not None or query.last is not None
    direction = "DESC" if query.descending else "ASC"
    columns = ("ts", "id") if query.sort == "ts" else ("name", "ts", "id")
    order = ", ".join(f"{column} {direction}" for column in columns)
    rows = store.query_raw(
        f"SELECT {_COLUMNS} FROM raw WHERE {where.text} ORDER BY {order} LIMIT ? OFFSET ?",  # noqa: S608 -- values are bound
        [*where.arguments, query.size, 0 if by_cursor else query.offset],
    )
    shown = query.size if by_cursor else query.offset + query.size
    more = total > shown
    return {
        "events": [published(query.environment, row) for row in rows],
        "has_more": more,
        **filled(iter_first_key=rows and _key(rows[0]), total_count=total),
        **filled(iter_last_key=rows and (more or not by_cursor) and _key(rows[-1])),
        **({} if by_cursor else {"offset": shown}),
    }


def _key(row: Sequence[Any]) -> str:
    return f"{row[4] * _NANOSECONDS}::{row[0]}"


def by_id(world: World, environment: str, identifier: str) -> tuple[dict[str, Any], int] | None:
    """The raw event of that id (the latest by timestamp, where there are several) and its millisecond."""
    store = pipeline(world).store
    rows = store.query(
        f"SELECT {_COLUMNS} FROM raw WHERE env=? AND id=? ORDER BY ts DESC LIMIT 1",  # noqa: S608 -- values are bound
        [store.number(environment), identifier],
    )
    return (published(environment, rows[0]), rows[0][4]) if rows else None
