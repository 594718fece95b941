"""The plugin that makes a verdict and evidence of a run, in the process that sees all of it.

That is pytest's only process, or xdist's controller. It needs a ``ScenarioRecorder`` in every process that runs scenarios.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_flexprice.evidence import allure_report, sealed
from pytest_flexprice.evidence.attestation import KeyRefused, signing_key
from pytest_flexprice.evidence.bundle import Bundle, EvidenceLeak
from pytest_flexprice.evidence.context import RunContext, unwritten
from pytest_flexprice.evidence.gathering import Gathering, read_catalog
from pytest_flexprice.evidence.headline import EXIT_FAILED
from pytest_flexprice.evidence.history import Baseline, BaselineError, given_baseline
from pytest_flexprice.evidence.judged import Verdict
from pytest_flexprice.evidence.recorder import SECRETS, ScenarioRecorder, utc_now
from pytest_flexprice.evidence.scenarios import one_line
from pytest_flexprice.evidence.sealed import unseal
from pytest_flexprice.evidence.terminal import print_verdict
from pytest_flexprice.evidence.verdict import judge, unfinished
from pytest_flexprice.evidence.waiting import LiveLines
from pytest_flexprice.model.checklist import ITEMS

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner

PLUGIN = pytest.StashKey["EvidencePlugin"]()
_OURS_TO_DECIDE = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)


def _signing_key() -> CryptoSigner | None:
    try:
        return signing_key(os.environ)
    except KeyRefused as reason:
        raise pytest.UsageError(str(reason)) from None


def _baseline(config: pytest.Config) -> Baseline | None:
    given = config.getoption("flexprice_baseline", None)
    try:
        return given_baseline(Path(given)) if given else None
    except BaselineError as reason:
        raise pytest.UsageError(str(reason)) from None


def _require_allure(config: pytest.Config) -> None:
    try:
        allure_report.require(config.getoption("flexprice_allure", None) or "auto")
    except allure_report.AllureMissing as reason:
        raise pytest.UsageError(str(reason)) from None


class EvidencePlugin:
    """Gathers records, judges, writes the evidence folder, sets the exit code, and prints the closing table."""

    def __init__(self, config: pytest.Config, context: RunContext, recorder: ScenarioRecorder | None = None) -> None:
        self.config = config
        self.context = context
        self.recorder = recorder
        self.signing_key = _signing_key()
        self.baseline = _baseline(config)
        _require_allure(config)
        self.gathering = Gathering(context.written, context.redactor.values)
        self.verdict: Verdict | None = None
        self.bundle: Bundle | None = None
        self.trouble = ""
        self._live: LiveLines | None = None
        #: The exit code that the run came to, once it has.
        self.decided: int | None = None
        self._process = os.getpid()
        config.stash[PLUGIN] = self
        config.add_cleanup(sealed.begin())

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """From the first second there is a verdict on disk: a process that vanishes leaves *incomplete*, not nothing."""
        if not self.config.option.collectonly:
            self.bundle = self._new_bundle()
            try:
                self.bundle.begin(unfinished(self.context.level))
            except OSError as error:
                raise pytest.UsageError(unwritten(self.context.folder, error)) from None

    def _new_bundle(self) -> Bundle:
        return Bundle(self.config, self.context, self.signing_key, self.baseline)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that could not be collected is a failure of this run."""
        self.gathering.uncollected(report)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """What is going to be run in this process."""
        self.gathering.collected(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self) -> None:
        """Workers start: from now on they may have something to wait for."""
        reporter: Any = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and reporter.isatty:
            self._live = LiveLines(reporter, self.context.folder)
            self._live.start()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """What is going to be run in the workers."""
        self.gathering.collected(ids)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker's secrets, so that the final scan looks for them too."""
        told = unseal(getattr(node, "workeroutput", {}).get(SECRETS, ""))
        for secret in json.loads(told) if told else ():
            self.context.redactor.add(secret)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of one test is over."""
        self.gathering.report(report)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """After everybody has tidied up: judge, write, decide the exit code."""
        try:
            yield
        finally:
            # A child that a step forked, and that goes on as if it were the run, has nothing to conclude.
            if os.getpid() == self._process:
                self._finish(session)

    def _finish(self, session: pytest.Session) -> None:
        if self._live is not None:
            self._live.stop()
        # A refused run has nothing to show: its one sentence is the whole message.
        if self.config.option.collectonly:
            return
        if session.exitstatus == pytest.ExitCode.USAGE_ERROR:
            if self.bundle is not None:
                self.bundle.withdraw()
            return
        self._conclude(session)

    def _conclude(self, session: pytest.Session) -> None:
        catalog = read_catalog(self.context.folder)
        scenarios = self.gathering.reconcile(catalog, self.context.level)
        leftovers = [self.context.redactor.text(sentence) for sentence in self._leftovers()]
        self.verdict = judge(
            ITEMS,
            scenarios,
            level=self.context.level,
            today=self.context.today,
            plan=self.context.plan,
            environment=self.context.environment,
            rehearsal=self.context.rehearsal,
            leftovers=leftovers,
            others_failed=len(self.gathering.unknown(catalog)),
            untold=self.gathering.disagreements(scenarios, session.testsfailed),
        )
        # 2 to 5 are pytest's own: interrupted, internal error, usage, nothing collected.
        if session.exitstatus in _OURS_TO_DECIDE:
            session.exitstatus = self.verdict.exit_code
        self.bundle = self.bundle or self._new_bundle()
        try:
            self.bundle.write(self.verdict, scenarios, self.gathering, utc_now())
        except EvidenceLeak as leak:
            self.trouble = str(leak)
            if session.exitstatus in (pytest.ExitCode.OK, *range(6, 8)):
                session.exitstatus = EXIT_FAILED
        except OSError as error:
            self.trouble = unwritten(self.context.folder, error)
            if session.exitstatus in (pytest.ExitCode.OK, *range(6, 8)):
                session.exitstatus = EXIT_FAILED
        self.decided = int(session.exitstatus)

    def _leftovers(self) -> Sequence[str]:
        try:
            return self.context.leftovers()
        except Exception as error:
            # Whatever went wrong: as long as nobody has looked, nobody may say that nothing is left.
            return [f"what this run made could not be read back at its end: {one_line(error)}"]

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The closing table, the verdict, and where the evidence lies."""
        if self.verdict is not None and self.bundle is not None:
            print_verdict(terminalreporter, self.verdict, self.bundle, self.trouble, self.context.warnings)
