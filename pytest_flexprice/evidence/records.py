"""What is recorded of a scenario: typed, redacted, and handed from worker to controller as one JSON string."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from pytest_flexprice.model.finding import Finding, plain

Outcome = Literal["passed", "attested", "failed", "not verified", "not decided", "not run"]
StepStatus = Literal["passed", "failed", "not verified", "not decided", "skipped"]

PROPERTY = "flexprice_scenario"
MOST_FINDINGS = 300
MOST_ENTRIES = 200
LONGEST_TEXT = 4000
# When a scenario ends in more than one way (its body and its teardown), the gravest counts.
GRAVITY: tuple[Outcome, ...] = ("passed", "attested", "not run", "not verified", "not decided", "failed")


class Record(BaseModel):
    """What all records share."""

    model_config = ConfigDict(extra="forbid")


class FindingRecord(Record):
    """A finding with its sentence."""

    item: str
    path: str
    problem: str
    expected: Any = None
    observed: Any = None
    consequence: str = ""
    remedy: str = ""
    severity: Literal["error", "warning", "info"] = "error"
    kind: str = "requirement not met"
    sentence: str = ""

    @classmethod
    def of(cls, finding: Finding, item: str) -> FindingRecord:
        """The record of a finding; ``item`` is where it belongs if it does not say."""
        row = finding.as_json()
        row["item"] = finding.item or item
        row.update(expected=trimmed(row["expected"]), observed=trimmed(row["observed"]))
        return cls(**row)


class StepRecord(Record):
    """One Gherkin step; a step that was not reached is ``skipped``. ``duration`` in seconds."""

    keyword: str
    name: str
    status: StepStatus = "skipped"
    duration: float = 0.0
    table: list[list[str]] | None = None
    text: str | None = None


class ObservationRecord(Record):
    """What a step saw: expected and observed side by side; ``findings`` are positions in the scenario's findings.

    ``facts`` are what is compared with the next run, by path; they go into the history and not into the document.
    """

    title: str
    at: datetime
    step: int | None = None
    expected: Any = None
    observed: Any = None
    findings: list[int] = []
    facts: dict[str, str] = {}


class WaitRecord(Record):
    """A wait for something to become true; times in seconds, ``met`` None while it lasts."""

    what: str
    seconds: float = 0.0
    deadline: float = 0.0
    attempts: int = 0
    met: bool | None = None


class ScenarioRecord(Record):
    """One scenario: where it belongs, what happened, what was seen.

    ``items`` are checklist ids, ``level`` the lowest run level that includes it. Outcome ``attested`` tells a person's word from
    what was seen, ``broken`` an error of the test itself from a requirement that is not met. ``exchanges`` counts requests to
    Flexprice, ``findings_total`` counts also findings that are not kept, times are UTC, durations in seconds. ``packaged`` tells
    the suite's own scenarios from a company's, ``example`` is the row of an outline, ``executions`` how often it was begun.
    """

    node_id: str
    name: str
    items: list[str]
    level: str = "lint"
    feature: str = ""
    feature_file: str = ""
    packaged: bool = False
    example: dict[str, str] = {}
    executions: int = 0
    outcome: Outcome = "not run"
    broken: bool = False
    message: str = ""
    steps: list[StepRecord] = []
    observations: list[ObservationRecord] = []
    findings: list[FindingRecord] = []
    findings_total: int = 0
    waits: list[WaitRecord] = []
    exchanges: int = 0
    started: datetime | None = None
    duration: float = 0.0
    worker: str = ""
    deselected: bool = False

    @property
    def errors(self) -> list[FindingRecord]:
        """The findings that turn it red."""
        return [finding for finding in self.findings if finding.severity == "error"]


class Reconciliation(Record):
    """What pytest collected to run against what reported: ``missing`` are the node ids that never did."""

    collected: int = 0
    reported: int = 0
    missing: list[str] = []


def graver(one: Outcome, other: Outcome) -> Outcome:
    """The one that counts."""
    return max(one, other, key=GRAVITY.index)


def trimmed(value: Any) -> Any:
    """JSON-ready, and short enough to be read and attached: long lists and texts end with a note saying how much is left out."""
    return _trim(plain(value), 0)


def _trim(value: Any, depth: int) -> Any:
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        return f"{value[:LONGEST_TEXT]}… ({len(value) - LONGEST_TEXT} more characters)"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        return str(value)
    if depth > 8:
        return value if not isinstance(value, (dict, list)) else "…"
    if isinstance(value, dict):
        kept = {key: _trim(one, depth + 1) for key, one in list(value.items())[:MOST_ENTRIES]}
        return kept | ({"…": f"{len(value) - MOST_ENTRIES} more"} if len(value) > MOST_ENTRIES else {})
    if isinstance(value, list):
        rows = [_trim(one, depth + 1) for one in value[:MOST_ENTRIES]]
        return rows + ([f"… {len(value) - MOST_ENTRIES} more"] if len(value) > MOST_ENTRIES else [])
    return value
