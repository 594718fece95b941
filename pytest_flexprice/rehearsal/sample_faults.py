"""Faults in what the company says it sends: its list of events, and its sample events (checklist 2.2, 3.1)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from pytest_flexprice.model.golive_plan import EventKind, GoLivePlan

Row = dict[str, Any]
Spoil = Callable[[Row], Row]
_FIELDS = ("event_name", "event_id", "external_customer_id", "timestamp")
_FOLDERS: list[TemporaryDirectory[str]] = []


class Lacking(Exception):
    """The company lacks what a fault is about; the message says what, after "it has"."""


class SampleFault(NamedTuple):
    """One fault: its name, what it means, and the plan that has it."""

    name: str
    meaning: str
    change: Callable[[GoLivePlan], GoLivePlan]


def scratch_folder() -> Path:
    """A folder that lives as long as the process, for spoiled copies of what a company has."""
    _FOLDERS.append(TemporaryDirectory(prefix="flexprice-scratch-"))
    return Path(_FOLDERS[-1].name)


def _spoiled(spoil: Spoil) -> Callable[[GoLivePlan], GoLivePlan]:
    """The plan with a copy of an event's samples in which the first event is spoiled."""

    def change(plan: GoLivePlan) -> GoLivePlan:
        event, source, rows = _samples(plan)
        copy = scratch_folder() / f"{source.stem}.ndjson"
        rows = [spoil(rows[0]), *rows[1:]]
        copy.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        spoiled = event.model_copy(update={"samples": str(copy)})
        events = tuple(spoiled if one is event else one for one in plan.events)
        return plan.model_copy(update={"events": events})

    return change


def _samples(plan: GoLivePlan) -> tuple[EventKind, Path, list[Row]]:
    """The first sample file that can be spoiled: one event a line, each with all its fields."""
    for event in plan.events:
        for source in plan.files(*event.sample_files):
            rows = list(_rows(source))
            if rows and all(
                isinstance(row, dict) and all(isinstance(row.get(name), str) for name in _FIELDS) for row in rows
            ):
                return event, source, rows
    raise Lacking("no samples with one event a line (NDJSON)")


def _rows(source: Path) -> Iterator[Any]:
    try:
        for line in source.read_text(encoding="utf-8-sig").splitlines():
            if line.strip():
                yield json.loads(line)
    except (OSError, ValueError):
        yield None


def _without(name: str) -> Spoil:
    return lambda row: {key: value for key, value in row.items() if key != name}


def _with(name: str, value: Callable[[Any], Any]) -> Spoil:
    return lambda row: {**row, name: value(row[name])}


def _huge_batch(row: Row) -> Row:
    return {"events": [{**row, "event_id": f"{row['event_id']}-{number}"} for number in range(1001)]}


def _unmetered_event(plan: GoLivePlan) -> GoLivePlan:
    name = "report.exported"
    sample = {"event_name": name, "event_id": "report-1", "timestamp": "2026-11-20T08:00:00Z", "properties": {}}
    known = _samples(plan)[2][0]
    path = scratch_folder() / f"{name}.ndjson"
    row = {**sample, "external_customer_id": known["external_customer_id"], "timestamp": known["timestamp"]}
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    return plan.model_copy(update={"events": (*plan.events, EventKind(name=name, samples=str(path)))})


SAMPLE_FAULTS = (
    SampleFault("F48", "the plan lists an event that no meter counts", _unmetered_event),
    SampleFault(
        "F52", "an event name is sent with a space behind it", _spoiled(_with("event_name", lambda name: name + " "))
    ),
    SampleFault("F54", "an event has no customer", _spoiled(_with("external_customer_id", lambda _: None))),
    SampleFault("F56", "events are sent without an id", _spoiled(_without("event_id"))),
    SampleFault("F60", "timestamps have no zone", _spoiled(_with("timestamp", lambda text: text[:19]))),
    SampleFault("F62", "timestamps are milliseconds", _spoiled(_with("timestamp", lambda _: 1_763_800_000_000))),
    SampleFault(
        "F63", "milliseconds are taken for seconds", _spoiled(_with("timestamp", lambda _: "1970-01-21T09:56:40Z"))
    ),
    SampleFault("F73", "batches are larger than Flexprice takes", _spoiled(_huge_batch)),
)
