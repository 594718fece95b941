"""Expected and observed, row beside row, for every rendering of an observation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

from pytest_flexprice.evidence.records import FindingRecord

IDENTITIES = ("line", "id", "lookup_key", "key", "external_id", "event_name", "event_id", "name", "path")
NOTHING = "—"
DEEPER, DEEPEST = " · ", 2


@dataclass(frozen=True)
class ComparedRow:
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


def rows(expected: Any, observed: Any) -> list[ComparedRow]:
    """The two values aligned: objects by key, lists by identity or value, everything else as one row.

    A sentence on one side of an object or a list is no value to compare with; ``aside`` tells it.
    """
    if aside(expected, observed):
        expected, observed = (None, observed) if isinstance(expected, str) else (expected, None)
    if isinstance(expected, list) and isinstance(observed, dict) and _are_scalars(expected):
        expected = {text(name): name for name in expected}
        return [replace(row, same=False if row.observed == NOTHING else None) for row in _by_key(expected, observed)]
    if expected is None and observed is None:
        return []
    sides = [side for side in (expected, observed) if side is not None]
    if all(isinstance(side, dict) for side in sides):
        return _by_key(expected, observed)
    if all(isinstance(side, list) for side in sides):
        return _lists(expected, observed)
    return [_row("", expected, observed)]


def aside(expected: Any, observed: Any) -> str:
    """The sentence to put above the rows, where one side is words and the other is data."""
    if isinstance(expected, str) and isinstance(observed, (dict, list)):
        return f"Expected: {expected}"
    if isinstance(observed, str) and isinstance(expected, (dict, list)):
        return f"Observed: {observed}"
    return ""


def differences_first(aligned: Sequence[ComparedRow]) -> list[ComparedRow]:
    """The same rows, those that differ before those that agree."""
    return sorted(aligned, key=lambda row: row.same is True)


def text(value: Any) -> str:
    """A value as a reader sees it in a table."""
    if value is None or value in ("", [], {}):
        return NOTHING if value in (None, "") else "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_inner(one)}" for key, one in value.items())
    if isinstance(value, list):
        return ", ".join(map(_inner, value))
    plain = str(value)
    # White space at an edge, or a character that shows nothing, is easily the very difference.
    return plain if (plain == plain.strip() and plain.isprintable()) or "\n" in plain else repr(plain)


def _inner(value: Any) -> str:
    return f"({text(value)})" if value and isinstance(value, (dict, list)) else text(value)


def text_table(aligned: Sequence[ComparedRow], *, blamed: bool = True, width: int = 48) -> str:
    """The rows as a table of plain text, for attachments; long cells are wrapped.

    Differences carry a mark only where somebody is to be ``blamed`` for them: without a finding they are as they should be.
    """
    if is_one_sided(aligned):
        return _one_sided(aligned, width)
    head = ComparedRow("", "EXPECTED", "OBSERVED", None)
    table = [head, *aligned]
    label = min(max(len(row.label) for row in table), 36)
    left = min(max(len(row.expected) for row in table), width)
    lines = []
    for row in table:
        mark = "≠ " if blamed and row.same is False else "  "
        for number, cells in enumerate(_cells(row, label, left, width)):
            lines.append(f"{mark if number == 0 else '  '}{cells[0]:<{label}}  {cells[1]:<{left}}  {cells[2]}".rstrip())
    return "\n".join(lines) + "\n"


def _one_sided(aligned: Sequence[ComparedRow], width: int) -> str:
    label = min(max((len(row.label) for row in aligned), default=0), 36)
    lines = []
    for row in aligned:
        cells = zip_longest(_wrapped(row.label, label), _wrapped(row.only, 2 * width), fillvalue="")
        lines += [f"{name:<{label}}  {value}".rstrip() for name, value in cells]
    return "\n".join(lines) + "\n"


def is_one_sided(aligned: Sequence[ComparedRow]) -> bool:
    """Whether there is nothing but one side to show."""
    return all(row.expected == NOTHING for row in aligned) or all(row.observed == NOTHING for row in aligned)


def grouped(findings: Iterable[FindingRecord]) -> list[FindingGroup]:
    """Findings that differ only in names and values, gathered, in the order of their first one."""
    groups: dict[tuple[str, ...], FindingGroup] = {}
    for finding in findings:
        key = (finding.severity, finding.kind, _shape(finding.problem), _shape(finding.remedy))
        group = groups.setdefault(key, FindingGroup(finding.sentence, finding.severity, finding.kind, []))
        group.findings.append(finding)
    return list(groups.values())


def _by_key(expected: dict[str, Any] | None, observed: dict[str, Any] | None, prefix: str = "") -> list[ComparedRow]:
    if expected is None or observed is None:
        return [_row(prefix + key, *_sides(value, expected)) for key, value in (expected or observed or {}).items()]
    out = []
    for key in dict.fromkeys([*expected, *observed]):
        left, right = expected.get(key), observed.get(key)
        if isinstance(left, dict) and isinstance(right, dict) and prefix.count(DEEPER) < DEEPEST:
            out += _by_key(left, right, f"{prefix}{key}{DEEPER}")
        else:
            # What nobody expected is shown and not compared.
            out.append(_row(prefix + key, left, right, key in expected))
    return out


def _sides(value: Any, expected: dict[str, Any] | None) -> tuple[Any, Any]:
    return (value, None) if expected is not None else (None, value)


def _lists(expected: list[Any] | None, observed: list[Any] | None) -> list[ComparedRow]:
    left, right = expected or [], observed or []
    both = expected is not None and observed is not None
    identity = _identity([*left, *right])
    if identity is not None:
        return _aligned(left, right, identity, both)
    if _are_scalars([*left, *right]):
        return _aligned(left, right, "", both)
    pairs = list(zip_longest(left, right))
    return [row for number, (one, other) in enumerate(pairs, 1) for row in _pair(number, one, other, both)]


def _pair(number: int, one: Any, other: Any, both: bool) -> list[ComparedRow]:
    """Two entries that nothing identifies, by position; of a larger object what was expected of it is compared."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return [_row(str(number), one, other, both)]
    identity = _identity([one]) or _identity([other])
    label = text(one.get(identity) or other.get(identity)) if identity else str(number)
    shared = {key: other[key] for key in one if key in other}
    return _by_key({key: value for key, value in one.items() if key != identity}, shared, f"{label}{DEEPER}")


def _are_scalars(values: list[Any]) -> bool:
    return all(not isinstance(one, (dict, list)) for one in values)


def _aligned(left: list[Any], right: list[Any], identity: str, both: bool) -> list[ComparedRow]:
    """Entries that stand for the same thing, side by side; ``identity`` is the key that says so, or nothing for plain values."""
    remaining = list(right)
    out = []
    for one in left:
        name = _name(one, identity)
        match = next((number for number, other in enumerate(remaining) if _name(other, identity) == name), None)
        other = remaining.pop(match) if match is not None else None
        if identity and isinstance(other, dict):
            out += _by_key(_without(one, identity), _without(other, identity), f"{name}{DEEPER}")
        else:
            out.append(_entry(one, other, identity, both))
    return out + [_entry(None, other, identity, both) for other in remaining]


def _entry(one: Any, other: Any, identity: str, both: bool) -> ComparedRow:
    if not identity:
        return _row("", one, other, both)
    label = _name(one if one is not None else other, identity)
    left, right = (_without(side, identity) if side is not None else None for side in (one, other))
    return _row(label, left, right, both)


def _name(entry: Any, identity: str) -> str:
    return text(entry[identity]) if identity else text(entry)


def _without(entry: dict[str, Any], identity: str) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != identity}


def _identity(entries: list[Any]) -> str | None:
    if not entries or not all(isinstance(one, dict) for one in entries):
        return None
    return next((key for key in IDENTITIES if all(one.get(key) not in (None, "") for one in entries)), None)


def _row(label: str, expected: Any, observed: Any, both: bool | None = None) -> ComparedRow:
    compare = both if both is not None else expected is not None and observed is not None
    left, right = text(expected), text(observed)
    if compare and left == right and expected != observed:
        left, right = f"{left} ({_kind(expected)})", f"{right} ({_kind(observed)})"
    return ComparedRow(label, left, right, (expected == observed) if compare else None)


def _kind(value: Any) -> str:
    kinds = {str: "text", bool: "yes or no", int: "number", float: "number", list: "list", dict: "object"}
    return kinds.get(type(value), "nothing")


def _cells(row: ComparedRow, label: int, left: int, right: int) -> Iterable[tuple[str, str, str]]:
    columns = (_wrapped(row.label, label), _wrapped(row.expected, left), _wrapped(row.observed, right))
    return zip_longest(*columns, fillvalue="")


def _wrapped(cell: str, width: int) -> list[str]:
    flat = cell.replace("\n", " ")
    return [flat[at : at + width] for at in range(0, len(flat), max(width, 1))] or [""]


def capital(sentence: str) -> str:
    """The sentence with a capital letter at its beginning."""
    return sentence[:1].upper() + sentence[1:]


def _shape(sentence: str) -> str:
    return re.sub(r"'[^']*'|\"[^\"]*\"|[\w.-]*\d[\w.-]*", "*", sentence)
