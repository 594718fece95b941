"""Logs of every kind are read alike, and what is wrong with one ends in one sentence without a secret."""

from __future__ import annotations

import gzip
import json
import os
import tempfile
from datetime import UTC, datetime
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
from pytest_flexprice.model.times import Window
from pytest_flexprice.model.traffic_plan import Traffic
from pytest_flexprice.traffic.failing import reading
from pytest_flexprice.traffic.log import Log
from pytest_flexprice.traffic.source import opened
from tests.traffic.logs import a_value

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


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-11-20 08:00:00 UTC", "2026-11-20T08:00:00z", "2026-11-20 08:00:00+00", "2026-11-20T09:30:00.123456789+0130",
        " 2026-11-20T08:00:00+00:00 ", 1795161600, "1795161600.75", 1795161600_000, "1795161600000000", 1795161600 * 10**9,
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["ndjson", "csv", "parquet"])
def test_times_are_read_as_programs_and_databases_write_them(tmp_path, kind, stamp):
    (event,) = _events(tmp_path, source=_file(tmp_path, kind, [{**ROW, "timestamp": str(stamp)}]))
    assert event.timestamp == AT


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
    (event,) = _events(tmp_path, source="log.parquet")
    assert (event.timestamp, event.properties["n"]) == (AT, 2.5)


def test_lists_of_objects_and_spread_objects_are_read_as_lines_are(tmp_path):
    (tmp_path / "list.ndjson").write_text(json.dumps([ROW, {**ROW, "event_id": "e2"}]))
    (tmp_path / "spread.ndjson").write_text(
        json.dumps(ROW, indent=2) + "\n" + json.dumps({**ROW, "event_id": "e2"}, indent=2)
    )
    for name in ("list", "spread"):
        assert [one.id for one in _events(tmp_path, source=f"{name}.ndjson")] == ["e1", "e2"]


def test_compressed_files_of_a_glob_are_one_log_in_the_order_of_their_names(tmp_path):
    for day, identifier in (("02", "later"), ("01", "first")):
        text = json.dumps({**ROW, "event_id": identifier})
        (tmp_path / f"log-{day}.ndjson.gz").write_bytes(gzip.compress(text.encode()))
    assert [one.id for one in _events(tmp_path, source="log-*.ndjson.gz")] == ["first", "later"]


def test_a_table_that_a_cluster_wrote_as_a_folder_is_one_log(tmp_path):
    folder = tmp_path / "usage.parquet"
    (folder / "day=2026-11-20").mkdir(parents=True)
    source = tmp_path / _file(tmp_path, "parquet")
    source.rename(folder / "day=2026-11-20" / "part-00000.snappy.parquet")
    (folder / "_SUCCESS").touch()
    (folder / "_metadata.parquet").write_bytes(b"")
    assert [one.id for one in _events(tmp_path, source="usage.parquet")] == ["e1"]
    (tmp_path / "nothing.csv").mkdir()
    with pytest.raises(NotVerified, match=r"'nothing\.csv' is a folder without \.csv files"):
        _events(tmp_path, source="nothing.csv")


@pytest.mark.parametrize("kind", ["ndjson", "csv", "parquet"])
def test_a_log_may_have_columns_of_any_name(tmp_path, kind):
    others = dict.fromkeys(("filename", "select", "order", "rowid", "second", "seq", "name"), "x")
    assert [one.id for one in _events(tmp_path, source=_file(tmp_path, kind, [{**ROW, **others}]))] == ["e1"]


def test_quoted_numbers_and_long_decimals_stay_as_they_are(tmp_path):
    meter = Meter("m", "m", "use", Aggregation("SUM", "n"))
    rows = [
        {**ROW, "event_id": f"e{n}", "properties": {"n": value}}
        for n, value in enumerate(["5", "0.1234567890123456789", "1e2"])
    ]
    for kind in ("ndjson", "csv", "parquet"):
        with opened(Traffic(source=_file(tmp_path, kind, rows)), tmp_path, lambda name: None) as log:
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
        _events(tmp_path, source=f"log.{kind}")
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
            found = _events(Path(folder), source=f"log.{kind}", timezone="UTC")
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


HEADER = "event_id,event_name,external_customer_id,timestamp,properties"
LINE = 'e{n},use,acct,2026-11-20T08:00:00Z,"{{""n"": {n}}}"'


def _lines(*more, header=HEADER, form=LINE):
    return "\n".join([header, *(form.format(n=n) for n in range(3)), *more]) + "\n"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_whichever_separator_a_csv_has_its_events_are_the_same(tmp_path, separator):
    (tmp_path / "log.csv").write_text(_lines().replace(",", separator))
    assert [one.properties for one in _events(tmp_path, source="log.csv")] == [{"n": n} for n in range(3)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (_lines("e3,use,acct", LINE.format(n=4)), r"line 5 of 'log.csv': Expected Number of Columns: 5 Found: 3"),
        (_lines(LINE.format(n=3) + ",x", LINE.format(n=4)), r"line 5 of 'log.csv': Expected Number of Columns: 5 Found: 6"),
        (_lines('e3,use,acct,2026-11-20T08:00:00Z,"{""n"": 3'), r"line 5 of 'log.csv': Value with unterminated quote found"),
        (_lines(header=HEADER + ",event_id", form=LINE + ",x{n}"), r"has the column 'event_id' twice in 'log.csv'"),
        (_lines('e3,use,acct,2026-11-31T08:00:00Z,"{}"'), r"1 of 4 events of the company's log have no time that can be read"),
        (_lines('e3,use,acct,2026-11-20T08:00:00+25:00,"{}"'), r"1 of 4 events of the company's log have no time that can be read"),
        ("", r"the company's log is empty"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_csv_is_said_with_its_line(tmp_path, text, said):
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(NotVerified, match=said):
        _events(tmp_path, source="log.csv")


def test_a_csv_that_is_no_utf_8_is_said(tmp_path):
    (tmp_path / "log.csv").write_bytes(_lines("e3,use,acc\xe9,2026-11-20T08:00:00Z,").encode("latin-1"))
    with pytest.raises(NotVerified, match=r"line \d of 'log.csv' is not written in UTF-8"):
        _events(tmp_path, source="log.csv")


def test_properties_that_are_no_json_are_said_to_be_so(tmp_path):
    (tmp_path / "log.csv").write_text(_lines("e3,use,acct,2026-11-20T08:00:00Z,{'n': 1}"))
    with opened(Traffic(source="log.csv"), tmp_path, lambda name: None) as log:
        meter = Meter("m", "meter", "use", Aggregation("SUM", "n"))
        with (
            pytest.raises(NotVerified, match="holds what is no JSON where properties are expected"),
            reading(Traffic(source="log.csv"), str),
        ):
            Log(log).metered(meter, DAY, 86_400)


def _parquet(path, **columns):
    known = {name: [value] for name, value in {**ROW, "properties": "{}"}.items()}
    pq.write_table(pa.table({**known, **columns}), path)
    return path.name


def test_files_of_which_some_have_stamps_without_a_zone_are_not_taken_for_utc(tmp_path):
    _parquet(tmp_path / "a.parquet", timestamp=pa.array([AT], pa.timestamp("ms", "UTC")))
    _parquet(tmp_path / "b.parquet", timestamp=pa.array([AT.replace(tzinfo=None)], pa.timestamp("ms")))
    with pytest.raises(NotVerified, match=r"without a zone in 'b.parquet' and with one in 'a.parquet'"):
        _events(tmp_path, source="*.parquet")
    assert {one.timestamp for one in _events(tmp_path, source="*.parquet", timezone="UTC")} == {AT}


def test_a_part_of_an_object_column_may_be_any_field(tmp_path):
    _parquet(tmp_path / "log.parquet", e=pa.array([{"who": {"id": "acct-7"}, "data": {"n": 3}}]))
    (event,) = _events(tmp_path, source="log.parquet", columns={"customer": "e.who.id", "properties": "e.data"})
    assert (event.external_customer_id, event.properties) == ("acct-7", {"n": 3})
    with pytest.raises(NotVerified, match=r"has no column 'e.whom' for an event's customer .it has who, data"):
        _events(tmp_path, source="log.parquet", columns={"customer": "e.whom"})


def test_properties_in_columns_hold_whatever_text_there_is(tmp_path):
    odd = 'a\r\n"b"\\\x01\t'
    _parquet(tmp_path / "log.parquet", kind=[odd])
    (event,) = _events(tmp_path, source="log.parquet", columns={"properties": {'ki"nd': "kind"}})
    assert event.properties == {'ki"nd': odd}


def test_the_later_of_two_is_told_by_number_where_its_column_is_a_text(tmp_path):
    text = _lines(header=HEADER + ",rowid", form='e,use,acct,2026-11-20T08:00:00Z,"{{""n"": {n}}}",1{n}.5') + (
        'e,use,acct,2026-11-20T08:00:00Z,"{""n"": 9}",9.25\n'
    )
    (tmp_path / "log.csv").write_text(text)
    meter = Meter("m", "meter", "use", Aggregation("SUM", "n"))
    for columns, last in (({"arrived": "rowid"}, 2), ({}, 9)):
        with opened(Traffic(source="log.csv", columns=columns), tmp_path, lambda name: None) as log:
            ((counted,),) = [Log(log).metered(meter, DAY, 86_400).values()]
            assert counted.value == last


def test_names_are_files_and_each_is_read_once(tmp_path):
    for name in ("log.ndjson", "log[1].ndjson"):
        (tmp_path / name).write_text(json.dumps({**ROW, "event_id": name}))
    (tmp_path / "again.ndjson").symlink_to("log.ndjson")
    found = _events(tmp_path, source=["log.ndjson", "*.ndjson", "log[1].ndjson"])
    assert sorted(one.id for one in found) == ["log.ndjson", "log[1].ndjson"]
    os.mkfifo(tmp_path / "pipe.ndjson")
    for source, said in (("pipe.ndjson", "'pipe.ndjson' is no file"), ("a**b.ndjson", "has a name that is no glob")):
        with pytest.raises(NotVerified, match=said):
            _events(tmp_path, source=source)


@pytest.mark.parametrize("name", ["file_row_number", "File_Row_Number", "flexprice_file"])
def test_a_parquet_log_may_have_the_columns_that_its_reader_adds(tmp_path, name):
    for number in (1, 2):
        pq.write_table(
            pa.table(
                {
                    **{key: [value] for key, value in {**ROW, "properties": "{}"}.items()},
                    "event_id": [f"e{number}"],
                    name: [9],
                }
            ),
            tmp_path / f"log-{number}.parquet",
        )
    assert [one.id for one in _events(tmp_path, source="log-*.parquet")] == ["e1", "e2"]


def test_properties_that_a_queue_wrote_as_a_text_are_an_object(tmp_path):
    rows = [{**ROW, "event_id": f"e{n}", "properties": json.dumps({"n": n})} for n in range(2)]
    source = _file(tmp_path, "ndjson", rows)
    assert [one.properties for one in _events(tmp_path, source=source)] == [{"n": 0}, {"n": 1}]
    (tmp_path / "all.ndjson").write_text(json.dumps({"payload": json.dumps(ROW)}))
    paths = {key: f"payload.{value}" for key, value in zip(
        ("name", "customer", "id", "time", "properties"),
        ("event_name", "external_customer_id", "event_id", "timestamp", "properties"), strict=True,
    )}  # fmt: skip
    (event,) = _events(tmp_path, source="all.ndjson", columns=paths)
    assert (event.id, event.properties) == ("e1", ROW["properties"])


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
        _events(tmp_path, source=name)


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
            _events(tmp_path, **where, query=query)
    for query in ("SELECT * FROM sent;", "WITH s AS (FROM sent) SELECT * FROM s -- all of it"):
        assert [one.id for one in _events(tmp_path, **where, query=query)] == ["12345678901234567890"]
    with pytest.raises(NotVerified, match=r"has no table 'main\.gone'; correct traffic.table"):
        _events(tmp_path, **where, table="main.gone")
    with pytest.raises(
        NotVerified, match=r"'odd' of the company's log is of type unknown, where a JSON text"
    ) as raised:
        _events(tmp_path, **where, table="sent", columns={"properties": "odd"})
    assert "\n" not in str(raised.value.findings[0].sentence)
    with pytest.raises(NotVerified, match=r"'.*/none.duckdb' is not there"):
        _events(tmp_path, source=f"duckdb://{tmp_path}/none.duckdb", table="sent")
    assert not (tmp_path / "none.duckdb").exists()
