"""What lies beside golive.json against what it says: the exchanges and Allure's files; and files that no run writes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

from pytest_flexprice.evidence import allure_files, exchanges
from pytest_flexprice.evidence.allure_report import REPORT
from pytest_flexprice.evidence.bundle import MANIFEST, RENDERINGS, SEALS
from pytest_flexprice.evidence.document import Document, Provenance
from pytest_flexprice.evidence.exchanges import MERGED
from pytest_flexprice.evidence.headline import Troubles, word_of
from pytest_flexprice.evidence.listing import read_object
from pytest_flexprice.evidence.opened import Opened
from pytest_flexprice.model.checklist import BY_ID, Level
from pytest_flexprice.model.times import instant

_RESULTS = "allure-results/"
_OF_WORKERS = r"(ledger|alive|waiting|exchanges)-[\w-]+\.(nd)?json|[\w.-]+-(main|gw\d+)\.csv"
_UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_OF_ALLURE = rf"({_UUID}-(result|container)\.json|{_UUID}-attachment(\.\w+)?|environment\.properties|(categories|executor)\.json)"
_WRITTEN = re.compile(rf"{_OF_WORKERS}|{_RESULTS}{_OF_ALLURE}")
_FIXED = {*SEALS, *(name for name, _ in RENDERINGS), MERGED, REPORT, "allurerc.json"}
_OTHERS = re.compile("of your own failed|that no scenario tells of")
_SLACK = timedelta(minutes=10)
_GIVEN: tuple[tuple[str, Callable[[Document], str]], ...] = (
    (f"{_RESULTS}categories.json", lambda document: allure_files.as_text(allure_files.CATEGORIES)),
    (f"{_RESULTS}executor.json", lambda document: allure_files.as_text(allure_files.executor(document.run))),
    ("allurerc.json", lambda document: allure_files.as_text(allure_files.configuration(document))),
    (f"{_RESULTS}environment.properties", allure_files.environment),
)
"""What golive.json alone gives."""


def beside(opened: Opened, document: Document) -> Iterator[str]:
    """What contradicts golive.json, as sentences without a full stop; only the version that wrote it can tell."""
    listed = {str(row.get("file")) for row in (read_object(opened, MANIFEST) or {}).get("files") or ()}
    for name in sorted(listed - _FIXED):
        if not _WRITTEN.fullmatch(name):
            yield f"{name} is none of the files that a run writes, whatever {MANIFEST} says"
    yield from _words(document)
    yield from _exchanges(opened, document)
    for name, given in _GIVEN:
        if name in opened.files and opened.files[name] != given(document).encode("utf-8"):
            yield f"{name} does not say what golive.json says"
    yield from _results(opened, document)


def _words(document: Document) -> Iterator[str]:
    """Titles, and the headline: no more than what the items give it, and failures that only the run itself counted."""
    for item in document.verdict.items:
        if item.id in BY_ID and item.title != BY_ID[item.id].title:
            yield f"golive.json calls item {item.id} '{item.title}', which the checklist calls '{BY_ID[item.id].title}'"
    run, verdict = document.run, document.verdict
    level = next((each for each in Level if each.word == run.level), None)
    if level is None:
        return
    *_, due = word_of(list(verdict.items), level, run.rehearsal, Troubles(verdict.leftovers, 0, 0))
    if verdict.headline != due and not (verdict.exit_code and _OTHERS.search(verdict.headline)):
        yield f"golive.json is headed '{verdict.headline}', where its items say '{due}'"


def _exchanges(opened: Opened, document: Document) -> Iterator[str]:
    content = opened.files.get(MERGED)
    if content is None or not document.exchanges:
        return
    rows = list(exchanges.rows(content.decode("utf-8", "replace")))
    counts = exchanges.by_scenario(rows)
    if exchanges.summary(rows) != document.exchanges:
        yield f"{MERGED} does not hold the {document.exchanges.get('count')} exchanges that golive.json counts, with their answers"
    elif any(record.exchanges != counts[record.node_id] for record in document.scenarios):
        yield f"{MERGED} holds exchanges of other scenarios than golive.json counts"
    if len({line for line in content.splitlines() if line}) < len(rows):
        yield f"{MERGED} holds an exchange twice"
    times = [str(row["at"]) for row in rows if row.get("at")]
    if times != sorted(times):
        yield f"{MERGED} is not in the order of time"
    if any(not _is_of(document.run, each) for each in (*times[:1], *times[-1:])):
        yield f"{MERGED} holds exchanges from outside of the run's time"


def _is_of(run: Provenance, at: str) -> bool:
    try:
        return run.started - _SLACK <= instant(at) <= run.finished + _SLACK
    except ValueError:
        return False


def _results(opened: Opened, document: Document) -> Iterator[str]:
    """The scenarios as Allure tells them: each that ran, green where golive.json has it green."""
    told: Counter[tuple[str, bool]] = Counter()
    for name in opened.files:
        if name.startswith(_RESULTS) and name.endswith("-result.json"):
            result = read_object(opened, name) or {}
            told[str(result.get("name")), result.get("status") == "passed"] += 1
    if not told:
        return
    due = Counter(
        (record.name, record.outcome in ("passed", "attested"))
        for record in document.scenarios
        if record.executions == 1 and record.outcome != "not run"
    )
    left_out = bool((read_object(opened, MANIFEST) or {}).get("left_out"))
    for (name, green), count in due.items():
        if told[name, not green] > due[name, not green]:
            yield f"{_RESULTS} shows '{name}' {'not ' if green else ''}passed, and golive.json the other way round"
        elif told[name, green] < count and not left_out:
            yield f"{_RESULTS} does not tell of '{name}', which golive.json does"
