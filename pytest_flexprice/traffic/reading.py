"""The company's columns as one canonical log: name, customer, id, second, properties, seq (contract 3.1)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import ibis

from pytest_flexprice.model.finding import not_verified
from pytest_flexprice.model.traffic_plan import Traffic
from pytest_flexprice.traffic.dialects import Column, Dialect
from pytest_flexprice.traffic.fetching import fetched
from pytest_flexprice.traffic.numbers import Rows
from pytest_flexprice.traffic.stamps import EXPECTED, NAIVE, is_readable, naive, seconds

SEQUENCE = "flexprice_sequence"
_DIGITS = 40
MOST_NAMED, LONGEST_NAME = 20, 40
"""Of the log's own columns so many are named where one is missing, and so much of each."""
IN_QUERY = "when the log is written, or by traffic.query of a database (files too, by duckdb://)"


def canonical(raw: Rows, traffic: Traffic, dialect: Dialect, kept: Callable[[Rows], Rows] = lambda rows: rows) -> Rows:
    """The log in the form that everything else works on; ``kept`` may store it, so that stamps are read only once.

    Raises:
        NotVerified: a column is missing or of a wrong type, stamps have no zone, or there is no event in it.
    """
    columns = traffic.columns
    time = _column(raw, columns.time, "time", dialect)
    if not is_readable(time):
        raise _wrong("time", columns.time, time.type(), EXPECTED)

    def log_of(second: Column) -> Rows:
        return kept(_rows(raw, traffic, second, dialect))

    table = log_of(seconds(time, traffic.timezone, columns.time, dialect, thorough=False))
    if time.type().is_string() and _count(table.filter(table.second.isnull())):
        table = log_of(seconds(time, traffic.timezone, columns.time, dialect))
    _look(raw, table, traffic, dialect)
    return table


def _rows(raw: Rows, traffic: Traffic, second: Column, dialect: Dialect) -> Rows:
    columns = traffic.columns
    return raw.select(
        name=_text(raw, columns.name, "name", dialect).strip(),
        customer=_text(raw, columns.customer, "customer", dialect),
        id=_text(raw, columns.id, "id", dialect),
        second=second,
        properties=_properties(raw, columns.properties, dialect),
        seq=_sequence(raw, columns.arrived, second, dialect),
    )


def _sequence(raw: Rows, arrived: str, second: Column, dialect: Dialect) -> Column:
    if arrived:
        column = _column(raw, arrived, "arrived", dialect)
        return _in_order(column) if column.type().is_string() else column
    return raw[SEQUENCE] if SEQUENCE in raw.columns else second


def _in_order(text: Column) -> Column:
    """A text that sorts as its number does, where it is one."""
    whole = text.re_replace("[.][0-9]*$", "")
    padding = ibis.literal("0" * _DIGITS).substr(0, ibis.greatest(_DIGITS - whole.length(), 0))
    return ibis.ifelse(text.re_search("^[0-9]+([.][0-9]*)?$"), padding + text, text)


def _column(raw: Rows, name: str, key: str, dialect: Dialect) -> Column:
    """A column, a part of an object column, or the text at a path into a JSON column."""
    if name in raw.columns:
        return raw[name]
    root, *path = name.split(".")
    if root not in raw.columns or not path:
        raise _missing(name, key, [column for column in raw.columns if column != SEQUENCE])
    value = raw[root]
    while path and value.type().is_struct():
        if path[0] not in value.type().names:
            raise _missing(name, key, list(value.type().names))
        value = value[path.pop(0)]
    if not path:
        return value
    value = value.cast("string")
    for step in path[:-1]:
        value = dialect.raw(value, step)
    read = dialect.raw if key == "properties" else dialect.text
    return read(value, path[-1])


def _missing(name: str, key: str, known: list[str]) -> Exception:
    return not_verified(
        "3.1",
        f"traffic.columns.{key}",
        f"the company's log has no column '{name}' for an event's {key} (it has {_named(known)})",
        remedy=f"name the right one as {key} in [traffic.columns]",
    )


def _named(columns: list[str]) -> str:
    shown = [one if len(one) <= LONGEST_NAME else f"{one[:LONGEST_NAME]}…" for one in columns[:MOST_NAMED]]
    return ", ".join([*shown, f"{len(columns) - MOST_NAMED} more"] if len(columns) > MOST_NAMED else shown)


def _text(raw: Rows, name: str, key: str, dialect: Dialect) -> Column:
    column = _column(raw, name, key, dialect)
    kind = column.type()
    whole = kind.is_integer() or (kind.is_decimal() and kind.scale == 0)
    if not (kind.is_string() or whole or kind.is_uuid()):
        raise _wrong(key, name, kind, "text")
    return column.cast("string")


def _wrong(key: str, name: str, kind: Any, expected: str) -> Exception:
    return not_verified(
        "3.1",
        f"traffic.columns.{key}",
        f"column '{name}' of the company's log is of type {_type(kind)}, where {expected} is expected for an event's {key}",
        remedy=f"name another column as {key} in [traffic.columns], or convert it {IN_QUERY}",
    )


def _type(kind: Any) -> str:
    """A column's type in a few words; that of one which Ibis does not know fills lines."""
    shown = str(kind).splitlines()[0]
    return shown.partition("(")[0] if kind.is_unknown() else shown


def _properties(raw: Rows, given: str | dict[str, str], dialect: Dialect) -> Column:
    if isinstance(given, dict):
        return _object({key: _json(_column(raw, name, "properties", dialect), dialect) for key, name in given.items()})
    column = _column(raw, given, "properties", dialect)
    kind = column.type()
    if kind.is_string() or kind.is_json():
        return column.cast("string").fill_null("{}")
    if kind.is_struct() or kind.is_map():
        return dialect.shown(column).fill_null("{}")
    raise _wrong("properties", given, kind, "a JSON text or an object")


def _object(columns: dict[str, Column]) -> Column:
    """A JSON object of JSON texts; what is NULL is absent."""
    parts: Column = ibis.literal("")
    for key, column in columns.items():
        pair = ibis.literal(f", {json.dumps(key, ensure_ascii=False)}: ") + column
        parts = parts + pair.fill_null("")
    return ibis.literal("{") + parts.substr(2) + "}"


def _json(column: Column, dialect: Dialect) -> Column:
    kind = column.type()
    if kind.is_numeric() or kind.is_boolean() or kind.is_json():
        return column.cast("string").lower() if kind.is_boolean() else column.cast("string")
    return dialect.quoted(column.cast("string"))


def _look(raw: Rows, table: Rows, traffic: Traffic, dialect: Dialect) -> None:
    """One scan before anything is compared: is there anything, and can all of it be read?"""
    found = table.agg(
        events=table.count(),
        name=(table.name.isnull() | (table.name == "")).sum(),
        customer=(table.customer.isnull() | (table.customer == "")).sum(),
        id=(table.id.isnull() | (table.id == "")).sum(),
        time=table.second.isnull().sum(),
        odd=_no_object(table.properties).sum(),
    )
    row = fetched(found)[0]
    if not row["events"]:
        raise not_verified(
            "3.1", "traffic.source", "the company's log is empty", remedy="correct traffic.source, table or query"
        )
    if row["time"]:
        raise _unreadable_times(raw, traffic, dialect, row)
    for key in ("name", "customer", "id"):
        if row[key]:
            raise not_verified(
                "3.1",
                f"traffic.columns.{key}",
                f"{row[key]:,} of {row['events']:,} events of the company's log have no {key} in"
                f" '{getattr(traffic.columns, key)}', such as {_first(table, key)}",
                consequence="they can be compared with nothing",
                remedy=f"name the right column as {key} in [traffic.columns], or leave such events out {IN_QUERY}",
            )
    if row["odd"]:
        odd = fetched(table.filter(_no_object(table.properties)).agg(least=table.properties.min()))[0]["least"]
        raise not_verified(
            "3.1",
            "traffic.columns.properties",
            f"{row['odd']:,} of {row['events']:,} events of the company's log have no JSON object in"
            f" '{traffic.columns.properties}', but such as {odd[:LONGEST_NAME]}",
            consequence="every meter that reads a property would count 0 of them",
            remedy="name another column as properties in [traffic.columns], or write an object of names and values into it",
        )


def _first(table: Rows, key: str) -> str:
    """The first event without its ``key``, by all that it has."""
    lacking = table.filter(table[key].isnull() | (table[key] == "")).order_by("seq").limit(1)
    row = fetched(lacking.select("name", "customer", "id", "second"))[0]
    second = row.pop("second")
    held = [f"{name} '{value[:LONGEST_NAME]}'" for name, value in row.items() if value]
    return ", ".join([*held, f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}"])


def _no_object(properties: Column) -> Column:
    """Whether a JSON text is a list, a number or a text; nothing, and an empty list as some languages write nothing, is an empty object."""
    text = properties.strip()
    return ~(text.startswith("{") | text.isin(["", "null", "[]"]))


def _unreadable_times(raw: Rows, traffic: Traffic, dialect: Dialect, row: dict[str, Any]) -> Exception:
    name = traffic.columns.time
    column = _column(raw, name, "time", dialect)
    if column.type().is_string():
        without = _count(raw.filter(column.re_search(NAIVE)))
        if without and not traffic.timezone:
            return naive(f"{without:,} of {row['events']:,} timestamps in column '{name}' have no zone")
    odd = raw.select(text=column.cast("string"), second=seconds(column, traffic.timezone, name, dialect))
    odd = fetched(odd.filter(odd.second.isnull()).agg(least=odd.text.min()))[0]["least"]
    shown = "as nothing stands there" if odd is None else f"but such as '{odd[:LONGEST_NAME]}'"
    return not_verified(
        "3.1",
        "traffic.columns.time",
        f"{row['time']:,} of {row['events']:,} events of the company's log have no time that can be read in '{name}', {shown}",
        remedy="write RFC 3339 stamps such as 2026-11-20T08:00:00Z or numbers since 1970, or convert them " + IN_QUERY,
    )


def _count(rows: Rows) -> int:
    return int(fetched(rows.agg(events=rows.count()))[0]["events"])
