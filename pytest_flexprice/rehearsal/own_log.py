"""The company's own log in a rehearsal: its newest days, moved to the days before this one, are what the embedded Flexprice holds.

Only files are rehearsed: a rehearsal opens no database. What is left out is said in one sentence.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from pytest_flexprice.emulator.kernel.options import PRODUCTION
from pytest_flexprice.emulator.seeding.bulk import Arrived, store_events, stored_events
from pytest_flexprice.emulator.seeding.seed import Seeder
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.model.golive_plan import GoLivePlan
from pytest_flexprice.model.meters import Event
from pytest_flexprice.model.times import Window
from pytest_flexprice.model.traffic_plan import Columns, Traffic
from pytest_flexprice.model.values import DEADLY_QUANTITY, number_of
from pytest_flexprice.rehearsal.demo_log import LOG_FAULTS
from pytest_flexprice.rehearsal.sample_faults import scratch_folder

MOST_EVENTS = 100_000
DAYS = 2
"""A rehearsal's subscriptions began three days ago: so many whole days lie behind that."""
FILE = "own-usage.parquet"


def prepare(live: Seeder, plan: GoLivePlan, now: datetime, faults: Collection[str]) -> dict[str, str]:
    """Let the log arrive; ``path`` of the copy that is compared with a ``note`` about it, or why it is ``left_out``."""
    traffic = plan.traffic
    assert traffic is not None
    if traffic.url:
        return _left_out("a rehearsal opens no database")
    try:
        events, last = _newest(traffic, plan)
    except ImportError as error:
        return _left_out(f"{error.name} is not installed")
    except NotVerified as reason:
        return _left_out(reason.findings[0].problem)
    if any(_is_deadly(event) for event in events):
        return _left_out("it holds a quantity that no Flexprice can store")
    moved = now.date() - timedelta(days=1) - last
    rows = [_arrived(event, moved) for event in events]
    path = _copied([*rows, *stored_events(live.world, PRODUCTION)])
    for name in faults:
        if name in LOG_FAULTS:
            rows = list(LOG_FAULTS[name][1](rows))
    store_events(live.world, PRODUCTION, rows, now)
    first = last - timedelta(days=DAYS - 1)
    return {
        "path": path,
        "note": f"rehearsed: {len(events):,} events of the company's own log from {first} to {last}, moved by {moved.days:,} days",
    }


def _left_out(reason: str) -> dict[str, str]:
    return {"left_out": reason}


def _newest(traffic: Traffic, plan: GoLivePlan) -> tuple[list[Event], date]:
    """The newest events of the log's last days, and its last day."""
    from pytest_flexprice.traffic.log import Log  # noqa: PLC0415 - an extra that only logs need
    from pytest_flexprice.traffic.source import opened  # noqa: PLC0415 - as above

    with opened(traffic, plan.folder, lambda name: None) as source:
        log = Log(source)
        last = log.newest().date()
        start = datetime.combine(last - timedelta(days=DAYS - 1), time(), UTC)
        events = log.events(Window(start, start + timedelta(days=DAYS)), MOST_EVENTS + 1)
    return events[:MOST_EVENTS], last


def _is_deadly(event: Event) -> bool:
    numbers = (number_of(value) for value in event.properties.values())
    return any(number is not None and number >= DEADLY_QUANTITY for number in numbers)


def _arrived(event: Event, moved: timedelta) -> Arrived:
    moment = int((event.timestamp + moved).timestamp() * 1000)
    return Arrived(moment, event.id, event.external_customer_id, event.name, json.dumps(event.properties))


def _copied(rows: Sequence[Arrived]) -> str:
    """The rows as a log of its own in a file that lives as long as the process."""
    import pyarrow as pa  # noqa: PLC0415 - as above
    import pyarrow.parquet as pq  # noqa: PLC0415 - as above

    columns: dict[str, Any] = {
        "event_id": [row.id for row in rows],
        "event_name": [row.name for row in rows],
        "external_customer_id": [row.external_customer_id for row in rows],
        "timestamp": pa.array([row.moment for row in rows], pa.timestamp("ms", "UTC")),
        "properties": [row.properties for row in rows],
    }
    path = scratch_folder() / FILE
    pq.write_table(pa.table(columns), path)
    return str(path)


def with_copy(plan: GoLivePlan, told: dict[str, str]) -> GoLivePlan:
    """The plan with the copy in place of the log, or with the reason why there is none."""
    if plan.traffic is None or not told:
        return plan
    if "left_out" in told:
        traffic = plan.traffic.noted(left_out=told["left_out"])
    else:
        given = {"source": told["path"], "columns": Columns(), "settling_hours": 0, "timezone": "UTC"}
        copy = plan.traffic.model_copy(update={**given, "first_day": None, "last_day": None})
        traffic = copy.noted(note=told["note"])
    return plan.model_copy(update={"traffic": traffic})
