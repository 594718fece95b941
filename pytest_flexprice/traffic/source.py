"""Opening the company's log where it lies: files through the embedded DuckDB, or a database that Ibis connects to.

What is wrong with a source ends in one sentence; no secret is ever in it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import ibis
import sqlglot
from ibis.common.exceptions import TableNotFound

from pytest_flexprice.model.traffic_plan import VARIABLE, Traffic
from pytest_flexprice.traffic.dialects import ENGINES, dialect
from pytest_flexprice.traffic.failing import Variables, problem, reading, words_of
from pytest_flexprice.traffic.fetching import quietly
from pytest_flexprice.traffic.files import files_of, table_of
from pytest_flexprice.traffic.reading import canonical


@dataclass(frozen=True)
class OpenedLog:
    """A log as a table ``name, customer, id, second, properties, seq``, with the engine it lies in."""

    table: Any
    engine: str
    shown: str


@contextmanager
def opened(traffic: Traffic, folder: Path, variable: Variables) -> Iterator[OpenedLog]:
    """The log; ``folder`` is what file names are relative to, ``variable`` gives the secrets that the plan names.

    Raises:
        NotVerified: it cannot be reached or read, or holds something that is no log of events.
    """
    with reading(traffic, variable), _connected(traffic, folder, variable) as (raw, engine, shown):
        kept = _as_it_lies if traffic.url else _copied
        yield OpenedLog(canonical(raw, traffic, dialect(engine), kept), engine, shown)


def _as_it_lies(rows: Any) -> Any:
    return rows


def _copied(rows: Any) -> Any:
    """A copy in the scratch database: a window of it is found without a look at every stamp of the log."""
    backend = rows.get_backend()
    with quietly():
        backend.raw_sql("DROP TABLE IF EXISTS canonical")
        return backend.create_table("canonical", rows)


@contextmanager
def _connected(traffic: Traffic, folder: Path, variable: Variables) -> Iterator[tuple[Any, str, str]]:
    if traffic.url:
        connection = _connect(traffic, variable)
        try:
            yield _table(connection, traffic), connection.name, VARIABLE.sub("***", traffic.url)
        finally:
            connection.disconnect()
        return
    files = files_of(traffic, folder)
    with tempfile.TemporaryDirectory(prefix="flexprice-log-") as scratch:
        connection = ibis.duckdb.connect(f"{scratch}/log.duckdb", temp_directory=scratch)
        try:
            connection.raw_sql("SET TimeZone = 'UTC'")
            connection.raw_sql(
                "SET force_compression = 'uncompressed'"
            )  # compressing what is read a few times costs twice the copy
            with quietly():
                raw = table_of(connection, traffic, files)
            yield raw, "duckdb", ", ".join(traffic.sources)
        finally:
            connection.disconnect()


def _connect(traffic: Traffic, variable: Variables) -> Any:
    url = traffic.url
    for name in traffic.variables:
        secret = variable(name)
        if secret is None:
            raise problem(
                f"needs the variable {name}, which is not set",
                f"set {name} in the environment or in .env.<environment>",
            )
        url = url.replace(f"${{{name}}}", quote(secret, safe=""))
    scheme, _, place = url.partition("://")
    if scheme == "duckdb" and not place.startswith(("md:", "motherduck")):
        url = _read_only(url, place.partition("?")[0])
    try:
        connection = _spark() if scheme == "pyspark" else ibis.connect(url)
    except ImportError as error:
        raise problem(
            f"lies in {scheme}, for which the driver is missing ({error.name})",
            f"pip install 'ibis-framework[{_extra(scheme)}]'",
        ) from None
    except Exception as error:
        raise problem(
            f"cannot be reached: {words_of(error, traffic, variable)}", "correct traffic.source or start the database"
        ) from None
    if connection.name not in ENGINES:
        raise problem(
            f"lies in {connection.name}, which is not supported", f"use one of {', '.join(ENGINES)}, or files"
        )
    return connection


def _read_only(url: str, file: str) -> str:
    """The URL of a DuckDB file that is there, opened for reading only."""
    if not Path(file).is_file():
        raise problem(f"'{file}' is not there", "correct traffic.source, which names a DuckDB file")
    return url if "read_only" in url else f"{url}{'&' if '?' in url else '?'}read_only=True"


def _extra(scheme: str) -> str:
    return {"postgresql": "postgres"}.get(scheme, scheme)


def _spark() -> Any:
    """The Spark session that the environment configures; its times are UTC."""
    from pyspark.sql import SparkSession  # noqa: PLC0415 - a driver that only its users have

    session = SparkSession.builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
    return ibis.pyspark.connect(session)


def _table(connection: Any, traffic: Traffic) -> Any:
    if traffic.query:
        _check_select(traffic.query, connection.name)
    if (
        traffic.query and connection.name == "duckdb"
    ):  # Ibis 12 asks DuckDB 2 for a query's columns by a call that is gone
        connection.raw_sql(f"CREATE TEMP VIEW flexprice_log AS {traffic.query}")
        return connection.table("flexprice_log")
    if traffic.query:
        return connection.sql(traffic.query)
    *before, name = traffic.table.split(".")
    try:
        return connection.table(name, database=tuple(before) if len(before) > 1 else before[0] if before else None)
    except TableNotFound:
        raise problem(
            f"has no table '{traffic.table}'",
            "correct traffic.table, with its schema, or grant the reader access",
            "table",
        ) from None


_WRITING = (sqlglot.exp.DML, sqlglot.exp.Into)


def _check_select(query: str, engine: str) -> None:
    """Whether a query only reads: what else stands in it would be done in the company's database.

    Raises:
        NotVerified: it is not one SELECT. What cannot be parsed is left to the engine, which says where it is wrong.
    """
    try:
        parts = [
            part for part in sqlglot.parse(query, dialect={"pyspark": "spark"}.get(engine, engine)) if part is not None
        ]
    except sqlglot.errors.SqlglotError:
        parts = [sqlglot.select("1")] if ";" not in query.strip().rstrip(";") else []
    if len(parts) != 1 or not isinstance(parts[0], sqlglot.exp.Query) or parts[0].find(*_WRITING):
        raise problem(
            "is given by a query that is not one SELECT",
            "write one SELECT, or WITH … SELECT, as traffic.query",
            "query",
        )
