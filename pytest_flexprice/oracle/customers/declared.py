"""The customers that the plan declares: rows of a CSV file of any size, rows in the plan, or both (checklist 4.1, 4.2)."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pytest_flexprice.model.finding import Finding, Severity, not_decided, not_verified
from pytest_flexprice.model.golive_plan import Customers
from pytest_flexprice.model.near_miss import NearMisses
from pytest_flexprice.model.numbers import SPACES

ITEM = "4.1"
COLUMNS = (
    "external_id",
    "plan",
    "currency",
    "billing_period",
    "billing_period_count",
    "billing_cycle",
    "collection_method",
    "status",
    "start_date",
    "billing_anchor",
    "trial_end",
    "end_date",
    "payment_terms",
    "timezone",
)
TOLD = ("name", "email", "comment")
"""Columns that people like to have beside the others; nothing is compared with them."""
_INTERNAL = re.compile(r"cust_[0-9A-HJKMNP-TV-Z]{26}")
_LONGEST = 255


class Row(NamedTuple):
    """One declared subscription of one customer: where it is written, the external id byte for byte, and what else is declared."""

    where: str
    external_id: str
    values: dict[str, str]


def rows(customers: Customers | None, folder: Path) -> Iterator[Row]:
    """All declared rows, streamed; empty values are left out, so that nothing is compared with them.

    Raises:
        NotDecided: the plan declares no customers.
        NotVerified: the file cannot be read.
    """
    if customers is None or not (customers.file or customers.declared):
        raise not_decided(
            ITEM,
            "golive.toml: customers",
            "the plan declares no customers",
            consequence="nobody can tell whether a customer is missing or on the wrong plan",
            remedy="name a CSV file as customers.file or list them as customers.declared",
        )
    for number, values in enumerate(customers.declared, 1):
        yield _row(f"golive.toml: customers.declared {number}", values)
    if customers.file:
        path = folder / customers.file
        for line, values in _read(path):
            yield _row(f"{customers.file}:{line}", values)


def _row(where: str, values: Mapping[str, str | None]) -> Row:
    kept = {key: value for key, value in values.items() if key in COLUMNS and value}
    return Row(where, kept.pop("external_id", ""), kept)


def _read(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if "external_id" not in (reader.fieldnames or ()):
                raise _unreadable(path, f"its first line is {reader.fieldnames or 'empty'} and has no external_id")
            for values in reader:
                yield reader.line_num, values
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(path, str(error)) from None


def _unreadable(path: Path, reason: str) -> Exception:
    return not_verified(
        ITEM,
        "golive.toml: customers.file",
        f"the customers file {path.name} cannot be used ({reason})",
        remedy="make it a UTF-8 CSV file whose first line names its columns, external_id among them",
    )


def header(customers: Customers | None, folder: Path) -> tuple[str, ...]:
    """The columns that are declared: of the file, and of the rows in the plan."""
    found: dict[str, None] = {}
    for values in customers.declared if customers else ():
        found.update(dict.fromkeys(values))
    if customers and customers.file:
        try:
            with (folder / customers.file).open(encoding="utf-8-sig", newline="") as file:
                found.update(dict.fromkeys(next(csv.reader(file), [])))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise _unreadable(folder / customers.file, str(error)) from None
    return tuple(found)


def unknown_columns(names: Iterable[str], where: str) -> list[Finding]:
    """Columns that nothing is compared with, because a misspelt one would silently check nothing."""
    near = NearMisses(COLUMNS)
    return [
        Finding(
            ITEM,
            f"{where}: {name}",
            f"column '{name}' is not one that is compared{near.hint(name)}",
            consequence="nothing is checked against it",
            remedy=f"rename it if it is meant to be one of {', '.join(COLUMNS)}",
            severity=Severity.ERROR if near.of(name) else Severity.INFO,
        )
        for name in names
        if name not in COLUMNS and name not in TOLD
    ]


def odd_id(row: Row) -> Finding | None:
    """What is wrong, or worth knowing, about one declared external id by itself (contract 4.1)."""
    name = row.external_id
    if not name:
        return _odd(row, "a customer is declared without an external id", "its events cannot be billed to anybody")
    if _INTERNAL.fullmatch(name):
        return _odd(
            row,
            f"external id '{name}' looks like one of Flexprice's internal ids",
            "events carry external ids, so such events find no customer",
        )
    if len(name) > _LONGEST:
        return _odd(row, f"external id '{name[:40]}…' has {len(name)} characters", "Flexprice stores at most 255")
    if name != name.strip(SPACES):
        return _odd(
            row,
            f"external id '{name}' has white space around it",
            "external ids are compared byte for byte, so events must carry the same white space",
            Severity.WARNING,
        )
    if "/" in name:
        return _odd(
            row,
            f"external id '{name}' has a slash in it",
            "such a customer cannot be looked up by its path, only by search",
            Severity.WARNING,
        )
    return None


def _odd(row: Row, problem: str, consequence: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(
        ITEM,
        row.where,
        problem,
        consequence=consequence,
        remedy="correct the customers that the plan declares, and what the application sends",
        severity=severity,
    )
