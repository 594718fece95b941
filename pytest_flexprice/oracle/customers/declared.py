"""The customers that the plan declares, and what is wrong with the declaration itself (checklist 4.1, 4.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from pytest_flexprice.model import declared_customers
from pytest_flexprice.model.cell_values import as_instant
from pytest_flexprice.model.customer_columns import NAMES, TOLD
from pytest_flexprice.model.declared_customers import DeclaredRow, Problem, sentences
from pytest_flexprice.model.finding import Finding, Kind, NotDecided, NotVerified, Severity, not_decided, not_verified
from pytest_flexprice.model.golive_plan import Customers
from pytest_flexprice.model.near_miss import NearMisses
from pytest_flexprice.model.table_form import Unusable, form_of
from pytest_flexprice.model.values import SPACES

ITEM = "4.1"
_INTERNAL = re.compile(r"cust_[0-9A-HJKMNP-TV-Z]{26}")
_LONGEST = 255
_SHOWN = 50


def known(customers: Customers | None) -> bool:
    """Whether the plan says anything about customers."""
    return customers is not None and bool(customers.file or customers.declared)


def rows(customers: Customers | None, folder: Path) -> Iterator[DeclaredRow]:
    """All declared rows, streamed; empty values are left out, so that nothing is compared with them.

    Raises:
        NotDecided: the plan declares no customers.
        NotVerified: the file, or a cell of it, cannot be read; told after the rows that can, all problems at once.
    """
    if customers is None or not known(customers):
        raise _nobody("the plan declares no customers")
    problems: list[Problem] = []
    count = 0
    try:
        for one in declared_customers.declared(customers, folder):
            if isinstance(one, Problem):
                problems.append(one)
            else:
                count += 1
                yield one
    except Unusable as error:
        raise not_verified(
            ITEM,
            "golive.toml: customers.file",
            f"the customers file {error}",
            consequence="nobody can tell whether a customer is missing or on the wrong plan",
        ) from None
    if problems:
        raise NotVerified(list(told(problems)))
    if not count:
        raise _nobody(f"the customers file {customers.file} has no row below its first line")


def usable(customers: Customers | None, folder: Path) -> Iterator[DeclaredRow]:
    """The same rows for what only builds on them: that cells cannot be read is told once, by item 4.1.

    Raises:
        NotDecided, NotVerified: as ``rows``, in one finding.
    """
    try:
        yield from rows(customers, folder)
    except NotVerified as error:
        if len(error.findings) == 1:
            raise
        raise not_verified(
            ITEM,
            "golive.toml: customers",
            f"{len(error.findings)} places of the declared customers cannot be read",
            remedy="see the first scenario of item 4.1, which lists them",
        ) from None


def notes(customers: Customers | None, folder: Path) -> list[Finding]:
    """What of the file was read although it is written in another way, worth knowing and no more."""
    if customers is None or not customers.file:
        return []
    try:
        form = form_of(folder / customers.file, customers.file)
    except Unusable:  # told by whoever reads the rows
        return []
    return [Finding(ITEM, customers.file, f"{customers.file}: {note}", severity=Severity.INFO) for note in form.notes]


def first_start(customers: Customers | None, folder: Path) -> datetime | None:
    """When the first declared subscription starts; None where any row leaves it open.

    Raises:
        NotDecided, NotVerified: as ``usable``.
    """
    first: datetime | None = None
    for row in usable(customers, folder):
        if not row.values.get("plan"):
            continue
        if not row.values.get("start_date"):
            return None
        start = as_instant(row.values["start_date"])
        first = min(first or start, start)
    return first


def nobody_billed(customers: Customers | None, folder: Path, now: datetime) -> bool:
    """Whether customers are declared, and by what is declared no subscription bills anything yet: drafts, trials, later starts.

    Raises:
        NotDecided, NotVerified: as ``usable``.
    """
    return known(customers) and not any(_billed(row, now) for row in usable(customers, folder))


def _billed(row: DeclaredRow, now: datetime) -> bool:
    waits = [row.values[name] for name in ("start_date", "trial_end") if row.values.get(name)]
    return bool(row.values.get("plan")) and "active" in row.statuses and all(as_instant(each) <= now for each in waits)


def told(problems: list[Problem]) -> Iterator[Finding]:
    """Problems of cells as findings; of very many the first ones, and how many there are."""
    told = list(sentences(problems))
    for one, sentence in told[:_SHOWN]:
        inside = one.where.startswith("golive.toml")
        yield _unread(f"{one.where} {one.column}".strip(), sentence if inside else f"customers file {sentence}")
    if len(told) > _SHOWN:
        yield _unread("customers", f"and {len(told) - _SHOWN:,} more cells like these")


def _unread(path: str, problem: str) -> Finding:
    return Finding(ITEM, path, problem, remedy="correct it there", kind=Kind.NOT_VERIFIED)


def _nobody(problem: str) -> NotDecided:
    return not_decided(
        ITEM,
        "golive.toml: customers",
        problem,
        consequence="nobody can tell whether a customer is missing or on the wrong plan",
        remedy="name a CSV file as customers.file or list them as customers.declared",
    )


def header(customers: Customers | None, folder: Path) -> tuple[str, ...]:
    """The columns that are declared: of the file, and of the rows in the plan.

    Raises:
        NotVerified: the file cannot be read.
    """
    try:
        return declared_customers.header(customers, folder)
    except Unusable as error:
        raise not_verified(ITEM, "golive.toml: customers.file", f"the customers file {error}") from None


def unknown_columns(names: Iterable[str], where: str) -> list[Finding]:
    """Columns that nothing is compared with, because a misspelt one would silently check nothing."""
    near = NearMisses(NAMES)
    return [
        Finding(
            ITEM,
            f"{where}: {name}",
            f"column '{name}' is not one that is compared{near.hint(name)}"
            if name
            else "a column of the file has no name",
            consequence="nothing is checked against it",
            remedy=f"rename it if it is meant to be one of {', '.join(NAMES)}",
            severity=Severity.ERROR if near.of(name) else Severity.INFO,
        )
        for name in names
        if name not in NAMES and name not in TOLD
    ]


def odd_id(row: DeclaredRow) -> Finding | None:
    """What is wrong, or worth knowing, about one declared external id by itself (contract 4.1)."""
    name = row.external_id
    if not name:
        return _odd(
            row,
            f"a customer is declared without an external id ({row.where})",
            "its events cannot be billed to anybody",
        )
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


def _odd(row: DeclaredRow, problem: str, consequence: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(
        ITEM,
        row.where,
        problem,
        consequence=consequence,
        remedy="correct the customers that the plan declares, and what the application sends",
        severity=severity,
    )
