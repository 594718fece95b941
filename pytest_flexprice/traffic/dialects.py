"""What engines name differently: reading one property of a JSON text, and giving a naive timestamp its zone.

Everything else of a reconciliation is one set of Ibis expressions. DuckDB and PostgreSQL are run in the tests; for the others the SQL
was compiled and looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter, Signature
from typing import Any

import ibis
import ibis.expr.datatypes as dt

Column = Any
"""An Ibis value; its classes depend on the type that it has."""


def _function(name: str, *types: Any, result: Any = dt.string, prefix: str | None = None) -> Callable[..., Column]:
    """A function that the engine has, by its name (behind a prefix) and the types that it takes and gives."""

    def declared() -> None:
        """A function of the engine."""

    kind = Parameter.POSITIONAL_OR_KEYWORD
    declared.__name__ = "".join(char if char.isalnum() else "_" for char in name)
    declared.__signature__ = Signature([Parameter(f"a{i}", kind) for i in range(len(types))])  # type: ignore[attr-defined]
    return ibis.udf.scalar.builtin(declared, name=name, database=prefix, signature=(types, result))  # type: ignore[no-any-return]


def _escaped(text: Column) -> Column:
    for raw, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(raw, escaped)
    return ibis.literal('"') + text + '"'


_INSTANT = dt.Timestamp("UTC")


@dataclass(frozen=True)
class Dialect:
    """How one engine is asked.

    Attributes:
        raw: (JSON text, key) -> the JSON text of that first-level property; NULL where it is absent.
        text: (JSON text, key) -> the text of a property that is a JSON text.
        zoned: (naive timestamp, zone's name) -> the instant.
        shown: an object or map column -> its JSON text.
        tried: a value as another type; NULL where it is none and the engine can tell so, an error elsewhere.
        quoted: a text -> the JSON text of it.
        second: an instant -> the whole second of the epoch that it lies in.
    """

    raw: Callable[[Column, str], Column]
    text: Callable[[Column, str], Column]
    zoned: Callable[[Column, str], Column]
    shown: Callable[[Column], Column] = lambda column: _function("to_json", column.type())(column)
    tried: Callable[[Column, str], Column] = lambda column, kind: column.cast(kind)
    quoted: Callable[[Column], Column] = _escaped
    second: Callable[[Column], Column] = lambda moment: moment.truncate("s").epoch_seconds().cast("int64")


def _as_json(text: Column) -> Column:
    return _function("to_json", dt.string, result=dt.json)(text).cast("string")


def pointed(key: str) -> str:
    """A first-level property as a JSON pointer."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _path(key: str) -> str:
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'$."{escaped}"'


def _bracketed(key: str) -> str:
    escaped = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"$['{escaped}']"


def _duckdb() -> Dialect:
    extract = _function("json_extract", dt.string, dt.string, result=dt.json)
    text = _function("json_extract_string", dt.string, dt.string)
    zone = _function("timezone", dt.string, dt.timestamp, result=_INSTANT)
    parts = _function("epoch_us", _INSTANT, result=dt.int64)
    divided = _function("divide", dt.int64, dt.int64, result=dt.int64)
    return Dialect(
        lambda column, key: extract(column, pointed(key)).cast("string"),
        lambda column, key: text(column, pointed(key)),
        lambda column, name: zone(name, column),
        tried=lambda column, kind: column.try_cast(kind),
        quoted=_as_json,
        second=lambda moment: divided(parts(moment), 1_000_000),
    )


def _postgres() -> Dialect:
    get = _function("json_extract_path", dt.json, dt.string, result=dt.json)
    text = _function("json_extract_path_text", dt.json, dt.string)
    zone = _function("timezone", dt.string, dt.timestamp, result=_INSTANT)
    return Dialect(
        lambda column, key: get(column.cast("json"), key).cast("string"),
        lambda column, key: text(column.cast("json"), key),
        lambda column, name: zone(name, column),
        quoted=_as_json,
    )


def _spark() -> Dialect:
    parse = _function("try_parse_json", dt.string, result=dt.json)
    get = _function("try_variant_get", dt.json, dt.string, dt.string, result=dt.json)
    text = _function("try_variant_get", dt.json, dt.string, dt.string)
    shown = _function("to_json", dt.json)
    zone = _function("to_utc_timestamp", dt.timestamp, dt.string, result=_INSTANT)
    return Dialect(
        lambda column, key: shown(get(parse(column), _bracketed(key), "variant")),
        lambda column, key: text(parse(column), _bracketed(key), "string"),
        zone,
    )


def _bigquery() -> Dialect:
    parse = _function("PARSE_JSON", dt.string, result=dt.json, prefix="SAFE")
    get = _function("JSON_QUERY", dt.json, dt.string, result=dt.json)
    text = _function("JSON_VALUE", dt.json, dt.string)
    shown = _function("TO_JSON_STRING", dt.json)
    zone = _function("TIMESTAMP", dt.timestamp, dt.string, result=_INSTANT)
    return Dialect(
        lambda column, key: shown(get(parse(column), _path(key))),
        lambda column, key: text(parse(column), _path(key)),
        zone,
    )


def _snowflake() -> Dialect:
    parse = _function("TRY_PARSE_JSON", dt.string, result=dt.json)
    get = _function("GET", dt.json, dt.string, result=dt.json)
    shown, text = _function("TO_JSON", dt.json), _function("AS_VARCHAR", dt.json)
    zone = _function("CONVERT_TIMEZONE", dt.string, dt.string, dt.timestamp, result=_INSTANT)
    return Dialect(
        lambda column, key: shown(get(parse(column), key)),
        lambda column, key: text(get(parse(column), key)),
        lambda column, name: zone(name, "UTC", column),
    )


def _clickhouse() -> Dialect:
    raw = _function("JSONExtractRaw", dt.string, dt.string)
    text = _function("JSONExtractString", dt.string, dt.string)
    shown = _function("toString", dt.timestamp)
    zone = _function("toDateTime64", dt.string, dt.int8, dt.string, result=_INSTANT)
    return Dialect(
        lambda column, key: raw(column, key).nullif(""),
        text,
        lambda column, name: zone(shown(column), 3, name),
    )


_MAKERS: dict[str, Callable[[], Dialect]] = {
    "duckdb": _duckdb,
    "postgres": _postgres,
    "pyspark": _spark,
    "databricks": _spark,
    "bigquery": _bigquery,
    "snowflake": _snowflake,
    "clickhouse": _clickhouse,
}
ENGINES = tuple(_MAKERS)
FLATTENING = ("postgres",)
"""Engines that write a subquery out wherever its columns are used."""


def dialect(engine: str) -> Dialect:
    """The dialect of an Ibis backend, by its name."""
    return _MAKERS[engine]()
