"""Reading the customers that a plan declares: a CSV file as people's programs write it, rows in the plan, or both.

What can be read safely is read: any of four delimiters, a ``sep=`` line, a byte order mark, UTF-16, headers in another spelling, blank
rows. What cannot is told cell by cell, with line, value and what was expected, all of them at once.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from pytest_flexprice.model import cells as cells_of_tables
from pytest_flexprice.model import customer_columns
from pytest_flexprice.model.customer_columns import BY_NAME, NAMES
from pytest_flexprice.model.golive_plan import Customers
from pytest_flexprice.model.table_form import (
    DELIMITERS,
    SHOWN,
    Form,
    Unusable,
    form_of,
    opened,
    readable,
    trailing,
    undecoded,
)


class DeclaredRow(NamedTuple):
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
        shown = self.value if len(self.value) <= SHOWN else self.value[:SHOWN] + "…"
        what = f"column {self.column} holds {shown!r}" if self.column else shown
        return f"{self.where}: {what}, expected {self.expected}" + (f" ({self.hint})" if self.hint else "")


FEW, LINES = 3, 10
"""So many cells of one kind are told one by one, each with what it perhaps means."""


def sentences(problems: Sequence[Problem]) -> Iterator[tuple[Problem, str]]:
    """Each problem with its sentence; of many in one column that expected the same, the first, with the lines of the others."""
    kinds: dict[tuple[str, str], list[Problem]] = {}
    for one in problems:
        kinds.setdefault((one.column, one.expected), []).append(one)
    for first, *others in kinds.values():
        if len(others) < FEW:
            yield from ((one, one.sentence) for one in (first, *others))
            continue
        lines = ", ".join(one.where.rpartition(":")[2].split()[-1] for one in others[:LINES]) + (
            ", …" if len(others) > LINES else ""
        )
        yield first, f"{first.sentence}; {len(others):,} more like it, in lines {lines}"


def declared(customers: Customers, folder: Path) -> Iterator[DeclaredRow | Problem]:
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


def _read(path: Path, name: str) -> Iterator[DeclaredRow | Problem]:
    form = form_of(path, name)
    double = sorted({one for one in form.columns if one in BY_NAME and form.columns.count(one) > 1})
    if double:
        raise Unusable(f"{name}:{form.first}: two columns are {double[0]}; keep one of them")
    try:
        with opened(path, form.encoding) as lines:
            for _ in range(form.first):
                lines.readline(1 << 20)
            yield from _cells(csv.reader(lines, delimiter=form.delimiter, strict=True), form, name)
    except (OSError, UnicodeError) as error:
        raise Unusable(f"{name} cannot be read to its end ({error}); save it as CSV in UTF-8") from None


def _cells(reader: Iterator[list[str]], form: Form, name: str) -> Iterator[DeclaredRow | Problem]:
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
            yield from _line(where, trailing(cells), form)


def _line(where: str, cells: Sequence[str], form: Form) -> Iterator[DeclaredRow | Problem]:
    columns = form.columns
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
    yield from _row(where, dict(zip(columns, cells, strict=False)), point_is_decimal=bool(form.point))


def _row(where: str, written: Mapping[str, str], *, point_is_decimal: bool = True) -> Iterator[DeclaredRow | Problem]:
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
            values[name] = _cell(name, cell, point_is_decimal)
        except ValueError as error:
            expected = str(error) if "\0" in cell or undecoded(cell) else BY_NAME[name].expected
            hint = "" if expected == str(error) else str(error)
            problems.append(Problem(where, name, readable(cell), expected, hint))
    problems += [
        Problem(where, name, values[name], expected) for name, expected in customer_columns.contradictions(values)
    ]
    if problems:
        yield from problems
    else:
        kept = {name: values[name] for name in NAMES if name in values and name != "external_id"}
        yield DeclaredRow(where, values.get("external_id", ""), kept, _told(written))


def _told(written: Mapping[str, str]) -> str:
    """The customer's name, which nothing is compared with, so that its encoding may be guessed."""
    found = (cell for header_name, cell in written.items() if customer_columns.named(header_name) == "name")
    return readable(next(found, "").strip())


@lru_cache(maxsize=10_000)
def _cell(name: str, cell: str, point_is_decimal: bool) -> str:
    """The canonical text of a cell; few different ones stand below most columns.

    Raises:
        ValueError: it cannot be used.
    """
    if undecoded(cell):
        raise ValueError("UTF-8, and some of its bytes are none; save the file as CSV in UTF-8")
    if "\0" in cell:
        raise ValueError("text without NUL characters")
    odd = cells_of_tables.no_value(name, cell, point_is_decimal=point_is_decimal)
    if odd:
        raise ValueError(odd)
    return BY_NAME[name].read(cell)
