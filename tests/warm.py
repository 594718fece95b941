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
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

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


class Warm:
    """The process, started when it is first asked for."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def run(self, arguments: Sequence[str], cwd: Path, environ: dict[str, str], timeout: float) -> tuple[int, str]:
        """Exit code and output of ``pytest`` with these arguments."""
        with tempfile.NamedTemporaryFile("r", encoding="utf-8", errors="replace") as output:
            order = {"arguments": list(arguments), "cwd": str(cwd), "environ": environ, "output": output.name}
            code = self._ordered(order, timeout)
            return code, output.read()

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _ordered(self, order: dict[str, Any], timeout: float) -> int:
        process = self._process = self._process or self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        print(json.dumps(order), file=process.stdin, flush=True)
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            if not selector.select(timeout):
                self.stop()
                raise subprocess.TimeoutExpired(order["arguments"], timeout)
        return int(process.stdout.readline())

    def _started(self) -> subprocess.Popen[str]:
        atexit.register(self.stop)
        command = [sys.executable, "-m", __name__]
        return subprocess.Popen(
            command, cwd=Path(__file__).parents[1], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
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
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(order: dict[str, Any]) -> NoReturn:
    """What the child does: a run, from its arguments to its exit code."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
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
