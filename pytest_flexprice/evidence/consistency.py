"""Whether a document of a run agrees with itself: what its items, scenarios, times and level say of each other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from pytest_flexprice.evidence.document import Document
from pytest_flexprice.evidence.judged import ItemVerdict
from pytest_flexprice.evidence.records import ScenarioRecord
from pytest_flexprice.model.checklist import BY_ID, Level

_GOOD, _BAD = ("passed", "attested"), ("failed", "not decided", "not verified")
_RUN_ID = re.compile(r"(\d{8}T\d{6})Z-")
_SLACK = timedelta(minutes=10)
_READY = ("READY", "READY WITH WAIVERS")


def contradictions(document: Document) -> Iterator[str]:
    """What cannot be true together, as sentences without a full stop; all times are in UTC."""
    yield from _times(document)
    yield from _whole(document)
    yield from _items(document)
    yield from _scenarios(document)
    yield from _word(document)


def other_zones(document: Document) -> Iterator[str]:
    """Times that are not in UTC, which nothing else can be compared with."""
    moments = {"started": document.run.started, "finished": document.run.finished}
    for record in document.scenarios:
        if record.started is not None:
            moments[f"the start of '{record.name}'"] = record.started
    for name, moment in moments.items():
        if moment.utcoffset() != timedelta():
            yield f"golive.json gives {name} as {moment.isoformat()}, and a run writes all times in UTC"


def _times(document: Document) -> Iterator[str]:
    run = document.run
    if run.finished < run.started or abs((run.finished - run.started).total_seconds() - run.seconds) > 1:
        yield f"golive.json says that the run took {run.seconds:g} s, which is not from its start to its end"
    named = _RUN_ID.match(run.run_id)
    if named and abs(datetime.strptime(named[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC) - run.started) > _SLACK:
        yield f"golive.json says that run {run.run_id} started {run.started:%Y-%m-%d %H:%M} UTC, which is not when its id was made"
    for record in document.scenarios:
        if record.started and not run.started - _SLACK <= record.started <= run.finished + _SLACK:
            yield f"golive.json says that '{record.name}' started {record.started:%Y-%m-%d %H:%M} UTC, outside of the run"
            return


def _whole(document: Document) -> Iterator[str]:
    if not document.ended:
        yield "golive.json is of a run that began and never ended"
    verdict, run = document.verdict, document.run
    known = Counter(item.id for item in verdict.items)
    if set(known) != set(BY_ID) or max(known.values()) > 1:
        yield "golive.json does not hold every item of the checklist once"
    if Counter(item.state for item in verdict.items) != Counter(verdict.counts):
        yield "golive.json counts its items otherwise than it lists them"
    rehearsed = {run.rehearsal, verdict.rehearsal, verdict.word == "REHEARSAL"}
    if len(rehearsed) > 1 or (run.environment == "local" and not run.rehearsal):
        yield "golive.json calls the run a rehearsal in one place and not in another"


def _items(document: Document) -> Iterator[str]:
    level = _level(document.run.level)
    if level is None:
        yield f"golive.json says that the run was at level '{document.run.level}', which is none"
        return
    for item in document.verdict.items:
        own = [record for record in document.scenarios if item.id in record.items]
        yield from _item(item, own, level, document.run.started.date())


def _item(item: ItemVerdict, own: list[ScenarioRecord], level: Level, day: date) -> Iterator[str]:
    needed = BY_ID[item.id].level if item.id in BY_ID else Level.LINT
    if item.state in _GOOD and any(record.outcome in _BAD for record in own if _within(record, level)):
        yield f"golive.json calls item {item.id} {item.state}, although a scenario of it did not pass"
    elif item.state in _GOOD and not any(record.outcome in _GOOD for record in own):
        yield f"golive.json calls item {item.id} {item.state}, although no scenario of it passed"
    if item.state in _GOOD and needed > level:
        yield f"golive.json calls item {item.id} {item.state}, which needs level {needed.word} and ran at {level.word}"
    if item.state == "waived" and item.waiver is None:
        yield f"golive.json calls item {item.id} waived, and names no waiver"
    if item.state == "waived" and item.waiver is not None and item.waiver.until < day:
        yield f"golive.json calls item {item.id} waived, although that ended on {item.waiver.until.isoformat()}"


def _scenarios(document: Document) -> Iterator[str]:
    for record in document.scenarios:
        red = any(step.status != "passed" for step in record.steps) or record.errors
        if record.outcome in _GOOD and red:
            yield f"golive.json calls '{record.name}' {record.outcome}, although a step of it did not pass or an error was found"
            return


def _within(record: ScenarioRecord, level: Level) -> bool:
    own = _level(record.level)
    return own is None or own <= level


def _level(word: str) -> Level | None:
    return next((level for level in Level if level.word == word), None)


def _word(document: Document) -> Iterator[str]:
    verdict = document.verdict
    states = {item.state: item.id for item in reversed(verdict.items)}
    short = [item.id for item in verdict.items if item.state not in (*_GOOD, "waived")]
    if verdict.word in _READY and short:
        yield f"golive.json says {verdict.word}, although item {short[0]} is not passed"
    if verdict.word == "READY" and "waived" in states:
        yield f"golive.json says READY, although item {states['waived']} is waived"
    if not verdict.label.startswith(verdict.word.removesuffix(" WAIVERS")):
        yield f"golive.json says {verdict.word} and is headed {verdict.label}"
    red = next((states[state] for state in _BAD if state in states), "")
    if verdict.leftovers and verdict.word in _READY:
        yield f"golive.json says {verdict.word}, although objects were left behind"
    if (red or verdict.leftovers) and not verdict.exit_code:
        yield f"golive.json says that all holds, although {f'item {red} does not' if red else 'objects were left behind'}"
