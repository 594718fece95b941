"""The company's own log beside Flexprice: a small chart for each feature, and the causes of what differs (checklist 3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

WIDTH, HEIGHT = 320, 84


@dataclass(frozen=True)
class Bar:
    """One bar of a chart, in the units of its view box."""

    side: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Day:
    """The events of one day on both sides."""

    day: str
    log: int
    flexprice: int


@dataclass(frozen=True)
class Chart:
    """One feature by day."""

    feature: str
    days: list[Day]

    @property
    def log(self) -> int:
        """All events of the company's log."""
        return sum(day.log for day in self.days)

    @property
    def flexprice(self) -> int:
        """All events that Flexprice counted."""
        return sum(day.flexprice for day in self.days)

    @property
    def differing(self) -> list[Day]:
        """The days on which the two differ."""
        return [day for day in self.days if day.log != day.flexprice]

    @property
    def words(self) -> str:
        """What the picture shows, for who does not see it."""
        told = "; ".join(f"{day.day}: {day.log:,} and {day.flexprice:,}" for day in self.differing[:5])
        more = f" and {len(self.differing) - 5} more days" if len(self.differing) > 5 else ""
        days = f"Days that differ: {told}{more}." if told else "No day differs."
        return f"{self.feature}: the log has {self.log:,} events, Flexprice {self.flexprice:,}. {days}"

    @property
    def bars(self) -> list[Bar]:
        """Two bars a day, the log's left of Flexprice's, the highest as high as the chart."""
        top = max((max(day.log, day.flexprice) for day in self.days), default=0) or 1
        slot = WIDTH / max(len(self.days), 1)
        width = min(slot * 0.38, 24)
        return [bar for number, day in enumerate(self.days) for bar in _pair(day, (number + 0.5) * slot, width, top)]


@dataclass(frozen=True)
class CauseRow:
    """Why events differ: how many, what that is worth, what they share, and some of them."""

    cause: str
    events: int
    worth: str
    spread: str
    examples: list[str]


@dataclass(frozen=True)
class TrafficPage:
    """The whole comparison; the causes stand in the order in which they were told, the money at risk first."""

    charts: list[Chart]
    causes: list[CauseRow]
    notes: list[str]
    layout: str = field(default="traffic", init=False)
    width: int = field(default=WIDTH, init=False)
    height: int = field(default=HEIGHT, init=False)


def read(_expected: Any, observed: Any) -> TrafficPage | None:
    """The comparison that an observation holds; None where it holds something else."""
    told = observed.get("traffic") if isinstance(observed, dict) else None
    if not isinstance(told, dict) or not isinstance(told.get("features"), list):
        return None
    days = [str(day) for day in _list(told.get("days"))]
    charts = [_chart(one, days) for one in told["features"] if isinstance(one, dict)]
    causes = [_cause(one) for one in _list(told.get("causes")) if isinstance(one, dict)]
    return TrafficPage(charts, causes, [str(note) for note in _list(told.get("notes"))])


def _pair(day: Day, middle: float, width: float, top: int) -> list[Bar]:
    return [
        _bar("log", day.log, middle - width, width, top),
        _bar("flexprice", day.flexprice, middle, width, top),
    ]


def _bar(side: str, count: int, x: float, width: float, top: int) -> Bar:
    height = HEIGHT * max(count, 0) / top
    return Bar(side, round(x, 2), round(HEIGHT - height, 2), round(width, 2), round(height, 2))


def _chart(told: dict[str, Any], days: Sequence[str]) -> Chart:
    log, counted = _list(told.get("log")), _list(told.get("flexprice"))
    # A long series was cut with a note at its end, on the days too.
    rows = [Day(day, one, other) for day, one, other in zip(days, map(_count, log), map(_count, counted), strict=False)]
    return Chart(str(told.get("feature")), rows[:-1] if log and not str(log[-1]).isdigit() else rows)


def _cause(told: dict[str, Any]) -> CauseRow:
    examples = [str(each) for each in _list(told.get("examples"))]
    worth, spread = (str(told.get(key) or "") for key in ("worth", "spread"))
    return CauseRow(str(told.get("cause")), _count(told.get("events")), worth, spread, examples)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _count(value: Any) -> int:
    """A count; one beyond 2**53 is kept as text."""
    return int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()) else 0
