"""The same log counts the same in PostgreSQL and in Spark as in the embedded DuckDB."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import ibis
import pyarrow as pa
import pytest

from pytest_flexprice.model.meters import AGGREGATIONS, Aggregation, Event, Meter
from pytest_flexprice.model.times import Window
from pytest_flexprice.model.traffic_plan import Traffic
from pytest_flexprice.traffic.causes import Cause
from pytest_flexprice.traffic.dialects import dialect
from pytest_flexprice.traffic.fetching import fetched
from pytest_flexprice.traffic.known import Known
from pytest_flexprice.traffic.log import Log
from pytest_flexprice.traffic.metered import Metered
from pytest_flexprice.traffic.metering import counted, metering
from pytest_flexprice.traffic.reading import canonical
from pytest_flexprice.traffic.reconcile import reconcile
from pytest_flexprice.traffic.search import Search
from pytest_flexprice.traffic.source import OpenedLog, opened
from pytest_flexprice.traffic.stamps import seconds
from tests.traffic.doubles import ListFlexprice
from tests.traffic.logs import FILTERS, NAME, a_log, aggregation, apart, table

SEED = 7
NUMBERS = count()
METERS = {
    "every aggregation": [Meter("m", kind, NAME, aggregation(kind, "n")) for kind in AGGREGATIONS],
    "filters": [Meter("m", "filtered", NAME, aggregation("SUM", "n"), filters) for filters in FILTERS[1:]],
    "an expression": [Meter("m", "expression", NAME, Aggregation("SUM", expression="ceil(n / 60) + kind"))],
}


def _program(name: str) -> str | None:
    found = shutil.which(name) or next(iter(sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))), None)
    return str(found) if found else None


@pytest.fixture(scope="module")
def postgres():
    """A PostgreSQL of its own in a temporary folder, run by a user who is not root."""
    pytest.importorskip("psycopg")
    initdb, server = _program("initdb"), _program("postgres")
    if not initdb or not server:
        pytest.skip("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="flexprice-postgres-"))
    user = "nobody" if getpass.getuser() == "root" else getpass.getuser()
    if user == "nobody":
        shutil.chown(folder, user)
    own = {"user": user} if user == "nobody" else {}
    environ = {**os.environ, "LC_ALL": "C.UTF-8"}
    data = folder / "data"
    done = subprocess.run(
        [initdb, "-D", data, "-U", "reader", "-A", "trust", "-E", "UTF8", "--no-sync"],
        **own, env=environ, capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = subprocess.Popen(
        [server, "-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}", "-F"],
        **own, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=folder,
    )  # fmt: skip
    try:
        for line in running.stderr:
            if "ready to accept connections" in line:
                break
        address = f"postgres://reader@127.0.0.1:{port}/postgres"
        connection = ibis.connect(address)
        connection.address = address
        yield connection
    finally:
        running.send_signal(signal.SIGINT)  # a fast shutdown, which ends connections
        running.communicate(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    """Spark in this process, small."""
    pytest.importorskip("pyspark")
    from pyspark.sql import SparkSession

    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1",
        "spark.default.parallelism": "1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse")),
    }
    builder = SparkSession.builder.master("local[1]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield ibis.pyspark.connect(session)
    session.stop()


def _counts(connection, meter):
    log = a_log(SEED, 200)
    if meter.aggregation.type == "SUM_WITH_MULTIPLIER":
        log = [replace(one, properties={**one.properties, "n": one.properties.get("n") and 2.5}) for one in log]
    sent = apart(log) if meter.aggregation.type == "LATEST" else log
    if meter.aggregation.expression:
        sent = [one for one in sent if not {"NaN", "Infinity"} & {str(each) for each in one.properties.values()}]
    rows = table(connection, sent, f"log_{next(NUMBERS)}")
    return counted(metering(rows, meter, dialect(connection.name)), rows, "customer")


@pytest.mark.parametrize("meters", METERS.values(), ids=METERS)
def test_postgres_counts_as_duckdb_does(postgres, meters):
    embedded = ibis.duckdb.connect()
    for meter in meters:
        assert _counts(postgres, meter) == _counts(embedded, meter), meter


@pytest.mark.parametrize("kind", ["SUM", "COUNT_UNIQUE", "LATEST"])
def test_spark_counts_as_duckdb_does(spark, kind):
    meter = Meter("m", kind, NAME, aggregation(kind, "n"), FILTERS[1] if kind == "SUM" else ())
    assert _counts(spark, meter) == _counts(ibis.duckdb.connect(), meter)


@pytest.mark.parametrize("zone", ["", "Europe/Berlin"])
def test_postgres_reads_times_as_duckdb_does(postgres, zone):
    texts = ["2026-11-20T08:00:00Z", "2026-11-20 08:00:00+00", "2026-11-20 08:00:00.5 UTC", "2026-11-20T09:30:00+0130", "1795161600",
             "1795161600123", "1795161600.5", "2026-11-20 08:00:00", "yesterday", "", None]  # fmt: skip
    rows = pa.table(
        {"at": pa.array(texts), "n": pa.array([1795161600 * 10 ** (3 * (i % 4)) for i in range(len(texts))])}
    )
    found = []
    for sent in (postgres.create_table(f"times_{next(NUMBERS)}", rows), ibis.memtable(rows)):
        own = dialect(sent.get_backend().name)
        read = sent.select(text=seconds(sent["at"], zone, "at", own), number=seconds(sent.n, zone, "n", own))
        found.append(sorted(map(str, fetched(read))))
    assert found[0] == found[1]
    assert sum("'number': 1795161600" in one for one in found[0]) == len(texts)
    assert sum("'text': 1795161600" in one for one in found[0]) == 7


START = datetime(2026, 11, 2, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(days=2))


def _sent(number):
    properties = {"n": f"{number}.5"} if number % 3 else {"n": number}
    return Event(f"e{number}", NAME, START + timedelta(minutes=29 * number), properties, f"acct-{number % 4}")


def test_a_whole_comparison_finds_in_a_postgres_table_what_differs(postgres, tmp_path):
    sent = [_sent(number) for number in range(1, 90)]
    postgres.raw_sql(
        "CREATE TABLE usage (event_id TEXT, event_name TEXT, external_customer_id TEXT, timestamp TIMESTAMPTZ, properties JSONB)"
    ).close()
    rows = [(one.id, one.name, one.external_customer_id, one.timestamp, json.dumps(one.properties)) for one in sent]
    with postgres.begin() as cursor:
        cursor.executemany("INSERT INTO usage VALUES (%s, %s, %s, %s, %s)", rows)
    arrived = [*sent[:20], replace(sent[20], properties={"n": 1}), *sent[22:]]
    meter = Meter("m", "sum", NAME, Aggregation("SUM", "n"))
    metered = [Metered(meter, "feat_m", "sum")]
    known = Known(metered, frozenset(one.external_customer_id for one in sent), {})
    traffic = Traffic(source=postgres.address, table="usage")
    with opened(traffic, tmp_path, lambda name: None) as log:
        search = Search(Log(log), ListFlexprice(arrived, [meter]), metered)
        result = reconcile(search, known, WINDOW, WINDOW.end)
    assert {one.event_id: one.cause for one in result.differences} == {"e21": Cause.VALUE, "e22": Cause.LOST}
    assert result.events == len(sent)


def test_a_whole_comparison_finds_in_a_spark_table_what_differs(spark):
    sent = [_sent(number) for number in range(1, 60)]
    rows = [
        {
            "event_id": one.id, "event_name": one.name, "external_customer_id": one.external_customer_id,
            "timestamp": one.timestamp.isoformat(), "properties": json.dumps(one.properties),
        }
        for one in sent
    ]  # fmt: skip
    raw = spark.create_table("usage", pa.Table.from_pylist(rows), overwrite=True)
    table = canonical(raw, Traffic(source="pyspark://local", table="usage"), dialect("pyspark"))
    meter = Meter("m", "sum", NAME, Aggregation("SUM", "n"))
    metered = [Metered(meter, "feat_m", "sum")]
    known = Known(metered, frozenset(one.external_customer_id for one in sent), {})
    arrived = [*sent[:20], replace(sent[20], properties={"n": 1}), *sent[22:]]
    search = Search(Log(OpenedLog(table, "pyspark", "usage")), ListFlexprice(arrived, [meter]), metered)
    result = reconcile(search, known, WINDOW, WINDOW.end)
    assert {one.event_id: one.cause for one in result.differences} == {"e21": Cause.VALUE, "e22": Cause.LOST}
    assert result.events == len(sent)
