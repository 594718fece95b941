"""How a table of customers is written: encoding, delimiter, columns, and what its points mean; found out, or refused in one clause."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TextIO

from pytest_flexprice.model import bounded, customer_columns, decimal_signs
from pytest_flexprice.model.near_miss import NearMisses

DELIMITERS = ",;\t|"
_USUAL = "utf-8-sig"
_OTHER_FILES = (
    (b"PK\x03\x04", "a spreadsheet or a zip archive"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet of an old kind"),
    (b"\x1f\x8b", "compressed by gzip"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3", "a database"),
    (b"%PDF", "a PDF"),
    (b"<<<<", "in two versions, as a merge left them"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself"),
    (b"<", "a page or XML, perhaps that of a login"),
    (b"[", "JSON"),
    (b"{", "JSON"),
)
_LONGEST_SIGN = 32
_HEADER_WITHIN = 20
_SEPARATOR = re.compile(r"\ufeff?\"?sep=(.)\"?\s*", re.IGNORECASE)
_YAML = re.compile(r"-\s|---|[\w-]+:(?:\s|$)")
SHOWN = 60


class Unusable(Exception):
    """The whole file cannot be read; the message is one clause with the file, the place and what to do."""


@dataclass(frozen=True)
class Form:
    """How a file is written: its encoding, delimiter, the number of lines before its rows, and its columns by position."""

    encoding: str
    delimiter: str
    first: int
    written: tuple[str, ...]
    point: str = ""
    """Why a cell such as 1.125 is one and an eighth; "" where there is none, or nobody can know."""

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
        if self.point:
            found.append(f"1.125 in it is one and an eighth, as {self.point}")
        return found + ([f"it is {self.encoding.upper()}"] if self.encoding != _USUAL else [])


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
            encoding = _encoding(file.read(_LONGEST_SIGN))
        with opened(path, encoding) as lines:
            form = _form(lines, encoding, name)
            return replace(form, point=_point(lines, form))
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


def opened(path: Path, encoding: str) -> TextIO:
    """The file as text."""
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
            return Form(encoding, delimiter, skipped + 1, tuple(trailing(names)))
    raise _no_header(first, skipped + 1, lines, name)


def _point(lines: TextIO, form: Form) -> str:
    """Why the points in its numbers are those of decimals, where any cell leaves that open."""
    at = [number for number, name in enumerate(form.columns) if name in decimal_signs.COLUMNS]
    rows = csv.reader(lines, delimiter=form.delimiter) if at else iter(())
    cells = {row[number].strip() for row in rows for number in at if number < len(row)}
    if not any(decimal_signs.AMBIGUOUS.fullmatch(cell) for cell in cells):
        return ""
    return decimal_signs.point_is_decimal(sorted(cells), form.delimiter)


def _no_header(first: str, number: int, lines: TextIO, name: str) -> Unusable:
    """Why the first line names no columns: a misspelt name, or a title above the line that does."""
    names = re.split(r"[,;\t|]", first.strip())
    near = NearMisses(names).hint("external_id")
    todo = "let the first line name the columns, separated by commas, external_id among them"
    if _YAML.match(first):
        todo = "it seems to be YAML: save it as CSV in UTF-8"
    elif len(names) > 1:
        todo = "call the column that holds the customers' external ids external_id, if this line names the columns"
    for below, line in enumerate(islice(iter(lambda: lines.readline(1 << 20), ""), _HEADER_WITHIN), number + 1):
        if not near and "external_id" in map(customer_columns.named, re.split(r"[,;\t|]", line)):
            todo = f"line {below} does: take away what stands above it"
            break
    return Unusable(f"{name}:{number}: {_short(first.strip())!r} names no column external_id{near}; {todo}")


def trailing(names: Sequence[str]) -> Sequence[str]:
    """Cells without the empty ones at the end of a line that spreadsheets write."""
    kept = len(names)
    while kept and not names[kept - 1].strip():
        kept -= 1
    return names[:kept]


def undecoded(text: str) -> bool:
    """Whether some of its bytes were no UTF-8."""
    return any("\udc80" <= character <= "\udcff" for character in text)


def readable(cell: str) -> str:
    """A cell as its writer perhaps saw it."""
    return cell.encode("utf-8", "surrogateescape").decode("cp1252", "replace") if undecoded(cell) else cell


def _short(text: str) -> str:
    return readable(text[:SHOWN] + ("…" if len(text) > SHOWN else ""))
