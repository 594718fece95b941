"""Sample events in every format: each mistake is found, counted, shown with its place, and nothing else is."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_flexprice.emulator.kernel.binding import BindError, instant
from pytest_flexprice.model.finding import Finding, Kind, NotDecided, NotVerified, Severity
from pytest_flexprice.model.golive_plan import Company, EventKind, GoLivePlan
from pytest_flexprice.oracle.samples import check as sample_check
from pytest_flexprice.oracle.samples import rules as event_rules
from pytest_flexprice.oracle.samples import words as event_words
from pytest_flexprice.oracle.samples.check import Checked
from pytest_flexprice.oracle.samples.units import Spans, other_units

from .catalog_strategies import tokens

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
EVENTS = [EventKind(name="model.completion", properties={"tokens": "number", "model": "string"})]
METERS = (tokens(),)


def event(number: int = 1, **changes: object) -> dict[str, object]:
    values = {
        "event_name": "model.completion",
        "event_id": f"e-{number}",
        "external_customer_id": "acct_1",
        "timestamp": "2026-11-21T10:30:57Z",
        "properties": {"tokens": 12, "model": "large"},
    }
    return {key: value for key, value in {**values, **changes}.items() if value != "(absent)"}


def check(tmp_path: Path, *rows: object, name: str = "s.ndjson", meters=METERS, customers=("acct_1",)) -> Checked:
    path = tmp_path / name
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return sample_check.check(EVENTS, [path], tmp_path, NOW, meters=meters, customers=customers)


def everything(checked: Checked) -> list[Finding]:
    return [*checked.form, *checked.identity, *checked.names, *checked.customers, *checked.quantities]


def errors(checked: Checked) -> list[str]:
    return [one.sentence for one in everything(checked) if one.severity is Severity.ERROR]


def test_healthy_events_are_fine(tmp_path: Path) -> None:
    checked = check(tmp_path, event(1), event(2, properties={"tokens": "1.5e2", "model": "x"}))
    assert everything(checked) == []
    assert checked.totals == {"s.ndjson": 2}


FORM = {
    "broken": ('{"event_name": "m', "no JSON object"),
    "array": ("[1]", "no JSON object"),
    "no name": (event(event_name="(absent)"), "no event_name"),
    "null name": (event(event_name=None), "no event_name"),
    "number name": (event(event_name=5), "event_name that is no text"),
    "blank name": (event(event_name="  "), "never stores"),
    "no customer": (event(external_customer_id="(absent)"), "no external_customer_id"),
    "empty customer": (event(external_customer_id=""), "no external_customer_id"),
    "null customer": (event(external_customer_id=None), "no external_customer_id"),
    "spaced customer": (event(external_customer_id="acct_1 "), "another customer"),
    "internal id": (event(external_customer_id="cust_01ARZ3NDEKTSV4RRFFQ69G5FAV"), "internal ids"),
    "no id": (event(event_id="(absent)"), "every retry counts again"),
    "number id": (event(event_id=5), "event_id that is no text"),
    "no time": (event(timestamp="(absent)"), "time of arrival"),
    "seconds": (event(timestamp=1767322800), "look like seconds"),
    "milliseconds": (event(timestamp=1767322800000), "look like milliseconds"),
    "naive": (event(timestamp="2026-11-21T10:30:57"), "without a zone"),
    "space, naive": (event(timestamp="2026-11-21 10:30:57"), "without a zone"),
    "space": (event(timestamp="2026-11-21 10:30:57Z"), "not RFC 3339"),
    "day": (event(timestamp="2026-11-21"), "not RFC 3339"),
    "empty time": (event(timestamp=""), "not RFC 3339"),
    "small z": (event(timestamp="2026-11-21T10:30:57z"), "not RFC 3339"),
    "hour 24": (event(timestamp="2026-11-21T24:00:00Z"), "not RFC 3339"),
    "30 February": (event(timestamp="2026-02-30T10:00:00Z"), "not RFC 3339"),
    "year 56000": (event(timestamp="+56000-01-01T00:00:00Z"), "milliseconds were taken for seconds"),
    "1970": (event(timestamp="1970-01-21T10:30:57Z"), "before the year 2000"),
    "future": (event(timestamp="2026-11-23T10:30:57Z"), "in the future"),
    "property list": (event(properties=[1]), "properties that are no object"),
}


@pytest.mark.parametrize("mistake", FORM)
def test_each_mistake_of_form_is_found_at_its_place(tmp_path: Path, mistake: str) -> None:
    row, words = FORM[mistake]
    checked = check(tmp_path, event(1), event(2), row)
    found = [one for one in checked.form if one.severity is Severity.ERROR]
    assert [one.path.startswith("samples.s.ndjson:3") for one in found] == [True]
    assert words in found[0].sentence
    assert "1 of 3 events in s.ndjson" in found[0].sentence


# Asked of Go 1.26's own parser, by which the server reads a timestamp.
TAKEN = {
    "2026-11-21T10:30:00,5Z": "2026-11-21T10:30:00.5Z",
    "2026-11-21T1:30:00Z": "2026-11-21T01:30:00Z",
    "2026-11-21T10:30:00+24:00": "2026-11-20T10:30:00Z",
    "2026-11-21T10:30:00+24:60": "2026-11-20T09:30:00Z",
    "2026-11-21T10:30:00-24:00": "2026-11-22T10:30:00Z",
    "2026-11-21T10:30:00+02:60": "2026-11-21T07:30:00Z",
    "2026-11-21T1:30:00,5+24:00": "2026-11-20T01:30:00.5Z",
    "2026-11-21T10:30:00.123456789123Z": "2026-11-21T10:30:00.123456Z",
}
REFUSED = (
    "2026-11-21T10:30:00.Z",
    "2026-11-21T01:3:00Z",
    "2026-11-21T10:30Z",
    "2026-11-21T10:30:00+25:00",
    "2026-11-21T10:30:00+02:61",
    "2026-11-21T10:30:00+0200",
    "2026-11-21t10:30:00Z",
    "2026-11-21T23:59:60Z",
    "2026-2-03T10:30:00Z",
    "10000-01-01T00:00:00Z",
    "2026-11-21T010:30:00Z",
    " 2026-11-21T10:30:00Z",
    "2026-11-31T10:30:00Z",
)


@pytest.mark.parametrize("written", TAKEN)
def test_timestamps_are_read_as_the_server_reads_them(tmp_path: Path, written: str) -> None:
    assert instant(written) == datetime.fromisoformat(TAKEN[written])
    found = everything(check(tmp_path, event(timestamp=written)))
    assert {one.severity for one in found} <= {Severity.WARNING}
    moment = duckdb.execute(f"SELECT {event_rules.MOMENT} FROM (SELECT '{written}' AS ts)").fetchall()[0][0]
    assert moment.astimezone(UTC) == datetime.fromisoformat(TAKEN[written])


@pytest.mark.parametrize("written", REFUSED)
def test_timestamps_that_the_server_refuses_are_errors(tmp_path: Path, written: str) -> None:
    with pytest.raises(BindError):
        instant(written)
    assert "not RFC 3339" in errors(check(tmp_path, event(timestamp=written)))[0]


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("1763806200", "looks like seconds since 1970, as text"),
        ("1763806200123", "looks like milliseconds since 1970, as text"),
        ("20261121T103000Z", "basic form of ISO 8601"),
        ("2026-11-21 10:30:00+01:00", "a space where a T belongs"),
        ("2026-11-21", "a day without a time"),
        ("2026-11-21T10:30:00z", "must be capitals"),
    ],
)
def test_a_timestamp_in_another_form_is_named(tmp_path: Path, written: str, words: str) -> None:
    (found,) = errors(check(tmp_path, event(timestamp=written)))
    assert words in found


def cloud(number: int) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "type": "model.completion",
        "id": f"c-{number}",
        "subject": "acct_1",
        "time": "2026-11-21T10:30:00Z",
        "data": {"tokens": 1},
    }


FORMS = {
    "CloudEvents": ([cloud(1), cloud(2)], "are CloudEvents", "type to event_name"),
    "Lago": ([{"event": {"transaction_id": "1", "code": "x", "timestamp": 1763806200}}], "Lago's events", "code to event_name"),
    "Lago, bare": ([{"transaction_id": "1", "code": "x", "timestamp": 1763806200}], "Lago's events", "transaction_id to event_id"),
    "Stripe": ([{"event_name": "model.completion", "payload": {"value": "1"}, "timestamp": 1763806200}], "Stripe's meter", "payload"),
    "camel case": ([{"eventName": "x", "externalCustomerId": "a", "eventId": "1"}], "spelled in another way", "eventName to event_name"),
    "wrapped": ([{"payload": event()}], "wrapped in other objects, under 'payload'", "payload to the event itself"),
    "wrapped text": ([{"Body": json.dumps(event())}], "as a text under 'Body'", "Body to the event itself"),
    "wrapped deep": ([{"logs": [{"body": {"text": json.dumps(event())}}]}], "text under 'logs.body.text'", "body.text to the event"),
    "wrapped CloudEvents": ([{"event": cloud(1), "at": "x"}], "under 'event' and are CloudEvents", "itself, and there type to event_name"),
    "Amberflo": ([{"customerId": "a", "meterApiName": "m", "uniqueId": "u"}], "Amberflo's events", "uniqueId to event_id"),
    "Metronome": ([{"transaction_id": "1", "customer_id": "a", "event_type": "m"}], "Metronome's events", "event_type to event_name"),
    "other objects": ([{"topic": "t", "value": "eyJ9"}], "other objects, with topic, value", "what they mean to event_name"),
    "array": ([[event()]], "arrays of events", "name the file .json"),
    "comma": ([json.dumps(event()) + ","], "a comma behind each", "take the commas away"),
    "pretty": (json.dumps(event(), indent=2).splitlines(), "JSON that goes over several lines", "name the file .json"),
    "two": ([json.dumps(event(1)) + json.dumps(event(2))], "several objects on one line", "a line of its own"),
    "Python": ([str(event())], "of a programming language", "with double quotes"),
    "logfmt": (["level=info event_name=model.completion event_id=1 tokens=1"], "lines of key=value", "a JSON object of its keys"),
    "curl": (["curl -d '" + json.dumps({"a": 1}) + "'"], "commands or requests", "keep the body"),
    "YAML": (["- event_name: model.completion", "  event_id: 1"], "are YAML", "as a JSON object"),
    "CSV": (["event_name,event_id,timestamp", "model.completion,1,2026"], "lines of CSV", "name the file .csv"),
    "log": (["2026-11-21 INFO sending " + json.dumps(event())], "lines of a log", "without '2026-11-21 INFO send"),
    "text": ([json.dumps(json.dumps(event()))], "within a text", "the object that it holds"),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_events_in_another_form_are_named_once_with_what_to_map(tmp_path: Path, form: str) -> None:
    rows, words, mapping = FORMS[form]
    checked = check(tmp_path, *rows)
    found = errors(checked)
    assert len(found) == (2 if form == "Stripe" else 1)  # its event_name is one, so that its quantity is missed
    assert words in found[0]
    assert mapping in found[0]
    assert checked.names == []


def test_an_event_that_is_another_but_for_its_id_seems_to_be_sent_again(tmp_path: Path) -> None:
    at = {"timestamp": "2026-11-21T10:30:57.159Z"}
    (told,) = everything(check(tmp_path, event(1, **at), event(2, **at, properties={"tokens": 3}), event(3, **at)))
    assert told.severity is Severity.WARNING
    assert "1 event differs from another one in nothing but the event_id" in told.sentence
    assert "(first: s.ndjson, event 3, like event 1, 'e-1')" in told.sentence
    assert everything(check(tmp_path, event(1), event(2))) == []
    other = event(2, **at, external_customer_id="acct_2")
    assert everything(check(tmp_path, event(1, **at), other, customers=("acct_1", "acct_2"))) == []


def test_quantities_far_from_all_samples_may_be_of_another_unit(tmp_path: Path) -> None:
    def of(*values: object) -> Spans:
        return check(tmp_path, *(event(n, properties={"tokens": value}) for n, value in enumerate(values))).spans

    gigabytes, more, much = of(1.5, 24, "3"), of(0, 700, 24000, 751), of(2_000_000_000, 1.5e9, 1600000000)
    (told,) = other_units(gigabytes, much)
    assert told.severity is Severity.WARNING
    assert "'model.completion' is 1,500,000,000 to 2,000,000,000, and of the samples 1.5 to 24" in told.sentence
    assert len(other_units(much, gigabytes)) == 1
    assert other_units(gigabytes, more) == other_units(gigabytes, of(1e9, 2e9)) == other_units({}, much) == []


def test_some_events_in_another_form_hide_no_others(tmp_path: Path) -> None:
    found = errors(check(tmp_path, event(1), cloud(2), event(3, event_id="(absent)")))
    assert "1 of 3 events in s.ndjson are CloudEvents" in found[0]
    assert any("no event_id" in one for one in found)


def test_the_case_of_keys_does_not_matter_to_flexprice(tmp_path: Path) -> None:
    odd = {
        "Event_Name": "model.completion",
        "EVENT_ID": "1",
        "external_customer_id": "acct_1",
        "Timestamp": "2026-11-21T10:30:57Z",
        "properties": {"tokens": 1},
    }
    assert errors(check(tmp_path, odd)) == []
    header = "Event Name,External_Customer_ID,event-id,TIMESTAMP,tokens"
    assert errors(check(tmp_path, header, "model.completion,acct_1,1,2026-11-21T10:30:57Z,5", name="s.csv")) == []


def test_one_of_ten_that_misses_the_filter_by_case_is_told(tmp_path: Path) -> None:
    meter = tokens(filters={"region": ("eu", "us")})
    rows = [event(number, properties={"tokens": 1, "region": "eu"}) for number in range(9)]
    (found,) = errors(check(tmp_path, *rows, event(10, properties={"tokens": 1, "region": "EU"}), meters=(meter,)))
    assert "1 of 10 events 'model.completion' have 'EU' as 'region'" in found
    assert "only in upper and lower case" in found
    other = event(11, properties={"tokens": 1, "region": "asia"})
    assert errors(check(tmp_path, *rows, other, meters=(meter,))) == []


def test_a_negative_value_that_an_expression_reads_is_a_warning(tmp_path: Path) -> None:
    meter = tokens(field="", expression="tokens * 2")
    (found,) = everything(check(tmp_path, event(properties={"tokens": -2}), meters=(meter,)))
    assert found.severity is Severity.WARNING
    assert "a negative 'tokens', which the expression" in found.sentence


def test_a_declared_type_that_its_meter_cannot_add_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "s.ndjson").write_text(json.dumps(event()) + "\n", encoding="utf-8")
    events = [EventKind(name="model.completion", properties={"tokens": "string"})]
    checked = sample_check.check(events, [tmp_path / "s.ndjson"], tmp_path, NOW, meters=METERS)
    (found,) = errors(checked)
    assert (
        "declares property 'tokens' of event 'model.completion' as string, and its meter takes the SUM of it" in found
    )


def test_events_before_every_subscription_and_old_ones_are_warnings(tmp_path: Path) -> None:
    (tmp_path / "s.ndjson").write_text(
        json.dumps(event(1, timestamp="2026-10-01T00:00:00Z"))
        + "\n"
        + json.dumps(event(2, timestamp="2025-10-01T00:00:00Z"))
        + "\n",
        encoding="utf-8",
    )
    since = datetime(2026, 11, 1, tzinfo=UTC)
    checked = sample_check.check(EVENTS, [tmp_path / "s.ndjson"], tmp_path, NOW, meters=METERS, billed_since=since)
    assert {one.severity for one in checked.form} == {Severity.WARNING}
    assert any(
        "2 of 2 events" in one.sentence and "first declared subscription" in one.sentence for one in checked.form
    )
    assert any("1 of 2 events" in one.sentence and "more than a year ago" in one.sentence for one in checked.form)


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


QUANTITIES = {
    "missing": ({"model": "x"}, "no property 'tokens'"),
    "other case": ({"Tokens": 5}, "'Tokens' is there"),
    "misspelt": ({"token": 5}, "'token' is there"),
    "null": ({"tokens": None}, "count 0"),
    "true": ({"tokens": True}, "no number"),
    "nested": ({"tokens": {"v": 5}}, "no number"),
    "list": ({"tokens": [5]}, "no number"),
    "separator": ({"tokens": "1,000"}, "no number"),
    "unit": ({"tokens": "12 GB"}, "no number"),
    "space": ({"tokens": " 3"}, "no number"),
    "hex": ({"tokens": "0x10"}, "no number"),
    "NaN": ({"tokens": "NaN"}, "no number"),
    "negative": ({"tokens": -3}, "negative"),
    "negative text": ({"tokens": "-4"}, "negative"),
    "1e300": ({"tokens": 1e300}, "stops metering"),
    "text of 30 digits": ({"tokens": "9" * 30}, "stops metering"),
    "2^53 + 1": ({"tokens": 2**53 + 1}, "digits are lost"),
}


@pytest.mark.parametrize("mistake", QUANTITIES)
def test_each_quantity_that_counts_zero_or_wrong_is_found(tmp_path: Path, mistake: str) -> None:
    properties, words = QUANTITIES[mistake]
    found = errors(check(tmp_path, event(1), event(2, properties=properties)))
    assert len(found) == 1
    assert words in found[0]


@pytest.mark.parametrize("value", ["+4", ".5", "5.", "1e2", "12345678901234567890", 0, 0.1, 2**53, 10**16])
def test_numbers_that_the_server_reads_are_fine(tmp_path: Path, value: object) -> None:
    assert errors(check(tmp_path, event(properties={"tokens": value}))) == []


def test_no_properties_at_all_count_zero(tmp_path: Path) -> None:
    assert "no property 'tokens'" in errors(check(tmp_path, event(properties=None)))[0]


def test_a_trailing_space_in_the_name_stays_green(tmp_path: Path) -> None:
    found = everything(check(tmp_path, event(event_name="model.completion ")))
    assert [one.severity for one in found] == [Severity.INFO]


def test_an_offset_is_a_warning(tmp_path: Path) -> None:
    found = everything(check(tmp_path, event(timestamp="2026-11-21T10:30:57+05:30")))
    assert [one.severity for one in found] == [Severity.WARNING]


def test_unknown_names_and_customers_come_with_near_misses(tmp_path: Path) -> None:
    checked = check(tmp_path, event(1), event(2, event_name="Model.Completion", external_customer_id="ACCT_1"))
    assert "'model.completion' is there and differs only in upper and lower case" in checked.names[0].sentence
    assert "'acct_1' is there" in checked.customers[0].sentence


def test_without_declared_customers_none_is_unknown(tmp_path: Path) -> None:
    assert errors(check(tmp_path, event(external_customer_id="anybody"), customers=None)) == []


def test_with_no_customers_at_all_every_one_is_unknown(tmp_path: Path) -> None:
    assert "'acct_1'" in errors(check(tmp_path, event(), customers=()))[0]


@pytest.mark.parametrize(
    ("second", "severity", "words"),
    [
        ({}, Severity.INFO, "counts once"),
        ({"timestamp": "2026-11-21T10:30:58Z"}, Severity.ERROR, "2 times the quantity"),
        (
            {"timestamp": "2026-11-21T10:30:57.500Z", "properties": {"tokens": 3}},
            Severity.ERROR,
            "only one of them is billed",
        ),
        ({"external_customer_id": "acct_2"}, Severity.ERROR, "for 2 customers"),
    ],
)
def test_an_id_that_comes_twice(tmp_path: Path, second: dict, severity: Severity, words: str) -> None:
    checked = check(tmp_path, event(1), event(2), event(1, **second), customers=None)
    assert [one.severity for one in checked.identity] == [severity]
    assert words in checked.identity[0].sentence
    assert "'e-1' comes 2 times" in checked.identity[0].sentence


def test_an_event_name_without_samples_is_not_verified(tmp_path: Path) -> None:
    path = tmp_path / "s.ndjson"
    path.write_text(json.dumps(event()) + "\n", encoding="utf-8")
    checked = sample_check.check([*EVENTS, EventKind(name="other")], [path], tmp_path, NOW)
    assert [(one.kind, one.path) for one in checked.names] == [(Kind.NOT_VERIFIED, "events.other.samples")]


def test_filters_match_what_the_server_prints(tmp_path: Path) -> None:
    meter = tokens(filters={"acct": ("1000000",)})
    rows = [event(1, properties={"tokens": 1, "acct": 1000000})]
    assert "prints as '1e+06'" in errors(check(tmp_path, *rows, meters=(meter,)))[0]
    fine = event(2, properties={"tokens": 1, "acct": "1000000"})
    assert errors(check(tmp_path, fine, meters=(meter,))) == []
    none = event(3, properties={"tokens": 1, "acct": "7"})
    assert "no sample event 'model.completion' passes" in errors(check(tmp_path, none, meters=(meter,)))[0]


def test_a_meter_of_unique_values_and_one_with_an_expression(tmp_path: Path) -> None:
    unique = tokens(aggregation="COUNT_UNIQUE", field="user")
    assert "not counted at all" in errors(check(tmp_path, event(), meters=(unique,)))[0]
    assert errors(check(tmp_path, event(properties={"user": None}), meters=(unique,))) == []
    formula = tokens(field="", expression="tokens * 2 + extra")
    found = everything(check(tmp_path, event(properties={"tokens": "many"}), meters=(formula,)))
    assert {one.severity for one in found} == {Severity.ERROR, Severity.WARNING}
    assert "stay in processing" in " ".join(one.sentence for one in found)


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


def test_a_catalog_of_many_meters_costs_nothing_and_hides_nothing(tmp_path: Path) -> None:
    meters = [*(tokens(event_name=f"e.{n}", field=f"f{n}", filters={f"k{n}": ("x",)}) for n in range(200)), tokens()]
    found = errors(check(tmp_path, event(), event(2, properties={"tokens": -1}), meters=meters))
    assert len(found) == 1
    assert "negative" in found[0]


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


def test_only_broken_lines(tmp_path: Path) -> None:
    checked = check(tmp_path, "x", "{")
    assert "2 of 2 events in s.ndjson have no JSON object" in errors(checked)[0]


def test_files_that_cannot_be_read_are_not_verified(tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text("x", encoding="utf-8")
    (tmp_path / "s.parquet").write_text("x", encoding="utf-8")
    for name, words in (("none.ndjson", "no such file"), ("s.txt", "ends in none"), ("s.parquet", "cannot be read")):
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
        ("s.json", b"[" + json.dumps(event()).encode() + b",\n]", "line 2: a comma stands before the closing ]"),
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


def test_every_rule_has_its_words() -> None:
    reading = [
        event_rules.Reading("e", kind, ("f",), expression)
        for kind, expression in (("SUM", False), ("COUNT_UNIQUE", False), ("SUM", True))
    ]
    rules = [*event_rules.structure(NOW, NOW), *(rule for one in reading for rule in event_rules.quantities(one))]
    assert {rule.name for rule in rules} == set(event_words.WORDS)


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
