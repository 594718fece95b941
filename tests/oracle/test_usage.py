"""Readers of usage that disagree, and how far an event got by the Event Debugger's answers."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from pytest_flexprice.model.finding import Kind
from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.model.times import Window
from pytest_flexprice.oracle.metering.attribution import Reached, attribute, why_zero
from pytest_flexprice.oracle.metering.meters import expected_usage, usage_of_total
from pytest_flexprice.oracle.metering.usage import (
    ReaderAnswer,
    compare_usage,
    from_invoice,
    from_query,
    from_subscription,
)

START = datetime(2026, 11, 1, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(days=30))
RECORDING = Path(__file__).parents[1] / "recordings" / "events_lookup.json"
METER = Meter.from_api(
    {
        "id": "meter_1",
        "name": "tokens",
        "event_name": "model.completion",
        "aggregation": {"type": "SUM", "field": "tokens"},
    }
)


def event(index=1, **properties):
    return Event(
        f"e{index}", "model.completion", START + timedelta(seconds=index), properties or {"tokens": 5}, "acct_1"
    )


def usage(*events):
    return expected_usage(METER, events, WINDOW)


def failed(point, **tracker):
    return {"status": "failed", "debug_tracker": {"failure_point": {"failure_point_type": point}, **tracker}}


def processed(quantity, meter_id="meter_1"):
    return {"status": "processed", "processed_events": [{"meter_id": meter_id, "qty_total": quantity}]}


def test_readers_that_agree_have_no_findings():
    sent = [event(1), event(2, tokens=2)]
    readings = [
        from_query({"total_value": "7", "event_count": 2}),
        from_subscription(
            {"charges": [{"meter_id": "meter_1", "quantity": Decimal("6")}, {"meter_id": "meter_1", "quantity": 1}]},
            "meter_1",
        ),
        from_invoice(
            {"line_items": [{"meter_id": "meter_1", "quantity": "2", "adjusted_entitlement_quantity": "5"}]}, "meter_1"
        ),
    ]
    assert compare_usage(usage(*sent), readings) == []


def test_lost_event_is_named_with_the_difference():
    sent = [event(1), event(2, tokens=7)]
    (finding,) = compare_usage(usage(*sent), [ReaderAnswer("the usage query", Decimal(5), 1)], sent)
    assert (
        "says 5 for 'model.completion' where 12 were sent: 7 too little (this event counts that much: e2)"
        in finding.sentence
    )
    assert "never billed" in finding.sentence


def test_uncounted_events_are_named_by_the_debugger():
    sent = [event(index) for index in range(1, 51)]
    looked = [attribute(one, 200, processed("5"), meter=METER) for one in sent[:-1]]
    looked.append(attribute(sent[-1], 404, None, meter=METER))
    (finding,) = compare_usage(usage(*sent), [ReaderAnswer("the usage query", Decimal(245), 49)], sent, looked)
    assert "5 too little (not counted: e50)" in finding.sentence


def test_lost_event_that_the_debugger_shows_as_processed_is_named_by_its_quantity():
    sent = [event(1), event(2, tokens=7)]
    looked = [attribute(one, 200, processed(str(one.properties["tokens"])), meter=METER) for one in sent]
    (finding,) = compare_usage(usage(*sent), [ReaderAnswer("the usage query", Decimal(5), 1)], sent, looked)
    assert "7 too little (this event counts that much: e2)" in finding.sentence


def test_digits_that_only_a_double_loses_are_no_difference():
    sent = [event(1, tokens="12345678901234567890")]
    charges = {"charges": [{"meter_id": "meter_1", "quantity": Decimal("12345678901234567000")}]}
    exact = {"total_value": "12345678901234567000", "event_count": 1}
    assert compare_usage(usage(*sent), [from_subscription(charges, "meter_1")]) == []
    (finding,) = compare_usage(usage(*sent), [from_query(exact)])
    assert "890 too little" in finding.sentence


def test_reader_without_a_line_is_told_apart_from_one_that_says_zero():
    sent = [event(1)]
    nothing = [from_invoice({"line_items": []}, "meter_1"), from_subscription({"charges": []}, "meter_1")]
    first, second = compare_usage(usage(*sent), nothing, sent)
    assert "the invoice preview has no line for the event 'model.completion', of which 5 were sent" in first.sentence
    assert "the subscription's usage has no line" in second.sentence


def test_doubled_usage_tells_its_factor():
    (finding,) = compare_usage(usage(event(1)), [ReaderAnswer("the usage query", Decimal(10), 1)])
    assert "2 times too much" in finding.sentence


def test_right_sum_of_wrong_events_is_found():
    (finding,) = compare_usage(usage(event(1)), [ReaderAnswer("the usage query", Decimal(5), 2)])
    assert "counts 2 events of 'model.completion' where 1 were sent, although the value agrees" in finding.sentence


def test_bucketed_meter_is_read_as_total_and_as_sum_of_buckets():
    meter = Meter.from_api(
        {"id": "meter_1", "event_name": "e", "aggregation": {"type": "MAX", "field": "n", "bucket_size": "HOUR"}}
    )
    known = usage_of_total(meter, "9", 4, HOUR=[Decimal(9), Decimal(5)])
    readings = [
        ReaderAnswer("the usage query", Decimal(9), 4),
        ReaderAnswer("the invoice preview", Decimal(14), bucketed=True),
    ]
    assert compare_usage(known, readings) == []


@pytest.mark.parametrize(
    ("status", "answer", "rung", "settled", "words"),
    [
        (404, None, Reached.ACCEPTED, False, "accepted, but the Event Debugger does not show it"),
        (
            500,
            None,
            Reached.ACCEPTED,
            False,
            "not verified: event 'e1' could not be looked up: the Event Debugger answered 500",
        ),
        (200, {"status": "processing"}, Reached.LANDED, False, "still 'processing'"),
        (
            200,
            failed("customer_lookup"),
            Reached.LANDED,
            True,
            "no customer has the external id 'acct_1', but 'ACCT_1' is there",
        ),
        (
            200,
            failed("meter_lookup"),
            Reached.LANDED,
            True,
            "no meter has the event name 'model.completion', but 'Model.Completion'",
        ),
        (200, failed("price_lookup"), Reached.MATCHED, True, "has no price"),
        (
            200,
            failed("subscription_line_item_lookup"),
            Reached.MATCHED,
            True,
            "no line of the customer's subscription is in force",
        ),
        (200, processed("4"), Reached.MATCHED, True, "another quantity than it must have (expected 5, found 4)"),
    ],
)
def test_every_answer_has_its_rung_and_sentence(status, answer, rung, settled, words):
    names, ids = ["Model.Completion"], ["ACCT_1"]
    meter = METER if answer == processed("4") else None
    seen = attribute(event(), status, answer, meter=meter, event_names=names, external_ids=ids)
    assert (seen.rung, seen.settled, seen.counted) == (rung, settled, False)
    assert words in seen.finding.sentence
    assert (seen.finding.kind is Kind.NOT_VERIFIED) is (status == 500)


def test_processed_with_the_right_quantity_is_counted():
    seen = attribute(event(), 200, processed("5"), meter=METER)
    assert seen.counted
    assert seen.sentence == "event 'e1' is processed and counts 5"


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"token": 5}, "it has no property 'tokens', but 'token' is there"),
        ({"Tokens": 5}, "but 'Tokens' is there and differs only in upper and lower case"),
        ({"tokens": "1,000"}, "is the text '1,000', which is no number"),
        ({"tokens": None}, "is nothing, which is no number"),
        ({"tokens": True}, "is true, which is no number"),
        ({"tokens": {"n": 1}}, "is an object, which is no number"),
        ({"tokens": [1]}, "is a list, which is no number"),
        ({"tokens": -3}, "is -3, and negative values count 0"),
    ],
)
def test_processed_but_zero_says_why(properties, words):
    seen = attribute(event(1, **properties), 200, processed("0"), meter=METER)
    assert not seen.counted
    assert "is processed but counts zero" in seen.finding.sentence
    assert words in seen.finding.sentence


def test_honest_zero_is_counted():
    assert attribute(event(1, tokens=0), 200, processed("0"), meter=METER).counted
    assert why_zero(METER, event(1, tokens="0.0")) == ""


def test_internal_id_as_external_one_is_recognized():
    wrong = Event("e1", "model.completion", START, {}, "cust_01ARZ3NDEKTSV4RRFFQ69G5FAV")
    assert "looks like Flexprice's own id" in attribute(wrong, 200, failed("customer_lookup")).finding.sentence


def test_filter_that_lacks_its_property_is_told():
    picky = Meter.from_api(
        {
            "id": "m",
            "name": "hd images",
            "event_name": "model.completion",
            "aggregation": {"type": "COUNT"},
            "filters": [{"key": "source", "values": ["app"]}],
        }
    )
    assert (
        "needs the property 'source', which the event lacks"
        in attribute(event(), 200, failed("meter_lookup"), meter=picky).finding.sentence
    )
    other = attribute(event(1, source="cli"), 200, failed("meter_lookup"), meter=picky)
    assert "does not pass the filter of meter 'hd images' (source in app)" in other.finding.sentence


def test_recorded_answers_are_read_as_recorded():
    steps = [
        each
        for each in json.loads(RECORDING.read_text(encoding="utf-8"))["steps"]
        if each["request"]["path"] == "/v1/events/lookup"
    ]
    rungs = {}
    for step in steps:
        answer = step["response"].get("json")
        if step["response"]["status"] in (200, 404):
            rungs[step["name"]] = attribute(
                event(), step["response"]["status"], answer if isinstance(answer, dict) else None
            ).rung
    assert rungs["unknown event name fails at meter_lookup"] is Reached.LANDED
    assert rungs["filter matches, meter has no price"] is Reached.MATCHED
    assert rungs["event before the line item starts"] is Reached.MATCHED
    assert rungs["after cancellation a processed event reads processing"] is Reached.LANDED
    assert rungs["lookup {run}-a until processed"] is Reached.COUNTED
    assert rungs["an id that does not exist (404 or 500)"] is Reached.ACCEPTED


def test_events_of_one_second_that_count_once_are_told_by_their_rule():
    events = [replace(event(index, tokens=value), timestamp=START) for index, value in ((1, 2), (2, 5), (3, 9))]
    usage = expected_usage(METER, [*events, event(4, tokens=1)], WINDOW)
    (finding,) = compare_usage(usage, [ReaderAnswer("the preview", Decimal(10))])
    assert "as if of the events of one second only the last counts" in finding.sentence
    assert (finding.expected, finding.observed) == (17, 10)
