"""Differences of a catalog as a code review: per object the lines that were signed off and those that are there (checklist 2.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pytest_flexprice.evidence.records import FindingRecord
from pytest_flexprice.evidence.sidebyside import text

_CATALOG = re.compile(r"(features|plans|plans without key|addons|coupons|tax_rates|price_units|settings)\.")
_UNASKED = "although nobody signed it off"
_WHOLE = "the whole object"

Side = Literal["signed off", "found", "both"]
SIGNS: dict[Side, str] = {"signed off": "−", "found": "+", "both": "·"}


@dataclass(frozen=True)
class ReviewLine:
    """One line of a review, on the side where it stands; ``accepted`` where the plan accepts the difference."""

    side: Side
    text: str
    accepted: bool = False

    @property
    def sign(self) -> str:
        """What stands before it."""
        return SIGNS[self.side]


@dataclass(frozen=True)
class Reviewed:
    """One object of the catalog, by its path, and its lines."""

    path: str
    lines: list[ReviewLine]


@dataclass(frozen=True)
class Review:
    """All objects that differ, in the order of their paths."""

    objects: list[Reviewed]

    @property
    def words(self) -> str:
        """How much differs."""
        count = len(self.objects)
        return f"{count} {'object differs' if count == 1 else 'objects differ'} from what was signed off"


def read(expected: Any, observed: Any, findings: Sequence[FindingRecord]) -> Review | None:
    """The review of an observation that compares two catalogs; None where it compares something else, or nothing differs."""
    if expected is None or observed is None or not findings:
        return None
    if not all(_CATALOG.match(finding.path) for finding in findings):
        return None
    objects: dict[str, list[ReviewLine]] = {}
    for finding in findings:
        path, lines = _lines(finding)
        objects.setdefault(path, []).extend(lines)
    return Review([Reviewed(path, lines) for path, lines in sorted(objects.items())])


def _lines(finding: FindingRecord) -> tuple[str, Iterable[ReviewLine]]:
    accepted = finding.severity != "error"
    if finding.expected is not None and finding.observed is not None:
        path, _, name = finding.path.rpartition(".")
        return path, [
            ReviewLine("signed off", f"{name} = {text(finding.expected)}", accepted),
            ReviewLine("found", f"{name} = {text(finding.observed)}", accepted),
        ]
    if _UNASKED in finding.problem:
        return finding.path, [ReviewLine("found", _WHOLE, accepted)]
    if "is missing" in finding.problem:
        return finding.path, [ReviewLine("signed off", _WHOLE, accepted)]
    return finding.path, [ReviewLine("both", finding.problem, accepted)]
