"""What a step observes, kept in the record of its scenario: redacted, shortened, and each finding once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

import pytest

from pytest_flexprice.evidence.facts import flat
from pytest_flexprice.evidence.records import MOST_FINDINGS, FindingRecord, ObservationRecord, ScenarioRecord, trimmed
from pytest_flexprice.evidence.redaction import Redactor
from pytest_flexprice.model.finding import Finding

NO_FACTS: Mapping[str, Any] = {}


class Observer(Protocol):
    """Whoever knows which scenario is running."""

    def observation(
        self,
        node: pytest.Item,
        title: str,
        *,
        expected: Any = None,
        observed: Any = None,
        findings: Iterable[Finding] = (),
        facts: Mapping[str, Any] = NO_FACTS,
    ) -> None:
        """Keep one observation of a running scenario."""


class Observe:
    """The ``observe`` fixture: notes what a step saw, expected and observed side by side."""

    def __init__(self, recorder: Observer, node: pytest.Item) -> None:
        self._recorder = recorder
        self._node = node

    def __call__(
        self,
        title: str,
        *,
        expected: Any = None,
        observed: Any = None,
        findings: Iterable[Finding] = (),
        facts: Mapping[str, Any] = NO_FACTS,
    ) -> None:
        """Note one observation. Values may be any data; they are redacted and shortened before they are kept.

        ``facts`` are compared with those of the next run under this title: give what changes only when the environment does.
        """
        self._recorder.observation(
            self._node, title, expected=expected, observed=observed, findings=list(findings), facts=facts
        )


class Keeping:
    """Adds observations and findings to records; a finding that is told again is kept once."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._known: dict[str, dict[tuple[str, ...], int | None]] = {}

    def observation(
        self,
        record: ScenarioRecord,
        title: str,
        *,
        expected: Any,
        observed: Any,
        findings: list[Finding],
        facts: Mapping[str, Any],
        at: datetime,
        step: int | None,
    ) -> ObservationRecord:
        """Keep one observation, made at that time in the step of that number."""
        observation = ObservationRecord(
            title=self._redactor.text(title),
            at=at,
            step=step,
            expected=self._clean(expected),
            observed=self._clean(observed),
            findings=self.findings(record, findings),
            facts=self._redactor.data(flat(facts)),
        )
        record.observations.append(observation)
        return observation

    def findings(self, record: ScenarioRecord, findings: list[Finding]) -> list[int]:
        """Add findings that are new to the record; gives the positions of those that it holds."""
        known = self._known.setdefault(record.node_id, {})
        for finding in findings:
            if _key(finding) in known:
                continue
            record.findings_total += 1
            known[_key(finding)] = len(record.findings) if len(record.findings) < MOST_FINDINGS else None
            if known[_key(finding)] is not None:
                row = FindingRecord.of(finding, record.items[0])
                record.findings.append(FindingRecord(**self._finding(row)))
        return [at for at in (known[_key(finding)] for finding in findings) if at is not None]

    def forget(self, record: ScenarioRecord) -> None:
        """The record has been handed over."""
        self._known.pop(record.node_id, None)

    def _clean(self, value: Any) -> Any:
        return self._redactor.data(trimmed(value))

    def _finding(self, row: FindingRecord) -> dict[str, Any]:
        told = row.model_dump()
        values = {name: self._redactor.data(told.pop(name)) for name in ("expected", "observed")}
        return {**self._redactor.record(told), **values}


def _key(finding: Finding) -> tuple[str, ...]:
    return finding.item, finding.path, finding.sentence, finding.severity.value
