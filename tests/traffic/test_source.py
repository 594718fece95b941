"""Logs of every kind are read alike, and what is wrong with one ends in one sentence without a secret."""

from __future__ import annotations

import gzip
import json
import tempfile
from decimal import Decimal
from pathlib import Path
from random import Random

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.model.meters import Aggregation, Meter
from pytest_flexprice.model.plan_file import PlanError, parse
from pytest_flexprice.model.traffic_plan import Traffic
from pytest_flexprice.traffic.log import Log
from pytest_flexprice.traffic.source import opened
from tests.traffic.logs import a_value

from .log_files import AT, DAY, ROW, events_of, file_of


@pytest.mark.parametrize("kind", ["ndjson", "csv", "parquet"])
def test_every_kind_of_file_holds_the_same_event(tmp_path, kind):
    (event,) = events_of(tmp_path, source=file_of(tmp_path, kind))
    assert (event.id, event.name, event.external_customer_id, event.timestamp) == ("e1", "use", "acct", AT)
    assert event.properties == ROW["properties"]


STAMPS = (
    "2026-11-20 08:00:00 UTC", "2026-11-20T08:00:00z", "2026-11-20 08:00:00+00", "2026-11-20T09:30:00.123456789+0130",
    " 2026-11-20T08:00:00+00:00 ", "2026-11-20 08:00:00,123Z", "2026-11-20T09:00:00+01:00[Europe/Berlin]", 1795161600, "1795161600.75",
    1795161600_000, "1795161600000000", 1795161600 * 10**9,
)  # fmt: skip


@pytest.mark.parametrize("kind", ["ndjson", "csv", "parquet"])
def test_times_are_read_as_programs_and_databases_write_them(tmp_path, kind):
    rows = [{**ROW, "event_id": f"e{n}", "timestamp": str(stamp)} for n, stamp in enumerate(STAMPS)]
    found = events_of(tmp_path, len(rows), source=file_of(tmp_path, kind, rows))
    assert [(one.id, one.timestamp) for one in found] == [(row["event_id"], AT) for row in rows]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (pa.int64(), 1795161600), (pa.int64(), 1795161600_999_999), (pa.float64(), 1795161600.9), (pa.timestamp("s", "UTC"), AT),
        (pa.timestamp("ns", "UTC"), AT), (pa.timestamp("us", "America/New_York"), AT), (pa.decimal128(20, 3), Decimal("1795161600.5")),
    ],
    ids=str,
)  # fmt: skip
def test_times_of_every_type_are_the_same_second(tmp_path, kind, value):
    columns = {name: pa.array([text]) for name, text in ROW.items() if name not in ("timestamp", "properties")}
    columns |= {"timestamp": pa.array([value], kind), "properties": pa.array([ROW["properties"]])}
    pq.write_table(pa.table(columns), tmp_path / "log.parquet")
    (event,) = events_of(tmp_path, source="log.parquet")
    assert (event.timestamp, event.properties["n"]) == (AT, 2.5)


def test_lists_of_objects_and_spread_objects_are_read_as_lines_are(tmp_path):
    (tmp_path / "list.ndjson").write_text(json.dumps([ROW, {**ROW, "event_id": "e2"}]))
    (tmp_path / "spread.ndjson").write_text(
        json.dumps(ROW, indent=2) + "\n" + json.dumps({**ROW, "event_id": "e2"}, indent=2)
    )
    for name in ("list", "spread"):
        assert [one.id for one in events_of(tmp_path, source=f"{name}.ndjson")] == ["e1", "e2"]


def test_compressed_files_of_a_glob_are_one_log_in_the_order_of_their_names(tmp_path):
    for day, identifier in (("02", "later"), ("01", "first")):
        text = json.dumps({**ROW, "event_id": identifier})
        (tmp_path / f"log-{day}.ndjson.gz").write_bytes(gzip.compress(text.encode()))
    assert [one.id for one in events_of(tmp_path, source="log-*.ndjson.gz")] == ["first", "later"]


def test_rotated_files_are_one_log_whatever_their_names_end_in(tmp_path):
    for name in ("usage.log", "usage.log.1", "usage.log-20261119.gz"):
        text = json.dumps({**ROW, "event_id": name}).encode()
        (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    assert {one.id for one in events_of(tmp_path, source="usage.log*")} == {each.name for each in tmp_path.iterdir()}


def test_a_table_that_a_cluster_wrote_as_a_folder_is_one_log(tmp_path):
    folder = tmp_path / "usage.parquet"
    (folder / "day=2026-11-20").mkdir(parents=True)
    source = tmp_path / file_of(tmp_path, "parquet")
    source.rename(folder / "day=2026-11-20" / "part-00000.snappy.parquet")
    (folder / "_SUCCESS").touch()
    (folder / "_metadata.parquet").write_bytes(b"")
    assert [one.id for one in events_of(tmp_path, source="usage.parquet")] == ["e1"]
    (tmp_path / "nothing.csv").mkdir()
    with pytest.raises(NotVerified, match=r"'nothing\.csv' is a folder without \.csv files"):
        events_of(tmp_path, source="nothing.csv")


@pytest.mark.parametrize("kind", ["ndjson", "csv", "parquet"])
def test_a_log_may_have_columns_of_any_name(tmp_path, kind):
    others = dict.fromkeys(("filename", "select", "order", "rowid", "second", "seq", "name"), "x")
    assert [one.id for one in events_of(tmp_path, source=file_of(tmp_path, kind, [{**ROW, **others}]))] == ["e1"]


def test_quoted_numbers_and_long_decimals_stay_as_they_are(tmp_path):
    meter = Meter("m", "m", "use", Aggregation("SUM", "n"))
    rows = [
        {**ROW, "event_id": f"e{n}", "properties": {"n": value}}
        for n, value in enumerate(["5", "0.1234567890123456789", "1e2"])
    ]
    for kind in ("ndjson", "csv", "parquet"):
        with opened(Traffic(source=file_of(tmp_path, kind, rows)), tmp_path, lambda name: None) as log:
            (counted,) = Log(log).metered(meter, DAY, 86_400).values()
        assert counted.value == Decimal("105.123456789012345")


NOT_A_LOG = {
    "empty": b"",
    "not compressed": b"{}",
    "binary": bytes(range(256)) * 9,
    "cut": json.dumps(ROW).encode()[:40],
    "no object": b"5\n[1]\n",
    "another encoding": (json.dumps(ROW) + "\n").encode("utf-16"),
    "one long name": b"x" * 5000 + b"\n1\n",
}


@pytest.mark.parametrize("kind", ["ndjson", "csv", "parquet", "ndjson.gz", "csv.gz", "parquet.zst"])
@pytest.mark.parametrize("content", NOT_A_LOG)
def test_a_file_that_is_no_log_ends_in_one_sentence(tmp_path, kind, content):
    (tmp_path / f"log.{kind}").write_bytes(NOT_A_LOG[content])
    with pytest.raises(NotVerified) as raised:
        events_of(tmp_path, source=f"log.{kind}")
    (finding,) = raised.value.findings
    assert finding.sentence.count("\n") == 0
    assert len(finding.sentence) < 800
    assert finding.remedy


@given(st.integers(0, 2**32), st.sampled_from(["ndjson", "csv"]))
@settings(max_examples=25)
def test_a_log_with_anything_in_it_is_read_or_ends_in_one_sentence(seed, kind):
    random = Random(seed)
    rows = [{**ROW, "event_id": f"e{n}"} for n in range(3)]
    for _ in range(random.randint(1, 3)):
        key = random.choice(list(ROW))
        random.choice(rows)[key] = a_value(random)
    with tempfile.TemporaryDirectory() as folder:
        texts = [json.dumps(row, default=str) for row in rows]
        if kind == "csv":
            quoted = [['"' + str(value).replace('"', '""') + '"' for value in row.values()] for row in rows]
            texts = [",".join(ROW), *(",".join(each) for each in quoted)]
        Path(folder, f"log.{kind}").write_text("\n".join(texts), encoding="utf-8")
        found, told = [], []
        try:
            found = events_of(Path(folder), source=f"log.{kind}", timezone="UTC")
        except NotVerified as reason:
            told = [one.sentence for one in reason.findings]
    assert len(found) <= 3
    assert len(told) <= 1
    assert "\n" not in "".join(told)


def test_a_database_a_query_paths_and_columns_hold_it_too(tmp_path):
    with duckdb.connect(f"{tmp_path}/usage.duckdb") as base:
        base.execute(
            "CREATE TABLE sent AS SELECT ? AS payload, 2.50 AS n, TIMESTAMP '2026-11-20 09:00:00' AS at",
            [json.dumps(ROW)],
        )
    columns = {
        "name": "payload.event_name",
        "customer": "payload.external_customer_id",
        "id": "payload.event_id",
        "time": "at",
    }
    where = {"source": f"duckdb://{tmp_path}/usage.duckdb", "timezone": "Europe/Berlin"}
    (event,) = events_of(tmp_path, **where, table="sent", columns={**columns, "properties": "payload.properties"})
    assert (event.timestamp, event.properties) == (AT, ROW["properties"])
    query = "SELECT * FROM sent WHERE n > 2"
    (event,) = events_of(tmp_path, **where, query=query, columns={**columns, "properties": {"n": "n"}})
    assert event.properties == {"n": 2.5}


@pytest.mark.parametrize(
    ("given", "changed", "says"),
    [
        ({"columns": {"id": "uuid"}}, {}, r"no column 'uuid' for an event's id"),
        ({}, {"timestamp": "2026-11-20T08:00:00"}, r"have no zone.*set traffic\.timezone"),
        (
            {},
            {"timestamp": "yesterday"},
            r"1 of 1 events .* no time that can be read in 'timestamp', but such as 'yesterday'",
        ),
        (
            {},
            {"event_id": ""},
            r"1 of 1 events .* no id in 'event_id', such as name 'use', customer 'acct', 2026-11-20T08:00:00Z:",
        ),
        ({}, {"properties": "[1, 2]"}, r"1 of 1 events .* no JSON object in 'properties', but such as \[1, 2\]"),
        ({}, {"properties": "12"}, r"no JSON object in 'properties', but such as 12:"),
        ({"source": "gone.parquet"}, {}, r"'gone\.parquet' is not there"),
        (
            {"source": "postgres://reader:${LOG_PASSWORD}@127.0.0.1:1/usage", "table": "t"},
            {},
            r"needs the variable LOG_PASSWORD",
        ),
    ],
)
def test_what_is_wrong_ends_in_one_sentence(tmp_path, given, changed, says):
    source = {"source": file_of(tmp_path, "csv", [{**ROW, **changed}])}
    with pytest.raises(NotVerified, match=says) as raised:
        events_of(tmp_path, **{**source, **given})
    assert len(raised.value.findings) == 1


def test_an_empty_log_and_a_wrong_type_are_named(tmp_path):
    texts = ("event_id", "event_name", "external_customer_id", "properties")
    columns = ", ".join([*(f"{name} VARCHAR" for name in texts), "timestamp TIMESTAMPTZ"])
    with duckdb.connect(f"{tmp_path}/usage.duckdb") as base:
        base.execute(f"CREATE TABLE nothing ({columns})")
        base.execute("CREATE TABLE odd AS SELECT *, 1.5 AS amount FROM nothing")
    where = {"source": f"duckdb://{tmp_path}/usage.duckdb"}
    with pytest.raises(NotVerified, match="the company's log is empty"):
        events_of(tmp_path, **where, table="nothing")
    with pytest.raises(
        NotVerified, match=r"column 'amount' .* is of type .*decimal.*, where text is expected for an event's name"
    ):
        events_of(tmp_path, **where, table="odd", columns={"name": "amount"})
    with pytest.raises(NotVerified, match="the company's log cannot be read"):
        events_of(tmp_path, **where, query="SELECT nonsense")


def test_an_unreachable_database_shows_no_secret(tmp_path):
    pytest.importorskip("psycopg")
    url = "postgres://reader:${LOG_PASSWORD}@127.0.0.1:1/usage"
    with pytest.raises(NotVerified, match="cannot be reached") as raised:
        events_of(tmp_path, variable=lambda name: "p@ss word", source=url, table="t")
    assert "p@ss" not in str(raised.value)
    assert "p%40ss" not in str(raised.value)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"source": "postgres://reader:hunter2@db/usage", "table": "t"}, "holds a password"),
        ({"source": "snowflake://a/b?token=hunter2", "table": "t"}, "holds a secret as 'token'"),
        ({"source": "mysql://db/usage", "table": "t"}, "begins with 'mysql://'"),
        ({"source": "postgres://db/usage"}, "needs either table or query"),
        ({"source": "usage.xlsx"}, "ends in none of"),
        ({"source": "usage.csv", "table": "t"}, "table and query belong to a database"),
        ({"source": "usage.csv", "timezone": "Mars/Olympus"}, "name of a time zone"),
        ({"source": "usage.csv", "first_day": "2026-11-20", "last_day": "2026-11-19"}, "is after last_day"),
    ],
)
def test_the_plan_says_what_is_wrong_and_repeats_no_secret(given, says):
    with pytest.raises(PlanError, match=says) as raised:
        parse({"company": {"name": "Acme"}, "traffic": given}, Path("golive.toml"))
    assert "hunter2" not in str(raised.value)


def test_a_traffic_table_is_typed():
    with pytest.raises(ValidationError):
        Traffic(source="usage.csv", customers="some")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("log.csv", gzip.compress(b"a,b", mtime=0), "is compressed by gzip, and its name does not end in .gz"),
        ("log.ndjson", b"PK\x03\x04", "is a zip archive or a workbook"),
        ("log.csv", b"PAR1", "is a Parquet file, and its name does not end in .parquet"),
        ("log.csv", json.dumps(ROW).encode(), "holds JSON, and its name ends in .csv"),
    ],
    ids=["gzip", "zip", "Parquet", "JSON"],
)
def test_a_file_that_is_not_what_its_name_tells_is_said_to_be_so(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(NotVerified, match=f"'{name}' {said}"):
        events_of(tmp_path, source=name)


SENT = f"""CREATE TABLE sent AS SELECT 'use' AS event_name, 'acct' AS external_customer_id, '{AT.isoformat()}'::TIMESTAMPTZ AS timestamp,
    '{{}}' AS properties, 12345678901234567890::HUGEINT AS event_id, union_value(a := 1) AS odd"""


def test_a_database_is_only_read(tmp_path):
    with duckdb.connect(f"{tmp_path}/usage.duckdb") as base:
        base.execute(SENT)
    where = {"source": f"duckdb://{tmp_path}/usage.duckdb"}
    for query in (
        "SELECT * FROM sent; DROP TABLE sent",
        "DELETE FROM sent RETURNING *",
        "WITH gone AS (DELETE FROM sent RETURNING *) SELECT * FROM gone",
        "SELECT * INTO other FROM sent",
        "no sql; DROP TABLE sent",
    ):
        with pytest.raises(NotVerified, match="given by a query that is not one SELECT"):
            events_of(tmp_path, **where, query=query)
    for query in ("SELECT * FROM sent;", "WITH s AS (FROM sent) SELECT * FROM s -- all of it"):
        assert [one.id for one in events_of(tmp_path, **where, query=query)] == ["12345678901234567890"]
    with pytest.raises(NotVerified, match=r"has no table 'main\.gone'; correct traffic.table"):
        events_of(tmp_path, **where, table="main.gone")
    with pytest.raises(
        NotVerified, match=r"'odd' of the company's log is of type unknown, where a JSON text"
    ) as raised:
        events_of(tmp_path, **where, table="sent", columns={"properties": "odd"})
    assert "\n" not in str(raised.value.findings[0].sentence)
    with pytest.raises(NotVerified, match=r"'.*/none.duckdb' is not there"):
        events_of(tmp_path, source=f"duckdb://{tmp_path}/none.duckdb", table="sent")
    assert not (tmp_path / "none.duckdb").exists()
