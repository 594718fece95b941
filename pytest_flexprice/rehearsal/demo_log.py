"""The demo company's own log of 100,000 events: made anew at each start, always the same but for its dates.

What the embedded Flexprice holds is made from it; a fault of the log spoils what arrives there, and never the log.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from pytest_flexprice.emulator.kernel.options import PRODUCTION
from pytest_flexprice.emulator.seeding.bulk import Arrived, store_events, stored_events
from pytest_flexprice.emulator.seeding.seed import Seeder
from pytest_flexprice.emulator.seeding.subscribing import SUBSCRIBED_SINCE
from pytest_flexprice.model.golive_plan import GoLivePlan
from pytest_flexprice.rehearsal.sample_faults import scratch_folder

EVENTS = 100_000
EVENTS_VARIABLE = "FLEXPRICE_REHEARSAL_EVENTS"
"""The variable that makes the log smaller or larger, for whoever rehearses often; with 0 there is none."""
FEWEST, MOST = 1_000, 10_000_000
FILE = "usage.parquet"
_SENT_AGAIN = 500
_HOUR = 3_600_000
_MODELS = "['nimbus-large', 'nimbus-small', 'nimbus-embed']"
_QUALITIES = "['hd', 'draft', 'ultra']"
_PROPERTIES = {
    "model.completion": f"'{{\"tokens\": ' || (i * 7919 % 2900 + 100) || ', \"model\": \"' || {_MODELS}[i % 3 + 1] || '\"}}'",
    "image.rendered": f"'{{\"quality\": \"' || {_QUALITIES}[i * 31 % 3 + 1] || '\"}}'",
    "storage.measured": "'{\"gigabytes\": ' || printf('%.3f', (i * 131 % 4000 + 500) / 160.0) || '}'",
    "user.active": "'{\"user_id\": \"u-' || lpad((i * 37 % 180)::VARCHAR, 3, '0') || '\"}'",
}
_SHARES = (("model.completion", 60), ("image.rendered", 75), ("storage.measured", 90), ("user.active", 100))

Spoil = Callable[[list[Arrived]], Iterable[Arrived]]


def _some(rows: list[Arrived], name: str = "model.completion") -> set[int]:
    """The places of a few events in the middle of the log."""
    own = [place for place, row in enumerate(rows) if row.name == name] or list(range(len(rows)))
    return set(own[len(own) // 2 : len(own) // 2 + 7])


def _changed(change: Callable[[Arrived], Iterable[Arrived]], name: str = "model.completion") -> Spoil:
    def spoil(rows: list[Arrived]) -> Iterator[Arrived]:
        some = _some(rows, name)
        for place, row in enumerate(rows):
            yield from change(row) if place in some else (row,)

    return spoil


def _delayed(rows: list[Arrived]) -> Iterator[Arrived]:
    """What was sent in the last hour is still on its way."""
    last = max(row.moment for row in rows)
    return (row for row in rows if row.moment < last - _HOUR)


LOG_FAULTS: dict[str, tuple[str, Spoil]] = {
    "log-lost": ("some events of the company's log never arrived", _changed(lambda row: ())),
    "log-doubled": (
        "some events of the company's log were sent again with another timestamp",
        _changed(lambda row: (row, row._replace(moment=row.moment + 90_000))),
    ),
    "log-renamed": (
        "some events of the company's log arrived under another name",
        _changed(lambda row: (row._replace(name="model_completion"),)),
    ),
    "log-moved": (
        "some events of the company's log were stamped when they arrived",
        _changed(lambda row: (row._replace(moment=row.moment - 26 * _HOUR),)),
    ),
    "log-property": (
        "some events of the company's log arrived with their property renamed",
        _changed(lambda row: (row._replace(properties=row.properties.replace("tokens", "token_count")),)),
    ),
    "log-customer": (
        "some events of the company's log arrived for a customer who does not exist",
        _changed(lambda row: (row._replace(external_customer_id=row.external_customer_id.upper()),)),
    ),
    "log-foreign": (
        "events arrived that the company's log does not have",
        _changed(lambda row: (row, row._replace(id=f"{row.id}-copy")), "image.rendered"),
    ),
    "log-delayed": ("the newest events of the company's log have not arrived yet", _delayed),
}


def prepare(live: Seeder, plan: GoLivePlan, now: datetime, faults: Collection[str]) -> str:
    """Write the log, and let it arrive; the path of the file, or "" where nothing of it can be counted.

    What arrived before belongs to it too. New events are those of customers whose usage no calculation is tried on (see ``usage``).
    """
    import duckdb  # noqa: PLC0415 - part of the extra that rehearses

    names, customers = _countable(live, plan), _others(live)
    if not names or not customers or not _wanted_events():
        return ""
    path = scratch_folder() / FILE
    with duckdb.connect() as base:
        base.execute(f"CREATE TABLE log AS {_events(names, customers, now)}")
        found = base.execute(
            "SELECT moment, event_id, external_customer_id, event_name, properties FROM log"
        ).fetchall()
        before = stored_events(live.world, PRODUCTION)
        if before:
            base.executemany("INSERT INTO log VALUES (?, ?, ?, ?, ?)", [tuple(row) for row in before])
        shown = "* EXCLUDE (moment), make_timestamp_ms(moment) AT TIME ZONE 'UTC' AS timestamp"
        base.execute(f"COPY (SELECT {shown} FROM log) TO '{path}' (FORMAT parquet)")  # noqa: S608 - names of ours
    rows = [Arrived(*row) for row in found]
    for name in faults:
        if name in LOG_FAULTS:
            rows = list(LOG_FAULTS[name][1](rows))
    store_events(live.world, PRODUCTION, rows, now)
    return str(path)


def _others(live: Seeder) -> list[str]:
    """The external ids of subscribed customers but for the first of each plan, whose invoices are calculated to the last digit."""
    external = {identifier: key for key, identifier in live.seeded.customers.items()}
    rows = sorted(live.world.table("subscriptions").find(PRODUCTION), key=lambda each: str(each["id"]))
    first: dict[tuple[str, ...], str] = {}
    for row in rows:
        first.setdefault(
            tuple(str(row[name]) for name in ("plan_id", "currency", "billing_period")), row["customer_id"]
        )
    return sorted({external[row["customer_id"]] for row in rows} - {external[each] for each in first.values()})


def _countable(live: Seeder, plan: GoLivePlan) -> list[str]:
    """The event names that a published meter counts by properties that the company declares; other items judge the rest."""
    declared = {event.name: set(event.properties) for event in plan.events}
    found = []
    for meter in live.world.table("meters").find(PRODUCTION, status="published"):
        aggregation: dict[str, Any] = meter["aggregation"]
        read = {each["key"] for each in meter.get("filters") or ()} | {aggregation.get("field") or ""} - {""}
        if meter["event_name"] in _PROPERTIES and read <= declared.get(meter["event_name"], set()):
            found.append(meter["event_name"])
    return list(dict.fromkeys(found))


def _wanted_events() -> int:
    """How many events the log has; a value that is no number is the usual one."""
    given = os.environ.get(EVENTS_VARIABLE, "")
    if not (given.isascii() and given.isdigit()):
        return EVENTS
    return min(max(int(given), FEWEST), MOST) if int(given) else 0


def _events(names: Collection[str], customers: list[str], now: datetime) -> str:
    """The query that makes the log: evenly spread over the time since the subscriptions began, a few events sent twice alike."""
    events = _wanted_events()
    start = now - SUBSCRIBED_SINCE + timedelta(minutes=1)
    first, span = int(start.timestamp() * 1000), int((now - start).total_seconds() * 1000) - 60_000
    name = "CASE " + " ".join(f"WHEN i * 17 % 100 < {share} THEN '{each}'" for each, share in _SHARES) + " END"
    held = "CASE name " + " ".join(f"WHEN '{each}' THEN {text}" for each, text in _PROPERTIES.items()) + " END"
    known = "[" + ", ".join("'" + each.replace("'", "''") + "'" for each in customers) + "]"
    wanted = ", ".join(f"'{each}'" for each in names)
    return f"""
        SELECT {first} + i * {span} // {events} AS moment, name || '-' || printf('%06d', i) AS event_id,
          {known}[i * 13 % {len(customers)} + 1] AS external_customer_id, name AS event_name, {held} AS properties
        FROM (SELECT i, {name} AS name FROM (SELECT unnest(range({events})) AS i UNION ALL
          SELECT unnest(range(0, {events}, {_SENT_AGAIN})) AS i))
        WHERE name IN ({wanted}) ORDER BY moment
    """  # noqa: S608 - names of the demo company, quoted


def with_log(plan: GoLivePlan, path: str) -> GoLivePlan:
    """The plan with the log that was made, or with the reason why there is none."""
    if plan.traffic is None:
        return plan
    if path:
        traffic = plan.traffic.model_copy(update={"source": path})
    elif _wanted_events():
        traffic = plan.traffic.noted(left_out="none of the demo company's events would be counted (section 2 says why)")
    else:
        traffic = plan.traffic.noted(left_out=f"{EVENTS_VARIABLE} is 0, so the demo company has no log")
    return plan.model_copy(update={"traffic": traffic})
