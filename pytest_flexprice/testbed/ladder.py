"""The rungs of the smoke test, and what climbing one shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any, Generic, TypeVar

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


Found = TypeVar("Found")


@dataclass(frozen=True)
class Times:
    """When a rung was tried (aware, UTC), and whether it broke."""

    began: datetime
    ended: datetime
    broken: bool


@dataclass
class Climbed(Generic[Found]):
    """What climbing a rung showed: expected and observed side by side, findings, and what it found for the next rungs."""

    expected: Any = None
    observed: Any = None
    findings: list[Finding] = field(default_factory=list)
    data: Found | None = None

    @property
    def broken(self) -> bool:
        """Whether the ladder ends here."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def found(self) -> Found:
        """What the next rungs need.

        Raises:
            LookupError: it broke before it found that.
        """
        if self.data is None:
            raise LookupError("the rung broke, and left nothing for the next ones")
        return self.data
