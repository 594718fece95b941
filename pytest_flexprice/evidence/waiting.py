"""What a run is waiting for, told while it waits: a live line on a terminal, and files that the xdist controller reads."""

from __future__ import annotations

import json
import shutil
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pytest_flexprice.evidence.records import WaitRecord

QUIET_SECONDS = 2.0
REFRESH_SECONDS = 1.0
NARROWEST = 24
_SAVE, _WIPE, _RESTORE = "\x1b7", "\x1b[K", "\x1b8"


class WaitingBoard:
    """Notes the waits of one process and shows the lasting ones; short ones are not worth a line."""

    def __init__(self, config: pytest.Config, folder: Path, worker: str) -> None:
        self._config = config
        self._file = folder / f"waiting-{worker}.json"
        self._is_worker = worker != "main"
        self._shown = 0.0
        self._waits: list[WaitRecord] = []

    def progress(self, what: str, elapsed: float, deadline: float) -> None:
        """Called at each poll that found nothing yet: what is awaited, since how many seconds, until how many."""
        last = self._waits[-1] if self._waits else None
        if last is None or last.what != what or last.met is not None or elapsed < last.seconds:
            self._waits.append(WaitRecord(what=what, deadline=round(deadline, 3)))
        wait = self._waits[-1]
        wait.seconds, wait.attempts = round(elapsed, 3), wait.attempts + 1
        now = time.monotonic()
        if elapsed >= QUIET_SECONDS and now - self._shown >= REFRESH_SECONDS:
            self._shown = now
            self._show(sentence(what, elapsed, deadline))

    def working(self, what: str, elapsed: float) -> None:
        """Called now and then by work that takes its time: what is being done, since how many seconds."""
        now = time.monotonic()
        if elapsed >= QUIET_SECONDS and now - self._shown >= REFRESH_SECONDS:
            self._shown = now
            self._show(f"{what}: {elapsed:.0f} s so far")

    def ended(self, wait: WaitRecord) -> None:
        """A wait is over and its caller knows how: this is kept in place of what the polls told of it."""
        if self._waits and self._waits[-1].what == wait.what and self._waits[-1].met is None:
            self._waits.pop()
        self._waits.append(wait)
        self.done()

    def done(self) -> None:
        """Wipe the live line."""
        if self._shown:
            self._shown = 0.0
            self._show("")

    def take(self, *, met: bool) -> list[WaitRecord]:
        """The waits since this was last asked. Of those that nobody ended all but the last were met; ``met`` is about that one."""
        waits, self._waits = self._waits, []
        for wait in waits:
            if wait.met is None:
                wait.met = met if wait is waits[-1] else True
        self.done()
        return waits

    def _show(self, text: str) -> None:
        if not self._is_worker:
            self._line(text)
            return
        with suppress(OSError):  # on a full disk nobody sees what is waited for
            if text:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                self._file.write_text(json.dumps({"text": text}), encoding="utf-8")
            else:
                self._file.unlink(missing_ok=True)

    def _line(self, text: str) -> None:
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        capture: Any = self._config.pluginmanager.get_plugin("capturemanager")
        if reporter is None or not reporter.isatty:
            return
        if capture is None:
            write_line(reporter, text)
            return
        with capture.global_and_fixture_disabled():
            write_line(reporter, text)


class LiveLines(threading.Thread):
    """In the xdist controller: shows what workers wait for. It only reads their files and writes one line."""

    def __init__(self, reporter: Any, folder: Path) -> None:
        super().__init__(name="flexprice-live-line", daemon=True)
        self._reporter = reporter
        self._folder = folder
        self._over = threading.Event()

    def run(self) -> None:
        """Until told to stop."""
        shown = ""
        while not self._over.wait(REFRESH_SECONDS):
            text = " · ".join(dict.fromkeys(waiting_texts(self._folder)))
            if text or shown:
                write_line(self._reporter, text)
            shown = text
        if shown:
            write_line(self._reporter, "")

    def stop(self) -> None:
        """End, and leave the line empty."""
        self._over.set()
        self.join(timeout=2 * REFRESH_SECONDS)


def waiting_texts(folder: Path) -> list[str]:
    """What the workers say they wait for at this moment."""
    texts = []
    for path in sorted(folder.glob("waiting-*.json")):
        try:
            texts.append(str(json.loads(path.read_text(encoding="utf-8"))["text"]))
        except (OSError, ValueError, KeyError):
            continue  # just being written, or just over
    return texts


def sentence(what: str, elapsed: float, deadline: float) -> str:
    """The live line of one wait."""
    return f"waiting for {what}: {elapsed:.0f} of at most {deadline:.0f} s"


def write_line(reporter: Any, text: str) -> None:
    """Show a text behind pytest's own progress, with the cursor left where it was; an empty one wipes it.

    It goes past pytest's reporter, which would count it as part of its line.
    """
    terminal = sys.__stdout__
    room = shutil.get_terminal_size().columns - getattr(reporter, "_width_of_current_line", 0) - 2
    if terminal is None or (text and room < NARROWEST):
        return
    shown = f"{_SAVE} {text[:room]}{_RESTORE}" if text else ""
    terminal.write(_WIPE + shown)
    terminal.flush()
