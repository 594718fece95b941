"""The exit code of a run: whatever a hook makes a 0 of, the run's own code stands.

A plugin or ``conftest.py`` may wrap pytest's main function, end it by ``SystemExit(0)``, answer in its place, or turn the run into a
listing that nobody asked for. Every one of them would be green for CI.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterable
from types import FrameType

import pytest

from pytest_flexprice.evidence.headline import EXIT_NOT_VERIFIED
from pytest_flexprice.evidence.logs import clean_log_records
from pytest_flexprice.evidence.plugin import PLUGIN
from pytest_flexprice.evidence.streams import clean_process, open_streams
from pytest_flexprice.run.early import redactor_for
from pytest_flexprice.run.options import LISTINGS, TASKS
from pytest_flexprice.run.vanishing import Vanishing

VANISHING = pytest.StashKey[Vanishing]()
#: Where one of these stands on the command line there is no run, and no verdict is missing.
_NO_RUN = (
    "--co",
    "--collect-only",
    "--collectonly",
    *(said for words in LISTINGS.values() for said in words),
    *("--" + task.replace("_", "-") for task in (*TASKS, "flexprice_explain")),
)
_PROGRAM = ("console_main", "_console_main")


def watch(config: pytest.Config, name: str) -> None:
    """Before any ``conftest.py`` is imported, where the process is there for pytest alone: what it prints shows no secret, and it may not
    leave with 0 unless its run says so."""
    open_streams()
    is_pytest = _is_pytest(sys._getframe())
    if is_pytest or "PYTEST_XDIST_WORKER" in os.environ:
        redactor = redactor_for(config.rootpath, name)
        clean_process(redactor)
        clean_log_records(redactor)
    if is_pytest:
        config.stash[VANISHING] = Vanishing()
        config.stash[VANISHING].install()


def _is_pytest(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_name in _PROGRAM and frame.f_globals.get("__name__") == "_pytest.config":
            return True
        frame = frame.f_back
    return False


class LastWord:
    """A plugin to be registered when every ``conftest.py`` is loaded, so that its wrapper is the outermost one."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> Generator[None, int | pytest.ExitCode | None, int]:
        """What pytest's main function answers, unless that would hide how the run ended."""
        try:
            code = int((yield) or 0)
        except SystemExit as leaving:
            if leaving.code:
                raise
            code = 0
        owed = _owed(config) if code == 0 and not hasattr(config, "workerinput") else code
        if owed != code:
            sys.stderr.write(f"{_why(config, owed)}\n")
        if VANISHING in config.stash:
            config.stash[VANISHING].ended(owed)
        return owed


def _owed(config: pytest.Config) -> int:
    decided = _decided(config)
    if decided is not None:
        return decided
    return 0 if asks_for_no_run(map(str, config.invocation_params.args)) else EXIT_NOT_VERIFIED


def asks_for_no_run(arguments: Iterable[str]) -> bool:
    """Whether a command line asks for a listing or a task, after which no verdict is missing."""
    return any(argument.partition("=")[0] in _NO_RUN for argument in arguments)


def _decided(config: pytest.Config) -> int | None:
    evidence = config.stash.get(PLUGIN, None)
    return None if evidence is None else evidence.decided


def _why(config: pytest.Config, owed: int) -> str:
    if _decided(config) is None:
        return "INCOMPLETE: pytest ended with 0, but no checklist was carried out, and nothing on the command line asked for that."
    return f"The run came to exit code {owed}. A plugin or a conftest.py made a 0 of it, which was set back."
