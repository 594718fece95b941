"""What a run does instead of the checklist: ``--flexprice-sweep``, ``--flexprice-snapshot``, ``--flexprice-init``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pytest_flexprice.api import ApiError, Flexprice
from pytest_flexprice.evidence.headline import EXIT_LEFT_BEHIND
from pytest_flexprice.evidence.written import features_folder
from pytest_flexprice.model.finding import NotVerified, RequirementNotMet
from pytest_flexprice.model.profile import LOCAL
from pytest_flexprice.run import preflight, run
from pytest_flexprice.run.run import Run
from pytest_flexprice.tasks.plan import plan_of
from pytest_flexprice.testbed.ledger import Ledger
from pytest_flexprice.testbed.proof import belonging, prove_environment
from pytest_flexprice.testbed.sweep import sweep

if TYPE_CHECKING:
    from pytest_flexprice.tasks.updating import Update

Say = Callable[[str], None]


def main(config: pytest.Config, name: str) -> int | None:
    """Do the task that the command line names and return the exit code, or None when it names none.

    Raises:
        pytest.UsageError: the task cannot be done; one sentence says why.
    """
    chosen = [task for option, task in _TASKS.items() if config.getoption(option)]
    if not chosen:
        return None
    if len(chosen) > 1:
        raise pytest.UsageError("--flexprice-init, --flexprice-snapshot and --flexprice-sweep go one at a time")
    if name == LOCAL and chosen[0] is _init:
        raise pytest.UsageError(
            "--flexprice-init writes down what your own Flexprice holds, and local is only filled from the plan; name yours, such as "
            "--flexprice-env=sandbox"
        )
    this = run.begin(config, name)
    try:
        preflight.check(this)
        return chosen[0](config, this, lambda text: _say(this.redactor.text(text)))
    except (ApiError, NotVerified, RequirementNotMet) as error:
        raise pytest.UsageError(this.redactor.text(str(error))) from None
    finally:
        this.close()


def explain(config: pytest.Config, item: str) -> int:
    """Print what an item means; no environment is needed.

    Raises:
        pytest.UsageError: there is no such item, or the plan cannot be read.
    """
    from pytest_flexprice.tasks import explain as explaining  # noqa: PLC0415 - of this task only

    for line in explaining.main(config, item, features_folder()):
        _say(line)
    return 0


def missing(config: pytest.Config, name: str) -> int:
    """Print what people have to say yet; no network is needed.

    Raises:
        pytest.UsageError: there is no plan, or it cannot be read.
    """
    from pytest_flexprice.tasks import missing as missings  # noqa: PLC0415 - of this task only

    lines = missings.missing(plan_of(config, name), name, datetime.now(UTC).date())
    for line in lines:
        _say(line)
    _say(f"{len(lines)} to ask for." if lines else "Nobody has to be asked for anything.")
    return 0


def _say(text: str) -> None:
    # pytest's own terminal writer exists only once a session is configured.
    sys.stdout.write(text + "\n")


def _sweep(config: pytest.Config, this: Run, say: Say) -> int:
    def client(ledger: Ledger) -> Flexprice:
        """A client that writes to what this ledger was shown to own."""
        made = this.client(ledger)
        prove_environment(made, this.profile)
        return made

    swept = sweep(client, this.folder.parent, this.ledger(), datetime.now(UTC), this.profile.patience)
    for note in swept.notes:
        say(f"passed over: {note}.")
    for external_id in swept.found:
        say(f"swept {external_id}")
    remaining = [*(leftover.sentence for leftover in swept.leftovers), *swept.waiting]
    for sentence in remaining:
        say(f"LEFT BEHIND: {sentence}.")
    say(f"{len(swept.found)} test customers found, {len(remaining)} objects left behind.")
    return EXIT_LEFT_BEHIND if remaining else 0


def _snapshot(config: pytest.Config, this: Run, say: Say) -> int:
    from pytest_flexprice.tasks.snapshot import write_snapshot  # noqa: PLC0415 - of this task only

    signed_off = this.plan.catalog.signed_off if this.plan.catalog else "golive/catalog.json"
    if signed_off in this.plan.environments:
        raise pytest.UsageError(
            f"{this.plan.path}: catalog.signed_off = '{signed_off}' is an environment; name a file to write the snapshot to"
        )
    path = this.plan.folder / signed_off
    digest = write_snapshot(this.client(), path)
    say(f"{path} written, SHA-256 {digest}")
    return 0


def _init(config: pytest.Config, this: Run, say: Say) -> int:
    from pytest_flexprice.tasks import init, left, updating  # noqa: PLC0415 - of this task only

    client = this.client(log=False)
    seen = belonging(client)
    found = {"environment_id": seen.environment_id, "type": seen.type or "production"}
    environment = this.profile.environment.model_copy(update=found)
    profile = replace(this.profile, environment=environment, environment_id=seen.environment_id)
    fresh = init.first_plan(client, profile, this.plan.folder)
    for remark in left.remarks(fresh):
        say(f"NOTE: {remark}.")
    if this.plan.path.exists():
        _updated(this, updating.update(this.plan, fresh), config.getoption("flexprice_init"), say)
        for line in updating.otherwise(this.plan, fresh):
            say(f"Not changed here, as somebody decided it: {line}.")
        return 0
    for path in fresh.write(this.plan.folder):
        say(f"{path} written; review it")
    say("Left for people to decide; until then the checklist tells each, as not decided or in a warning:")
    for line in left.left_to_decide(fresh):
        say(f"  {line}")
    return 0


def _updated(this: Run, update: Update, how: str, say: Say) -> None:
    if not update.files:
        say(f"{this.plan.path} lacks nothing that the environment holds.")
        return
    say(update.diff())
    if how == "update":
        update.write()
        say(f"{', '.join(str(path) for path in update.files)} updated; review it")
    else:
        say(f"{this.plan.path} is there already and was not changed; add the lines above with --flexprice-init=update")


_TASKS: dict[str, Callable[[pytest.Config, Run, Say], int]] = {
    "flexprice_sweep": _sweep,
    "flexprice_snapshot": _snapshot,
    "flexprice_init": _init,
}
