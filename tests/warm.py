"""A process that has imported everything once and is forked for each run of pytest: a run costs its own work, not its imports.

Each run is a process of its own, as its users' are. What stands in this process is imported modules and compiled templates only: no
server, no thread, no state of an earlier run.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import pkgutil
import selectors
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NoReturn

import pytest

from tests.warm_workers import Nursery

ALSO = (
    "allure_pytest.plugin",
    "duckdb",
    "faker",
    "hypothesis.internal.observability",
    "ibis.backends.duckdb",
    "in_toto_attestation.v1.statement",
    "pandas",
    "pyarrow.parquet",
)


@dataclass
class Running:
    """A run in a process and a group of its own; nothing of what is told of it is read ahead."""

    pid: int
    _told: IO[bytes]
    _output: IO[str]
    over: bool = False

    def send(self, number: signal.Signals) -> None:
        """Send a signal to its process."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it with all its workers."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def ended(self, timeout: float) -> tuple[int, str]:
        """Its exit code and what it printed."""
        with self._output, selectors.DefaultSelector() as selector:
            selector.register(self._told, selectors.EVENT_READ)
            late = not selector.select(timeout)
            if late:
                self.kill()
            code, output = int(self._told.readline()), self._output.read()
            self.over = True
        assert not late, f"it did not end within {timeout} s:\n{output}"
        return code, output


class Warm:
    """The process, started when it is first asked for."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._running: Running | None = None

    def begin(self, arguments: Sequence[str], cwd: Path, environ: dict[str, str]) -> Running:
        """Start ``pytest`` with these arguments; one that nobody saw the end of is ended."""
        if self._running is not None and not self._running.over:
            self._running.kill()
            self.stop()
        output = tempfile.NamedTemporaryFile("r", encoding="utf-8", errors="replace")  # noqa: SIM115 - closed by whoever reads it
        order = {"arguments": list(arguments), "cwd": str(cwd), "environ": environ, "output": output.name}
        process = self._process = self._process or self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(order).encode() + b"\n")
        self._running = Running(int(process.stdout.readline()), process.stdout, output)
        return self._running

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _started(self) -> subprocess.Popen[bytes]:
        atexit.register(self.stop)
        command = [sys.executable, "-m", __name__]
        return subprocess.Popen(
            command, cwd=Path(__file__).parents[1], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )


class _Everything:
    """Imports what a run imports, while pytest's own import hook is there: what it rewrites is rewritten; compiles its templates."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self) -> int:
        package = import_module("pytest_flexprice")
        for module in pkgutil.walk_packages(package.__path__, "pytest_flexprice."):
            if not module.name.endswith("__main__"):
                import_module(module.name)
        for name in ALSO:
            import_module(name)
        import_module("faker").Faker()  # imports what it has of each language
        report = import_module("pytest_flexprice.evidence.report")
        for kind in ("html", "md"):
            for name in report.templates(kind).list_templates(extensions=["j2"]):
                report.templates(kind).get_template(name)
        return 0


def _served() -> None:
    """Fork for each order on the standard input; tell each exit code on the standard output."""
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(order)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(order: dict[str, Any]) -> NoReturn:
    """What the child does: a run, from its arguments to its exit code."""
    os.setsid()
    # Whoever runs these tests in the background may have signals switched off for all children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    target = os.open(order["output"], os.O_WRONLY | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(target, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(order["environ"])
    os.chdir(order["cwd"])
    sys.argv = ["pytest", *order["arguments"]]
    nursery = Nursery() if any(each.startswith("-n") for each in sys.argv) else None
    code = pytest.console_main()
    if nursery is not None:
        nursery.close()
    sys.exit(code)


if __name__ == "__main__":
    answers = os.dup(1)
    os.dup2(2, 1)  # what importing prints is no answer
    pytest.main(["-p", "no:cacheprovider", "--rootdir", tempfile.gettempdir()], plugins=[_Everything()])
    os.dup2(answers, 1)
    gc.collect()
    gc.freeze()
    _served()
