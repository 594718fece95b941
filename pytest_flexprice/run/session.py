"""A run's life between pytest's hooks: plugins registered, features guarded, workers joined, everything closed."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from pytest_flexprice.api import ApiError
from pytest_flexprice.evidence.context import HeaderRow, RunContext
from pytest_flexprice.evidence.recorder import ScenarioRecorder
from pytest_flexprice.evidence.records import ScenarioRecord
from pytest_flexprice.evidence.sealed import seal
from pytest_flexprice.evidence.statements import waiver_for
from pytest_flexprice.evidence.streams import clean_crash, clean_refusal
from pytest_flexprice.evidence.written import FeatureError, expected, features_folder
from pytest_flexprice.model.checklist import BY_TAG, Level
from pytest_flexprice.model.finding import NotVerified, RequirementNotMet
from pytest_flexprice.run import collector as features
from pytest_flexprice.run import overridden, own_code, preflight, refusing, run
from pytest_flexprice.run.gating import Gate
from pytest_flexprice.run.interruption import Interruption, sweep_command
from pytest_flexprice.run.last_word import VANISHING
from pytest_flexprice.run.run import HANDOVER, RUN, Run
from pytest_flexprice.run.suite import register_suite
from pytest_flexprice.run.vanishing import Vanishing

PARTS = ("flexprice-recorder", "flexprice-evidence", "flexprice-suite", "flexprice-gate")


def configure(config: pytest.Config, name: str) -> None:
    """Start the run, or its part in a worker.

    Raises:
        pytest.UsageError: it cannot start; one sentence says why.
    """
    this = run.begin(config, name)
    config.stash[RUN] = this
    clean_crash(this.redactor)
    _refuse_blocked(config)
    _refuse_hidden_listing(config)
    refusing.without_assertions()
    refusing.reruns(config, this.profile.level)
    if getattr(config.option, "numprocesses", None) and config.option.dist in ("no", "load"):
        config.option.dist = "loadgroup"
    recorder = ScenarioRecorder(
        config,
        this.redactor,
        this.folder,
        this.worker,
        rehearsal=this.profile.rehearsal,
        packaged=features_folder(),
        arguments=this.arguments,
    )
    config.pluginmanager.register(recorder, "flexprice-recorder")
    if not hasattr(config, "workerinput"):
        interruption = Interruption(this)
        interruption.install()
        this.closers.append(interruption.remove)
        if VANISHING not in config.stash:  # pytest is called by another program, which may leave as it wants afterwards
            vanishing = Vanishing()
            vanishing.install()
            this.closers.append(vanishing.remove)
        _register_evidence(config, this)
    register_suite(config)
    config.pluginmanager.register(SuiteHooks(this), "flexprice-suite")
    config.pluginmanager.register(Gate(this), "flexprice-gate")


def unconfigure(config: pytest.Config) -> None:
    """Close what the run opened."""
    this = config.stash.get(RUN, None)
    if this is not None:
        clean_refusal(this.redactor)
        this.close()


def hand_over(node: Any) -> None:
    """Give a worker what it needs to join this run."""
    node.workerinput[HANDOVER] = seal(json.dumps(node.config.stash[RUN].handover))


def _refuse_blocked(config: pytest.Config) -> None:
    blocked = [name for name in (*PARTS, "pytest-bdd") if config.pluginmanager.is_blocked(name)]
    if blocked:
        raise pytest.UsageError(
            f"-p no:{blocked[0]} would leave this run without its verdict; leave it out, or switch the whole plugin off "
            "with -p no:flexprice"
        )


def _refuse_hidden_listing(config: pytest.Config) -> None:
    """Listing scenarios is asked for by hand; from a variable or the ini file it would let CI be green with nothing carried out."""
    said = any(argument == "--co" or argument.startswith("--collect") for argument in config.invocation_params.args)
    if config.option.collectonly and not said and not hasattr(config, "workerinput"):
        raise pytest.UsageError(
            "--collect-only from PYTEST_ADDOPTS or the ini file would list the scenarios and carry none of them out; "
            "give it on the command line, or take it out there"
        )


def _register_evidence(config: pytest.Config, this: Run) -> None:
    from pytest_flexprice.evidence.plugin import EvidencePlugin  # noqa: PLC0415 - the controller's part

    profile = this.profile
    context = RunContext(
        run_id=profile.run_id,
        environment=profile.name,
        base_url=profile.base_url,
        level=profile.level,
        folder=this.folder,
        redactor=this.redactor,
        environment_type=profile.environment.type,
        environment_id=profile.environment_id,
        company=this.plan.company.name,
        rehearsal=profile.rehearsal,
        plan=this.plan,
        plan_file=this.plan.path,
        key_tail=profile.key_tail,
        header=[HeaderRow(each.name, each.value, each.source) for each in this.values],
        features=sorted(features_folder().glob("*.feature")),
        written=_written(config),
        ends=this.ends,
        warnings=this.warnings,
        leftovers=lambda: leftovers(this),
    )
    config.pluginmanager.register(EvidencePlugin(config, context), "flexprice-evidence")


def _written(config: pytest.Config) -> list[ScenarioRecord]:
    """The scenarios of a whole run, whatever part of it was asked for: the suite's own, and the company's under ``golive/``."""
    files = sorted(features_folder().glob("*.feature"))
    files += sorted(path for path in (config.rootpath / "golive").rglob("*") if path.suffix.lower() == ".feature")
    try:
        return expected(files, config.rootpath, features_folder())
    except FeatureError as error:
        raise pytest.UsageError(str(error)) from None


def leftovers(this: Run) -> list[str]:
    """What the run made and could not take away, one sentence each; tried once more here, for workers that crashed."""
    from pytest_flexprice.testbed.cleanup import clean  # noqa: PLC0415 - at the end only
    from pytest_flexprice.testbed.ledger import Ledger  # noqa: PLC0415 - at the end only
    from pytest_flexprice.testbed.proof import prove_environment  # noqa: PLC0415 - at the end only

    sentences = []
    for path in sorted(this.folder.glob("ledger-*.ndjson")):
        ledger = Ledger(path)
        if not ledger.open():
            continue
        client = this.client(ledger)
        with suppress(RequirementNotMet, NotVerified, ApiError):  # then the guard says why nothing can be taken away
            prove_environment(client, this.profile)
        sentences += [leftover.sentence for leftover in clean(client, ledger, this.profile.patience)]
    this.left = sentences
    return sentences


class SuiteHooks:
    """The hooks of an active run."""

    def __init__(self, this: Run) -> None:
        self._run = this
        self._refused: list[str] = []

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Before anything is collected: which fixtures are not ours, and is there a Flexprice that takes this key?"""
        overridden.tell(session)
        in_worker = hasattr(session.config, "workerinput")
        if self._run.profile.level > Level.LINT and not in_worker and not session.config.option.collectonly:
            preflight.check(self._run)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Refuse scenarios that cannot be trusted, and leave out those above the level."""
        scenarios = [item for item in items if features.is_scenario(item)]
        with refusing.refusing(session):
            if self._refused:
                raise pytest.UsageError("\n".join(self._refused))
            refusing.untrusted(scenarios)
            if config.args_source is not config.ArgsSource.ARGS:
                refusing.missing(scenarios)
        above = [item for item in scenarios if features.level_of(item) > self._run.profile.level]
        if above:
            left_out = set(above)
            items[:] = [item for item in items if item not in left_out]
            config.hook.pytest_deselected(items=above)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """What cannot be collected is told in a sentence, not in a traceback through pytest."""
        report = yield
        if report.failed and not collector.config.option.fulltrace:
            own_code.tell(report, collector)
        if report.failed and isinstance(collector, features.FeatureFile):
            self._refused.append(self._run.redactor.text(str(report.longrepr)))
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport | pytest.CollectReport) -> tuple[str, str, str] | None:
        """A scenario of nothing but waived items is told as waived: pytest's summary does not list it as failed."""
        if not report.failed or not isinstance(report, pytest.TestReport):
            return None
        items = [BY_TAG[tag].id for tag in BY_TAG if tag in report.keywords]
        today = datetime.now(UTC).date()
        waived = items and all(waiver_for(item, self._run.plan, today) for item in items)
        return ("waived", "w", "WAIVED") if waived else None

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Refuse marks that run a scenario again, also those that a hook put there."""
        scenarios = [item for item in session.items if features.is_scenario(item)]
        with refusing.refusing(session):
            refusing.rerun_marks(scenarios, self._run.profile.level)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """What a worker refused is refused here, in the same words."""
        refused = getattr(node, "workeroutput", {}).get(refusing.REFUSED)
        if refused:
            raise pytest.UsageError(refused)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> object | None:
        """Keep together what belongs together, unless another distribution was asked for."""
        if config.option.dist not in ("loadgroup", "loadscope", "loadfile"):
            return None
        from pytest_flexprice.run import scheduling  # noqa: PLC0415 - with xdist only

        if config.option.dist == "loadscope":
            return scheduling.SurvivingScheduling(config, log)
        if config.option.dist == "loadfile":
            return scheduling.FileScheduling(config, log)
        return scheduling.GroupScheduling(config, log, self._run.folder)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """How to take away what is left."""
        if self._run.left and not self._run.profile.rehearsal:
            terminalreporter.write_line(f"Take away what is left: {sweep_command(self._run)}", red=True)

    def pytest_report_header(self) -> list[str]:
        """Each value of the run with its source."""
        return [each.told for each in self._run.values]
