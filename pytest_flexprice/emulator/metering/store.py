"""The two tables behind every event read: raw events and metered rows (contract 3.3).

They live in one private SQLite database that stays in memory while small and moves to a temporary file of its own
when it grows; the file vanishes with the connection. Access is under the world's lock.
"""

from __future__ import annotations

import json
import sqlite3
import weakref
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Context, Decimal
from typing import Any, NamedTuple

from .values import extracted, extracted_number
from .windows import millisecond_of, month_start, zoned_start

CACHE_KIBIBYTES = 65_536
"""How much of the database stays in memory."""

_SCHEMA = """
CREATE TABLE raw (env INTEGER, ts INTEGER, id TEXT, ext TEXT, name TEXT, customer TEXT, source TEXT, properties TEXT,
  PRIMARY KEY (env, id, ts)) WITHOUT ROWID;
CREATE TABLE metered (env INTEGER, ext TEXT, meter INTEGER, sec INTEGER, id TEXT, ms INTEGER, arrival INTEGER,
  quantity, value TEXT, source TEXT, properties TEXT, processed INTEGER,
  PRIMARY KEY (env, ext, meter, sec, id)) WITHOUT ROWID;
CREATE TABLE too_large (env INTEGER, id TEXT, PRIMARY KEY (env, id)) WITHOUT ROWID;
"""
_PRAGMAS = (
    "page_size = 16384",
    "journal_mode = OFF",
    "synchronous = OFF",
    f"cache_size = -{CACHE_KIBIBYTES}",
    "temp_store = FILE",
)
_WIDE = Context(prec=200)


class Event(NamedTuple):
    """One accepted event. ``moment`` is its timestamp in milliseconds since the epoch; ``text`` are the properties as
    stored (``None``: there are none)."""

    environment: str
    moment: int
    id: str
    external_customer_id: str
    name: str
    customer_id: str
    source: str
    text: str | None
    properties: dict[str, Any]


class MeteredRow(NamedTuple):
    """One metered row to be stored: an event, the meter's id, and what the meter made of it."""

    event: Event
    meter: str
    quantity: Decimal | int
    value: str | None
    processed: int


class _ExactSum:
    """SQL aggregate ``exact_sum``: decimals kept as text, added exactly."""

    def __init__(self) -> None:
        self._total = Decimal(0)

    def step(self, text: str | None) -> None:
        if text is not None:
            self._total = _WIDE.add(self._total, Decimal(text))

    def finalize(self) -> str:
        return format(self._total, "f")


class _ExactMax:
    """SQL aggregate ``exact_max``: the greatest of decimals kept as text."""

    def __init__(self) -> None:
        self._best: Decimal | None = None

    def step(self, text: str | None) -> None:
        if text is not None and (self._best is None or Decimal(text) > self._best):
            self._best = Decimal(text)

    def finalize(self) -> str | None:
        return None if self._best is None else format(self._best, "f")


def _extracted(text: str | None, key: str) -> str:
    """SQL function ``extracted``: a property of stored ones as text."""
    return extracted(json.loads(text), key) if text else ""


def _extracted_number(text: str | None, key: str) -> float:
    """SQL function ``extracted_number``: a property of stored ones as a double."""
    return extracted_number(json.loads(text), key) if text else 0.0


class _Numbers(dict[str, int]):
    """A small number for each name, made when first asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __missing__(self, name: str) -> int:
        self.names.append(name)
        self[name] = len(self.names) - 1
        return self[name]


class Where:
    """The conditions of a SELECT, all of which hold, with the values that are bound to them."""

    def __init__(self, condition: str, *arguments: Any) -> None:
        self.text = condition
        self.arguments = list(arguments)

    def also(self, condition: str, *arguments: Any) -> None:
        """One more condition."""
        self.text += f" AND {condition}"
        self.arguments += arguments

    def among(self, expression: str, wanted: Sequence[Any], *arguments: Any) -> None:
        """The expression (of ``arguments``) has one of the wanted values."""
        self.also(f"{expression} IN ({','.join('?' * len(wanted))})", *arguments, *wanted)

    def having(self, properties: Mapping[str, Sequence[str]]) -> Where:
        """Each of the properties, as text, has one of its wanted values; returns itself."""
        for key, wanted in properties.items():
            self.among("extracted(properties, ?)", wanted, key)
        return self


class Store:
    """Raw events and metered rows; equal keys replace each other, the later one stays."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect("", isolation_level=None, check_same_thread=False, cached_statements=256)
        for pragma in _PRAGMAS:
            self.connection.execute(f"PRAGMA {pragma}")
        self.connection.executescript(_SCHEMA)
        self.connection.create_function("month_start", 2, month_start, deterministic=True)
        self.connection.create_function("zoned_start", 3, zoned_start, deterministic=True)
        self.connection.create_function("extracted", 2, _extracted, deterministic=True)
        self.connection.create_function("extracted_number", 2, _extracted_number, deterministic=True)
        aggregates: dict[str, Any] = {"exact_sum": _ExactSum, "exact_max": _ExactMax}
        for name, kind in aggregates.items():
            self.connection.create_aggregate(name, 1, kind)
        self.close = weakref.finalize(self, self.connection.close)
        """Gives the memory and the temporary file back; happens by itself when the store is forgotten."""
        self._numbers = _Numbers()
        self._names: list[str] = self._numbers.names
        self._arrivals = 0
        self._listed = False

    def number(self, name: str) -> int:
        """The small number that stands for an environment or meter id."""
        return self._numbers[name]

    def name(self, number: int) -> str:
        """The id behind a small number."""
        return self._names[number]

    def add_raw(self, events: Iterable[Event]) -> None:
        """Store raw events; equal in environment, millisecond and id, the later one stays."""
        number = self._numbers
        rows = [(number[e[0]], *e[1:8]) for e in events]
        self._write("INSERT OR REPLACE INTO raw VALUES (?,?,?,?,?,?,?,?)", rows)

    def add_metered(self, metered: Iterable[MeteredRow]) -> None:
        """Store metered rows; equal in environment, customer, meter, second and id, the later one stays."""
        rows = []
        number = self._numbers
        arrivals = self._arrivals
        for (env, moment, id_, external, _, _, source, text, _), meter, quantity, value, processed in metered:
            arrivals += 1
            kept = quantity if type(quantity) is int else format(quantity, "f")
            rows.append((number[env], external, number[meter], moment // 1000, id_, moment, arrivals, kept, value, source,
                         text, processed))  # fmt: skip
        self._arrivals = arrivals
        self._write("INSERT OR REPLACE INTO metered VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", rows)

    def metered_of(self, environment: str, identifier: str) -> tuple[Any, ...] | None:
        """Meter, customer, second, quantity and time of processing of an event's latest metered row.

        It is found by what the raw event says: an index by id would make every event dearer for the few that are looked up.
        """
        meters = ",".join(map(str, range(len(self._names))))
        sql = (
            "SELECT m.meter, m.ext, m.sec, m.quantity, m.processed FROM raw r CROSS JOIN metered m "  # noqa: S608 -- numbers
            f"WHERE r.env=? AND r.id=? AND m.env=r.env AND m.ext=r.ext AND m.meter IN ({meters}) "
            "AND m.sec=(r.ts - (r.ts % 1000 + 1000) % 1000) / 1000 AND m.id=r.id ORDER BY m.sec DESC LIMIT 1"
        )
        return next(iter(self.query(sql, (self.number(environment), identifier))), None)

    def add_too_large(self, event: Event) -> None:
        """Remember an event whose quantity no row can hold."""
        self._write("INSERT OR REPLACE INTO too_large VALUES (?,?)", [(self.number(event.environment), event.id)])

    def is_too_large(self, environment: str, identifier: str) -> bool:
        """Whether an event of that id had a quantity that no row can hold."""
        found = self.query("SELECT 1 FROM too_large WHERE env=? AND id=?", (self.number(environment), identifier))
        return bool(found)

    def query(self, sql: str, arguments: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a SELECT."""
        return self.connection.execute(sql, tuple(arguments)).fetchall()

    def query_raw(self, sql: str, arguments: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a SELECT among the raw events of a customer or a time: until there is one, storing them costs less."""
        if not self._listed:
            self.connection.execute("CREATE INDEX raw_customer ON raw (env, ext, ts)")
            self._listed = True
        return self.query(sql, arguments)

    def count_raw(self, environment: str, start: datetime, end: datetime) -> int:
        """How many raw events of an environment lie in ``[start, end)``."""
        bounds = (self.number(environment), millisecond_of(start), millisecond_of(end))
        return int(self.query("SELECT count(*) FROM raw WHERE env=? AND ts>=? AND ts<?", bounds)[0][0])

    def counts(self) -> dict[str, int]:
        """How many raw events and metered rows are kept."""
        return {name: self.query(f"SELECT count(*) FROM {name}")[0][0] for name in ("raw", "metered")}  # noqa: S608 -- two fixed names

    def _write(self, sql: str, rows: list[tuple[Any, ...]]) -> None:
        if not rows:
            return
        self.connection.execute("BEGIN")
        try:
            self.connection.executemany(sql, rows)
        finally:
            self.connection.execute("COMMIT")
