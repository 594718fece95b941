"""Faults in what the company says it sends: its list of events, and its sample events (checklist 2.2, 3.1)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from pytest_flexprice.model.golive_plan import Event, GoLivePlan

Row = dict[str, Any]
Spoil = Callable[[Row], Row]
_FOLDERS: list[TemporaryDirectory[str]] = []


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
    """The plan with a copy of the first event's samples in which the first event is spoiled."""

    def change(plan: GoLivePlan) -> GoLivePlan:
        event = next(event for event in plan.events if event.sample_files)
        source = next(plan.files(*event.sample_files))
        lines = source.read_text(encoding="utf-8").splitlines()
        copy = scratch_folder() / source.name
        copy.write_text("\n".join([json.dumps(spoil(json.loads(lines[0]))), *lines[1:]]) + "\n", encoding="utf-8")
        spoiled = event.model_copy(update={"samples": str(copy)})
        events = tuple(spoiled if one is event else one for one in plan.events)
        return plan.model_copy(update={"events": events})

    return change


def _without(name: str) -> Spoil:
    return lambda row: {key: value for key, value in row.items() if key != name}


def _with(name: str, value: Callable[[Any], Any]) -> Spoil:
    return lambda row: {**row, name: value(row[name])}


def _huge_batch(row: Row) -> Row:
    return {"events": [{**row, "event_id": f"{row['event_id']}-{number}"} for number in range(1001)]}


def _unmetered_event(plan: GoLivePlan) -> GoLivePlan:
    name = "report.exported"
    sample = {"event_name": name, "event_id": "report-1", "timestamp": "2026-11-20T08:00:00Z", "properties": {}}
    first = next(event for event in plan.events if event.sample_files)
    known = json.loads(next(plan.files(*first.sample_files)).read_text(encoding="utf-8").splitlines()[0])
    path = scratch_folder() / f"{name}.ndjson"
    row = {**sample, "external_customer_id": known["external_customer_id"], "timestamp": known["timestamp"]}
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    return plan.model_copy(update={"events": (*plan.events, Event(name=name, samples=str(path)))})


SAMPLE_FAULTS = (
    SampleFault("F48", "the plan lists an event that no meter counts", _unmetered_event),
    SampleFault(
        "F52", "an event name is sent with a space behind it", _spoiled(_with("event_name", lambda name: name + " "))
    ),
    SampleFault("F54", "an event has no customer", _spoiled(_with("external_customer_id", lambda _: None))),
    SampleFault("F56", "events are sent without an id", _spoiled(_without("event_id"))),
    SampleFault("F60", "timestamps have no zone", _spoiled(_with("timestamp", lambda text: text.removesuffix("Z")))),
    SampleFault("F62", "timestamps are milliseconds", _spoiled(_with("timestamp", lambda _: 1_763_800_000_000))),
    SampleFault(
        "F63", "milliseconds are taken for seconds", _spoiled(_with("timestamp", lambda _: "1970-01-21T09:56:40Z"))
    ),
    SampleFault("F73", "batches are larger than Flexprice takes", _spoiled(_huge_batch)),
)
