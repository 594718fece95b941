"""What a collection is refused for, in one sentence and exit code 4, wherever it was found out: here or in a worker of xdist."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest

from pytest_flexprice.model.checklist import Level
from pytest_flexprice.run import collector

_MOST_SHOWN = 20
RERUN_OPTIONS = {
    "reruns": "--reruns",
    "force_reruns": "--force-reruns",
    "force_flaky": "--force-flaky",
    "retries": "--retries",
    "flake_finder_enable": "--flake-finder",
}
RERUN_INI = ("reruns", "retries", "force_flaky")
RERUN_MARKS = ("flaky", "repeat")
REFUSED = "flexprice_refused"


@contextmanager
def refusing(session: pytest.Session) -> Iterator[None]:
    """A refusal leaves no scenario that anybody would wait for, and a worker hands its words to whoever started it."""
    try:
        yield
    except pytest.UsageError as error:
        session.items.clear()
        if hasattr(session.config, "workerinput"):
            session.config.workeroutput[REFUSED] = str(error)  # type: ignore[attr-defined] # xdist's
        raise


def untrusted(scenarios: Iterable[pytest.Item]) -> None:
    """Refuse steps that no run would carry out as they are meant."""
    found = [problem for item in scenarios for problem in collector.step_problems(item)]  # type: ignore[arg-type] # they are functions
    if found:
        several = list(dict.fromkeys(found))
        more = [f"and {len(several) - _MOST_SHOWN} more steps like these"] if len(several) > _MOST_SHOWN else []
        raise pytest.UsageError("\n".join(several[:_MOST_SHOWN] + more))


def missing(scenarios: Iterable[pytest.Item]) -> None:
    """Refuse a checklist with an item that has no scenario."""
    lost = collector.missing_items(scenarios)
    if lost:
        names = ", ".join(item.id for item in lost)
        raise pytest.UsageError(
            f"no scenario gives evidence for checklist item {names}; add one under golive/ or reinstall"
        )


def without_assertions() -> None:
    """Refuse a Python that leaves ``assert`` out: a company's step, or what it calls, would see nothing and pass."""
    if sys.flags.optimize:
        raise pytest.UsageError(
            "Python leaves every assert statement out (PYTHONOPTIMIZE or -O), so steps would pass without having looked; run without it"
        )


def reruns(config: pytest.Config, level: Level) -> None:
    """Refuse options and ini keys of other plugins that run a scenario again."""
    used = [flag for option, flag in RERUN_OPTIONS.items() if config.getoption(option, None)]
    used += ["--count"] if (config.getoption("count", None) or 1) not in (0, 1) else []
    used += [f"{name} = {config.getini(name)} in the ini file" for name in RERUN_INI if _ini(config, name)]
    _rerun(used, level)


def rerun_marks(scenarios: Iterable[pytest.Item], level: Level) -> None:
    """Refuse marks that run a scenario again, also those that a hook put there."""
    marks = (item.get_closest_marker(name) for item in scenarios for name in RERUN_MARKS)
    _rerun([f"the mark {mark.name}" for mark in marks if mark is not None], level)


def _rerun(used: list[str], level: Level) -> None:
    if used and level >= Level.PROBE:
        raise pytest.UsageError(
            f"{used[0]} is refused at level {level.word}: a scenario that is green the second time proves nothing "
            "and would write twice; run without it"
        )


def _ini(config: pytest.Config, name: str) -> bool:
    """Whether another plugin's ini key is set to something that is neither nothing, nor nought, nor false."""
    try:
        return str(config.getini(name)).strip().lower() not in ("", "0", "false", "none", "[]")
    except (KeyError, ValueError):  # nobody declared it
        return False
