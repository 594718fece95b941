"""Filling an emulator with many events at once, as if they had arrived and been processed long ago."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from ..kernel.world import World
from ..metering.pipeline import pipeline
from ..metering.rules import Meter
from ..metering.store import Event, MeteredRow
from ..metering.values import as_doubles, to_text
from ..metering.windows import millisecond_of


class Arrived(NamedTuple):
    """One event: its time in milliseconds since the epoch, id, external customer id, name, and properties as JSON text."""

    moment: int
    id: str
    external_customer_id: str
    name: str
    properties: str


def store_events(world: World, environment: str, rows: Iterable[Arrived], now: datetime) -> int:
    """Put events into both stores of an environment, metered by its published meters; returns how many there were.

    Neither a lag nor a fault of the pipeline acts on them, and none of them may count more than can be stored.
    """
    texts: dict[str, tuple[str, dict[str, Any]]] = {}
    meters: dict[str, list[Meter]] = {}
    measured: dict[tuple[str, str], Any] = {}
    processed = millisecond_of(now)
    raw: list[Event] = []
    metered: list[MeteredRow] = []
    for row in rows:
        if row.properties not in texts:
            held = as_doubles(json.loads(row.properties))
            texts[row.properties] = (to_text(held), held)
        text, held = texts[row.properties]
        event = Event(environment, row.moment, row.id, row.external_customer_id, row.name, "", "", text, held)
        raw.append(event)
        if row.name not in meters:
            found = world.table("meters").find(environment, event_name=row.name)
            meters[row.name] = [Meter(each) for each in found if each.get("status") == "published"]
        for meter in meters[row.name]:
            key = (meter.id, row.properties)
            if key not in measured:
                measured[key] = meter.measure(held)
            measure = measured[key]
            if measure is not None:
                metered.append(MeteredRow(event, meter.id, measure.quantity, measure.unique, processed))
    store = pipeline(world).store
    store.add_raw(raw)
    store.add_metered(metered)
    return len(raw)


def stored_events(world: World, environment: str) -> list[Arrived]:
    """The raw events that an environment holds, in order of time."""
    store = pipeline(world).store
    sql = "SELECT ts, id, ext, name, coalesce(properties, '{}') FROM raw WHERE env=? ORDER BY ts, id"
    return [Arrived(*row) for row in store.query(sql, [store.number(environment)])]
