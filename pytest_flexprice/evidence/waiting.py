"""What a run is waiting for, told while it waits: a live line on a terminal, and a file that the xdist controller reads."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

QUIET_SECONDS = 2.0
_CLEAR = "\r\x1b[K"


class WaitingBoard:
    """Shows lasting waits of one process; short ones are not worth a line."""

    def __init__(self, config: pytest.Config, folder: Path, worker: str) -> None:
        self._config = config
        self._file = folder / f"waiting-{worker}.json"
        self._is_worker = worker != "main"
        self._shown = False
        self._last = 0.0

    def progress(self, what: str, elapsed: float, deadline: float) -> None:
        """Called at each poll: what is awaited, since how many seconds, until how many."""
        now = time.monotonic()
        if elapsed < QUIET_SECONDS or now - self._last < 1.0:
            return
        self._last, self._shown = now, True
        text = sentence(what, elapsed, deadline)
        if self._is_worker:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(json.dumps({"text": text}), encoding="utf-8")
        else:
            self._line(text)

    def done(self) -> None:
        """The wait is over, one way or the other."""
        if not self._shown:
            return
        self._shown = False
        if self._is_worker:
            self._file.unlink(missing_ok=True)
        else:
            self._line("")

    def _line(self, text: str) -> None:
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        capture: Any = self._config.pluginmanager.get_plugin("capturemanager")
        if reporter is None or not reporter.isatty:
            return
        width = shutil.get_terminal_size().columns - 1
        if capture is None:
            _write(reporter, text[:width])
            return
        with capture.global_and_fixture_disabled():
            _write(reporter, text[:width])


def sentence(what: str, elapsed: float, deadline: float) -> str:
    """The live line."""
    return f"waiting for {what}: {elapsed:.0f} of at most {deadline:.0f} s"


def _write(reporter: Any, text: str) -> None:
    # The line is wiped before pytest goes on with its own.
    reporter.write(_CLEAR + text, flush=True)
