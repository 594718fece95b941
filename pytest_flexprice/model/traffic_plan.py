"""The plan's table ``[traffic]``: where the company's own usage log lies, and how it is to be read (checklist 3.1, 5.3)."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, model_validator

SCHEMES = (
    "duckdb",
    "postgres",
    "postgresql",
    "clickhouse",
    "bigquery",
    "snowflake",
    "databricks",
    "pyspark",
)
FILE_KINDS = {
    "parquet": "parquet", "ndjson": "ndjson", "jsonl": "ndjson", "json": "ndjson", "log": "ndjson", "csv": "csv", "tsv": "csv",
}  # fmt: skip
"""What files may end in, and what they then hold."""
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""How a source names the environment variable that holds a secret: ``${LOG_PASSWORD}``."""
_SECRETIVE = re.compile(r"pass|pwd|secret|token|key|credential", re.IGNORECASE)
_ROTATED = r"([.-][0-9][0-9T.-]*)?(\.gz|\.zst)?"
_FILE = re.compile(rf"\.({'|'.join(FILE_KINDS)}){_ROTATED}\*?$", re.IGNORECASE)


def file_kind(name: str) -> str:
    """What a file holds by its name, which may be that of a rotated or compressed one; else what it ends in."""
    found = _FILE.search(name)
    return FILE_KINDS[found[1].lower()] if found else name.rsplit(".", 1)[-1].lower()


def _zone(name: str) -> str:
    try:
        ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):
        raise ValueError("expected the name of a time zone such as 'Europe/Berlin' or 'UTC'") from None
    return name


Zone = Annotated[str, AfterValidator(_zone)]
Column = Annotated[str, Field(min_length=1)]


class Columns(BaseModel):
    """Which column holds which part of an event.

    A name with dots that is no column itself is a path into a JSON column, such as ``payload.customer.id``. ``properties`` is one
    column that holds an object, or a table of columns by the property's name. ``arrived`` orders events of one id and second:
    the last one counts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Column = "event_name"
    customer: Column = "external_customer_id"
    time: Column = "timestamp"
    id: Column = "event_id"
    properties: Column | dict[str, Column] = "properties"
    arrived: str = ""


class Traffic(BaseModel):
    """The company's own log of what it sent.

    ``source`` is a file, a glob or a list of them (Parquet, NDJSON, CSV; rotated and compressed ones too), or the URL of a database with
    ``table`` or ``query``; a secret in a URL is the name of its variable: ``postgres://reader:${LOG_PASSWORD}@db/usage``.
    Whole UTC days are compared, from
    ``first_day`` to ``last_day`` (both included; by default the running period), never the last ``settling_hours``.
    ``timezone`` is that of timestamps without one. ``customers`` is how many customers a run compares one by one beside those that
    differ: the next ones each day.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str | tuple[str, ...]
    table: str = ""
    query: str = ""
    columns: Columns = Columns()
    first_day: date | None = None
    last_day: date | None = None
    settling_hours: Annotated[int, Field(ge=0, le=240)] = 6
    timezone: Zone = ""
    customers: Annotated[int, Field(ge=0)] | Literal["all"] = 20

    _note: str = PrivateAttr("")
    _left_out: str = PrivateAttr("")

    @property
    def note(self) -> str:
        """What the log stands for where a rehearsal made it."""
        return self._note

    @property
    def left_out(self) -> str:
        """Why a rehearsal does not compare the log, "" where it is compared."""
        return self._left_out

    def noted(self, *, note: str = "", left_out: str = "") -> Traffic:
        """A copy that says so."""
        copy = self.model_copy()
        copy._note, copy._left_out = note, left_out
        return copy

    @property
    def sources(self) -> tuple[str, ...]:
        """The files' names or globs, or the one URL."""
        return (self.source,) if isinstance(self.source, str) else self.source

    @property
    def url(self) -> str:
        """The database's URL, or "" where the log lies in files."""
        return self.sources[0] if len(self.sources) == 1 and "://" in self.sources[0] else ""

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the variables that the URL asks for."""
        return tuple(VARIABLE.findall(self.url))

    @model_validator(mode="after")
    def _usable(self) -> Traffic:
        """The checks of more than one key. They see no single value, so that none of them repeats a secret in its sentence."""
        problem = _url_problem(self) if self.url else _files_problem(self)
        if problem:
            raise ValueError(problem)
        if self.first_day and self.last_day and self.last_day < self.first_day:
            raise ValueError(f"first_day {self.first_day} is after last_day {self.last_day}; swap them")
        return self


def _files_problem(traffic: Traffic) -> str:
    if not traffic.sources:
        return "source is empty; name a file, a glob or a database's URL"
    if any("://" in one for one in traffic.sources):
        return "source lists a URL among files; name either files or one URL"
    wrong = next((one for one in traffic.sources if not _FILE.search(one)), None)
    if wrong is not None:
        return f"source '{wrong}' ends in none of {', '.join(f'.{kind}' for kind in FILE_KINDS)}; name such files, or a database's URL"
    if traffic.table or traffic.query:
        return "table and query belong to a database; remove them, or give a URL as source"
    return ""


def _url_problem(traffic: Traffic) -> str:
    try:
        parts = urlsplit(traffic.url)
        password, query = parts.password, parse_qsl(parts.query)
    except ValueError:
        return "source is no URL; write it as in postgres://reader:${LOG_PASSWORD}@host/database"
    if parts.scheme not in SCHEMES:
        return f"source begins with '{parts.scheme}://'; expected one of {', '.join(f'{one}://' for one in SCHEMES)}, or a file"
    if password and not VARIABLE.fullmatch(password):
        return "source holds a password; put it into a variable and write ${ITS_NAME} in its place"
    for name, value in query:
        if _SECRETIVE.search(name) and not VARIABLE.fullmatch(value):
            return f"source holds a secret as '{name}'; put it into a variable and write ${{ITS_NAME}} in its place"
    if bool(traffic.table) == bool(traffic.query):
        return "a database needs either table or query; name one of them"
    return ""
