"""The ladder of the smoke test as a line of time, from the first event sent to the webhook processed (checklist 7.4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

WIDTH = 600
_REACHED = "reached"
_PACES = (("sent", "counted"), ("sent", "finalized"), ("finalized", "delivered"), ("finalized", "processed"))


@dataclass(frozen=True)
class Stage:
    """One stage; ``seconds`` since the first event and ``took`` since the stage before are None where it was not reached."""

    name: str
    state: str
    at: str = ""
    seconds: float | None = None
    took: float | None = None


@dataclass(frozen=True)
class Timeline:
    """All stages in their order."""

    stages: list[Stage]
    layout: str = field(default="timeline", init=False)
    width: int = field(default=WIDTH, init=False)

    @property
    def total(self) -> float:
        """Seconds from the first event to the last stage that was reached."""
        return max((stage.seconds for stage in self.stages if stage.seconds is not None), default=0.0)

    @property
    def bars(self) -> list[tuple[str, float, float]]:
        """For each stage its name, and where its bar begins and how wide it is, of ``WIDTH``."""
        scale = WIDTH / (self.total or 1.0)
        return [
            (stage.name, round((stage.seconds - stage.took) * scale, 1), round(max(stage.took * scale, 1.0), 1))
            for stage in self.stages
            if stage.seconds is not None and stage.took is not None
        ]


def read(_expected: Any, observed: Any) -> Timeline | None:
    """The line of time that an observation holds; None where it holds something else."""
    rows = observed.get("ladder") if isinstance(observed, dict) else None
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) and "stage" in row for row in rows):
        return None
    told = [Stage(str(row["stage"]), str(row.get("state")), _clock(row), _seconds(row)) for row in rows]
    return Timeline(_with_took(told))


def paces(observed: Any) -> dict[str, float]:
    """How many seconds lie between stages that are worth comparing from run to run."""
    line = read(None, observed)
    at = {stage.name: stage.seconds for stage in line.stages} if line else {}
    told = {f"from {one} to {other}": (at.get(one), at.get(other)) for one, other in _PACES}
    return {
        what: round(max(end - begin, 0.0), 2)
        for what, (begin, end) in told.items()
        if begin is not None and end is not None
    }


def _clock(row: dict[str, Any]) -> str:
    return str(row.get("at") or "")[11:19]


def _seconds(row: dict[str, Any]) -> float | None:
    try:
        return float(row["seconds"]) if row.get("state") == _REACHED else None
    except (KeyError, TypeError, ValueError):
        return None


def _with_took(stages: list[Stage]) -> list[Stage]:
    """Each stage with the time since the one before it that was reached; clocks may differ by a moment."""
    reached = [stage for stage in stages if stage.seconds is not None]
    took = {reached[0].name: 0.0} if reached else {}
    took |= {other.name: max(_of(other) - _of(one), 0.0) for one, other in pairwise(reached)}
    return [Stage(each.name, each.state, each.at, each.seconds, took.get(each.name)) for each in stages]


def _of(stage: Stage) -> float:
    return stage.seconds or 0.0
