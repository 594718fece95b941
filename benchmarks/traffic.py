"""Requests, seconds and memory of comparing a company's whole log with what arrived (item 3.1), against an in-process double.

    python -m benchmarks.traffic 1000000
    python -m benchmarks.traffic 10000000

One event of each cause differs: one lost event among all of them, one sent twice, one for another customer and so on. All have to be
found and none invented, or the exit code is 1. The double answers as Flexprice's readers do, without HTTP, from a second DuckDB; its time
is told apart. An event that went to another customer changes no total: its customer is looked into, as a run does where a bill differs.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from pytest_flexprice.api import Flexprice, WriteGuard
from pytest_flexprice.api.transport import Answer
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.meters import Aggregation, Meter
from pytest_flexprice.model.times import Window, instant
from pytest_flexprice.model.traffic_plan import Traffic
from pytest_flexprice.traffic.causes import Cause
from pytest_flexprice.traffic.known import Known
from pytest_flexprice.traffic.log import Log, at, epoch
from pytest_flexprice.traffic.metered import Metered
from pytest_flexprice.traffic.reconcile import Reconciled, explain, reconcile
from pytest_flexprice.traffic.search import Search
from pytest_flexprice.traffic.source import opened

CUSTOMERS = 10_000
DAYS = 20
START = datetime(2026, 11, 1, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(days=DAYS))
NOW = WINDOW.end + timedelta(hours=6)
METERS = (
    Meter("m_tokens", "tokens", "tokens", Aggregation("SUM", "n")),
    Meter("m_calls", "calls", "calls", Aggregation("COUNT")),
    Meter("m_storage", "storage", "storage", Aggregation("MAX", "n")),
)
SECONDS = {"DAY": 86_400, "HOUR": 3_600, "MINUTE": 60}
_ROW = "id, name, customer, second, properties"
_ALTERED = {
    Cause.LOST: "",
    Cause.TWICE: f"SELECT {_ROW} FROM one UNION ALL SELECT * REPLACE (second + 61 AS second) FROM one",
    Cause.MOVED: "SELECT * REPLACE (second - 300 * 86400 AS second) FROM one",
    Cause.NAME: "SELECT * REPLACE ('Tokens' AS name) FROM one",
    Cause.CUSTOMER: "SELECT * REPLACE ('acct-1' AS customer) FROM one",
    Cause.PROPERTY: "SELECT * REPLACE (replace(properties, '\"n\"', '\"N\"') AS properties) FROM one",
    Cause.VALUE: "SELECT * REPLACE ('{\"n\": 0.5}' AS properties) FROM one",
    Cause.WORTHLESS: 'SELECT * REPLACE (\'{"n": "5 GB"}\' AS properties) FROM one',
    Cause.FOREIGN: f"SELECT {_ROW} FROM one UNION ALL SELECT * REPLACE ('foreign' AS id) FROM one",
}
"""What arrived instead of one event of the log; ``one`` is that event."""


class Planted:
    """A log of so many events as a Parquet file, and what arrived of it in another."""

    def __init__(self, folder: Path, count: int) -> None:
        self.log, self.arrived, self.count = folder / "log.parquet", folder / "arrived.parquet", count
        self.base = duckdb.connect()
        self.base.execute("SET TimeZone = 'UTC'")
        span = DAYS * 86_400
        self.base.execute(f"""
            CREATE TABLE plants (number BIGINT, cause VARCHAR);
            CREATE VIEW sent AS SELECT 'evt_' || i AS id, ['tokens', 'calls', 'storage'][1 + i % 3] AS name,
                'acct-' || (hash(i) % {CUSTOMERS})::BIGINT AS customer, {epoch(START)} + i * {span} // {count} AS second,
                '{{"n": ' || (1 + i % 997) || ', "region": "eu"}}' AS properties FROM range({count}) own(i)""")
        self.ids = {cause: f"evt_{(number + 1) * count // 12 // 3 * 3}" for number, cause in enumerate(_ALTERED)}
        self._extra()
        self._write()

    def _extra(self) -> None:
        """Events of which the log itself shows what is wrong, and one that has not arrived yet."""
        own = [
            ("odd-name", "tokns", "acct-1", epoch(START) + 7_000),
            ("odd-customer", "tokens", "acct-unknown", epoch(START) + 8_000),
            ("early", "storage", "acct-new", epoch(START) + 9_000),
            ("late", "tokens", "acct-1", epoch(WINDOW.end) + 600),
        ]
        self.base.execute(f"CREATE TABLE extra AS SELECT {_ROW} FROM sent LIMIT 0")
        self.base.executemany("INSERT INTO extra VALUES (?, ?, ?, ?, '{\"n\": 1}')", own)

    def _write(self) -> None:
        everything = f"SELECT {_ROW} FROM sent UNION ALL SELECT {_ROW} FROM extra"
        stamp = "strftime(to_timestamp(second) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ')"
        self.base.execute(
            f"COPY (SELECT id AS event_id, name AS event_name, customer AS external_customer_id, {stamp} AS timestamp,"
            f" properties FROM ({everything})) TO '{self.log}'"
        )
        known = ", ".join(f"'{each}'" for each in self.ids.values())
        parts = [f"SELECT {_ROW} FROM ({everything}) WHERE id NOT IN ({known}, 'late')"]
        for cause, identifier in self.ids.items():
            if _ALTERED[cause]:
                one = f"SELECT {_ROW} FROM sent WHERE id = '{identifier}'"
                parts.append(f"SELECT {_ROW} FROM (WITH one AS ({one}) {_ALTERED[cause]})")
        self.base.execute(
            f"COPY (SELECT *, coalesce(TRY_CAST(json_extract_string(properties, '$.n') AS DOUBLE), 0) AS n"
            f" FROM ({' UNION ALL '.join(parts)})) TO '{self.arrived}'"
        )


class Double:
    """A transport that answers the three readers of events from what arrived."""

    base_url = "http://127.0.0.1"

    def __init__(self, arrived: Path) -> None:
        self.requests: Counter[str] = Counter()
        self.seconds = self.processor = 0.0
        self.base = duckdb.connect()
        self.base.execute(f"CREATE VIEW held AS SELECT * FROM '{arrived}'")

    def close(self) -> None:
        """Nothing is open."""

    def send(self, method: str, path: str, *, query: Any = None, body: Any = None, **_: Any) -> Answer:
        """One answer."""
        self.requests[path] += 1
        began, worked = time.perf_counter(), time.process_time()
        own = {
            "/v1/events/usage": self._usage,
            "/v1/events/analytics": self._analytics,
            "/v1/events/query": self._query,
        }
        answer = own[path](body)
        self.seconds += time.perf_counter() - began
        self.processor += time.process_time() - worked
        return Answer(method, path, 200, {"content-type": "application/json"}, "{}", answer, 0.0)

    def _rows(self, sql: str, *given: Any) -> list[tuple[Any, ...]]:
        return self.base.execute(sql, given).fetchall()

    def _stretches(self, name: str, body: dict[str, Any]) -> list[tuple[Any, ...]]:
        size = SECONDS[body["window_size"]]
        return self._rows(
            f"SELECT second - second % {size}, count(DISTINCT id), sum(n) FROM held"
            " WHERE name = ? AND second >= ? AND second < ? GROUP BY 1",
            name,
            *_bounds(body),
        )

    def _usage(self, body: dict[str, Any]) -> dict[str, Any]:
        rows = self._stretches(body["event_name"], body)
        return {"results": [{"window_size": at(start).isoformat(), "value": str(ids)} for start, ids, _ in rows]}

    def _analytics(self, body: dict[str, Any]) -> dict[str, Any]:
        wanted = body.get("feature_ids") or [f"feat_{each.id}" for each in METERS]
        items = []
        for meter in METERS:
            if f"feat_{meter.id}" in wanted:
                rows = self._stretches(meter.event_name, body)
                points = [
                    {"timestamp": at(start).isoformat(), "usage": str(total), "event_count": ids}
                    for start, ids, total in rows
                ]
                items.append({"meter_id": meter.id, "points": points})
        return {"items": items}

    def _query(self, body: dict[str, Any]) -> dict[str, Any]:
        start, end = _bounds(body)
        sql, given = f"SELECT {_ROW} FROM held WHERE second >= ? AND second <= ?", [start, end]
        for key, column in (("event_id", "id"), ("external_customer_id", "customer")):
            if body.get(key):
                sql, given = f"{sql} AND {column} = ?", [*given, body[key]]
        first, size = int(body.get("iter_last_key", 0)), body["page_size"]
        rows = self._rows(f"{sql} ORDER BY second DESC, id LIMIT {size + 1} OFFSET {first}", *given)
        events = [
            {
                "id": identifier,
                "event_name": name,
                "external_customer_id": customer,
                "timestamp": at(second).isoformat(),
                "properties": json.loads(properties),
            }
            for identifier, name, customer, second, properties in rows[:size]
        ]
        return {"events": events, "has_more": len(rows) > size, "iter_last_key": str(first + size)}


def _bounds(body: dict[str, Any]) -> tuple[int, int]:
    return epoch(instant(body["start_time"])), epoch(instant(body["end_time"]))


def _known() -> Known:
    customers = [*(f"acct-{n}" for n in range(CUSTOMERS)), "acct-new"]
    starts = dict.fromkeys(customers, START) | {"acct-new": START + timedelta(days=1)}
    metered = [Metered(each, f"feat_{each.id}", each.name) for each in METERS]
    return Known(metered, frozenset(customers), {each.id: starts for each in METERS})


def _compared(planted: Planted, double: Double) -> Reconciled:
    flexprice = Flexprice(double, WriteGuard(Level.READ, production=True))  # type: ignore[arg-type]
    known = _known()
    traffic = Traffic(source=str(planted.log))
    with opened(traffic, planted.log.parent, lambda name: None) as log:
        search = Search(Log(log), flexprice, known.metered)
        result = reconcile(search, known, WINDOW, NOW)
        (moved,) = Log(log).events_by_id([planted.ids[Cause.CUSTOMER]], 1)
        explain(search, known, result, [moved.external_customer_id], NOW)
    return result


def _scan(planted: Planted, columns: str) -> float:
    """Seconds of processors."""
    began = time.process_time()
    duckdb.connect().execute(
        f"SELECT event_name, timestamp[:10], {columns} FROM '{planted.log}' GROUP BY 1, 2"
    ).fetchall()
    return time.process_time() - began


def _wrong(planted: Planted, result: Reconciled) -> list[str]:
    """Planted differences that were not found, and found ones that nobody planted."""
    expected = Counter({(cause, "foreign" if cause is Cause.FOREIGN else own): 1 for cause, own in planted.ids.items()})
    expected.update([(Cause.UNKNOWN_NAME, ""), (Cause.UNKNOWN_CUSTOMER, "")])
    found = Counter((one.cause, one.event_id) for one in result.differences)
    apart = Counter({each.cause: each.events for each in result.apart})
    counted = Counter({Cause.EARLY: 1, Cause.LATE: 1})
    missing = [*(expected - found), *(counted - apart)]
    return [
        *(f"not found: {each}" for each in missing),
        *(f"invented: {each}" for each in (*(found - expected), *(apart - counted))),
    ]


def measure(count: int) -> bool:
    """Compare and print what it took; whether all that was planted and nothing else was found."""
    with tempfile.TemporaryDirectory(prefix="flexprice-traffic-") as folder:
        planted = Planted(Path(folder), count)
        planted.base.close()
        double = Double(planted.arrived)
        began, worked = time.perf_counter(), time.process_time()
        result = _compared(planted, double)
        seconds, processor = time.perf_counter() - began, time.process_time() - worked - double.processor
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        scan = _scan(planted, "count(DISTINCT event_id), count(DISTINCT external_customer_id)")
        wrong = _wrong(planted, result)
    print(f"{count:,} events of {CUSTOMERS:,} customers; {len(result.tallies)} causes; {len(wrong)} wrong")
    print("\n".join(wrong + result.notes))
    print(f"{double.requests.total():,} requests ({', '.join(f'{n} {path}' for path, n in double.requests.items())})")
    own = seconds - double.seconds
    print(f"{own:.1f} s of our own, {double.seconds:.1f} s of the double, {memory:.0f} MB at most with the double's")
    print(
        f"{processor:.1f} s of processors, {processor / scan:.1f} times DuckDB's own count of distinct ids and customers by name and day"
        f" ({scan:.1f} s)"
    )
    return not wrong


if __name__ == "__main__":
    sys.exit(0 if measure(int((sys.argv[1:] or ["1000000"])[0])) else 1)
