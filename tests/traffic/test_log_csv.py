"""Logs as CSV and in columns: separators, lines that are wrong, types and names of columns."""

from __future__ import annotations

import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.model.meters import Aggregation, Meter
from pytest_flexprice.model.traffic_plan import Traffic
from pytest_flexprice.traffic.failing import reading
from pytest_flexprice.traffic.log import Log
from pytest_flexprice.traffic.source import opened

from .log_files import AT, DAY, ROW, events_of, file_of

HEADER = "event_id,event_name,external_customer_id,timestamp,properties"


LINE = 'e{n},use,acct,2026-11-20T08:00:00Z,"{{""n"": {n}}}"'


def _lines(*more, header=HEADER, form=LINE):
    return "\n".join([header, *(form.format(n=n) for n in range(3)), *more]) + "\n"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_whichever_separator_a_csv_has_its_events_are_the_same(tmp_path, separator):
    (tmp_path / "log.csv").write_text(_lines().replace(",", separator))
    assert [one.properties for one in events_of(tmp_path, source="log.csv")] == [{"n": n} for n in range(3)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (_lines("e3,use,acct", LINE.format(n=4)), r"line 5 of 'log.csv': Expected Number of Columns: 5 Found: 3"),
        (_lines(LINE.format(n=3) + ",x", LINE.format(n=4)), r"line 5 of 'log.csv': Expected Number of Columns: 5 Found: 6"),
        (_lines('e3,use,acct,2026-11-20T08:00:00Z,"{""n"": 3'), r"is cut off, .* line 5 of 'log.csv': Value with unterminated quote"),
        (_lines(header=HEADER + ",event_id", form=LINE + ",x{n}"), r"has the column 'event_id' twice in 'log.csv'"),
        (_lines('e3,use,acct,2026-11-31T08:00:00Z,"{}"'), r"1 of 4 events of the company's log have no time that can be read"),
        (_lines('e3,use,acct,2026-11-20T08:00:00+25:00,"{}"'), r"1 of 4 events of the company's log have no time that can be read"),
        ("", r"the company's log is empty"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_csv_is_said_with_its_line(tmp_path, text, said):
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(NotVerified, match=said):
        events_of(tmp_path, source="log.csv")


def test_a_csv_that_is_no_utf_8_is_said(tmp_path):
    (tmp_path / "log.csv").write_bytes(_lines("e3,use,acc\xe9,2026-11-20T08:00:00Z,").encode("latin-1"))
    with pytest.raises(NotVerified, match=r"line \d of 'log.csv' is not written in UTF-8"):
        events_of(tmp_path, source="log.csv")


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
        events_of(tmp_path, source="*.parquet")
    assert {one.timestamp for one in events_of(tmp_path, source="*.parquet", timezone="UTC")} == {AT}


def test_a_part_of_an_object_column_may_be_any_field(tmp_path):
    _parquet(tmp_path / "log.parquet", e=pa.array([{"who": {"id": "acct-7"}, "data": {"n": 3}}]))
    (event,) = events_of(tmp_path, source="log.parquet", columns={"customer": "e.who.id", "properties": "e.data"})
    assert (event.external_customer_id, event.properties) == ("acct-7", {"n": 3})
    with pytest.raises(NotVerified, match=r"has no column 'e.whom' for an event's customer .it has who, data"):
        events_of(tmp_path, source="log.parquet", columns={"customer": "e.whom"})


def test_properties_in_columns_hold_whatever_text_there_is(tmp_path):
    odd = 'a\r\n"b"\\\x01\t'
    _parquet(tmp_path / "log.parquet", kind=[odd])
    (event,) = events_of(tmp_path, source="log.parquet", columns={"properties": {'ki"nd': "kind"}})
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
    found = events_of(tmp_path, source=["log.ndjson", "*.ndjson", "log[1].ndjson"])
    assert sorted(one.id for one in found) == ["log.ndjson", "log[1].ndjson"]
    os.mkfifo(tmp_path / "pipe.ndjson")
    for source, said in (("pipe.ndjson", "'pipe.ndjson' is no file"), ("a**b.ndjson", "has a name that is no glob")):
        with pytest.raises(NotVerified, match=said):
            events_of(tmp_path, source=source)


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
    assert [one.id for one in events_of(tmp_path, source="log-*.parquet")] == ["e1", "e2"]


def test_properties_that_a_queue_wrote_as_a_text_are_an_object(tmp_path):
    rows = [{**ROW, "event_id": f"e{n}", "properties": json.dumps({"n": n})} for n in range(2)]
    source = file_of(tmp_path, "ndjson", rows)
    assert [one.properties for one in events_of(tmp_path, source=source)] == [{"n": 0}, {"n": 1}]
    (tmp_path / "all.ndjson").write_text(json.dumps({"payload": json.dumps(ROW)}))
    paths = {key: f"payload.{value}" for key, value in zip(
        ("name", "customer", "id", "time", "properties"),
        ("event_name", "external_customer_id", "event_id", "timestamp", "properties"), strict=True,
    )}  # fmt: skip
    (event,) = events_of(tmp_path, source="all.ndjson", columns=paths)
    assert (event.id, event.properties) == ("e1", ROW["properties"])
