"""The company's log in files: which they are, and the table that the embedded DuckDB makes of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pytest_flexprice.model.traffic_plan import Traffic, file_kind
from pytest_flexprice.oracle.samples.rules import quoted
from pytest_flexprice.traffic.failing import problem
from pytest_flexprice.traffic.reading import SEQUENCE

_DELIMITERS = (",", ";", "\t", "|")
_ROW_NUMBER = "rowid"
_FILE, _OF_FILE = "flexprice_file", "file_row_number"
#: how what is no text begins: what that is
_DISGUISED = {
    b"\x1f\x8b": "is compressed by gzip, and its name does not end in .gz",
    b"\x28\xb5\x2f\xfd": "is compressed by zstd, and its name does not end in .zst",
    b"PK\x03\x04": "is a zip archive or a workbook",
    b"PAR1": "is a Parquet file, and its name does not end in .parquet",
}


def files_of(traffic: Traffic, folder: Path) -> list[Path]:
    """The files, each once however many names lead to it."""
    found: dict[Path, Path] = {}
    for pattern in traffic.sources:
        own = _matching(pattern, folder)
        if not own:
            raise problem(f"'{pattern}' is not there", "correct traffic.source, which is relative to the plan")
        for file in (file for each in own for file in (_parts(each) if each.is_dir() else [each])):
            if not file.is_file():
                raise problem(f"'{file.name}' is no file", "name files in traffic.source; a pipe can be read only once")
            found.setdefault(file.resolve(), file)
    kinds = {file_kind(file.name) for file in found.values()}
    if len(kinds) > 1:
        raise problem(f"mixes {' and '.join(sorted(kinds))} files", "name files of one kind in traffic.source")
    return list(found.values())


def _matching(pattern: str, folder: Path) -> list[Path]:
    """What a name or glob names; a file whose own name looks like a glob is that file."""
    if (folder / pattern).exists():
        return [folder / pattern]
    path = Path(pattern)
    try:
        return (
            sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
            if path.anchor
            else sorted(folder.glob(pattern))
        )
    except (ValueError, NotImplementedError, re.error) as error:
        raise problem(f"has a name that is no glob: '{pattern}' ({error})", "correct traffic.source") from None


def _parts(folder: Path) -> list[Path]:
    """The files of a table that was written as a folder, as clusters do; its own notes begin with a dot or an underscore."""
    kind = file_kind(folder.name)
    found = [each for each in sorted(folder.rglob("*")) if each.is_file() and file_kind(each.name) == kind]
    parts = [each for each in found if not each.name.startswith((".", "_"))]
    if not parts:
        raise problem(f"'{folder.name}' is a folder without .{kind} files", "correct traffic.source")
    return parts


def table_of(connection: Any, traffic: Traffic, files: Sequence[Path]) -> Any:
    """Parquet is read where it lies; text files are parsed once into a table.

    Raises:
        NotVerified: what is in the files cannot be told for sure.
    """
    if not any(file.stat().st_size for file in files):
        raise problem("is empty", "correct traffic.source")
    kind, names = file_kind(files[0].name), "[" + ", ".join(quoted(str(file)) for file in files) + "]"
    if kind == "parquet":
        return _parquet(connection, traffic, files, names)
    for file in files:
        _check_text(file, kind)
    connection.raw_sql(
        f"CREATE TABLE raw AS {_csv_rows(connection, traffic, files, names) if kind == 'csv' else _json_rows(traffic, names)}"
    )
    number = "rowid"
    if any(name.lower() == _ROW_NUMBER for name in connection.table("raw").columns):
        number = "row_number() OVER ()"  # a column of the log hides the table's own number
    connection.raw_sql(f"CREATE VIEW numbered AS SELECT *, {number} AS {SEQUENCE} FROM raw")  # noqa: S608 - fixed names
    return connection.table("numbered")


def _check_text(file: Path, kind: str) -> None:
    """Whether a file's first bytes are those of another kind than its name tells."""
    if file.suffix.lower() in (".gz", ".zst"):
        return
    with file.open("rb") as content:
        begins = content.read(64).lstrip()
    found = next((words for magic, words in _DISGUISED.items() if begins.startswith(magic)), "")
    if not found and kind == "csv" and begins.startswith(b"{"):
        found = "holds JSON, and its name ends in .csv"
    if found:
        raise problem(f"'{file.name}' {found}", "name the file for what is in it, or unpack it first")


def _parquet(connection: Any, traffic: Traffic, files: Sequence[Path], names: str) -> Any:
    schemas = _checked_schemas(traffic, files)
    known = {name.lower() for schema in schemas for name in schema.names}
    file = next(name for name in (_FILE, *(f"{_FILE}_{n}" for n in range(len(known)))) if name not in known)
    added, number = f"{file}, {_OF_FILE}", _OF_FILE
    if len(files) > 1:
        number = f"list_position({names}, {file})::BIGINT * {1 << 40} + {_OF_FILE}"
    if _OF_FILE in known:  # a column of the log has the name that DuckDB gives to the number
        added, number = file, "row_number() OVER ()"
    numbered = "" if _OF_FILE in known else "file_row_number=true, "
    source = f"read_parquet({names}, union_by_name=true, {numbered}filename={quoted(file)})"
    columns = f"* EXCLUDE ({added}){_usual_types(connection, source)}, {number} AS {SEQUENCE}"
    connection.raw_sql(f"CREATE VIEW raw AS SELECT {columns} FROM {source}")  # noqa: S608 - names are quoted
    return connection.table("raw")


def _checked_schemas(traffic: Traffic, files: Sequence[Path]) -> list[pa.Schema]:
    """DuckDB would take the first of two columns of one name, and naive stamps beside others for UTC."""
    zoned: dict[bool, Path] = {}
    found = []
    for file in files:
        try:
            schema = pq.read_schema(file)
        except (pa.ArrowException, OSError):
            continue  # DuckDB says what is wrong with it, and names it
        found.append(schema)
        _check_once(traffic, schema.names, file)
        if traffic.columns.time in schema.names:
            kind = schema.field(traffic.columns.time).type
            if pa.types.is_timestamp(kind):
                zoned.setdefault(kind.tz is not None, file)
    if len(zoned) > 1 and traffic.timezone != "UTC":
        raise problem(
            f"holds timestamps without a zone in '{zoned[False].name}' and with one in '{zoned[True].name}', so it is not known when"
            " events happened",
            "write all of them with a zone, or compare these files one by one with traffic.timezone",
            "timezone",
        )
    return found


def _check_once(traffic: Traffic, names: Iterable[str], file: Path) -> None:
    lowered = [name.lower() for name in names]
    twice = next((root for root in _roots(traffic) if lowered.count(root.lower()) > 1), None)
    if twice is not None:
        raise problem(
            f"has the column '{twice}' twice in '{file.name}', so it is not known which one is meant",
            "leave one of them out, or name it differently",
            "columns",
        )


def _usual_types(connection: Any, source: str) -> str:
    """Instants with nanoseconds, as pandas writes them, in the type of all others: Ibis has no name for theirs."""
    described = connection.raw_sql(f"DESCRIBE SELECT * FROM {source}").fetchall()  # noqa: S608 - names are quoted
    finer = [_named(str(name)) for name, kind, *_ in described if str(kind) == "TIMESTAMPTZ_NS"]
    return f" REPLACE ({', '.join(f'{name}::TIMESTAMPTZ AS {name}' for name in finer)})" if finer else ""


def _csv_rows(connection: Any, traffic: Traffic, files: Sequence[Path], names: str) -> str:
    """CSV with whichever separator, as texts."""
    rows = f"SELECT * FROM read_csv({names}, all_varchar=true, header=true, union_by_name=true, quote='\"')"  # noqa: S608 - quoted
    try:
        guessed = [str(row[0]) for row in connection.raw_sql(f"DESCRIBE {rows}").fetchall()]
    except duckdb.Error:
        _say_which_line(connection, traffic, files)
        raise
    if not set(_roots(traffic)) <= set(guessed):
        _say_which_line(connection, traffic, files)
    if any(f"{root}_1" in guessed for root in _roots(traffic)):  # what DuckDB calls the second of two
        for file in files:
            headers = [_header(connection, file, each) for each in _DELIMITERS]
            longest: list[str] = max(headers, key=len)
            _check_once(traffic, longest, file)
    return rows


def _say_which_line(connection: Any, traffic: Traffic, files: Sequence[Path]) -> None:
    """Where lines are uneven DuckDB guesses another separator, or none: read by that of the header, its error names the line."""
    for file in files:
        for delimiter in _DELIMITERS:
            header = _header(connection, file, delimiter)
            if len(header) == len(set(header)) and set(_roots(traffic)) <= set(header):
                known = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in header)
                form = f"columns={{{known}}}, delim={quoted(delimiter)}, quote='\"', escape='\"', auto_detect=false, header=true"
                connection.raw_sql(f"SELECT count(COLUMNS(*)) FROM read_csv({quoted(str(file))}, {form})").fetchall()  # noqa: S608


def _header(connection: Any, file: Path, delimiter: str) -> list[str]:
    """The first line of a file, parted by a separator; nothing where that cannot be done."""
    form = f"all_varchar=true, header=false, delim={quoted(delimiter)}, null_padding=true, strict_mode=false, sample_size=1"
    try:
        row = connection.raw_sql(f"SELECT * FROM read_csv({quoted(str(file))}, {form}) LIMIT 1").fetchone()  # noqa: S608 - quoted
    except duckdb.Error:
        return []
    return [str(name).strip() for name in row or () if name is not None]


def _roots(traffic: Traffic) -> list[str]:
    """The columns, or keys of a line, that the plan names or that its paths lead through."""
    columns = traffic.columns
    own = [columns.properties] if isinstance(columns.properties, str) else list(columns.properties.values())
    return list(dict.fromkeys(name.split(".")[0] for name in (*_texts(traffic), *own)))


def _texts(traffic: Traffic) -> list[str]:
    columns = traffic.columns
    return [columns.name, columns.customer, columns.time, columns.id, *filter(None, [columns.arrived])]


def _json_rows(traffic: Traffic, names: str) -> str:
    """Each configured key of a line as the text it holds; single properties, objects and what paths lead into stay JSON."""
    texts, kept = _texts(traffic), _roots(traffic)
    asked = ", ".join(f"{quoted(name)}: 'JSON'" for name in kept)
    values = traffic.columns.properties.values() if isinstance(traffic.columns.properties, dict) else ()
    shown = ", ".join(
        f"json_extract_string({_named(name)}, '$') AS {_named(name)}"
        if name in texts
        else _named(name)
        if name in values
        else f"{_unwrapped(name)}::VARCHAR AS {_named(name)}"
        for name in kept
    )
    return f"SELECT {shown} FROM read_json({names}, columns={{{asked}}}, format='auto')"  # noqa: S608 - names are quoted


def _unwrapped(name: str) -> str:
    """An object that may be written as a text, as queues pass it on: ``"{\\"n\\": 1}"``."""
    text = f"json_extract_string({_named(name)}, '$')"
    return f"CASE WHEN json_type({_named(name)}) = 'VARCHAR' THEN {text} ELSE {_named(name)} END"


def _named(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
