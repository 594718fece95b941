"""Opening the company's log where it lies: files through the embedded DuckDB, or a database that Ibis connects to.

What is wrong with a source ends in one sentence; no secret is ever in it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import ibis

from pytest_flexprice.model.finding import not_verified
from pytest_flexprice.model.traffic_plan import VARIABLE, Traffic
from pytest_flexprice.oracle.samples.rules import quoted
from pytest_flexprice.traffic.dialects import ENGINES, dialect
from pytest_flexprice.traffic.fetching import quietly
from pytest_flexprice.traffic.reading import SEQUENCE, canonical

Variables = Callable[[str], str | None]


@dataclass(frozen=True)
class Opened:
    """A log as a table ``name, customer, id, second, properties, seq``, with the engine it lies in."""

    table: Any
    engine: str
    shown: str


@contextmanager
def opened(traffic: Traffic, folder: Path, variable: Variables) -> Iterator[Opened]:
    """The log; ``folder`` is what file names are relative to, ``variable`` gives the secrets that the plan names.

    Raises:
        NotVerified: it cannot be reached or read, or holds something that is no log of events.
    """
    try:
        with _connected(traffic, folder, variable) as (raw, engine, shown):
            kept = _as_it_lies if traffic.url else _copied
            yield Opened(canonical(raw, traffic, dialect(engine), kept), engine, shown)
    except Exception as error:
        if hasattr(error, "findings") or not _is_engines(error):
            raise
        raise problem(f"cannot be read: {_words(error, traffic, variable)}", "correct traffic.source") from None


def _as_it_lies(rows: Any) -> Any:
    return rows


def _copied(rows: Any) -> Any:
    """A copy in the scratch database: a window of it is found without a look at every stamp of the log."""
    backend = rows.get_backend()
    with quietly():
        backend.raw_sql("DROP TABLE IF EXISTS canonical")
        return backend.create_table("canonical", rows)


def problem(what: str, remedy: str, path: str = "source") -> Exception:
    """The exception for one thing that is wrong with the log."""
    return not_verified("3.1", f"traffic.{path}", f"the company's log {what}", remedy=remedy)


def _is_engines(error: Exception) -> bool:
    """Whether an error comes from an engine or its driver and not from our own code."""
    roots = (
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
    )
    return type(error).__module__.split(".")[0] in roots


def _words(error: Exception, traffic: Traffic, variable: Variables) -> str:
    """The first line of an engine's message, without the secrets that the URL was given."""
    text = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
    for name in traffic.variables:
        secret = variable(name)
        for form in filter(None, (secret, quote(secret or "", safe=""))):
            text = text.replace(form, f"${{{name}}}")
    return text


@contextmanager
def _connected(traffic: Traffic, folder: Path, variable: Variables) -> Iterator[tuple[Any, str, str]]:
    if traffic.url:
        connection = _connect(traffic, variable)
        try:
            yield _table(connection, traffic), connection.name, VARIABLE.sub("***", traffic.url)
        finally:
            connection.disconnect()
        return
    files = _files(traffic, folder)
    with tempfile.TemporaryDirectory(prefix="flexprice-log-") as scratch:
        connection = ibis.duckdb.connect(f"{scratch}/log.duckdb", temp_directory=scratch)
        try:
            connection.raw_sql("SET TimeZone = 'UTC'")
            with quietly():
                raw = _of_files(connection, traffic, files)
            yield raw, "duckdb", ", ".join(traffic.sources)
        finally:
            connection.disconnect()


def _files(traffic: Traffic, folder: Path) -> list[Path]:
    found: list[Path] = []
    for pattern in traffic.sources:
        own = sorted(folder.glob(pattern)) if not Path(pattern).is_absolute() else _absolute(Path(pattern))
        if not own:
            raise problem(f"'{pattern}' is not there", "correct traffic.source, which is relative to the plan")
        found += [file for each in own for file in (_parts(each) if each.is_dir() else [each])]
    kinds = {_kind(file) for file in found}
    if len(kinds) > 1:
        raise problem(f"mixes {' and '.join(sorted(kinds))} files", "name files of one kind in traffic.source")
    return found


def _parts(folder: Path) -> list[Path]:
    """The files of a table that was written as a folder, as clusters do; its own notes begin with a dot or an underscore."""
    kind = _kind(folder)
    found = [each for each in sorted(folder.rglob("*")) if each.is_file() and _kind(each) == kind]
    parts = [each for each in found if not each.name.startswith((".", "_"))]
    if not parts:
        raise problem(f"'{folder.name}' is a folder without .{kind} files", "correct traffic.source")
    return parts


def _absolute(pattern: Path) -> list[Path]:
    return sorted(Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor))))


def _kind(file: Path) -> str:
    name = file.name.lower().removesuffix(".gz").removesuffix(".zst").rsplit(".", 1)[-1]
    return {"jsonl": "ndjson"}.get(name, name)


def _of_files(connection: Any, traffic: Traffic, files: Sequence[Path]) -> Any:
    """Parquet is read where it lies; text files are parsed once into a table."""
    kind, names = _kind(files[0]), "[" + ", ".join(quoted(str(file)) for file in files) + "]"
    if kind == "parquet":
        number = f"list_position({names}, filename)::BIGINT * {1 << 40} + " if len(files) > 1 else ""
        source = f"read_parquet({names}, union_by_name=true, file_row_number=true, filename=true)"
        columns = f"* EXCLUDE (filename, file_row_number){_usual_types(connection, source)}, {number}file_row_number AS {SEQUENCE}"
        connection.raw_sql(f"CREATE VIEW raw AS SELECT {columns} FROM {source}")  # noqa: S608 - names are quoted
        return connection.table("raw")
    if kind == "csv":
        rows = f"SELECT * FROM read_csv({names}, all_varchar=true, header=true, union_by_name=true)"  # noqa: S608 - as above
    else:
        rows = _json_rows(traffic, names)
    connection.raw_sql(f"CREATE TABLE raw AS {rows}")
    connection.raw_sql(f"CREATE VIEW numbered AS SELECT *, rowid AS {SEQUENCE} FROM raw")  # noqa: S608 - a fixed name
    return connection.table("numbered")


def _usual_types(connection: Any, source: str) -> str:
    """Instants with nanoseconds, as pandas writes them, in the type of all others: Ibis has no name for theirs."""
    described = connection.raw_sql(f"DESCRIBE SELECT * FROM {source}").fetchall()  # noqa: S608 - names are quoted
    finer = [_named(str(name)) for name, kind, *_ in described if str(kind) == "TIMESTAMPTZ_NS"]
    return f" REPLACE ({', '.join(f'{name}::TIMESTAMPTZ AS {name}' for name in finer)})" if finer else ""


def _json_rows(traffic: Traffic, names: str) -> str:
    """Each configured key of a line as the text it holds; objects and what paths lead into stay JSON."""
    columns = traffic.columns
    own = [columns.properties] if isinstance(columns.properties, str) else list(columns.properties.values())
    texts = [columns.name, columns.customer, columns.time, columns.id, *filter(None, [columns.arrived])]
    kept = dict.fromkeys(name.split(".")[0] for name in (*texts, *own))
    asked = ", ".join(f"{quoted(name)}: 'JSON'" for name in kept)
    shown = ", ".join(
        f"json_extract_string({_named(name)}, '$') AS {_named(name)}"
        if name in texts
        else f"{_named(name)}::VARCHAR AS {_named(name)}"
        for name in kept
    )
    return f"SELECT {shown} FROM read_json({names}, columns={{{asked}}}, format='auto')"  # noqa: S608 - names are quoted


def _named(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


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
    scheme = url.split("://")[0]
    try:
        connection = _spark() if scheme == "pyspark" else ibis.connect(url)
    except ImportError as error:
        raise problem(
            f"lies in {scheme}, for which the driver is missing ({error.name})",
            f"pip install 'ibis-framework[{_extra(scheme)}]'",
        ) from None
    except Exception as error:
        raise problem(
            f"cannot be reached: {_words(error, traffic, variable)}", "correct traffic.source or start the database"
        ) from None
    if connection.name not in ENGINES:
        raise problem(
            f"lies in {connection.name}, which is not supported", f"use one of {', '.join(ENGINES)}, or files"
        )
    return connection


def _extra(scheme: str) -> str:
    return {"postgresql": "postgres"}.get(scheme, scheme)


def _spark() -> Any:
    """The Spark session that the environment configures; its times are UTC."""
    from pyspark.sql import SparkSession  # noqa: PLC0415 - a driver that only its users have

    session = SparkSession.builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
    return ibis.pyspark.connect(session)


def _table(connection: Any, traffic: Traffic) -> Any:
    if (
        traffic.query and connection.name == "duckdb"
    ):  # Ibis 12 asks DuckDB 2 for a query's columns by a call that is gone
        connection.raw_sql(f"CREATE TEMP VIEW flexprice_log AS {traffic.query}")
        return connection.table("flexprice_log")
    if traffic.query:
        return connection.sql(traffic.query)
    *before, name = traffic.table.split(".")
    return connection.table(name, database=tuple(before) if len(before) > 1 else before[0] if before else None)
