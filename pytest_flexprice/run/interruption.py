"""Signals: the first one ends a run in order, with its clean-up; another one ends it at once, and says what remains.

Ctrl-C, SIGTERM (a cancelled job) and SIGHUP (a closed terminal) are alike: what a run made must not be lost track of.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from pytest_flexprice.evidence.headline import EXIT_LEFT_BEHIND
from pytest_flexprice.run.run import Run
from pytest_flexprice.testbed.ledger import Ledger

EXIT_INTERRUPTED = 2
#: A terminal and a wrapper such as tox may both pass one Ctrl-C on.
SAME_SIGNAL = 1.0
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


class Interruption:
    """What a process does with the signals that end it.

    ``end`` leaves the process; ``write`` shows text where captured output does not hide it.
    """

    def __init__(self, this: Run, end: Callable[[int], object] = os._exit) -> None:
        self._run, self._end = this, end
        self._first: float | None = None
        self._before: dict[int, object] = {}
        # pytest captures the descriptors themselves while tests run; this one is from before.
        self._terminal = os.dup(2)

    def install(self) -> None:
        """Take the signals over, but for those that whoever started this process switched off (``nohup``)."""
        if threading.current_thread() is not threading.main_thread():
            return
        for name in _SIGNALS:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self.handle)

    def remove(self) -> None:
        """Give the signals back."""
        for number, before in self._before.items():
            with contextlib.suppress(TypeError, ValueError):
                signal.signal(number, before)  # type: ignore[arg-type] # it is what signal() gave
        self._before.clear()
        with contextlib.suppress(OSError):
            os.close(self._terminal)

    def handle(self, number: int, frame: FrameType | None) -> None:
        """One signal.

        Raises:
            KeyboardInterrupt: it is the first one; pytest ends in order, and fixtures take away what they made.
        """
        now = time.monotonic()
        if self._first is None:
            self._first = now
            raise KeyboardInterrupt(signal.Signals(number).name)
        if now - self._first < SAME_SIGNAL:
            return
        left = remaining(self._run.folder)
        self._write(told(left, sweep_command(self._run)))
        self._end(EXIT_LEFT_BEHIND if left else EXIT_INTERRUPTED)

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            os.write(self._terminal, self._run.redactor.text(text).encode(errors="replace"))


def remaining(folder: Path) -> list[str]:
    """What the ledgers of a run say is not gone, one line each, without asking anybody."""
    found = []
    for path in sorted(folder.glob("ledger-*.ndjson")):
        with contextlib.suppress(OSError):
            found += [f"{entry.kind} {entry.id or entry.key}" for entry in Ledger(path).open()]
    return list(dict.fromkeys(found))


def told(left: list[str], command: str) -> str:
    """What somebody reads who did not let a run tidy up."""
    if not left:
        return "\nInterrupted again: the run ends here. Nothing that it made is left.\n"
    lines = "".join(f"  left behind: {each}\n" for each in left)
    return f"\nInterrupted again, before everything was taken away:\n{lines}Take it away with:\n  {command}\n"


def sweep_command(this: Run) -> str:
    """The command that takes away what a run left."""
    reports = this.folder.parent.parent
    return shlex.join(
        [
            *("pytest", f"--flexprice-env={this.profile.name}", "--flexprice-level=smoke", "--flexprice-sweep"),
            f"--flexprice-reports={os.path.relpath(reports)}",
        ]
    )
