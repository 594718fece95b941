"""Counting broken rules in sample files of any size with DuckDB (checklist 3.1).

DuckDB is imported only here and only when there is something to read. Ten lines or a hundred million: a file is scanned a few times,
nothing is held in memory but counts, first occurrences and examples, and what DuckDB spills to a temporary folder.
"""

# ruff: noqa: S608 - names and values in the queries are ours or quoted by event_rules.quoted
from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_flexprice.evidence.finding import not_verified
from pytest_flexprice.oracle.event_rules import Reading, Rule, file_kind, path, quoted
from pytest_flexprice.oracle.numbers import SPACES

_FIELDS = ("event_name", "external_customer_id", "event_id", "timestamp", "properties")
_BESIDE = (*_FIELDS, "source", "customer_id")
_OBJECT_BYTES = 48 * 1024 * 1024
_MOST = 1000

EVENT = """
SELECT n, event_name IS NULL AND external_customer_id IS NULL AND event_id IS NULL AND "timestamp" IS NULL
         AND properties IS NULL AS broken,
       json_type(event_name) AS name_t, json_extract_string(event_name, '$') AS name,
       json_type(external_customer_id) AS cust_t, json_extract_string(external_customer_id, '$') AS cust,
       json_type(event_id) AS id_t, json_extract_string(event_id, '$') AS id,
       json_type("timestamp") AS ts_t, json_extract_string("timestamp", '$') AS ts,
       json_type(properties) AS props_t, properties
FROM ({source})
"""
"""One row an event: its number in the file, whether it is no object at all, and each field's JSON type and text."""


@dataclass(frozen=True)
class Tally:
    """How often one rule is broken in one file: the first event's number there, and its value."""

    rule: Rule
    file: str
    count: int
    first: int
    example: str


@dataclass(frozen=True)
class Named:
    """How many events a file has of one name (or of one customer, or with one value), and the number of the first."""

    file: str
    value: str
    count: int
    first: int


@dataclass(frozen=True)
class Repeated:
    """One event id that comes more than once: how often, in how many seconds, for how many customers, with how many contents."""

    event_id: str
    count: int
    seconds: int
    customers: int
    contents: int
    file: str
    first: int


@dataclass(frozen=True)
class Batch:
    """The largest request body among a file's bulk requests: events and bytes."""

    file: str
    events: int
    size: int


class Samples:
    """Sample files, opened for counting."""

    def __init__(self, base: Any, files: Sequence[Path], folder: Path) -> None:
        self._base = base
        self._sources = [(_shown(file, folder), _Source(base, file)) for file in files]

    def totals(self) -> dict[str, int]:
        """How many events each file holds."""
        return {file: int(self._one(f"SELECT count(*) FROM ({one.sql})")[0]) for file, one in self._sources}

    def tallies(self, rules: Sequence[Rule]) -> list[Tally]:
        """Each broken rule of each file, in one scan of the file."""
        inner = ", ".join(f"({rule.condition}) AS c{i}, {rule.example} AS x{i}" for i, rule in enumerate(rules))
        outer = ", ".join(
            f"count(*) FILTER (c{i}), min(n) FILTER (c{i}), min_by(x{i}::VARCHAR, n) FILTER (c{i})"
            for i in range(len(rules))
        )
        found = []
        for file, one in self._sources:
            row = self._one(f"SELECT {outer} FROM (SELECT n, {inner} FROM ({one.event}))")
            for i, rule in enumerate(rules):
                count, first, example = row[3 * i : 3 * i + 3]
                if count:
                    found.append(Tally(rule, file, int(count), int(first), str(example or "")))
        return found

    def names(self) -> list[Named]:
        """The event names there are, as the server stores them."""
        return self._grouped(f"trim(name, {quoted(SPACES)})", "name <> ''")

    def unknown_customers(self, known: Iterable[str]) -> list[Named]:
        """External ids that are none of the known ones, at most 1,000 for each file, most frequent first."""
        self._base.execute("CREATE OR REPLACE TEMP TABLE known (external_id VARCHAR)")
        batch: list[tuple[str]] = []
        for name in known:
            batch.append((name,))
            if len(batch) == _MOST:
                self._base.executemany("INSERT INTO known VALUES (?)", batch)
                batch.clear()
        if batch:
            self._base.executemany("INSERT INTO known VALUES (?)", batch)
        return self._grouped("cust", "cust <> '' AND cust NOT IN (SELECT external_id FROM known)")

    def printed(self, reading: Reading, key: str) -> list[Named]:
        """The values of the property that a meter filters by, as JSON, with ``null`` for those that lack it."""
        value = f"coalesce(json_extract(properties, {path(key)})::VARCHAR, 'null')"
        return self._grouped(value, f"trim(name, {quoted(SPACES)}) = {quoted(reading.event)}")

    def properties_of(self, event: str) -> list[str]:
        """The names of all properties that events of a name have, of at most 1,000 events of each file."""
        keys: set[str] = set()
        for _, one in self._sources:
            rows = self._base.execute(
                f"SELECT DISTINCT unnest(json_keys(properties)) FROM (SELECT properties FROM ({one.event}) "
                f"WHERE props_t = 'OBJECT' AND trim(name, {quoted(SPACES)}) = {quoted(event)} LIMIT {_MOST})"
            ).fetchall()
            keys.update(key for (key,) in rows)
        return sorted(keys)

    def repeated(self) -> list[Repeated]:
        """Event ids that come more than once in all files together, at most 1,000, the most frequent first."""
        every = " UNION ALL ".join(
            f"SELECT {quoted(file)} AS file, n, id, cust, left(ts, 19) AS second, "
            f"hash(name, ts, properties) AS content FROM ({one.event}) WHERE id_t = 'VARCHAR' AND id <> ''"
            for file, one in self._sources
        )
        self._base.execute(
            f"CREATE OR REPLACE TEMP TABLE twice AS SELECT hash(id) AS h FROM ({every}) GROUP BY h HAVING count(*) > 1"
        )
        if not self._one("SELECT count(*) FROM twice")[0]:
            return []
        rows = self._base.execute(
            f"SELECT id, count(*) AS c, count(DISTINCT second), count(DISTINCT cust), count(DISTINCT content), min_by(file, n), "
            f"min(n) FROM ({every}) WHERE hash(id) IN (SELECT h FROM twice) GROUP BY id HAVING c > 1 "
            f"ORDER BY c DESC, id LIMIT {_MOST}"
        ).fetchall()
        return [Repeated(*row) for row in rows]

    def batches(self) -> list[Batch]:
        """Of each file with bulk requests the most events and the most bytes of one of them."""
        return [Batch(file, *one.largest) for file, one in self._sources if one.largest is not None]

    def _grouped(self, value: str, condition: str) -> list[Named]:
        found = []
        for file, one in self._sources:
            rows = self._base.execute(
                f"SELECT {value} AS v, count(*) AS c, min(n) FROM ({one.event}) WHERE {condition} "
                f"GROUP BY v ORDER BY c DESC, v LIMIT {_MOST}"
            ).fetchall()
            found += [Named(file, str(row[0]), int(row[1]), int(row[2])) for row in rows]
        return found

    def _one(self, query: str) -> tuple[Any, ...]:
        return tuple(self._base.execute(query).fetchone())


class _Source:
    """One file as rows ``n, event_name, …, properties``, each field as JSON; bulk requests are unpacked."""

    def __init__(self, base: Any, file: Path) -> None:
        self.largest: tuple[int, int] | None = None
        kind = file_kind(file.name)
        read: Callable[[Any, str], str] = {"csv": _csv, "parquet": _parquet}.get(kind, self._json)
        self.sql = f"SELECT row_number() OVER () AS n, * FROM ({read(base, str(file))})"
        self.event = EVENT.format(source=self.sql)

    def _json(self, base: Any, file: str) -> str:
        layout = "newline_delimited" if file_kind(file) == "ndjson" else "auto"
        columns = ", ".join(f"\"{name}\": 'JSON'" for name in (*_FIELDS, "events"))
        table = (
            f"read_json({quoted(file)}, columns={{{columns}}}, format='{layout}', ignore_errors={layout != 'auto'}, "
            f"maximum_object_size={_object_bytes(Path(file))})"
        )
        bulk = base.execute(
            f"SELECT count(events), max(json_array_length(events)), max(strlen(events::VARCHAR)) FROM {table}"
        )
        requests, most, size = bulk.fetchone()
        names = ", ".join(f'"{name}"' for name in _FIELDS)
        if not requests:
            return f"SELECT {names} FROM {table}"
        self.largest = (int(most or 0), int(size or 0))
        unpacked = ", ".join(f"json_extract(one, '$.{name}') AS \"{name}\"" for name in _FIELDS)
        return (
            f"SELECT {unpacked} FROM (SELECT unnest(json_extract(events, '$[*]')) AS one FROM {table} WHERE events IS NOT NULL) "
            f"UNION ALL SELECT {names} FROM {table} WHERE events IS NULL"
        )


def _object_bytes(file: Path) -> int:
    """One JSON object may be a whole bulk request, however far over the server's limit it is."""
    return max(_OBJECT_BYTES, file.stat().st_size + 1) if file.suffix == ".json" else _OBJECT_BYTES


def _csv(base: Any, file: str) -> str:
    table = f"read_csv({quoted(file)}, all_varchar=true, header=true)"
    return _columns(base, table, {})


def _parquet(base: Any, file: str) -> str:
    table = f"read_parquet({quoted(file)})"
    texts = {
        "TIMESTAMP WITH TIME ZONE": "strftime(timezone('UTC', {0}), '%Y-%m-%dT%H:%M:%S.%fZ')",
        "TIMESTAMP": "strftime({0}, '%Y-%m-%dT%H:%M:%S.%f')",
    }
    return _columns(base, table, texts)


def _columns(base: Any, table: str, texts: dict[str, str]) -> str:
    """Typed or text columns as JSON; properties come from a column of that name, else from all the columns that are no field."""
    kinds = {row[0]: row[1] for row in base.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()}
    parts = []
    for name in _FIELDS[:-1]:
        column = '"' + name + '"'
        value = texts.get(kinds.get(name, ""), "{0}").format(column) if name in kinds else "NULL"
        parts.append(f"to_json({value}) AS {column}" if name in kinds else f"NULL::JSON AS {column}")
    if "properties" in kinds:
        cast = "try_cast(properties AS JSON)" if kinds["properties"] in ("VARCHAR", "JSON") else "to_json(properties)"
        parts.append(f"{cast} AS properties")
    else:
        others = [name for name in kinds if name not in _BESIDE]
        pairs = ", ".join(
            f"{quoted(name.removeprefix('properties.'))}, " + '"' + name.replace('"', '""') + '"' for name in others
        )
        parts.append(f"json_object({pairs}) AS properties")
    return f"SELECT {', '.join(parts)} FROM {table}"


def _shown(file: Path, folder: Path) -> str:
    return str(file.relative_to(folder)) if file.is_relative_to(folder) else file.name


@contextmanager
def opened(files: Sequence[Path], folder: Path) -> Iterator[Samples]:
    """The samples, ready for counting; ``folder`` is what file names are shown relative to.

    Raises:
        NotVerified: DuckDB is not installed, or a file is missing, of an unknown kind, or cannot be read.
    """
    try:
        import duckdb  # noqa: PLC0415 - an extra that only samples need
    except ImportError:
        raise not_verified(
            "3.1",
            "samples",
            "sample events cannot be read because DuckDB is not installed",
            remedy="pip install 'pytest-flexprice[samples]'",
        ) from None
    for file in files:
        if not file.is_file():
            raise _unreadable(_shown(file, folder), "there is no such file")
        if not file_kind(file.name):
            raise _unreadable(
                _shown(file, folder), "its name ends in none of .ndjson, .jsonl, .json, .csv and .parquet"
            )
    with tempfile.TemporaryDirectory(prefix="flexprice-samples-") as spill, duckdb.connect() as base:
        base.execute(f"SET temp_directory = {quoted(spill)}")
        base.execute("SET TimeZone = 'UTC'")
        try:
            yield Samples(base, files, folder)
        except duckdb.Error as error:
            raise _unreadable(
                ", ".join(_shown(file, folder) for file in files[:3]), str(error).splitlines()[0]
            ) from None


def _unreadable(file: str, reason: str) -> Exception:
    return not_verified(
        "3.1", f"samples.{file}", f"sample file {file} cannot be read: {reason}", remedy="correct the plan's samples"
    )
