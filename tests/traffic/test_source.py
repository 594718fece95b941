"""Logs of every kind are read alike, and what is wrong with one ends in one sentence without a secret."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from pydantic import ValidationError

from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.model.golive_plan import PlanError, parse
from pytest_flexprice.model.times import Window
from pytest_flexprice.model.traffic_plan import Traffic
from pytest_flexprice.traffic.log import Log
from pytest_flexprice.traffic.source import opened

DAY = Window(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))
ROW = {
    "event_id": "e1",
    "event_name": " use ",
    "external_customer_id": "acct",
    "timestamp": "2026-11-20T08:00:00.5Z",
    "properties": {"n": 2.5, "kind": 'q"uote'},
}
AT = datetime(2026, 11, 20, 8, tzinfo=UTC)


def _file(folder: Path, kind: str, rows=(ROW,)) -> str:
    path = folder / f"log.{kind}"
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    if kind == "ndjson":
        path.write_text(lines, encoding="utf-8")
        return path.name
    (folder / "rows.json").write_text(lines, encoding="utf-8")
    kinds = {name: "JSON" if isinstance(value, dict) else "VARCHAR" for name, value in rows[0].items()}
    source = f"read_json('{folder}/rows.json', format='newline_delimited', columns={kinds})"
    duckdb.sql(f"COPY (SELECT * FROM {source}) TO '{path}'")
    return path.name


def _events(folder, variable=lambda name: None, **given):
    with opened(Traffic(**given), folder, variable) as log:
        return Log(log).events(DAY, 10)


@pytest.mark.parametrize("kind", ["ndjson", "csv", "parquet"])
def test_every_kind_of_file_holds_the_same_event(tmp_path, kind):
    (event,) = _events(tmp_path, source=_file(tmp_path, kind))
    assert (event.id, event.name, event.external_customer_id, event.timestamp) == ("e1", "use", "acct", AT)
    assert event.properties == ROW["properties"]


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
    (event,) = _events(tmp_path, **where, table="sent", columns={**columns, "properties": "payload.properties"})
    assert (event.timestamp, event.properties) == (AT, ROW["properties"])
    query = "SELECT * FROM sent WHERE n > 2"
    (event,) = _events(tmp_path, **where, query=query, columns={**columns, "properties": {"n": "n"}})
    assert event.properties == {"n": 2.5}


@pytest.mark.parametrize(
    ("given", "changed", "says"),
    [
        ({"columns": {"id": "uuid"}}, {}, r"no column 'uuid' for an event's id"),
        ({}, {"timestamp": "2026-11-20T08:00:00"}, r"have no zone.*set traffic\.timezone"),
        ({}, {"timestamp": "yesterday"}, r"1 of 1 events .* no time that can be read in 'timestamp'"),
        ({}, {"event_id": ""}, r"1 of 1 events .* have no id in 'event_id'"),
        ({"source": "gone.parquet"}, {}, r"'gone\.parquet' is not there"),
        (
            {"source": "postgres://reader:${LOG_PASSWORD}@127.0.0.1:1/usage", "table": "t"},
            {},
            r"needs the variable LOG_PASSWORD",
        ),
    ],
)
def test_what_is_wrong_ends_in_one_sentence(tmp_path, given, changed, says):
    source = {"source": _file(tmp_path, "csv", [{**ROW, **changed}])}
    with pytest.raises(NotVerified, match=says) as raised:
        _events(tmp_path, **{**source, **given})
    assert len(raised.value.findings) == 1


def test_an_empty_log_and_a_wrong_type_are_named(tmp_path):
    texts = ("event_id", "event_name", "external_customer_id", "properties")
    columns = ", ".join([*(f"{name} VARCHAR" for name in texts), "timestamp TIMESTAMPTZ"])
    with duckdb.connect(f"{tmp_path}/usage.duckdb") as base:
        base.execute(f"CREATE TABLE nothing ({columns})")
        base.execute("CREATE TABLE odd AS SELECT *, 1.5 AS amount FROM nothing")
    where = {"source": f"duckdb://{tmp_path}/usage.duckdb"}
    with pytest.raises(NotVerified, match="the company's log is empty"):
        _events(tmp_path, **where, table="nothing")
    with pytest.raises(
        NotVerified, match=r"column 'amount' .* is of type .*decimal.*, where text is expected for an event's name"
    ):
        _events(tmp_path, **where, table="odd", columns={"name": "amount"})
    with pytest.raises(NotVerified, match="the company's log cannot be read"):
        _events(tmp_path, **where, query="SELECT nonsense")


def test_an_unreachable_database_shows_no_secret(tmp_path):
    pytest.importorskip("psycopg")
    url = "postgres://reader:${LOG_PASSWORD}@127.0.0.1:1/usage"
    with pytest.raises(NotVerified, match="cannot be reached") as raised:
        _events(tmp_path, lambda name: "p@ss word", source=url, table="t")
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
