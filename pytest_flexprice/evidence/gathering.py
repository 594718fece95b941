"""The controller's side of recording: what was collected, what arrived, and what never did."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from pytest_flexprice.evidence.records import PROPERTY, Reconciliation, ScenarioRecord, plain_id
from pytest_flexprice.model.checklist import BY_ID, Level


class Gathering:
    """Gathers records from reports and reconciles them, node id by node id, with what was collected."""

    def __init__(self) -> None:
        self._arrived: dict[str, ScenarioRecord] = {}
        self._crashed: dict[str, str] = {}
        self._failed: set[str] = set()
        self._collected: set[str] = set()
        self._reported: set[str] = set()

    def collected(self, node_ids: Iterable[str]) -> None:
        """These node ids are going to be run."""
        self._collected.update(map(plain_id, node_ids))

    def report(self, report: pytest.TestReport) -> None:
        """One report of a phase; the record comes with the last one."""
        node_id = plain_id(report.nodeid)
        if report.when not in ("setup", "call"):
            self._reported.add(node_id)
        if report.failed:
            self._failed.add(node_id)
        if report.when not in ("setup", "call", "teardown"):
            # xdist's own report about a worker that is no more.
            self._crashed[node_id] = "Its worker crashed while it ran."
            return
        for name, value in report.user_properties:
            if name == PROPERTY and isinstance(value, str):
                self._arrived[node_id] = ScenarioRecord.model_validate_json(value)

    def reconcile(self, catalog: dict[str, ScenarioRecord], level: Level) -> list[ScenarioRecord]:
        """Every scenario of the run, in the order of the checklist: what arrived, and what did not as *not run*."""
        rows = [self._arrived.get(node_id) or self._missing(record, level) for node_id, record in catalog.items()]
        numbers = list(BY_ID)
        return sorted(rows, key=lambda record: (numbers.index(record.items[0]), record.node_id))

    def unknown(self, catalog: dict[str, ScenarioRecord]) -> list[str]:
        """Node ids that were to be run and of which nothing is known but their failure: tests that prove no item."""
        return sorted(node_id for node_id in self._failed if node_id not in catalog)

    def reconciliation(self) -> Reconciliation:
        """How many tests were collected, how many reported, and which never did."""
        missing = sorted(self._collected - self._reported)
        reported = len(self._collected & self._reported)
        return Reconciliation(collected=len(self._collected), reported=reported, missing=missing)

    def crashed(self) -> dict[str, str]:
        """Node ids whose worker crashed, with the reason."""
        return dict(self._crashed)

    def _missing(self, record: ScenarioRecord, level: Level) -> ScenarioRecord:
        reason = self._crashed.get(record.node_id, "The run ended before it was reached.")
        if Level.parse(record.level) > level:
            reason = f"Needs level {record.level}; this run went up to {level.word}."
        elif record.deselected:
            reason = "Left out by the selection of this run."
        return record.model_copy(update={"outcome": "not run", "message": reason})


def read_catalog(folder: Path) -> dict[str, ScenarioRecord]:
    """What the processes of the run said they had collected; their files are removed.

    A scenario counts as left out only if every process that knows it left it out.
    """
    catalog: dict[str, ScenarioRecord] = {}
    for path in sorted(folder.glob("collected-*.json")):
        for row in json.loads(path.read_text(encoding="utf-8")):
            record = ScenarioRecord.model_validate(row)
            known = catalog.get(record.node_id)
            if known is None or (known.deselected and not record.deselected):
                catalog[record.node_id] = record
        path.unlink()
    return catalog
