"""What a run leaves for the next one of its environment and level: one folder, small, that a CI can cache.

``reports/<environment>/history/runs.ndjson`` has a line for each run; ``<level>.json`` is what the newest run of a level saw, with
which the next one is compared. What a run did not look at keeps the value that an earlier one saw.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from pytest_flexprice.evidence.timeline import paces

if TYPE_CHECKING:
    from pytest_flexprice.evidence.document import Provenance
    from pytest_flexprice.evidence.judged import Verdict
    from pytest_flexprice.evidence.records import ScenarioRecord

FOLDER, RUNS = "history", "runs.ndjson"
KEPT_RUNS = 400
SHOWN_RUNS = 30
_OWN = "…"


class BaselineError(Exception):
    """What was given as a baseline is none; the message says why."""


class RunLine(BaseModel):
    """One run in ``runs.ndjson``: seconds of each wait that was met, by what was awaited."""

    run_id: str
    finished: datetime
    level: str
    label: str
    exit_code: int
    counts: dict[str, int] = {}
    waits: dict[str, float] = {}


class Baseline(BaseModel):
    """What one run saw: states and sentences by item, facts by title and path."""

    run_id: str
    finished: datetime
    level: str
    states: dict[str, str] = {}
    sentences: dict[str, list[str]] = {}
    facts: dict[str, dict[str, str]] = {}


def baseline_of(run: Provenance, verdict: Verdict, scenarios: Iterable[ScenarioRecord]) -> Baseline:
    """What a run saw, its own id taken out: it names what the run made, and is no difference."""
    found = Baseline(run_id=run.run_id, finished=run.finished, level=run.level)
    found.states = {item.id: item.state for item in verdict.items if item.state != "not run"}
    for record in scenarios:
        for finding in record.findings:
            found.sentences.setdefault(finding.item, []).append(_without(run.run_id, finding.sentence))
        for observation in record.observations:
            if observation.facts:
                found.facts.setdefault(observation.title, {}).update(observation.facts)
    return found


def _without(run_id: str, text: str) -> str:
    return text.replace(run_id, _OWN).replace(run_id.lower(), _OWN)


def line_of(run: Provenance, verdict: Verdict, scenarios: Iterable[ScenarioRecord]) -> RunLine:
    """A run's line; of several waits for one thing the longest, and the paces of the smoke test's ladder."""
    waits: dict[str, float] = {}
    for record in scenarios:
        for observation in record.observations:
            waits |= paces(observation.observed)
        for wait in record.waits:
            if wait.met:
                waits[wait.what] = max(waits.get(wait.what, 0.0), round(wait.seconds, 2))
    return RunLine(
        run_id=run.run_id,
        finished=run.finished,
        level=run.level,
        label=verdict.label,
        exit_code=verdict.exit_code,
        counts=verdict.counts,
        waits={_without(run.run_id, what): seconds for what, seconds in waits.items()},
    )


def read_baseline(folder: Path, level: str) -> Baseline | None:
    """The baseline of a level in a history folder; one that cannot be read is none."""
    try:
        return Baseline.model_validate_json((folder / f"{level}.json").read_bytes())
    except (OSError, ValidationError):
        return None


def read_runs(folder: Path, level: str) -> list[RunLine]:
    """The runs of a level, oldest first; a damaged line is passed over."""
    return [line for line in _lines(folder) if line.level == level]


def _lines(folder: Path) -> list[RunLine]:
    try:
        rows = (folder / RUNS).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found = []
    for row in rows:
        try:
            found.append(RunLine.model_validate_json(row))
        except ValidationError:
            continue
    return found


def remember(folder: Path, seen: Baseline, line: RunLine) -> None:
    """Write both for the next run. What this run did not look at stays as it was known."""
    folder.mkdir(parents=True, exist_ok=True)
    known = read_baseline(folder, seen.level)
    replace_file(folder / f"{seen.level}.json", _merged(known, seen).model_dump_json() + "\n")
    lines = [*_lines(folder), line][-KEPT_RUNS:]
    replace_file(folder / RUNS, "".join(each.model_dump_json() + "\n" for each in lines))


def _merged(known: Baseline | None, seen: Baseline) -> Baseline:
    if known is None:
        return seen
    untouched = {item: told for item, told in known.sentences.items() if item not in seen.states}
    return seen.model_copy(
        update={
            "states": {**known.states, **seen.states},
            "sentences": {**untouched, **seen.sentences},
            "facts": {**known.facts, **seen.facts},
        }
    )


def replace_file(path: Path, text: str) -> None:
    """Write a file as a whole or not at all: on a full disk what stands there keeps standing."""
    beside = path.with_suffix(path.suffix + ".new")
    try:
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def given_baseline(path: Path) -> Baseline:
    """A baseline that somebody names: a ``<level>.json`` of a history folder, a ``golive.json``, or a zip of evidence.

    Raises:
        BaselineError: it is none of them.
    """
    try:
        content = _content(path)
        return Baseline.model_validate(content) if "states" in content else _from_document(content)
    except OSError as reason:
        raise BaselineError(f"{path}: the baseline cannot be read ({reason.strerror or reason})") from None
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile):
        raise BaselineError(
            f"{path}: this is no baseline; name a golive.json, a zip of evidence, or a file of a history folder"
        ) from None


def _content(path: Path) -> dict[str, Any]:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            found = json.loads(archive.read("golive.json"))
    else:
        found = json.loads(path.read_bytes())
    if not isinstance(found, dict):
        raise TypeError
    return found


def _from_document(document: Mapping[str, Any]) -> Baseline:
    run = document["run"]
    found = Baseline(run_id=run["run_id"], finished=run["finished"], level=run["level"])
    found.states = {item["id"]: item["state"] for item in document["verdict"]["items"] if item["state"] != "not run"}
    for record in document.get("scenarios") or ():
        for row in record.get("findings") or ():
            told = found.sentences.setdefault(str(row.get("item", "")), [])
            told.append(_without(found.run_id, str(row.get("sentence", ""))))
    return found
