"""Files of sample events: every format is read alike, and what cannot be read ends in one sentence."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_flexprice.model.finding import Kind, NotDecided, NotVerified
from pytest_flexprice.model.golive_plan import Company, EventKind, GoLivePlan
from pytest_flexprice.oracle.samples import check as sample_check

from .catalog_strategies import tokens
from .sample_events import EVENTS, METERS, NOW, check, errors, event, everything

MUTATIONS = st.one_of(
    st.text(max_size=8), st.sampled_from(["{", "}", '"', "[", "\\", ",", "\n", "null", "1e999", '{"a":', "\x00"])
)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_a_sample_file_holds_it_ends_in_findings(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(["s.ndjson", "s.json", "s.csv"]))
    text = (
        "\n".join(json.dumps(event(number)) for number in range(2)) if name != "s.csv" else "event_name,event_id\nx,1"
    )
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(MUTATIONS) + text[data.draw(st.integers(at, min(len(text), at + 5))) :]
    folder = tmp_path_factory.mktemp("mutated")
    (folder / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        found = everything(
            sample_check.check(EVENTS, [folder / name], folder, NOW, meters=METERS, customers=("acct_1",))
        )
    except NotVerified as refused:
        found = refused.findings
    assert all("Traceback" not in one.sentence and one.sentence.endswith(".") for one in found)


def test_bulk_requests_are_unpacked_and_measured(tmp_path: Path) -> None:
    rows = [event(number) for number in range(1001)]
    checked = check(tmp_path, {"events": rows}, {"events": [event(2001, event_name="x")]}, event(3001))
    assert checked.totals == {"s.ndjson": 1003}
    assert "has 1,001 events" in errors(checked)[0]
    single = check(tmp_path, json.dumps({"events": rows[:1000]}, indent=1), name="bulk.json")
    assert everything(single) == []
    assert single.totals == {"bulk.json": 1000}


def test_arrays_csv_parquet_and_compressed_files_read_alike(tmp_path: Path) -> None:
    rows = [event(number) for number in range(5)]
    (tmp_path / "a.json").write_text(json.dumps(rows), encoding="utf-8")
    with (tmp_path / "b.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["event_name", "event_id", "external_customer_id", "timestamp", "properties.tokens", "model"])
        writer.writerows([["model.completion", f"b-{n}", "acct_1", "2026-11-21T10:30:57Z", 12, "x"] for n in range(5)])
    with gzip.open(tmp_path / "c.ndjson.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(event(100 + n)) + "\n" for n in range(5))
    parquet = "select 'model.completion' as event_name, 'p-' || range as event_id, 'acct_1' as external_customer_id, "
    parquet += "timestamptz '2026-11-21 10:30:57Z' as timestamp, {'tokens': 12} as properties from range(5)"
    duckdb.execute(f"COPY ({parquet}) TO '{tmp_path / 'd.parquet'}'")
    files = [tmp_path / name for name in ("a.json", "b.csv", "c.ndjson.gz", "d.parquet")]
    checked = sample_check.check(EVENTS, files, tmp_path, NOW, meters=(tokens(),), customers=("acct_1",))
    assert everything(checked) == []
    assert set(checked.totals.values()) == {5}
    naive = parquet.replace("timestamptz '2026-11-21 10:30:57Z'", "timestamp '2026-11-21 10:30:57'")
    duckdb.execute(f"COPY ({naive}) TO '{tmp_path / 'e.parquet'}'")
    found = errors(sample_check.check(EVENTS, [tmp_path / "e.parquet"], tmp_path, NOW, meters=(tokens(),)))
    assert "without a zone" in found[0]


@pytest.mark.parametrize(
    ("name", "text"), [("s.ndjson", ""), ("s.ndjson", "\n\n"), ("s.csv", "event_name,event_id\n"), ("s.json", "[]")]
)
def test_an_empty_sample_shows_nothing(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    checked = sample_check.check(EVENTS, [path], tmp_path, NOW, meters=METERS)
    assert [one.kind for one in everything(checked)] == [Kind.NOT_VERIFIED]


def test_a_single_event_in_a_json_file(tmp_path: Path) -> None:
    assert errors(check(tmp_path, json.dumps(event(), indent=2), name="one.json")) == []


def test_a_file_of_another_form_is_told_once_although_other_files_show_events(tmp_path: Path) -> None:
    (tmp_path / "wrapped.ndjson").write_text(json.dumps({"msg": "usage", "event": event()}) + "\n", encoding="utf-8")
    (tmp_path / "other.ndjson").write_text(json.dumps(event(event_name="other")) + "\n", encoding="utf-8")
    events = [
        EventKind(name="model.completion", samples="wrapped.ndjson"),
        EventKind(name="other", samples="o*.ndjson"),
    ]
    files = [tmp_path / "wrapped.ndjson", tmp_path / "other.ndjson"]
    (found,) = everything(sample_check.check(events, files, tmp_path, NOW))
    assert "wrapped in other objects, under 'event'" in found.sentence


def test_only_broken_lines(tmp_path: Path) -> None:
    checked = check(tmp_path, "x", "{")
    assert "2 of 2 events in s.ndjson have no JSON object" in errors(checked)[0]


def test_files_that_cannot_be_read_are_not_verified(tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text("x", encoding="utf-8")
    (tmp_path / "s.parquet").write_text("x", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    folder = ("folder", "it is a folder; name the files in it")
    for name, words in (
        folder,
        ("none.ndjson", "no such file"),
        ("s.txt", "ends in none"),
        ("s.parquet", "cannot be read"),
    ):
        with pytest.raises(NotVerified, match=words):
            sample_check.check(EVENTS, [tmp_path / name], tmp_path, NOW)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"event_name": "e"}\n'.encode("utf-16"), "it is UTF-16"),
        (b"PK\x03\x04\x14", "it is a spreadsheet or a zip archive"),
        ('{"event_name": "e"}\n{"event_name": "Müller"}\n'.encode("cp1252"), "line 2 is not UTF-8"),
    ],
)
def test_a_sample_in_another_encoding_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "s.ndjson").write_bytes(content)
    with pytest.raises(NotVerified, match=words):
        sample_check.check(EVENTS, [tmp_path / "s.ndjson"], tmp_path, NOW)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("s.json", b"[" + json.dumps(event()).encode() + b",\n]", "line 2: a comma stands behind the last entry"),
        ("s.json", b"<html>", "a page or XML"),
        ("s.json", b'[\n{"a": 1}\n{"b": }]', "line 3: "),
        ("s.ndjson.gz", json.dumps(event()).encode(), "it is not compressed as .gz"),
        ("s.ndjson", gzip.compress(json.dumps(event()).encode()), "it is compressed as .gz"),
    ],
)
def test_a_sample_that_is_not_what_its_name_says_is_told_with_its_line(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(NotVerified) as told:
        sample_check.check(EVENTS, [tmp_path / name], tmp_path, NOW)
    assert words in str(told.value)
    assert str(tmp_path) not in str(told.value)


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "s.ndjson").write_bytes(b"\xef\xbb\xbf" + json.dumps(event()).encode() + b"\n")
    checked = sample_check.check(EVENTS, [tmp_path / "s.ndjson"], tmp_path, NOW, meters=METERS)
    assert everything(checked) == []


def test_without_duckdb_the_command_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "duckdb", None)
    with pytest.raises(NotVerified, match=r"pip install 'pytest-flexprice\[samples\]'"):
        check(tmp_path, event())


def test_a_plan_without_samples_is_not_decided(tmp_path: Path) -> None:
    with pytest.raises(NotDecided):
        sample_check.sample_files(
            GoLivePlan(company=Company(name="Acme"), events=tuple(EVENTS), path=tmp_path / "golive.toml")
        )


@settings(max_examples=15, deadline=None)
@given(
    st.text(min_size=1, max_size=8).filter(str.strip),
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3),
)
def test_any_names_and_properties_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, name: str, properties: dict
) -> None:
    path = tmp_path_factory.mktemp("any") / "s.ndjson"
    path.write_text(json.dumps(event(event_name=name, properties=properties)) + "\n", encoding="utf-8")
    field = next(iter(properties), "x")
    meter = tokens(event_name=name, field=field, filters={field: ("a'b",)})
    events = [EventKind(name=name)]
    checked = sample_check.check(events, [path], path.parent, NOW, meters=(meter,), customers=(name,))
    assert checked.totals == {"s.ndjson": 1}
