"""Counting broken rules in sample files of any size with DuckDB (checklist 3.1).

DuckDB is imported only here and only when there is something to read. A file is scanned once into a few narrow columns on disk: the event's
name, customer, a hash of its id and one bit for each rule; counts come from there. It is read again, and numbered, only to show where
something is wrong. So ten lines and a hundred million are read alike, in bounded memory.
"""

# ruff: noqa: S608 - names and values in the queries are ours or quoted by rules.quoted
from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_flexprice.model.finding import not_verified
from pytest_flexprice.model.values import NUMERIC_TEXT, SPACES
from pytest_flexprice.oracle.samples.counts import Batch, Copied, NameCount, Repeated, RuleCount
from pytest_flexprice.oracle.samples.files import Source
from pytest_flexprice.oracle.samples.forms import FIELDS, Look
from pytest_flexprice.oracle.samples.rules import (
    MOMENT,
    OBJECT,
    SPACED,
    TEXT,
    Reading,
    Rule,
    column,
    matches,
    path,
    quoted,
)
from pytest_flexprice.oracle.samples.unreadable import json_problem, require_readable, unreadable

_MOST = 1000
_BITS = 60
_KNOWN = "SELECT name FROM known WHERE name IS NOT NULL"
_ALIKE = "CASE WHEN moment <> date_trunc('second', moment) THEN hash(trimmed, cust, ts, properties::VARCHAR) END"
"""What an event is, apart from its id; nothing where its time is too coarse to tell two events apart."""
_PARTS = {"event_name": "name", "external_customer_id": "cust", "event_id": "id", "timestamp": "ts"}


class Samples:
    """Sample files, read once against rules, and asked afterwards."""

    def __init__(
        self, base: Any, files: Sequence[Path], folder: Path, rules: Sequence[Rule], readings: Sequence[Reading]
    ) -> None:
        self._base, self._readings = base, readings
        self._keys = list(dict.fromkeys(key for one in readings for key in one.filters or {}))
        self._files = [(_shown(file, folder), Source(base, file)) for file in files]
        self._chunks = [list(rules[i : i + _BITS]) for i in range(0, len(rules), _BITS)]
        for number, (_, source) in enumerate(self._files):
            create = "INSERT INTO seen" if number else "CREATE TABLE seen AS"
            kept = f"SELECT {number} AS file, trimmed, cust, h, {_ALIKE} AS alike, {self._kept(source)}"
            base.execute(f"{create} {kept} FROM ({self._event(source, source.rows)})")

    def looks(self) -> dict[str, Look]:
        """What form the events of each file have."""
        return {file: source.look for file, source in self._files}

    def totals(self) -> dict[str, int]:
        """How many events each file holds."""
        counts = dict(self._rows("SELECT file, count(*) FROM seen GROUP BY file"))
        return {file: int(counts.get(number, 0)) for number, (file, _) in enumerate(self._files)}

    def tallies(self) -> list[RuleCount]:
        """Each broken rule of each file; where there is one the file is read once more for the first event and its value."""
        broken: dict[int, list[tuple[Rule, int]]] = defaultdict(list)
        for chunk, rules in enumerate(self._chunks):
            outer = ", ".join(f"count(*) FILTER (bits{chunk} & {1 << i} <> 0)" for i in range(len(rules)))
            for row in self._rows(f"SELECT file, {outer} FROM seen WHERE bits{chunk} <> 0 GROUP BY file"):
                broken[row[0]] += [(rule, row[1 + i]) for i, rule in enumerate(rules) if row[1 + i]]
        found = []
        for number, counted in sorted(broken.items()):
            file, source = self._files[number]
            inner = ", ".join(
                f"({rule.condition}) AS c{i}, ({rule.example})::VARCHAR AS x{i}" for i, (rule, _) in enumerate(counted)
            )
            outer = ", ".join(f"min(n) FILTER (c{i}), min_by(x{i}, n) FILTER (c{i})" for i in range(len(counted)))
            row = self._rows(f"SELECT {outer} FROM (SELECT n, {inner} FROM ({self._event(source, source.numbered)}))")[
                0
            ]
            found += [
                RuleCount(rule, file, int(count), int(row[2 * i]), str(row[2 * i + 1] or ""))
                for i, (rule, count) in enumerate(counted)
            ]
        return found

    def names(self) -> list[NameCount]:
        """The event names there are, as the server stores them: of each file the 1,000 most frequent."""
        return self._grouped("trimmed", "trimmed <> ''")

    def unknown_names(self, known: Iterable[str]) -> list[NameCount]:
        """Event names that are none of the known ones, of each file the 1,000 most frequent."""
        self._know(known)
        return self._located("trimmed", self._grouped("trimmed", f"trimmed <> '' AND trimmed NOT IN ({_KNOWN})"))

    def unknown_customers(self, known: Iterable[str]) -> list[NameCount]:
        """External ids that are none of the known ones, of each file the 1,000 most frequent."""
        self._know(known)
        return self._located("cust", self._grouped("cust", f"cust <> '' AND cust NOT IN ({_KNOWN})"))

    def values(self, reading: Reading, key: str) -> list[NameCount]:
        """The values of the property that a meter filters by, as JSON, with ``null`` for those that lack it."""
        return self._grouped(f"coalesce({column('filter', key)}, 'null')", f"trimmed = {quoted(reading.event)}")

    def _know(self, known: Iterable[str]) -> None:
        with tempfile.TemporaryDirectory(prefix="flexprice-known-") as folder:
            names = Path(folder) / "known.ndjson"
            with names.open("w", encoding="utf-8") as file:
                file.writelines(json.dumps({"name": name}) + "\n" for name in known)
            self._base.execute(
                f"CREATE OR REPLACE TABLE known AS SELECT DISTINCT name FROM read_json({quoted(str(names))}, "
                "columns={'name': 'VARCHAR'}, format='newline_delimited')"
            )

    def _located(self, value: str, found: Sequence[NameCount]) -> list[NameCount]:
        """The same with the number of the first event: a file is read once more only where there is something to show."""
        firsts: dict[tuple[str, str], int] = {}
        for file, source in self._files:
            wanted = ", ".join(quoted(one.value) for one in found if one.file == file)
            if wanted:
                event = self._event(source, source.numbered)
                rows = self._rows(f"SELECT {value}, min(n) FROM ({event}) WHERE {value} IN ({wanted}) GROUP BY 1")
                firsts.update({(file, str(name)): int(first) for name, first in rows})
        return [replace(one, first=firsts.get((one.file, one.value), 0)) for one in found]

    def properties_of(self, event: str) -> list[str]:
        """The names of all properties that events of a name have, of at most 1,000 events of each file."""
        keys: set[str] = set()
        for _, source in self._files:
            rows = self._rows(
                f"SELECT DISTINCT unnest(json_keys(properties)) FROM (SELECT properties FROM ({self._event(source, source.rows)}) "
                f"WHERE props_c = {OBJECT} AND trimmed = {quoted(event)} LIMIT {_MOST})"
            )
            keys.update(key for (key,) in rows)
        return sorted(keys)

    def numbers(self, event: str, field: str) -> list[float]:
        """What is above 0 of a property of events of a name: at most 1,000 values of each file."""
        events = [self._event(source, source.rows) for _, source in self._files if event in source.names]
        select, where = column("number", field), f"trimmed = {quoted(event)} AND x > 0 LIMIT {_MOST}"
        return [x for one in events for (x,) in self._rows(f"SELECT {select} AS x FROM ({one}) WHERE {where}")]

    def repeated(self) -> list[Repeated]:
        """Event ids that come more than once in all files together: the 1,000 most frequent."""
        self._base.execute(
            "CREATE OR REPLACE TABLE twice AS SELECT h FROM seen WHERE h IS NOT NULL GROUP BY h HAVING count(*) > 1"
        )
        if not self._rows("SELECT 1 FROM twice LIMIT 1"):
            return []
        every = " UNION ALL ".join(
            f"SELECT {quoted(file)} AS file, n, id, cust, left(ts, 19) AS second, hash(name, ts, properties) AS content "
            f"FROM ({self._event(source, source.numbered)}) WHERE h IN (SELECT h FROM twice)"
            for file, source in self._files
        )
        rows = self._rows(
            "SELECT id, count(*) AS c, count(DISTINCT second), count(DISTINCT cust), count(DISTINCT content), min_by(file, n), "
            f"min(n) FROM ({every}) GROUP BY id HAVING c > 1 ORDER BY c DESC, id LIMIT {_MOST}"
        )
        return [Repeated(*row) for row in rows]

    def copied(self) -> Copied | None:
        """Events that seem to be others of all files once more, under an id of their own."""
        self._base.execute(
            "CREATE OR REPLACE TABLE copies AS SELECT alike, count(DISTINCT h) AS c FROM seen "
            "WHERE alike IS NOT NULL AND h IS NOT NULL GROUP BY alike HAVING c > 1"
        )
        ((count, contents),) = self._rows("SELECT sum(c), count(*) FROM copies")
        if not contents:
            return None
        every = " UNION ALL ".join(
            f"SELECT {quoted(file)} AS file, n, id, {_ALIKE} AS alike FROM ({self._event(source, source.numbered)})"
            for file, source in self._files
        )
        ((file, first, event_id, other),) = self._rows(
            f"SELECT min_by(file, n), min(n), min_by(id, n), coalesce(min(n) FILTER (id <> least), 0) FROM "
            f"(SELECT *, min_by(id, n) OVER () AS least FROM ({every}) WHERE alike = (SELECT min(alike) FROM copies))"
        )
        return Copied(int(count), int(contents), file, int(first), event_id, int(other))

    def batches(self) -> list[Batch]:
        """Of each file with bulk requests the most events and the most bytes of one of them."""
        return [Batch(file, *source.largest) for file, source in self._files if source.largest is not None]

    def _event(self, source: Source, rows: str) -> str:
        """One row an event: its number, each field's first JSON character and text, and the properties that meters read.

        Only the meters of event names that the file holds are looked at, so a large catalog costs nothing.
        """
        mine = [one for one in self._readings if one.event in source.names]
        fields = list(dict.fromkeys(field for one in mine for field in one.fields))
        keys = {key for one in mine for key in one.filters or {}}
        first = ", ".join(f'ascii("{field}"::VARCHAR) AS {part}_c' for field, part in _PARTS.items())
        broken = " AND ".join(f'"{field}" IS NULL' for field in FIELDS)
        texts = ", ".join(
            f"CASE WHEN {part}_c = {TEXT} THEN json_extract_string(\"{field}\", '$') END AS {part}"
            for field, part in _PARTS.items()
        )
        raw = "".join(f", json_extract(properties, {path(one)})::VARCHAR AS {column('json', one)}" for one in fields)
        values = "".join(
            f", CASE WHEN ascii({column('json', one)}) = {TEXT} THEN json_extract_string(properties, {path(one)}) "
            f"ELSE {column('json', one)} END AS {column('text', one)}"
            for one in fields
        )
        numbers = "".join(
            f", CASE WHEN {matches(column('text', one), NUMERIC_TEXT)} THEN try_cast({column('text', one)} AS DOUBLE) END "
            f"AS {column('number', one)}"
            for one in fields
        )
        filters = "".join(
            f", {f'json_extract(properties, {path(key)})::VARCHAR' if key in keys else 'NULL::VARCHAR'} AS {column('filter', key)}"
            for key in self._keys
        )
        return (
            f"SELECT *, CASE WHEN spaced THEN trim(name, {quoted(SPACES)}) ELSE name END AS trimmed{numbers} FROM ("
            f"SELECT *, {MOMENT} AS moment, "
            f"regexp_matches(name, {quoted(SPACED)}) AS spaced, CASE WHEN id <> '' THEN hash(id) END AS h{values} FROM ("
            f"SELECT *, {texts}{raw}{filters} FROM ("
            f"SELECT *, {broken} AS broken, {first}, ascii(properties::VARCHAR) AS props_c FROM ({rows}))))"
        )

    def _kept(self, source: Source) -> str:
        """The bits of every rule, and the properties that meters filter by."""
        bits = []
        for chunk, rules in enumerate(self._chunks):
            asked = [(i, rule) for i, rule in enumerate(rules) if not rule.event or rule.event in source.names]
            terms = [f"coalesce(({rule.condition})::BIGINT, 0) * {1 << i}" for i, rule in asked]
            bits.append(f"{' + '.join(terms) or '0::BIGINT'} AS bits{chunk}")
        return ", ".join([*bits, *(column("filter", key) for key in self._keys)])

    def _grouped(self, value: str, condition: str) -> list[NameCount]:
        rows = self._rows(
            f"SELECT file, v, c FROM (SELECT file, {value} AS v, count(*) AS c FROM seen WHERE {condition} GROUP BY file, v) "
            f"QUALIFY row_number() OVER (PARTITION BY file ORDER BY c DESC, v) <= {_MOST} ORDER BY file, c DESC, v"
        )
        return [NameCount(self._files[file][0], str(name), int(count)) for file, name, count in rows]

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return list(self._base.execute(query).fetchall())


def _shown(file: Path, folder: Path) -> str:
    return str(file.relative_to(folder)) if file.is_relative_to(folder) else file.name


@contextmanager
def opened(
    files: Sequence[Path], folder: Path, rules: Sequence[Rule], readings: Sequence[Reading]
) -> Iterator[Samples]:
    """The samples, read against the rules; ``folder`` is what file names are shown relative to.

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
        require_readable(file, _shown(file, folder))
    with (
        tempfile.TemporaryDirectory(prefix="flexprice-samples-") as spill,
        duckdb.connect(f"{spill}/samples.duckdb") as base,
    ):
        base.execute(f"SET temp_directory = {quoted(spill)}")
        base.execute("SET TimeZone = 'UTC'")
        try:
            yield Samples(base, files, folder, rules, readings)
        except duckdb.Error as error:
            names = ", ".join(_shown(file, folder) for file in files[:3])
            broken = next(((file, words) for file in files if (words := json_problem(file))), None)
            raise unreadable(
                *((_shown(broken[0], folder), broken[1]) if broken else (names, str(error).splitlines()[0]))
            ) from None
