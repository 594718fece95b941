"""The controller's side of recording: what was collected, what arrived, and what never did."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from pytest_flexprice.evidence.context import unwritten
from pytest_flexprice.evidence.execution import repeated
from pytest_flexprice.evidence.records import PROPERTY, Reconciliation, ScenarioRecord
from pytest_flexprice.evidence.sealed import original, signed
from pytest_flexprice.evidence.written import never_collected
from pytest_flexprice.model.checklist import BY_ID, Level


class Gathering:
    """Gathers records from reports and reconciles them, node id by node id, with what was collected."""

    def __init__(self, written: Sequence[ScenarioRecord] = (), clean: Callable[[str], str] = str) -> None:
        self._written = written
        self._clean = clean
        self._arrived: dict[str, ScenarioRecord] = {}
        self._crashed: dict[str, str] = {}
        self._failed: set[str] = set()
        self._failures = 0
        self._uncollected: set[str] = set()
        self._collected: set[str] = set()
        self._reported: set[str] = set()

    def collected(self, node_ids: Iterable[str]) -> None:
        """These node ids are going to be run."""
        self._collected.update(map(self._clean, node_ids))

    def report(self, report: pytest.TestReport) -> None:
        """One report of a phase; the record comes with the last one."""
        node_id = self._clean(report.nodeid)
        if report.when not in ("setup", "call"):
            self._reported.add(node_id)
        if report.failed and not hasattr(report, "wasxfail"):
            self._failed.add(node_id)
            self._failures += 1
        if report.when not in ("setup", "call", "teardown"):
            # xdist's own report about a worker that is no more.
            self._crashed[node_id] = "Its worker crashed while it ran."
            return
        for name, value in report.user_properties:
            if name == PROPERTY and isinstance(value, str):
                self._arrive_signed(node_id, value)

    def uncollected(self, report: pytest.CollectReport) -> None:
        """Something could not be collected, so nobody knows what it would have told."""
        if report.failed:
            self._uncollected.add(report.nodeid)
            self._failures += 1

    def _arrive_signed(self, node_id: str, value: str) -> None:
        try:
            self._arrive(ScenarioRecord.model_validate_json(original(value)))
        except ValueError:
            self._crashed[node_id] = "Its record was changed on its way here, so nothing is known of it."

    def _arrive(self, record: ScenarioRecord) -> None:
        known = self._arrived.get(record.node_id)
        if known is not None:
            record.executions += known.executions
        self._arrived[record.node_id] = record

    def reconcile(self, catalog: dict[str, ScenarioRecord], level: Level) -> list[ScenarioRecord]:
        """Every scenario of the run, in the order of the checklist: what arrived, and what did not as *not run*."""
        rows = [self._ended(node_id) or self._missing(record, level) for node_id, record in catalog.items()]
        rows += [self._missing(record, level) for record in never_collected(self._written, catalog.values())]
        rows = repeated(rows)
        numbers = list(BY_ID)
        return sorted(rows, key=lambda record: (numbers.index(record.items[0]), record.node_id))

    def _ended(self, node_id: str) -> ScenarioRecord | None:
        record = self._arrived.get(node_id)
        if record is not None and node_id in self._crashed:
            record = record.model_copy(update={"executions": record.executions + 1})
        return record

    def unknown(self, catalog: dict[str, ScenarioRecord]) -> list[str]:
        """Node ids that were to be run and of which nothing is known but their failure: tests that prove no item."""
        return sorted(self._uncollected | {node_id for node_id in self._failed if node_id not in catalog})

    def disagreements(self, scenarios: Iterable[ScenarioRecord], counted: int) -> int:
        """How many failures pytest counts (``counted`` of them) that no record tells of."""
        held = {record.node_id for record in scenarios if record.outcome in ("passed", "attested", "not run")}
        untold = len(self._failed & held - self._crashed.keys())
        return untold + max(counted - self._failures, 0)

    def reconciliation(self) -> Reconciliation:
        """How many tests were collected, how many reported, and which never did."""
        missing = sorted(self._collected - self._reported)
        reported = len(self._collected & self._reported)
        return Reconciliation(collected=len(self._collected), reported=reported, missing=missing)

    def _ended_early(self) -> str:
        """Why a scenario never ran of which nothing else is known."""
        if self._uncollected and not self._arrived:
            return f"Nothing was run, because {min(self._uncollected)} could not be collected."
        return "The run ended before it was reached."

    def crashed(self) -> dict[str, str]:
        """Node ids whose worker crashed, with the reason."""
        return dict(self._crashed)

    def _missing(self, record: ScenarioRecord, level: Level) -> ScenarioRecord:
        reason = self._crashed.get(record.node_id) or record.message or self._ended_early()
        if Level.parse(record.level) > level:
            reason = f"Needs level {record.level}; this run went up to {level.word}."
        elif record.deselected:
            reason = "Left out by the selection of this run."
        return record.model_copy(update={"outcome": "not run", "message": reason})


def write_catalog(folder: Path, worker: str, catalog: Iterable[ScenarioRecord]) -> None:
    """Leave what a process collected for ``read_catalog``.

    Raises:
        pytest.UsageError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = signed(json.dumps([record.model_dump(mode="json") for record in catalog]))
        (folder / f"collected-{worker}.json").write_text(text, encoding="utf-8")
    except OSError as error:
        raise pytest.UsageError(unwritten(folder, error)) from None


def read_catalog(folder: Path) -> dict[str, ScenarioRecord]:
    """What the processes of the run said they had collected; their files are removed.

    A scenario counts as left out only if every process that knows it left it out; a file that a killed process left unfinished is
    passed over, its scenarios are missed elsewhere.
    """
    catalog: dict[str, ScenarioRecord] = {}
    for path in sorted(folder.glob("collected-*.json")):
        for record in _rows(path):
            known = catalog.get(record.node_id)
            if known is None or (_left_out(known) and not _left_out(record)):
                catalog[record.node_id] = record
        with suppress(OSError):  # a disk that nobody may write to any more
            path.unlink()
    return catalog


def _rows(path: Path) -> list[ScenarioRecord]:
    try:
        return [ScenarioRecord.model_validate(row) for row in json.loads(original(path.read_text(encoding="utf-8")))]
    except (OSError, ValueError):
        return []


def _left_out(record: ScenarioRecord) -> bool:
    return record.deselected or bool(record.message)
