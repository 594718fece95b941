"""The rungs of the smoke test, and what climbing one shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from pytest_flexprice.model.finding import Finding, Severity


class Rung(IntEnum):
    """The rungs in the order in which they are climbed."""

    SUBSCRIBED = 1
    ACCEPTED = 2
    LANDED = 3
    MISMATCHED = 4
    METERED = 5
    REPEATED = 6
    NEIGHBOUR = 7
    PREVIEWED = 8
    DRAFTED = 9
    FINALIZED = 10
    PROVED = 11

    @property
    def needs(self) -> tuple[Rung, ...]:
        """The rungs below it, in the order in which they are climbed; prices are proved beside the invoice, not above it."""
        beside = (Rung.DRAFTED, Rung.FINALIZED) if self is Rung.PROVED else ()
        return tuple(rung for rung in Rung if rung < self and rung not in beside)

    @property
    def words(self) -> str:
        """The rung as a person calls it."""
        return _WORDS[self]


_WORDS = {
    Rung.SUBSCRIBED: "the test customer's subscription (7.1)",
    Rung.ACCEPTED: "sending the test events (7.1)",
    Rung.LANDED: "the test events in the Event Debugger (3.2)",
    Rung.MISMATCHED: "the mistyped control event (3.3)",
    Rung.METERED: "the metered usage (7.2)",
    Rung.REPEATED: "the event sent twice (7.2)",
    Rung.NEIGHBOUR: "the neighbour's usage (7.2)",
    Rung.PREVIEWED: "the preview of the invoice (5.3)",
    Rung.DRAFTED: "the draft invoice (7.3)",
    Rung.FINALIZED: "the finalized invoice (7.3)",
    Rung.PROVED: "the price proof (5.3)",
}


@dataclass
class Climbed:
    """What climbing a rung showed: expected and observed side by side, findings, and whatever the next rungs need."""

    expected: Any = None
    observed: Any = None
    findings: list[Finding] = field(default_factory=list)
    data: Any = None

    @property
    def broken(self) -> bool:
        """Whether the ladder ends here."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)
