"""Sample events in every format: each mistake is found, counted, shown with its place, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_flexprice.model.finding import Kind, Severity
from pytest_flexprice.model.golive_plan import EventKind
from pytest_flexprice.oracle.samples import check as sample_check
from pytest_flexprice.oracle.samples import rules as event_rules
from pytest_flexprice.oracle.samples import words as event_words

from .sample_events import EVENTS, NOW, check, errors, event, everything


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


def test_a_trailing_space_in_the_name_stays_green(tmp_path: Path) -> None:
    found = everything(check(tmp_path, event(event_name="model.completion ")))
    assert [one.severity for one in found] == [Severity.INFO]


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


def test_every_rule_has_its_words() -> None:
    reading = [
        event_rules.Reading("e", kind, ("f",), expression)
        for kind, expression in (("SUM", False), ("COUNT_UNIQUE", False), ("SUM", True))
    ]
    rules = [*event_rules.structure(NOW, NOW), *(rule for one in reading for rule in event_rules.quantities(one))]
    assert {rule.name for rule in rules} == set(event_words.WORDS)
