"""Expected and observed, row beside row, for every rendering of an observation."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from pytest_flexprice.evidence.records import FindingRecord

IDENTITIES = ("id", "lookup_key", "key", "external_id", "event_name", "event_id", "name", "path", "line")
NOTHING = "—"


@dataclass(frozen=True)
class Row:
    """One line of the comparison; ``same`` is None where there is only one side to show."""

    label: str
    expected: str
    observed: str
    same: bool | None

    @property
    def only(self) -> str:
        """The one side there is."""
        return self.observed if self.expected == NOTHING else self.expected


@dataclass(frozen=True)
class FindingGroup:
    """Findings that say the same of different things; ``sentence`` is that of the first."""

    sentence: str
    severity: str
    kind: str
    findings: list[FindingRecord]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.findings)


def rows(expected: Any, observed: Any) -> list[Row]:
    """The two values aligned: objects by key, lists by identity or value, everything else as one row."""
    if expected is None and observed is None:
        return []
    sides = [side for side in (expected, observed) if side is not None]
    if all(isinstance(side, dict) for side in sides):
        return _by_key(expected, observed)
    if all(isinstance(side, list) for side in sides):
        return _lists(expected, observed)
    return [_row("", expected, observed)]


def differences_first(aligned: Sequence[Row]) -> list[Row]:
    """The same rows, those that differ before those that agree."""
    return sorted(aligned, key=lambda row: row.same is True)


def text(value: Any) -> str:
    """A value as a reader sees it in a table."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(not isinstance(one, (list, dict)) for one in value):
        return ", ".join(map(text, value)) if value else "none"
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False)
    plain = str(value)
    # White space at an edge, or a character that shows nothing, is easily the very difference.
    return plain if (plain == plain.strip() and plain.isprintable()) or "\n" in plain else repr(plain)


def text_table(aligned: Sequence[Row], width: int = 48) -> str:
    """The rows as a table of plain text, for attachments; long cells are wrapped."""
    if all(row.same is None for row in aligned):
        return _one_sided(aligned, width)
    head = Row("", "EXPECTED", "OBSERVED", None)
    table = [head, *aligned]
    label = min(max(len(row.label) for row in table), 36)
    left = min(max(len(row.expected) for row in table), width)
    lines = []
    for row in table:
        mark = {True: "  ", False: "≠ ", None: "  "}[row.same]
        for number, cells in enumerate(_cells(row, label, left, width)):
            lines.append(f"{mark if number == 0 else '  '}{cells[0]:<{label}}  {cells[1]:<{left}}  {cells[2]}".rstrip())
    return "\n".join(lines) + "\n"


def _one_sided(aligned: Sequence[Row], width: int) -> str:
    label = min(max((len(row.label) for row in aligned), default=0), 36)
    lines = []
    for row in aligned:
        cells = zip_longest(_wrapped(row.label, label), _wrapped(row.only, 2 * width), fillvalue="")
        lines += [f"{name:<{label}}  {value}".rstrip() for name, value in cells]
    return "\n".join(lines) + "\n"


def grouped(findings: Iterable[FindingRecord]) -> list[FindingGroup]:
    """Findings that differ only in names and values, gathered, in the order of their first one."""
    groups: dict[tuple[str, ...], FindingGroup] = {}
    for finding in findings:
        key = (finding.severity, finding.kind, _shape(finding.problem), _shape(finding.remedy))
        group = groups.setdefault(key, FindingGroup(finding.sentence, finding.severity, finding.kind, []))
        group.findings.append(finding)
    return list(groups.values())


def _by_key(expected: dict[str, Any] | None, observed: dict[str, Any] | None) -> list[Row]:
    keys = list(dict.fromkeys([*(expected or {}), *(observed or {})]))
    both = expected is not None and observed is not None
    return [_row(key, (expected or {}).get(key), (observed or {}).get(key), both) for key in keys]


def _lists(expected: list[Any] | None, observed: list[Any] | None) -> list[Row]:
    left, right = expected or [], observed or []
    both = expected is not None and observed is not None
    identity = _identity([*left, *right])
    if identity is not None:
        return _aligned(left, right, lambda one: text(one[identity]), both, labelled=True)
    if all(not isinstance(one, (dict, list)) for one in (*left, *right)):
        return _aligned(left, right, text, both, labelled=False)
    return [_row(str(n), one, other, both) for n, (one, other) in enumerate(zip_longest(left, right), 1)]


def _aligned(left: list[Any], right: list[Any], name: Callable[[Any], str], both: bool, *, labelled: bool) -> list[Row]:
    remaining = list(right)
    out = []
    for one in left:
        match = next((number for number, other in enumerate(remaining) if name(other) == name(one)), None)
        other = remaining.pop(match) if match is not None else None
        out.append(_row(name(one) if labelled else "", one, other, both))
    return out + [_row(name(other) if labelled else "", None, other, both) for other in remaining]


def _identity(entries: list[Any]) -> str | None:
    if not entries or not all(isinstance(one, dict) for one in entries):
        return None
    return next((key for key in IDENTITIES if all(one.get(key) not in (None, "") for one in entries)), None)


def _row(label: str, expected: Any, observed: Any, both: bool | None = None) -> Row:
    compare = both if both is not None else expected is not None and observed is not None
    return Row(label, text(expected), text(observed), (expected == observed) if compare else None)


def _cells(row: Row, label: int, left: int, right: int) -> Iterable[tuple[str, str, str]]:
    columns = (_wrapped(row.label, label), _wrapped(row.expected, left), _wrapped(row.observed, right))
    return zip_longest(*columns, fillvalue="")


def _wrapped(cell: str, width: int) -> list[str]:
    flat = cell.replace("\n", " ")
    return [flat[at : at + width] for at in range(0, len(flat), max(width, 1))] or [""]


def _shape(sentence: str) -> str:
    return re.sub(r"'[^']*'|\"[^\"]*\"|[\w.-]*\d[\w.-]*", "*", sentence)
