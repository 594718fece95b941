"""What goes wrong with the company's log, in one sentence without a secret."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from pytest_flexprice.model.finding import not_verified
from pytest_flexprice.model.traffic_plan import Traffic

Variables = Callable[[str], str | None]
_ENGINES = (
    "duckdb",
    "_duckdb",
    "pyarrow",
    "ibis",
    "psycopg",
    "pyspark",
    "py4j",
    "google",
    "snowflake",
    "databricks",
    "clickhouse",
    "clickhouse_connect",
)
_LONGEST = 300
_CSV = re.compile(r"CSV Error on Line: (\d+)\n(.*?)\s*Possible ", re.DOTALL)
_CSV_FILE = re.compile(r"^ *file = (.*)$", re.MULTILINE)
_CUT = re.compile(
    "unexpected end of data|No magic bytes|too small to be a Parquet|unterminated quote|Unexpected end of GZIP|unfinished"
)
_BASE64_OBJECT = 'Input: "eyJ'
_NO_UTF8 = "This file is not utf-8 encoded"


def problem(what: str, remedy: str, path: str = "source") -> Exception:
    """The exception for one thing that is wrong with the log."""
    return not_verified("3.1", f"traffic.{path}", f"the company's log {what}", remedy=remedy)


@contextmanager
def reading(traffic: Traffic, variable: Variables) -> Iterator[None]:
    """Whatever the engine or its driver reports while the log is read, as one sentence.

    Raises:
        NotVerified: the log could not be read.
    """
    try:
        yield
    except Exception as error:
        if hasattr(error, "findings") or type(error).__module__.split(".")[0] not in _ENGINES:
            raise
        text = words_of(error, traffic, variable)
        if "Malformed JSON" in text and "in file" not in text:
            remedy = "name another column as properties in [traffic.columns], or write JSON objects into it"
            if _BASE64_OBJECT in text:
                remedy = "it is Base64: write the log with its values decoded"
            raise problem(
                f"holds what is no JSON where properties are expected: {text}", remedy, "columns.properties"
            ) from None
        if _CUT.search(text):
            remedy = "name it once it is written whole, or leave it out of traffic.source"
            raise problem(f"is cut off, or still being written: {text}", remedy) from None
        raise problem(f"cannot be read: {text}", "correct traffic.source") from None


def words_of(error: Exception, traffic: Traffic, variable: Variables) -> str:
    """What an engine's message says first, without the secrets that the URL was given."""
    text = _csv(str(error)) or (str(error).strip().splitlines() or [type(error).__name__])[0][:_LONGEST]
    for name in traffic.variables:
        secret = variable(name)
        for form in filter(None, (secret, quote(secret or "", safe=""))):
            text = text.replace(form, f"${{{name}}}")
    return text


def _csv(text: str) -> str:
    """Which line of which CSV file DuckDB does not read, and why: its first line alone says neither."""
    found, file = _CSV.search(text), _CSV_FILE.search(text)
    if found is None:
        return ""
    where = f"line {found[1]}" + (f" of '{Path(file[1]).name}'" if file else "")
    reason = found[2].splitlines()[-1].strip().rstrip(".")
    return f"{where} is not written in UTF-8" if _NO_UTF8 in reason else f"{where}: {reason[:_LONGEST]}"
