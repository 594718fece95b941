"""Small logs in a real engine, and random ones."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import ibis
import pyarrow as pa

from pytest_flexprice.model.meters import Aggregation, Event, Filter

START = datetime(2026, 11, 2, tzinfo=UTC)
NAME = "use"
ODD_KEY = "odd key/~'\"$.x"
TEXTS = ("2", "1e2", "+4", ".5", "5.", "-3", " 3", "0x10", "1,5", "NaN", "Infinity", "", "abc", 'q"uote', "é", "1e-7",
         "0.1234567890123456789", "123456789012345678901.5", "00012", "1E+3", "12\n")  # fmt: skip
NUMBERS = (0.1, 1e-5, 1.2345678901234567e-05, 12345678901234567890, 1e6, 1000000, 1e21, 999999, 100000.5, -0.0, 3.0, 1e-16,
           123456.789, -17, 0.30000000000000004, 1234567.5, 99999.99999, 5e-324)  # fmt: skip
OTHERS = (True, False, None, [1, "a"], {"b": 1, "a": None}, [], {}, [[1.5], True])
OFFSETS = (0, 1, 999, 1000, 2500, 61_000, 3_600_000, 86_400_000)
FILTERS = (
    (),
    (Filter("kind", ("2", "true", "1e+06", "<nil>", "abc", "")),),
    (
        Filter("kind", ("[1 a]", "map[a:<nil> b:1]", "0.1", "5.", "1e-05", "-3", "3")),
        Filter("n", ("2", "3", "abc", "1e+06", "0.5")),
    ),
)
EXPRESSIONS = (
    "n * 2",
    "n / 1000",
    "kind > 2 ? n : 1",
    "ceil(n / 60) * max(n, kind)",
    "-n + 3",
    "round(n) - floor(kind)",
    "10 / n",
)


def a_value(random: Random) -> Any:
    """Anything that an application may send as a property."""
    return random.choice(
        (
            lambda: random.randint(-3, 20),
            lambda: random.randint(0, 10**15),
            lambda: round(random.uniform(0, 1000), 4),
            lambda: random.uniform(0, 1),
            lambda: random.choice(NUMBERS),
            lambda: random.choice(TEXTS),
            lambda: random.choice(OTHERS),
        )
    )()


def an_event(random: Random) -> Event:
    """One of few ids, seconds and customers, so that many are sent again."""
    held = {key: a_value(random) for key in ("n", "kind", ODD_KEY) if random.random() < 0.8}
    moment = START + timedelta(milliseconds=random.choice(OFFSETS))
    return Event(f"e{random.randint(0, 40)}", NAME, moment, held, f"acct-{random.randint(0, 19)}")


def a_log(seed: int, size: int = 1500) -> list[Event]:
    """A random log, in the order in which it was sent."""
    random = Random(seed)
    return [an_event(random) for _ in range(size)]


def apart(sent: list[Event]) -> list[Event]:
    """The same events, each in a second of its own, so that there is always a latest one."""
    return [replace(one, timestamp=START + timedelta(seconds=n * 7)) for n, one in enumerate(sent)]


def table(connection: ibis.BaseBackend, sent: list[Event], name: str = "sent_events") -> ibis.Table:
    """Events as a log in a database, in the order in which they were sent."""
    rows = pa.table(
        {
            "name": pa.array([one.name for one in sent], pa.string()),
            "customer": pa.array([one.external_customer_id for one in sent], pa.string()),
            "id": pa.array([one.id for one in sent], pa.string()),
            "second": pa.array([int(one.timestamp.timestamp()) for one in sent], pa.int64()),
            "properties": pa.array([json.dumps(one.properties) for one in sent], pa.string()),
            "seq": pa.array(range(len(sent)), pa.int64()),
        }
    )
    return ibis.memtable(rows) if connection.name == "duckdb" else connection.create_table(name, rows)


def aggregation(kind: str, field: str) -> Aggregation:
    """An aggregation over a property."""
    return Aggregation(kind, field, multiplier=Decimal("0.5") if kind == "SUM_WITH_MULTIPLIER" else None)
