"""Reading the customers that a plan declares: a CSV file as people's programs write it, rows in the plan, or both.

What can be read safely is read: any of four delimiters, a ``sep=`` line, a byte order mark, UTF-16, headers in another spelling, blank
rows. What cannot is told cell by cell, with line, value and what was expected, all of them at once.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TextIO

from pytest_flexprice.model import bounded, customer_columns
from pytest_flexprice.model import cells as cells_of_tables
from pytest_flexprice.model.customer_columns import BY_NAME, NAMES
from pytest_flexprice.model.golive_plan import Customers
from pytest_flexprice.model.near_miss import NearMisses

DELIMITERS = ",;\t|"
_USUAL = "utf-8-sig"
_OTHER_FILES = (
    (b"PK\x03\x04", "a spreadsheet or a zip archive"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet of an old kind"),
    (b"%PDF", "a PDF"),
    (b"<", "a page or XML, perhaps that of a login"),
    (b"[", "JSON"),
    (b"{", "JSON"),
)
_HEADER_WITHIN = 20
_SEPARATOR = re.compile(r"\ufeff?\"?sep=(.)\"?\s*", re.IGNORECASE)
_SHOWN = 60


class Row(NamedTuple):
    """One declared subscription of one customer: where it is written, the external id byte for byte, and what else is declared."""

    where: str
    external_id: str
    values: dict[str, str]
    name: str = ""

    @property
    def statuses(self) -> tuple[str, ...]:
        """The status that is declared; without one, active, and trialing beside it where a trial's end is declared."""
        declared = self.values.get("status", "").lower()
        return (declared,) if declared else ("active", "trialing") if self.values.get("trial_end") else ("active",)


@dataclass(frozen=True)
class Problem:
    """One cell, or one line, that cannot be used: where it is, what it holds, what was expected, and perhaps what was meant."""

    where: str
    column: str
    value: str
    expected: str
    hint: str = ""

    @property
    def sentence(self) -> str:
        """The problem for a person, without a full stop."""
        shown = self.value if len(self.value) <= _SHOWN else self.value[:_SHOWN] + "…"
        what = f"column {self.column} holds {shown!r}" if self.column else shown
        return f"{self.where}: {what}, expected {self.expected}" + (f" ({self.hint})" if self.hint else "")


class Unusable(Exception):
    """The whole file cannot be read; the message is one clause with the file, the place and what to do."""


@dataclass(frozen=True)
class Form:
    """How a file is written: its encoding, delimiter, the number of lines before its rows, and its columns by position."""

    encoding: str
    delimiter: str
    first: int
    written: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns by the names that this suite uses."""
        return tuple(map(customer_columns.named, self.written))

    @property
    def notes(self) -> list[str]:
        """What was read although it is written in another way."""
        found = [
            f"'{one}' is read as {name}" for one, name in zip(self.written, self.columns, strict=True) if one != name
        ]
        if self.delimiter != ",":
            found.append(f"its delimiter is {'a tab' if self.delimiter == chr(9) else repr(self.delimiter)}")
        return found + ([f"it is {self.encoding.upper()}"] if self.encoding != _USUAL else [])


def declared(customers: Customers, folder: Path) -> Iterator[Row | Problem]:
    """All declared rows, streamed, with what cannot be used among them; empty cells are left out, so that nothing is compared with them.

    Raises:
        Unusable: the file cannot be read at all.
    """
    for number, values in enumerate(customers.declared, 1):
        yield from _row(f"golive.toml: customers.declared {number}", values)
    if customers.file:
        yield from _read(folder / customers.file, customers.file)


def header(customers: Customers | None, folder: Path) -> tuple[str, ...]:
    """The columns that are declared: of the rows in the plan and of the file.

    Raises:
        Unusable: the file cannot be read at all.
    """
    rows = customers.declared if customers else ()
    found = dict.fromkeys(customer_columns.named(name) for values in rows for name in values)
    if customers and customers.file:
        found.update(dict.fromkeys(form_of(folder / customers.file, customers.file).columns))
    return tuple(found)


def form_of(path: Path, name: str) -> Form:
    """How the file is written.

    Raises:
        Unusable: it is missing, empty, no regular file, or its first line does not name an external_id.
    """
    if path.exists() and not path.is_file():
        raise Unusable(f"{name} is no regular file; name a CSV file")
    try:
        if path.stat().st_size > bounded.LARGEST_CUSTOMERS:
            raise Unusable(f"{name} is larger than {bounded.LARGEST_CUSTOMERS // 1_000_000} MB; make it smaller")
        with path.open("rb") as file:
            encoding = _encoding(file.read(4))
        with _opened(path, encoding) as lines:
            return _form(lines, encoding, name)
    except FileNotFoundError:
        raise Unusable(f"{name} is not there; correct customers.file, which is looked for beside the plan") from None
    except OSError as error:
        raise Unusable(f"{name} cannot be read ({error.strerror}); correct its permissions or customers.file") from None
    except (csv.Error, UnicodeError) as error:
        raise Unusable(f"{name} is no CSV file ({error}); save it as CSV in UTF-8") from None


def _encoding(start: bytes) -> str:
    for sign, what in _OTHER_FILES:
        if start.lstrip().startswith(sign) and start[1:2] != b"\0":
            raise csv.Error(f"it is {what}")
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # Every second byte of plain letters is nothing: some programs write no byte order mark.
    halves = {(False, True): "utf-16-le", (True, False): "utf-16-be"}
    return halves.get((start[:1] == b"\0", start[1:2] == b"\0"), _USUAL)


def _opened(path: Path, encoding: str) -> TextIO:
    # A byte that is no UTF-8 must not hide the rest of the file: it is told with its line.
    return path.open(encoding=encoding, errors="surrogateescape" if encoding == _USUAL else "strict", newline="")


def _form(lines: TextIO, encoding: str, name: str) -> Form:
    first, skipped, said = lines.readline(1 << 20), 0, None
    if match := _SEPARATOR.fullmatch(first):
        said, first, skipped = match[1], lines.readline(1 << 20), 1
    while first and not first.strip(' \t\r\n,;|"'):
        first, skipped = lines.readline(1 << 20), skipped + 1
    if not first:
        raise Unusable(f"{name} is empty; its first line must name its columns, external_id among them")
    for delimiter in [said] if said else DELIMITERS:
        names = next(csv.reader([first], delimiter=delimiter), [])
        if "external_id" in map(customer_columns.named, names):
            return Form(encoding, delimiter, skipped + 1, tuple(_trailing(names)))
    raise _no_header(first, skipped + 1, lines, name)


def _no_header(first: str, number: int, lines: TextIO, name: str) -> Unusable:
    """Why the first line names no columns: a misspelt name, or a title above the line that does."""
    near = NearMisses(re.split(r"[,;\t|]", first.strip())).hint("external_id")
    todo = "let the first line name the columns, separated by commas, external_id among them"
    for below, line in enumerate(islice(iter(lambda: lines.readline(1 << 20), ""), _HEADER_WITHIN), number + 1):
        if not near and "external_id" in map(customer_columns.named, re.split(r"[,;\t|]", line)):
            todo = f"line {below} does: take away what stands above it"
            break
    return Unusable(f"{name}:{number}: {_short(first.strip())!r} names no column external_id{near}; {todo}")


def _trailing(names: Sequence[str]) -> Sequence[str]:
    """Spreadsheets write empty columns at the end of a line."""
    kept = len(names)
    while kept and not names[kept - 1].strip():
        kept -= 1
    return names[:kept]


def _read(path: Path, name: str) -> Iterator[Row | Problem]:
    form = form_of(path, name)
    double = sorted({one for one in form.columns if one in BY_NAME and form.columns.count(one) > 1})
    if double:
        raise Unusable(f"{name}:{form.first}: two columns are {double[0]}; keep one of them")
    try:
        with _opened(path, form.encoding) as lines:
            for _ in range(form.first):
                lines.readline(1 << 20)
            yield from _cells(csv.reader(lines, delimiter=form.delimiter, strict=True), form, name)
    except (OSError, UnicodeError) as error:
        raise Unusable(f"{name} cannot be read to its end ({error}); save it as CSV in UTF-8") from None


def _cells(reader: Iterator[list[str]], form: Form, name: str) -> Iterator[Row | Problem]:
    last = 0
    while True:
        where = f"{name}:{form.first + last + 1}"
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield Problem(where, "", f"the row cannot be read ({error})", "a row of CSV with its quotes closed")
            return
        if cells is None:
            return
        last = reader.line_num  # type: ignore[attr-defined] # csv readers have it
        if any(cell.strip() for cell in cells):
            yield from _line(where, _trailing(cells), form.columns)


def _line(where: str, cells: Sequence[str], columns: Sequence[str]) -> Iterator[Row | Problem]:
    if len(cells) > len(columns):
        found = f"the row has {len(cells)} cells"
        yield Problem(
            where, "", found, f"{len(columns)}, one for each column", "put a cell with the delimiter in it into quotes"
        )
        return
    what, expected = cells_of_tables.no_row(cells, columns, DELIMITERS)
    if what:
        yield Problem(where, "", what, expected)
        return
    yield from _row(where, dict(zip(columns, cells, strict=False)))


def _row(where: str, written: Mapping[str, str]) -> Iterator[Row | Problem]:
    """One row read, or all that is wrong with it."""
    values: dict[str, str] = {}
    problems: list[Problem] = []
    for header_name, cell in written.items():
        name = customer_columns.named(header_name)
        if cell.strip() == "" or name not in BY_NAME:
            if name == "external_id" and cell:
                values[name] = cell
            continue
        try:
            values[name] = _cell(name, cell)
        except ValueError as error:
            expected = str(error) if "\0" in cell or _undecoded(cell) else BY_NAME[name].expected
            hint = "" if expected == str(error) else str(error)
            problems.append(Problem(where, name, _readable(cell), expected, hint))
    problems += [
        Problem(where, name, values[name], expected) for name, expected in customer_columns.contradictions(values)
    ]
    if problems:
        yield from problems
    else:
        kept = {name: values[name] for name in NAMES if name in values and name != "external_id"}
        yield Row(where, values.get("external_id", ""), kept, _told(written))


def _told(written: Mapping[str, str]) -> str:
    """The customer's name, which nothing is compared with, so that its encoding may be guessed."""
    found = (cell for header_name, cell in written.items() if customer_columns.named(header_name) == "name")
    return _readable(next(found, "").strip())


@lru_cache(maxsize=10_000)
def _cell(name: str, cell: str) -> str:
    """The canonical text of a cell; few different ones stand below most columns.

    Raises:
        ValueError: it cannot be used.
    """
    if _undecoded(cell):
        raise ValueError("UTF-8, and some of its bytes are none; save the file as CSV in UTF-8")
    if "\0" in cell:
        raise ValueError("text without NUL characters")
    odd = cells_of_tables.no_value(name, cell)
    if odd:
        raise ValueError(odd)
    return BY_NAME[name].read(cell)


def _undecoded(text: str) -> bool:
    return any("\udc80" <= character <= "\udcff" for character in text)


def _readable(cell: str) -> str:
    return cell.encode("utf-8", "surrogateescape").decode("cp1252", "replace") if _undecoded(cell) else cell


def _short(text: str) -> str:
    return _readable(text[:_SHOWN] + ("…" if len(text) > _SHOWN else ""))
