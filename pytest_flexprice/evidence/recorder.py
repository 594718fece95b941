"""Records what happens in a scenario, in every process that runs scenarios, and hands it over with pytest's own reports.

A record leaves with the report of the scenario's teardown, as one JSON string in ``report.user_properties``: that works under
xdist and in JUnit files, and what never arrives was never finished.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_flexprice.evidence.allure_files import default_folder
from pytest_flexprice.evidence.carrying import Carrying
from pytest_flexprice.evidence.execution import ending
from pytest_flexprice.evidence.gathering import write_catalog
from pytest_flexprice.evidence.keeping import NO_FACTS, Keeping, Observe
from pytest_flexprice.evidence.longrepr import redact_report
from pytest_flexprice.evidence.no_secrets import NoSecrets
from pytest_flexprice.evidence.records import (
    PROPERTY,
    ObservationRecord,
    ScenarioRecord,
    StepRecord,
    StepStatus,
    WaitRecord,
    graver,
)
from pytest_flexprice.evidence.redaction import Redactor
from pytest_flexprice.evidence.scenarios import describe, in_sentences, one_line, outcome_of, step_record, step_status
from pytest_flexprice.evidence.sealed import seal, signed
from pytest_flexprice.evidence.selection import left_out
from pytest_flexprice.evidence.waiting import WaitingBoard
from pytest_flexprice.model.finding import Finding, NotVerified, RequirementNotMet

RECORDER = pytest.StashKey["ScenarioRecorder"]()
SECRETS = "flexprice_secrets"


def utc_now() -> datetime:
    """The current time, aware, UTC."""
    return datetime.now(UTC)


class ScenarioRecorder:
    """The plugin that records scenarios in a process; ``worker`` is ``main`` or xdist's ``gw0``, ``folder`` the run's evidence folder,
    ``arguments`` those of the command line (in a worker: the controller's)."""

    def __init__(
        self,
        config: pytest.Config,
        redactor: Redactor,
        folder: Path,
        worker: str = "main",
        *,
        rehearsal: bool = False,
        packaged: Path | None = None,
        arguments: Sequence[str] | None = None,
    ) -> None:
        self.config = config
        self.redactor = redactor
        self.folder = folder
        self.worker = worker
        self.rehearsal = rehearsal
        self.packaged = packaged
        self.arguments = config.invocation_params.args if arguments is None else arguments
        self.observed: list[Callable[[ScenarioRecord, ObservationRecord], None]] = []
        self.waiting = WaitingBoard(config, folder, worker)
        self._catalog: dict[str, ScenarioRecord] = {}
        self._records: dict[str, ScenarioRecord] = {}
        self._reports: dict[str, list[pytest.TestReport]] = {}
        self._reached: dict[str, int] = {}
        self._begun: Counter[str] = Counter()
        self._calling = ""
        self._kept = Keeping(redactor)
        self._step_started = 0.0
        config.stash[RECORDER] = self
        default_folder(config, folder)
        self._carrying = Carrying()
        for part in (self._carrying, NoSecrets(config, redactor)):
            config.pluginmanager.register(part)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Show scenarios in Allure, where it is loaded and writes; it is configured by now."""
        if getattr(self.config.option, "allure_report_dir", None) and self.config.pluginmanager.has_plugin(
            "allure_listener"
        ):
            from pytest_flexprice.evidence.allure_bridge import attach  # noqa: PLC0415 - allure stays optional

            attach(self.config, self)

    def observer(self, node: pytest.Item) -> Observe:
        """The ``observe`` of one scenario."""
        return Observe(self, node)

    def record(self, node_id: str) -> ScenarioRecord | None:
        """The record of the scenario that is running under this node id."""
        return self._records.get(node_id)

    # What there is to run

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tell the controller what belongs to the run, through a file: a worker that crashes can tell nothing later."""
        for item in session.items:
            self._note(item)
        if self._catalog and not self.config.option.collectonly:
            write_catalog(self.folder, self.worker, self._catalog.values())

    def pytest_deselected(self, items: Iterable[pytest.Item]) -> None:
        """A scenario that was left out is told too: it has not been run."""
        chosen, why = left_out(self.config.option, self.arguments)
        for item in items:
            self._note(item, deselected=chosen, why=why)

    def _note(self, item: pytest.Item, deselected: bool = False, why: str = "") -> None:
        record = describe(item, self.packaged)
        if record is not None:
            record = ScenarioRecord(**self.redactor.record(record.model_dump()))
            record.deselected, record.message = deselected, why
            self._catalog[item.nodeid] = record

    # What a scenario does

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, None, None]:
        """A new scenario begins, before anybody may keep it back; nothing has been reached yet."""
        known = self._catalog.get(item.nodeid) or describe(item, self.packaged)
        if known is not None:
            self._begun[item.nodeid] += 1
            record = known.model_copy(deep=True)
            record.started, record.worker, record.executions = utc_now(), self.worker, self._begun[item.nodeid]
            self._records[item.nodeid], self._reports[item.nodeid], self._reached[item.nodeid] = record, [], 0
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Only what happens from here on carries the scenario out."""
        self._calling = item.nodeid
        try:
            return (yield)
        finally:
            self._calling = ""

    def pytest_bdd_before_scenario(self, request: pytest.FixtureRequest, scenario: Any) -> None:
        """The steps as they will be shown, with the values of this example."""
        record = self._records.get(request.node.nodeid)
        if record is not None:
            record.name = scenario.name
            record.steps = [step_record(step) for step in scenario.steps]

    @pytest.hookimpl(tryfirst=True)
    def pytest_bdd_before_step(self, request: pytest.FixtureRequest) -> None:
        """A step is reached."""
        self._step_started = time.monotonic()
        if request.node.nodeid in self._reached and request.node.nodeid == self._calling:
            self._reached[request.node.nodeid] += 1

    def pytest_bdd_after_step(self, request: pytest.FixtureRequest) -> None:
        """A step holds, if it was carried out."""
        if self._carrying.carried_out(request.node, self._reached.get(request.node.nodeid, 0)):
            self._close_step(request.node.nodeid, "passed")

    def pytest_bdd_step_error(self, request: pytest.FixtureRequest, exception: BaseException) -> None:
        """A step does not hold, or could not find out."""
        self._close_step(request.node.nodeid, step_status(exception))
        record = self._records.get(request.node.nodeid)
        # A refusal for lack of permission is told by item 1.2: the gate makes a skip of it, and that is what is noted.
        forbidden = any(getattr(each, "forbidden", False) for each in (exception, exception.__cause__))
        if record is not None and not forbidden:
            # Whatever becomes of the exception on its way to pytest: it was raised.
            self._note_error(record, exception, "call")

    def pytest_bdd_step_func_lookup_error(self, request: pytest.FixtureRequest) -> None:
        """A sentence that nothing implements is a failure."""
        self.pytest_bdd_before_step(request)
        self._close_step(request.node.nodeid, "failed")

    def _close_step(self, node_id: str, status: StepStatus) -> None:
        step = self._step(node_id)
        if step is not None:
            step.status, step.duration = status, round(time.monotonic() - self._step_started, 3)
        self._note_waits(node_id, met=status == "passed")

    def waited(self, wait: WaitRecord) -> None:
        """Keep how a wait of the running scenario ended, for whoever knows it exactly; without this the polls tell it."""
        self.waiting.ended(wait)

    def _note_waits(self, node_id: str, met: bool) -> None:
        record, waits = self._records.get(node_id), self.waiting.take(met=met)
        if record is not None:
            record.waits += [WaitRecord(**self.redactor.record(wait.model_dump())) for wait in waits]

    def _step(self, node_id: str) -> StepRecord | None:
        record, number = self._records.get(node_id), self._reached.get(node_id, 0)
        return record.steps[number - 1] if record is not None and 0 < number <= len(record.steps) else None

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
        """Keep one observation of a running scenario, and tell whoever shows observations."""
        record = self._records.get(node.nodeid)
        if record is None:
            return
        number = self._reached.get(node.nodeid, 0)
        observation = self._kept.observation(
            record,
            title,
            expected=expected,
            observed=observed,
            findings=list(findings),
            facts=facts,
            at=utc_now(),
            step=number - 1 if number else None,
        )
        for told in self.observed:
            told(record, observation)

    # How it ended

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """The innermost wrapper: whoever reads the report after it sees no secret."""
        report = yield
        record = self._records.get(item.nodeid)
        if record is not None:
            self._reports[item.nodeid].append(report)
            if call.excinfo is not None:
                self._ended(record, item.nodeid, report, call.excinfo)
        redact_report(report, self.redactor)
        if record is not None and report.when == "teardown":
            self._hand_over(record, report)
        return report

    def _ended(
        self, record: ScenarioRecord, node_id: str, report: pytest.TestReport, excinfo: pytest.ExceptionInfo[Any]
    ) -> None:
        error = excinfo.value
        outcome = outcome_of(error)
        self._note_error(record, error, report.when or "")
        step = self._step(node_id)
        if isinstance(error, (RequirementNotMet, NotVerified)):
            self._kept.findings(record, list(error.findings))
            report.longrepr = in_sentences(record, step, report.when or "", error.findings)
        if report.when == "call" and step is not None and step.status == "skipped" and outcome != "not run":
            self._close_step(node_id, step_status(error))

    def _note_error(self, record: ScenarioRecord, error: BaseException, when: str) -> None:
        """Keep the gravest of what was raised; a message tells that something was."""
        outcome = outcome_of(error)
        in_other_words = isinstance(error.__context__, pytest.FixtureLookupError)
        if record.message and graver(record.outcome, outcome) == record.outcome and not in_other_words:
            return
        record.outcome = outcome
        record.message = self.redactor.text(one_line(error, when)) or "It ended without a word."
        record.broken = outcome == "failed" and not isinstance(error, (AssertionError, pytest.fail.Exception))
        if record.broken:
            record.message = f"The scenario itself broke: {record.message}"

    def _hand_over(self, record: ScenarioRecord, report: pytest.TestReport) -> None:
        reports = self._reports.pop(report.nodeid, [])
        if not record.message or any(hasattr(each, "wasxfail") for each in reports):
            written = self._catalog.get(report.nodeid, record).steps
            record.outcome, record.message = ending(record, len(written), reports)
            if record.outcome == "passed" and record.errors:  # a step saw it, and whoever should have raised it did not
                record.outcome, record.message = "failed", record.errors[0].sentence
        self._note_waits(report.nodeid, met=record.outcome == "passed")
        record.duration = round(sum(each.duration for each in reports), 3)
        clean = self.redactor.record(record.model_dump(mode="json"))
        report.user_properties.append((PROPERTY, signed(json.dumps(clean, ensure_ascii=False))))
        self._records.pop(report.nodeid, None)
        self._reached.pop(report.nodeid, None)
        self._kept.forget(record)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Tell the controller, sealed, which secrets the final scan has to look for."""
        workeroutput = getattr(self.config, "workeroutput", None)
        if workeroutput is not None:
            workeroutput[SECRETS] = seal(json.dumps(self.redactor.secrets))
