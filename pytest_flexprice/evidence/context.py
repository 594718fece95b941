"""What the evidence has to know about a run; plugin.py fills it in once, in the controller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_flexprice.evidence.records import ScenarioRecord
from pytest_flexprice.evidence.redaction import Redactor
from pytest_flexprice.model.checklist import Level

if TYPE_CHECKING:
    from pytest_flexprice.model.golive_plan import GoLivePlan


@dataclass(frozen=True)
class HeaderRow:
    """One resolved value of the run and where it came from, such as ``("level", "smoke", "command line")``."""

    name: str
    value: str
    source: str = ""


def _nothing_left() -> Sequence[str]:
    return ()


@dataclass
class RunContext:
    """One run against one environment.

    Attributes:
        run_id: unique, sortable, safe in file names.
        environment: the name given with ``--flexprice-env``.
        environment_type: ``production`` or ``development``.
        folder: where this run leaves its evidence, ``reports/<environment>/<run id>/``.
        plan: the plan as this environment sees it.
        key_tail: the last two characters of the API key, never more.
        header: resolved values with their sources, as the run's header shows them.
        leftovers: asked at the end; one sentence for each object that the run created and could not remove.
        features: the feature files of the run, for their digests.
        plan_file: for its digest.
        written: the scenarios that a whole run consists of, which its records are held against.
        ends: the moment after which nothing new is begun, UTC.
        warnings: what is told at the end, one sentence each.
    """

    run_id: str
    environment: str
    base_url: str
    level: Level
    folder: Path
    redactor: Redactor = field(default_factory=Redactor)
    environment_type: str = "development"
    environment_id: str = ""
    company: str = ""
    rehearsal: bool = False
    plan: GoLivePlan | None = None
    plan_file: Path | None = None
    key_tail: str = ""
    header: Sequence[HeaderRow] = ()
    features: Sequence[Path] = ()
    written: Sequence[ScenarioRecord] = ()
    ends: datetime | None = None
    warnings: Sequence[str] = ()
    leftovers: Callable[[], Sequence[str]] = _nothing_left
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    today: date = field(default_factory=lambda: datetime.now(UTC).date())

    @property
    def results(self) -> Path:
        """Where Allure's results of this run belong."""
        return self.folder / "allure-results"


def unwritten(folder: Path, error: OSError) -> str:
    """What is told where the evidence cannot be written."""
    return (
        f"The evidence could not be written below {folder} ({error.strerror}): make room there, or name another folder with "
        "--flexprice-reports, and run again."
    )
