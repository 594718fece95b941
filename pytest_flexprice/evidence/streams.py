"""What leaves the process beside the evidence loses its secrets too: pytest's terminal, its debug trace, and a crash of the process."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterable
from types import TracebackType
from typing import Any

import pytest

from pytest_flexprice.evidence.redaction import Redactor
from pytest_flexprice.model.shown import shown, tame


class CleanStream:
    """A text stream that hands on what it is given without known secrets."""

    def __init__(self, inner: Any, redactor: Redactor) -> None:
        self._inner = inner
        self._redactor = redactor

    def write(self, text: str) -> int:
        """Write the text without secrets, and without what would steer the terminal."""
        return int(self._inner.write(tame(self._redactor.values(text))) or 0)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of them so."""
        for line in lines:
            self.write(line)

    def know(self, redactor: Redactor) -> None:
        """From now on without the secrets that this one knows."""
        self._redactor = redactor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def open_streams() -> None:
    """Give this process the standard streams that whoever started it closed: else a file of the run would get the number of one."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, closefd=False, encoding="utf-8"))  # noqa: SIM115 - it stays open to the end


def clean_process(redactor: Redactor) -> None:
    """Let whatever this process prints lose its secrets, captured or not: before, during and after the run."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, CleanStream):
            stream.know(redactor)
        elif stream is not None:
            setattr(sys, name, CleanStream(stream, redactor))


def clean_terminal(config: pytest.Config, redactor: Redactor) -> None:
    """Let pytest's own terminal write without secrets, whoever writes to it."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    writer = getattr(reporter, "_tw", None)
    if writer is None:
        return
    if isinstance(writer._file, CleanStream):
        writer._file.know(redactor)
    else:
        writer._file = CleanStream(writer._file, redactor)


def clean_trace(config: pytest.Config, redactor: Redactor) -> None:
    """Let ``--debug`` write its trace without secrets."""
    root: Any = config.trace.root
    write = getattr(root, "_writer", None)
    if write is not None:
        root.setwriter(lambda text: write(redactor.text(text)))


def clean_refusal(redactor: Redactor) -> None:
    """Clean the words of the refusal that is ending the session right now, if one is; pytest prints them once all is closed."""
    error = sys.exc_info()[1]
    if isinstance(error, pytest.UsageError):
        error.args = tuple(shown(redactor.text(str(each))) for each in error.args)


def clean_crash(redactor: Redactor) -> None:
    """Let a crash of the whole process print its traceback without secrets."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, CleanStream):
            stream.know(redactor)
    before = sys.excepthook

    def told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        text = "".join(traceback.format_exception(kind, error, trace))
        clean = redactor.text(text)
        if clean == text:
            before(kind, error, trace)
        else:
            sys.stderr.write(clean)

    sys.excepthook = told
