"""Running the checklist as its users do, in a process of its own, and reading what it left."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.warm import Running, Warm

PROJECT = Path(__file__).parents[1]
TIMEOUT = 300
RED = ("failed", "not decided", "not verified")


@dataclass(frozen=True)
class Outcome:
    """One finished run: exit code, what it printed, and the folder of its evidence (None if it left none)."""

    code: int
    output: str
    reports: Path

    @property
    def folder(self) -> Path:
        """The evidence of this run."""
        (folder,) = (each for each in self.reports.glob("*/*/") if each.name != "history")
        return folder

    @cached_property
    def document(self) -> dict[str, Any]:
        """``golive.json``."""
        return json.loads((self.folder / "golive.json").read_text(encoding="utf-8"))

    @property
    def items(self) -> dict[str, str]:
        """The state of each checklist item."""
        return {item["id"]: item["state"] for item in self.document["verdict"]["items"]}

    @property
    def red(self) -> dict[str, str]:
        """What the red scenarios said, by scenario name."""
        return {
            scenario["name"]: "\n".join(
                [scenario["message"], *(f["sentence"] for f in scenario["findings"] if f["severity"] == "error")]
            )
            for scenario in self.document["scenarios"]
            if scenario["outcome"] in RED
        }

    @property
    def red_items(self) -> set[str]:
        """The checklist items that red scenarios belong to."""
        return {item for s in self.document["scenarios"] if s["outcome"] in RED for item in s["items"]}


WARM = Warm()


def begin(tmp_path: Path, *arguments: str, environ: dict[str, str] | None = None, cwd: Path | None = None) -> Running:
    """Start ``pytest`` with these arguments in an empty folder."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("FLEXPRICE_", "PYTEST_"))}
    # Without the demo company's log, which matters to few tests and is made anew by every rehearsal.
    environ = {**clean, "COLUMNS": "160", "FLEXPRICE_REHEARSAL_EVENTS": "0", **(environ or {})}
    arguments = (f"--flexprice-reports={tmp_path / 'evidence'}", "-p", "no:cacheprovider", *arguments)
    return WARM.begin(arguments, cwd or tmp_path, environ)


def run(tmp_path: Path, *arguments: str, **more: Any) -> Outcome:
    """Run it to its end."""
    return Outcome(*begin(tmp_path, *arguments, **more).ended(TIMEOUT), tmp_path / "evidence")


#: For those that compare the company's log: a small one.
WITH_LOG = {"FLEXPRICE_REHEARSAL_EVENTS": "2000"}


def rehearse(tmp_path: Path, *arguments: str, **more: Any) -> Outcome:
    """Run the rehearsal."""
    return run(tmp_path, "--flexprice-env=local", *arguments, **more)
