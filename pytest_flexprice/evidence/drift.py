"""What changed since the last run of an environment and level: items, findings, facts, pace, what ends soon; and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import accumulate, takewhile
from statistics import median

from pydantic import BaseModel

from pytest_flexprice.evidence.history import SHOWN_RUNS, Baseline, RunLine

MOST = 50
SLOWER_FACTOR, SLOWER_SECONDS, RUNS_TO_JUDGE = 2.0, 2.0, 5
DAYS_BEFORE_AN_END = (14, 7, 3, 1, 0)
NOTHING, THERE = "nothing", "there"
_OBJECTS = ("features.", "plans.")
_SAID = {"True": "true", "False": "false"}


class Change(BaseModel):
    """One item whose state or findings are not what they were."""

    item: str
    before: str
    now: str
    appeared: list[str] = []
    gone: list[str] = []


class FactChange(BaseModel):
    """One fact that is not what it was; ``nothing`` where there was or is none."""

    title: str
    path: str
    before: str
    now: str


class Slower(BaseModel):
    """Something that took much longer than usual: seconds now, usually, and in the last runs, oldest first."""

    what: str
    usual: float
    now: float
    recent: list[float] = []


_STAMPED = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)\d\dZ-")


class Drift(BaseModel):
    """The changes since the run ``since``; all lists empty say that nothing changed, no ``Drift`` that there is no earlier run.

    ``facts_total`` counts also the changed facts that are not listed.
    """

    since: str
    changes: list[Change] = []
    facts: list[FactChange] = []
    facts_total: int = 0
    slower: list[Slower] = []
    ending: list[str] = []

    @property
    def when(self) -> str:
        """The earlier run by its time, where its id tells that, and by its id."""
        found = _STAMPED.match(self.since)
        return f"of {'{}-{}-{} {}:{}'.format(*found.groups())} UTC ({self.since})" if found else self.since

    @property
    def nothing(self) -> bool:
        """Whether nothing changed."""
        return not (self.changes or self.facts or self.slower or self.ending)


def compare(
    before: Baseline,
    now: Baseline,
    *,
    runs: Sequence[RunLine],
    line: RunLine,
    ends: Mapping[str, date],
    today: date,
) -> Drift:
    """What changed from one run to the next.

    What one of the two did not look at is left out: that is a difference of the runs, not of the environment.

    Args:
        runs: earlier runs of the level, oldest first, without this one.
        ends: the last day of everything that ends by itself, by its name in a sentence.
    """
    facts = list(_facts(before.facts, now.facts))
    return Drift(
        since=before.run_id,
        changes=[change for item in now.states if (change := _change(item, before, now)) is not None],
        facts=facts[:MOST],
        facts_total=len(facts),
        slower=list(_slower(runs, line)),
        ending=list(_ending(ends, before.finished.date(), today)),
    )


def _change(item: str, before: Baseline, now: Baseline) -> Change | None:
    if item not in before.states:
        return None
    old, new = set(before.sentences.get(item, ())), set(now.sentences.get(item, ()))
    if before.states[item] == now.states[item] and old == new:
        return None
    return Change(
        item=item,
        before=before.states[item],
        now=now.states[item],
        appeared=sorted(new - old)[:MOST],
        gone=sorted(old - new)[:MOST],
    )


def _facts(before: Mapping[str, Mapping[str, str]], now: Mapping[str, Mapping[str, str]]) -> Iterator[FactChange]:
    for title in now:
        if title not in before:
            continue
        old, new = before[title], now[title]
        whole = _whole(old, new) | _whole(new, old)
        told: set[str] = set()
        for path in sorted(old.keys() | new.keys()):
            if old.get(path) == new.get(path) or whole.get(path) in told:
                continue
            name, sides = whole.get(path, path), (old.get(path, NOTHING), new.get(path, NOTHING))
            if name != path:
                told.add(name)
                sides = (THERE, NOTHING) if path in old else (NOTHING, THERE)
            yield FactChange(
                title=title, path=name, before=_SAID.get(sides[0], sides[0]), now=_SAID.get(sides[1], sides[1])
            )


def _whole(other: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """A feature or plan of which the other side has nothing is one change: the object's path by each path in it."""
    known = {head for path in other for head in accumulate(path.split("."), "{}.{}".format)}
    found: dict[str, list[str]] = {}
    for path in own:
        heads = [*accumulate(path.split("."), "{}.{}".format)][1:-1]
        head = next((head for head in heads if head not in known), "")
        if head and path.startswith(_OBJECTS):
            found.setdefault(head, []).append(path)
    return {path: _shared(paths) for paths in found.values() if len(paths) > 1 for path in paths}


def _shared(paths: Sequence[str]) -> str:
    """What paths have in common, part by part."""
    parts = [path.split(".") for path in paths]
    return ".".join(same[0] for same in takewhile(lambda one: len({*one}) == 1, zip(*parts, strict=False)))


def _slower(runs: Sequence[RunLine], line: RunLine) -> Iterator[Slower]:
    for what, seconds in line.waits.items():
        recent = [run.waits[what] for run in runs if what in run.waits][-SHOWN_RUNS:]
        if len(recent) < RUNS_TO_JUDGE:
            continue
        usual = median(recent)
        if seconds > usual * SLOWER_FACTOR and seconds > usual + SLOWER_SECONDS and not _slow_already(recent, usual):
            yield Slower(what=what, usual=round(usual, 2), now=seconds, recent=[*recent, seconds][-SHOWN_RUNS:])


def _slow_already(recent: Sequence[float], usual: float) -> bool:
    """Whether the run before was slow as well: then it was told on its day."""
    return recent[-1] > usual * SLOWER_FACTOR and recent[-1] > usual + SLOWER_SECONDS


def _ending(ends: Mapping[str, date], before: date, today: date) -> Iterator[str]:
    for name, last in ends.items():
        left, had = (last - today).days, (last - before).days
        if any(left <= days < had for days in DAYS_BEFORE_AN_END) and left >= 0:
            yield f"{name} ends {_in(left)}, on {last.isoformat()}"
        elif left < 0 <= had:
            yield f"{name} ended on {last.isoformat()}"


def _in(days: int) -> str:
    return {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")


def told(drift: Drift) -> Iterable[str]:
    """Every change as a short sentence, as terminal and Markdown show it."""
    for change in drift.changes:
        moved = f"{change.before} → {change.now}" if change.before != change.now else f"{change.now}, other findings"
        yield f"{change.item}: {moved}"
    for fact in drift.facts:
        yield f"{fact.title}{': ' if fact.path else ''}{fact.path}: {fact.before} → {fact.now}"
    if drift.facts_total > len(drift.facts):
        yield f"{drift.facts_total - len(drift.facts)} more facts changed"
    for each in drift.slower:
        yield f"slower: {each.what} took {each.now:g} s, usually {each.usual:g} s"
    yield from drift.ending
