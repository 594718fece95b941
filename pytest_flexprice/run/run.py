"""One run of the checklist: what the plugin's hooks build at the start, hand to workers, and finish at the end."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from pytest_flexprice import __version__
from pytest_flexprice.api import Flexprice, Transport, WriteGuard
from pytest_flexprice.api.pace import Pace
from pytest_flexprice.evidence.exchanges import ExchangeLog, log_name
from pytest_flexprice.evidence.redaction import Redactor
from pytest_flexprice.evidence.sealed import unseal
from pytest_flexprice.model import golive_plan as plans
from pytest_flexprice.model import plan_file
from pytest_flexprice.model.bounded import Unreadable
from pytest_flexprice.model.profile import LOCAL, Profile, ProfileError, Value
from pytest_flexprice.run import deadline, early, variables
from pytest_flexprice.run import profile as profiles
from pytest_flexprice.run.options import Sources
from pytest_flexprice.testbed.ledger import Ledger
from pytest_flexprice.testbed.naming import new_run_id

RUN = pytest.StashKey["Run"]()
HANDOVER = "flexprice"


@dataclass
class Run:
    """What one process knows of the run it takes part in.

    ``worker`` is ``main`` in the controller (and in a run without xdist), else xdist's worker id; ``folder`` is where the
    evidence goes; ``closers`` are called in reverse order at the end; ``left`` is what could not be taken away, one sentence each;
    ``arguments`` are those of the command line.
    """

    profile: Profile
    plan: plans.GoLivePlan
    redactor: Redactor
    folder: Path
    worker: str
    plan_source: str
    handover: dict[str, Any] = field(default_factory=dict)
    closers: list[Callable[[], None]] = field(default_factory=list)
    faults: tuple[str, ...] = ()
    left: list[str] = field(default_factory=list)
    ends: datetime = field(default_factory=lambda: datetime.max.replace(tzinfo=UTC))
    deadline: Value | None = None
    warnings: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()

    @cached_property
    def pace(self) -> Pace:
        """What the plan lets all processes of the run send together, parted among them."""
        allowed = self.profile.environment.requests_per_second
        return Pace(allowed and allowed / int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))

    @property
    def values(self) -> tuple[Value, ...]:
        """Values with their sources, for the header."""
        return (
            *self.profile.values,
            Value("plan", str(self.plan.path), self.plan_source),
            Value("evidence", str(self.folder), "run"),
            *([self.deadline] if self.deadline else ()),
            *(Value("fault", name, "--flexprice-fault") for name in self.faults),
        )

    def ledger(self) -> Ledger:
        """This process's own ledger."""
        return Ledger(self.folder / f"ledger-{self.worker}.ndjson")

    def client(self, ledger: Ledger | None = None, log: bool = True) -> Flexprice:
        """A client for the profile; with a ledger it may write to what that ledger holds."""
        profile = self.profile
        headers = {
            "x-api-key": profile.api_key,
            "user-agent": f"pytest-flexprice/{__version__} (run={profile.run_id})",
            "accept": "application/json",
        }
        if profile.environment_header:
            headers["x-environment-id"] = profile.environment_header
        owned = () if ledger is None else (ledger.owns,)
        guard = WriteGuard(profile.level, profile.production, *owned)
        exchanges = ExchangeLog(self.folder / log_name(self.worker), self.redactor)
        client = Flexprice(
            Transport(profile.base_url, headers, pace=self.pace), guard, exchanges.append if log else None
        )
        self.closers.append(client.close)
        return client

    def close(self) -> None:
        """Give everything back: servers, handlers, connections."""
        while self.closers:
            self.closers.pop()()
        if self.worker == "main":  # others may still write there
            remove_empty(self.folder)


def begin(config: pytest.Config, name: str) -> Run:
    """Start a run in the controller, or join one in a worker.

    Raises:
        pytest.UsageError: one sentence saying what to correct (exit code 4).
    """
    handover = getattr(config, "workerinput", {}).get(HANDOVER)
    try:
        return _start(config, name) if handover is None else _join(config, name, json.loads(unseal(handover)))
    except (plan_file.PlanError, ProfileError, Unreadable) as error:
        raise early.refusal(config.rootpath, name, error) from None


@dataclass(frozen=True)
class _Frame:
    """What a run is put together from, besides its profile."""

    plan: plans.GoLivePlan
    plan_source: str
    run_id: str
    folder: Path
    worker: str = "main"


def _start(config: pytest.Config, name: str) -> Run:
    plan, plan_source = _plan(config, name)
    run_id = new_run_id(datetime.now(UTC))
    folder = reports_folder(config, name) / name / run_id
    frame = _Frame(plan, plan_source, run_id, folder)
    faults = tuple(config.getoption("flexprice_fault"))
    if faults and name != LOCAL:
        raise ProfileError("--flexprice-fault breaks the embedded Flexprice only; use it with --flexprice-env=local")
    ends, shown = _deadline(config, name)
    _writable(folder)
    try:
        rehearsed = name == LOCAL
        run = _rehearse(config, frame, faults) if rehearsed else _build(profiles.sources(config, name), name, frame)
    except BaseException:
        remove_empty(folder)
        raise
    run.ends, run.deadline = ends, shown
    run.arguments = tuple(map(str, config.invocation_params.args))
    run.handover.update(run_id=run_id, folder=str(folder), ends=run.ends.isoformat(), arguments=run.arguments)
    other = variables.open_to_others(config.rootpath / f".env.{name}")
    run.warnings = (other,) if other else ()
    return run


def _deadline(config: pytest.Config, name: str) -> tuple[datetime, Value]:
    """When this run has to end, and that as it is shown."""
    default = (config.getini("flexprice_deadline"), "ini: flexprice_deadline"), (deadline.DEFAULT, "default")
    given = profiles.sources(config, name).first("deadline", "FLEXPRICE_DEADLINE", *default)
    text, source = given or default[1]
    try:
        return datetime.now(UTC) + deadline.span(text), Value("deadline", text, source)
    except ValueError as error:
        raise ProfileError(f"{source}: {error}") from None


def remove_empty(folder: Path) -> None:
    """Leave no folder behind that a refused run made: itself, and those above it as far as they are empty."""
    with contextlib.suppress(OSError):
        (folder / "allure-results").rmdir()  # allure-pytest makes it as soon as it is configured
    with contextlib.suppress(OSError):
        for each in (folder, *folder.parents[:2]):
            each.rmdir()


def _plan(config: pytest.Config, name: str) -> tuple[plans.GoLivePlan, str]:
    if config.getoption("flexprice_init"):
        return _plan_to_write(config, name)
    path, source = profiles.find_plan(config, name)
    return plan_file.load(path), source


def _plan_to_write(config: pytest.Config, name: str) -> tuple[plans.GoLivePlan, str]:
    """The plan that is there, to be added to, or a frame of one to be written; its environment is only read."""
    try:
        path, source = profiles.find_plan(config, name)
        plan = plan_file.load(path)
    except ProfileError:
        company = plans.Company(name=config.rootpath.name or name)
        plan, source = plans.GoLivePlan(company=company, path=config.rootpath / plans.PLAN_NAME), "to be written"
    if name in plan.environments:
        return plan, source
    environment = plans.Environment(base_url="", type="production", allow="read")
    return plan.model_copy(update={"environments": {**plan.environments, name: environment}}), source


def _rehearse(config: pytest.Config, frame: _Frame, faults: tuple[str, ...]) -> Run:
    try:
        from pytest_flexprice.rehearsal.start import Rehearsal  # noqa: PLC0415 - servers are needed for `local` only
    except ImportError as error:
        raise ProfileError(
            f"--flexprice-env=local needs the embedded Flexprice ({error.name} is missing); install pytest-flexprice[local]"
        ) from None
    if config.getoption("flexprice_base_url"):
        raise ProfileError(
            "--flexprice-base-url has no meaning with --flexprice-env=local, which starts its own Flexprice"
        )
    rehearsal = Rehearsal.start(frame.plan, faults)
    handover = rehearsal.handover()
    run = _rehearsed(config, frame, handover)
    run.handover["rehearsal"] = handover
    run.closers.append(rehearsal.stop)
    run.faults = faults
    return run


def _join(config: pytest.Config, name: str, handover: dict[str, Any]) -> Run:
    path, plan_source = profiles.find_plan(config, name)
    worker = str(getattr(config, "workerinput", {}).get("workerid", "gw"))
    frame = _Frame(plan_file.load(path), plan_source, handover["run_id"], Path(handover["folder"]), worker)
    if "rehearsal" in handover:
        run = _rehearsed(config, frame, handover["rehearsal"])
    else:
        run = _build(profiles.sources(config, name), name, frame)
    run.ends, run.arguments = datetime.fromisoformat(handover["ends"]), tuple(handover["arguments"])
    return run


def _rehearsed(config: pytest.Config, frame: _Frame, handover: dict[str, Any]) -> Run:
    from pytest_flexprice.rehearsal import start  # noqa: PLC0415 - as above

    look = Sources(config, {}, handover["variables"], "rehearsal")
    said = tuple(Value(*one) for one in start.stand_ins(frame.plan))
    stands_for = start.name_of(frame.plan, start.rehearsed_environment(frame.plan))
    frame = replace(frame, plan=start.rehearsed_plan(frame.plan, handover))
    run = _build(look, LOCAL, frame, rehearsal=True)
    run.profile = replace(run.profile, values=(*run.profile.values, *said), stands_for=stands_for)
    return run


def _build(look: Sources, name: str, frame: _Frame, *, rehearsal: bool = False) -> Run:
    around = early.secrets_around(look.config.rootpath, name)
    redactor = Redactor(around, look.config.getini("flexprice_sensitive_names"))

    def add_secret(value: str) -> None:
        redactor.add(value)

    profile = profiles.resolve(look, name, frame.plan, frame.run_id, rehearsal=rehearsal, add_secret=add_secret)
    for secret in _secret_names(frame.plan):
        profile.variable(secret)
    return Run(profile, frame.plan.for_environment(name), redactor, frame.folder, frame.worker, frame.plan_source)


def _secret_names(plan: plans.GoLivePlan) -> set[str]:
    names = {"FLEXPRICE_API_KEY"}
    for environment in plan.environments.values():
        names.update(environment.old_keys)
    handlers = [plan.webhooks, *(environment.webhooks for environment in plan.environments.values())]
    names.update(each.handler.secret for each in handlers if each and each.handler)
    return names


def reports_folder(config: pytest.Config, name: str) -> Path:
    """The folder below which every run has its own."""
    look = profiles.sources(config, name)
    given = look.first("reports", "FLEXPRICE_REPORTS", (config.getini("flexprice_reports"), "ini"))
    folder = Path(os.path.expanduser(given[0]) if given else "reports")
    return folder if folder.is_absolute() else config.rootpath / folder


def _writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProfileError(
            f"{folder}: the evidence folder cannot be written ({os.strerror(error.errno or 0)}); "
            "make it writable or name another with --flexprice-reports"
        ) from None
    if not os.access(folder, os.W_OK):
        raise ProfileError(f"{folder}: the evidence folder cannot be written; name another with --flexprice-reports")
