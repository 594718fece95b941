"""Many findings of a few kinds, so that fifty thousand of them stay readable: grouped, counted, the first ones shown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from pytest_flexprice.model.finding import Finding

SHOWN = 10
_NUMBERS = re.compile(r"\d[\d:.,TZ+-]*")
_NAMES = re.compile(r"'[^']*'|\d[\d:.,TZ+-]*")


class Told(NamedTuple):
    """One finding with the kind it is counted under, such as "declared customers that do not exist", and whom it is about."""

    kind: str
    subject: str
    finding: Finding


def summarise(told: Iterable[Told], write: Callable[[Told], None] | None = None, place: str = "") -> list[Finding]:
    """At most ``SHOWN`` findings of a kind one by one; of a kind with more one finding that counts them and names the first.

    ``write`` gets every one of them (to a file whose name is ``place``), so nothing is lost; memory holds only what is shown.
    """
    first: dict[tuple[str, str], list[Told]] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for one in told:
        if write is not None:
            write(one)
        key = (one.kind, one.finding.severity.value)
        counts[key] += 1
        shown = first.setdefault(key, [])
        if len(shown) < SHOWN:
            shown.append(one)
    return [finding for key, shown in first.items() for finding in _group(key[0], shown, counts[key], place)]


def alike(findings: Iterable[Finding]) -> Iterator[Told]:
    """Findings counted under their own words, names left out: "amount of price … of plan … differs from what was signed off"."""
    for finding in findings:
        yield Told(f'findings like "{shape(finding.problem)}"', finding.path, finding)


def first_of_each(told: Iterable[Told]) -> list[Finding]:
    """One finding for all that differ only in their subject and in numbers: the first, which counts the others."""
    kinds: dict[str, list[Told]] = {}
    for one in told:
        said = one.finding.problem.replace(one.subject, "")
        kinds.setdefault(_NUMBERS.sub("…", f"{one.kind} {said}"), []).append(one)
    return [_counting(first, len(others)) for first, *others in kinds.values()]


def _counting(first: Told, others: int) -> Finding:
    name = f"'{first.subject}'"
    problem = first.finding.problem.replace(name, f"{name} (and {others} more like it)", 1)
    return replace(first.finding, problem=problem) if others else first.finding


def shape(problem: str) -> str:
    """The words of a problem with names and numbers left out."""
    return _NAMES.sub("…", problem)


def _group(kind: str, shown: list[Told], count: int, place: str) -> list[Finding]:
    if count <= len(shown):
        return [one.finding for one in shown]
    names = ", ".join(f"'{one.subject}'" for one in shown[:SHOWN])
    listed = f"; all of them are in {place}" if place else ""
    summary = replace(
        shown[0].finding,
        path=f"{kind} ({count:,})",
        problem=f"{count:,} {kind}, such as {names}{listed}",
        expected=None,
        observed=None,
    )
    return [summary]
