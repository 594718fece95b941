"""Sample files of every format as the same rows: a number and the five fields of an event, each as JSON (checklist 3.1)."""

# ruff: noqa: S608 - names and values in the queries are ours or quoted by event_rules.quoted
from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_flexprice.model.values import trimmed
from pytest_flexprice.oracle.samples import forms
from pytest_flexprice.oracle.samples.forms import FIELDS
from pytest_flexprice.oracle.samples.rules import file_kind, quoted

_BESIDE = (*FIELDS, "source", "customer_id")
_MOST_NAMES = 100_000
_NAME = "json_extract_string(event_name, '$')"
_OBJECT_BYTES = 48 * 1024 * 1024


class Source:
    """One file as rows ``event_name, …, properties``, and ``numbered`` ones with their number ``n``, which take longer to read.

    ``names`` are the event names it holds; bulk requests are unpacked, and ``largest`` is (events, bytes) of the largest.
    """

    def __init__(self, base: Any, file: Path) -> None:
        self.largest: tuple[int, int] | None = None
        self.look = forms.look(file)
        read: Callable[[Any, str], str] | None = {"csv": _csv, "parquet": _parquet}.get(file_kind(file.name))
        rows = read(base, str(file)) if read else _json(str(file), self.look)
        fields = ", ".join(f'"{name}"' for name in FIELDS)
        if read is None:
            found = self._look(
                base, rows, "count(events), max(json_array_length(events)), max(strlen(events::VARCHAR))"
            )
            if sum(row[1] for row in found):
                self.largest = max(int(row[2] or 0) for row in found), max(int(row[3] or 0) for row in found)
                one = ", ".join(f"json_extract(one, '$.{self.look.spelling(name)}') AS \"{name}\"" for name in FIELDS)
                rows = (
                    f"SELECT {one} FROM (SELECT unnest(json_extract(events, '$[*]')) AS one FROM ({rows}) WHERE events IS NOT NULL) "
                    f"UNION ALL SELECT {fields} FROM ({rows}) WHERE events IS NULL"
                )
                found = self._look(base, rows)
        else:
            found = self._look(base, rows)
        self.names = frozenset(trimmed(row[0]) for row in found if row[0])
        self.rows = f"SELECT {fields} FROM ({rows})"
        self.numbered = f"SELECT row_number() OVER () AS n, {fields} FROM ({rows})"

    @staticmethod
    def _look(base: Any, rows: str, more: str = "count(*)") -> list[tuple[Any, ...]]:
        """One scan before the one that counts: the event names, and what else is asked of each."""
        query = f"SELECT {_NAME} AS name, {more} FROM ({rows}) GROUP BY name LIMIT {_MOST_NAMES}"
        return list(base.execute(query).fetchall())


def _json(file: str, look: forms.Look) -> str:
    lines = file_kind(file) == "ndjson"
    columns = ", ".join(f"\"{look.spelling(name)}\": 'JSON'" for name in (*FIELDS, "events"))
    return (
        f"SELECT * FROM read_json({quoted(file)}, columns={{{columns}}}, format='{'newline_delimited' if lines else 'auto'}', "
        f"ignore_errors={lines}, maximum_object_size={_object_bytes(Path(file))})"
    )


def _object_bytes(file: Path) -> int:
    """One JSON object may be a whole bulk request, however far over the server's limit it is."""
    return max(_OBJECT_BYTES, file.stat().st_size + 1) if file.suffix == ".json" else _OBJECT_BYTES


def _csv(base: Any, file: str) -> str:
    return _columns(base, f"read_csv({quoted(file)}, all_varchar=true, header=true)", {})


def _parquet(base: Any, file: str) -> str:
    texts = {
        "TIMESTAMP WITH TIME ZONE": "strftime(timezone('UTC', {0}), '%Y-%m-%dT%H:%M:%S.%fZ')",
        "TIMESTAMP": "strftime({0}, '%Y-%m-%dT%H:%M:%S.%f')",
    }
    return _columns(base, f"read_parquet({quoted(file)})", texts)


def _columns(base: Any, table: str, texts: dict[str, str]) -> str:
    """Typed or text columns as JSON; properties come from a column of that name, else from all the columns that are no field."""
    kinds = {row[0]: row[1] for row in base.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()}
    spelled = {_bare(name): name for name in reversed(kinds) if _bare(name) in _BESIDE}
    parts = []
    for name in FIELDS[:-1]:
        written = spelled.get(name, name)
        value = texts.get(kinds.get(written, ""), "{0}").format(_identifier(written))
        parts.append(f'to_json({value}) AS "{name}"' if written in kinds else f'NULL::JSON AS "{name}"')
    if "properties" in spelled:
        written = spelled["properties"]
        cast = "try_cast({0} AS JSON)" if kinds[written] in ("VARCHAR", "JSON") else "to_json({0})"
        parts.append(f"{cast.format(_identifier(written))} AS properties")
    else:
        others = [name for name in kinds if name not in spelled.values()]
        pairs = ", ".join(f"{quoted(name.removeprefix('properties.'))}, {_identifier(name)}" for name in others)
        parts.append(f"json_object({pairs}) AS properties")
    return f"SELECT {', '.join(parts)} FROM {table}"


def _bare(header: str) -> str:
    """A column's header as a field's name: spreadsheets and exports write "Event Name" and "Event_Name"."""
    return re.sub(r"[\s-]+", "_", header.strip()).lower()


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
