"""Allure's own report beside ours, where its command (3, from npm) is on the machine: one file, with the history of earlier runs."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Literal

Mode = Literal["auto", "off", "require"]
_PLAIN: dict[str, Any] = {"plugins": {"awesome": {"options": {"singleFile": True}}}}
REPORT, HISTORY = "allure.html", "allure-{level}.jsonl"
KEPT_RUNS = 60
TIME_LIMIT = 180.0
_MISSING = "there is no allure command of version 3 on the PATH; install it with: npm install --global allure"


class AllureMissing(Exception):
    """Allure's report was required and cannot be made; the message says why."""


def command() -> str | None:
    """The ``allure`` command of version 3, or None."""
    found = shutil.which("allure")
    if found is None:
        return None
    told = _run([found, "--version"], 30.0)
    return found if told is not None and told.stdout.strip().startswith("3.") else None


def require(mode: Mode) -> None:
    """Before a run: is what was required there?

    Raises:
        AllureMissing: it is not.
    """
    if mode == "require" and command() is None:
        raise AllureMissing(f"--flexprice-allure=require: {_MISSING}")


def generate(folder: Path, results: Path, history: Path, level: str, mode: Mode) -> str:
    """Write ``allure.html`` into ``folder``; gives a line for the terminal.

    Args:
        history: the folder of the environment's history, in which Allure keeps its own.
    """
    if mode == "off" or not results.is_dir() or not any(results.glob("*-result.json")):
        return ""
    program = command()
    if program is None:
        return f"Allure:   results in {results.name}; look at them with: npx allure awesome {shlex.quote(str(results))}"
    known = history / HISTORY.format(level=level)
    history.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        settings, report = Path(made) / "allurerc.json", Path(made) / "report"
        report.mkdir()
        settings.write_text(json.dumps(_settings(folder, known)), encoding="utf-8")
        done = _run([program, "generate", str(results), "--output", str(report), "--config", str(settings)], TIME_LIMIT)
        page = report / "index.html"
        if done is None or done.returncode or not page.is_file():
            return "Allure:   its report could not be made; the results are in the zip"
        shutil.move(page, folder / REPORT)
    _trim(known)
    return f"Allure:   {folder / REPORT}"


def _settings(folder: Path, known: Path) -> dict[str, Any]:
    """The run's configuration, which the command ``generate`` alone follows, with the history that is none of its evidence."""
    configured = folder / "allurerc.json"
    own = json.loads(configured.read_text(encoding="utf-8")) if configured.is_file() else _PLAIN
    return {**own, "historyPath": str(known)}


def _trim(known: Path) -> None:
    """Keep Allure's history as small as ours."""
    if known.is_file():
        lines = known.read_text(encoding="utf-8").splitlines(keepends=True)
        known.write_text("".join(lines[-KEPT_RUNS:]), encoding="utf-8")


def _run(arguments: list[str], seconds: float) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(  # noqa: S603 - a fixed program with arguments of this run
            arguments, capture_output=True, text=True, timeout=seconds, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
