"""Sending events and reading them back, where recordings and vectors leave room."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ..billing_case import rfc3339
from .conftest import Bench

EVENT = {"event_name": "call", "external_customer_id": "acme"}


def listed(bench: Bench, **query: str) -> dict[str, Any]:
    window = {"start_time": "2001-01-01T00:00:00Z", "end_time": "2100-01-01T00:00:00Z"}
    found: dict[str, Any] = bench.api("GET", "/v1/events", **{**window, **query})
    return found


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'{"event_name": "a", "external_customer_id": "b", "properties": {"n": NaN}}',
        b'{"event_name": "a", "external_customer_id": "b", "properties": {"n": 1e400}}',
        b'{"event_name": "a", "external_customer_id": "b", "properties": {"n": [' + b"9" * 400 + b"]}}",
        b'{"event_name": "a", "external_customer_id": "b", "timestamp": "2026-01-01T00:00:00,5Z"}',
        b'{"event_name": "a", "external_customer_id": "b", "timestamp": "2026-01-01T00:00:00z"}',
        b'{"event_name": "a", "external_customer_id": "b", "timestamp": "2026-01-01T24:00:00Z"}',
        b'{"event_name": "a", "external_customer_id": "b", "timestamp": "2026-02-30T00:00:00Z"}',
        b'{"event_name": "a", "external_customer_id": "b", "source": 1}',
        b'{"event_name": "a", "external_customer_id": "b", "properties": {"x": ' + b"[" * 300 + b"]" * 300 + b"}}",
        b"[" * 100_000,
        b'{"event_name": "a", "external_customer_id": "b", "x": ' + b'{"a":' * 100_000,
    ],
    ids=lambda body: f"{body[-60:]!r} {len(body)}",
)
def test_a_body_that_is_no_event_is_refused(bench: Bench, body: bytes) -> None:
    answer = bench.client.post("/v1/events", data=body, headers=bench.headers)
    assert (answer.status_code, answer.get_json()["message"]) == (400, "Invalid request payload")


def test_field_names_match_in_any_case(bench: Bench) -> None:
    body = {"Event_Name": "call", "EXTERNAL_CUSTOMER_ID": "acme", "event_id": "e", "Properties": {"N": 1}, "other": []}
    assert bench.api("POST", "/v1/events", body)["event_id"] == "e"
    assert bench.lookup("e")["event"]["properties"] == {"N": 1}
    assert bench.api.ask("POST", "/v1/events/bulk", {"EVENTS": [EVENT]})[0] == 202


def test_broken_unicode_is_mended(bench: Bench) -> None:
    body = b'{"event_name":"call","external_customer_id":"acme","event_id":"e\\ud800","properties":{"\\ud800":"\xff"}}'
    answer = bench.client.post("/v1/events", data=body, headers=bench.headers)
    assert answer.get_json()["event_id"] == "e\ufffd"
    assert bench.lookup("e\ufffd")["event"]["properties"] == {"\ufffd": "\ufffd"}


def test_numbers_are_stored_as_doubles(bench: Bench) -> None:
    bench.send("e", a=12345678901234567890, b=1e21, c=200.0, d=[2**60], f=0.1)
    properties = bench.lookup("e")["event"]["properties"]
    assert properties == {"a": 12345678901234567000, "b": 1e21, "c": 200, "d": [1152921504606847000], "f": 0.1}
    assert isinstance(properties["c"], int)


def test_an_event_without_time_gets_the_servers(bench: Bench) -> None:
    bench.world.advance(timedelta(days=10))
    for index, moment in enumerate((None, "0001-01-01T00:00:00Z")):
        bench.api("POST", "/v1/events", {**EVENT, "event_id": f"e{index}", "timestamp": moment})
        found = datetime.strptime(bench.lookup(f"e{index}")["event"]["timestamp"][:19], "%Y-%m-%dT%H:%M:%S")
        age = bench.world.clock.now() - found.replace(tzinfo=UTC)
        assert timedelta() <= age < timedelta(seconds=60)


@pytest.mark.parametrize(
    ("elements", "details"),
    [
        ([EVENT, None, EVENT], None),
        ([EVENT, {}, EVENT], {"EventName", "ExternalCustomerID"}),
        ([EVENT, {"event_name": "call"}, EVENT], {"ExternalCustomerID"}),
    ],
    ids=["null", "empty", "no customer"],
)
def test_events_before_an_incomplete_one_are_accepted(bench: Bench, elements: list[Any], details: Any) -> None:
    status, answer = bench.api.ask("POST", "/v1/events/bulk", {"events": elements})
    assert (status, answer["message"]) == (400, "Request validation failed")
    assert set(answer.get("details", ())) == (details or set())
    assert listed(bench)["total_count"] == 1


def test_raw_events_collapse_by_millisecond_and_id(bench: Bench) -> None:
    bench.send("e", 10, n=1)
    bench.send("e", 10, n=2)
    bench.send("e", 10.001, n=3)
    found = listed(bench, event_id="e")
    assert [event["properties"]["n"] for event in found["events"]] == [3, 2]
    assert bench.lookup("e")["event"]["properties"] == {"n": 3}


def test_both_bounds_of_a_list_are_inclusive(bench: Bench) -> None:
    for second in range(5):
        bench.send(f"e{second}", second)
    bounds = {
        "start_time": rfc3339(bench.start + timedelta(seconds=1)),
        "end_time": rfc3339(bench.start + timedelta(seconds=3)),
    }
    assert [event["id"] for event in listed(bench, **bounds)["events"]] == ["e3", "e2", "e1"]


def test_pages_by_cursor_cover_everything_once(bench: Bench) -> None:
    for index in range(7):
        bench.send(f"e{index}", index // 2)
    seen: list[str] = []
    query: dict[str, str] = {"page_size": "3"}
    while True:
        page = listed(bench, **query)
        seen += [event["id"] for event in page["events"]]
        if not page["has_more"]:
            break
        query["iter_last_key"] = page["iter_last_key"]
    assert seen == ["e6", "e5", "e4", "e3", "e2", "e1", "e0"]
    assert "iter_last_key" not in page


@pytest.mark.parametrize(
    ("key", "message"),
    [("x", "Invalid cursor key format"), ("1::2::3", "Invalid cursor key format"),
     ("x::e", "Invalid timestamp while parsing cursor")],
)  # fmt: skip
def test_a_bad_cursor_is_refused(bench: Bench, key: str, message: str) -> None:
    status, answer = bench.api.ask("POST", "/v1/events/query", {"iter_first_key": key})
    assert (status, answer["message"]) == (400, message)


def test_events_are_sorted_by_name(bench: Bench) -> None:
    for index, name in enumerate(("b", "c", "a")):
        bench.send(f"e{index}", index, name)
    assert [event["event_name"] for event in listed(bench, sort="event_name", order="asc")["events"]] == ["a", "b", "c"]


def test_usage_windows_are_cut_to_whole_seconds(bench: Bench) -> None:
    meter = bench.meter()
    bench.subscribe()
    bench.send("e", 10.5, n=1)

    def total(start: float, end: float) -> str:
        window = {
            "start_time": rfc3339(bench.start + timedelta(seconds=start)),
            "end_time": rfc3339(bench.start + timedelta(seconds=end)),
        }
        return bench.usage(meter, **window)[0]

    assert (total(10.9, 11), total(10, 10.9), total(11, 12), total(9, 10)) == ("1", "0", "0", "0")


def test_an_event_in_the_second_in_which_its_line_starts_confuses_the_debugger(bench: Bench) -> None:
    meter = bench.meter()
    bench.subscribe(bench.start + timedelta(seconds=100, milliseconds=500))
    bench.send("before", 100.2, n=1)
    bench.send("after", 100.7, n=2)
    assert bench.usage(meter) == ("3", 2)
    assert bench.lookup("before")["status"] == "failed"
    assert bench.lookup("after")["status"] == "processing"


def test_the_debugger_reports_the_first_failing_step(bench: Bench) -> None:
    unpriced = bench.meter("unpriced", priced=False)
    bench.meter("filtered", filters=[{"key": "k", "values": ["v"]}])
    bench.send("no price", 10, "unpriced", n=1)
    bench.send("no match", 10, "filtered", n=1)
    failed = {event: bench.lookup(event)["debug_tracker"]["failure_point"] for event in ("no price", "no match")}
    assert [point["failure_point_type"] for point in failed.values()] == ["price_lookup", "meter_lookup"]
    assert bench.usage(unpriced) == ("0", 0)


def test_usage_needs_a_running_subscription(bench: Bench) -> None:
    meter = bench.meter()
    bench.send("e", n=1)
    assert bench.usage(meter) == ("0", 0)
    subscription = bench.subscribe()
    assert bench.usage(meter) == ("1", 1)
    bench.api("POST", f"/v1/subscriptions/{subscription}/cancel", {"cancellation_type": "immediate"})
    assert bench.usage(meter) == ("0", 0)
    assert bench.lookup("e")["status"] == "processing"


def test_a_new_customer_inherits_the_usage_of_the_external_id(bench: Bench) -> None:
    meter = bench.meter()
    bench.api("POST", "/v1/events", {**EVENT, "external_customer_id": "later", "properties": {"n": 4}})
    bench.customer = bench.api("POST", "/v1/customers", {"external_id": "later", "name": "L"})["id"]
    bench.subscribe()
    assert bench.usage(meter, customer="later") == ("4", 1)


def raw(bench: Bench, kind: str, **more: Any) -> dict[str, Any]:
    body = {
        "event_name": "call",
        "external_customer_id": "acme",
        "aggregation_type": kind,
        "property_name": "n",
        "start_time": rfc3339(bench.start),
        "end_time": rfc3339(bench.day),
        **more,
    }
    found: dict[str, Any] = bench.api("POST", "/v1/events/usage", body)
    return found


def test_raw_usage_counts_an_id_once_and_shows_nothing_below_zero(bench: Bench) -> None:
    bench.send("a", 10, n=5)
    bench.send("a", 20, n=7)
    bench.send("b", 30, n=-3)
    assert raw(bench, "SUM")["value"] == 4
    assert raw(bench, "COUNT")["value"] == 2
    assert raw(bench, "MAX")["value"] == 7
    assert "value" not in raw(bench, "LATEST")
    assert raw(bench, "SUM", window_size="DAY")["results"] == [
        {"window_size": rfc3339(bench.start)[:-5] + "Z", "value": 4}
    ]
    assert raw(bench, "MAX", bucket_size="HOUR")["value"] == 7


def test_raw_usage_refuses_an_unknown_aggregation(bench: Bench) -> None:
    body = {"event_name": "call", "aggregation_type": "MEDIAN", "property_name": "n"}
    assert bench.api.ask("POST", "/v1/events/usage", body)[0] == 400


def test_raw_usage_by_meter_knows_its_multiplier_and_not_its_filters(bench: Bench) -> None:
    filters = [{"key": "k", "values": ["v"]}]
    meter = bench.meter(kind="SUM_WITH_MULTIPLIER", multiplier="0.5", filters=filters)
    bench.send("a", n=3)
    body = {"meter_id": meter, "start_time": rfc3339(bench.start), "end_time": rfc3339(bench.day)}
    assert bench.api("POST", "/v1/events/usage/meter", body)["value"] == 1.5


def test_a_weighted_raw_sum_is_weighted_by_the_time_left(bench: Bench) -> None:
    bench.send("a", timedelta(days=1).total_seconds(), n=3)
    assert raw(bench, "WEIGHTED_SUM")["value"] == pytest.approx(2.0)


def test_monitoring_tells_what_waits(bench: Bench) -> None:
    bench.send("a", datetime.now(UTC) - timedelta(minutes=1))
    found = bench.api("GET", "/v1/events/monitoring")
    assert found == {"total_count": 1, "consumption_lag": 0, "post_processing_lag": 0, "points": []}


def analysed(bench: Bench, **more: Any) -> dict[str, Any]:
    body = {"start_time": rfc3339(bench.start), "end_time": rfc3339(bench.day), "external_customer_id": "acme", **more}
    found: dict[str, Any] = bench.api("POST", "/v1/events/analytics", body)
    return found


def test_analytics_groups_by_property_and_filters(bench: Bench) -> None:
    bench.meter()
    bench.subscribe()
    bench.send("a", 10, n=1, region="eu")
    bench.send("b", 20, n=2, region="us")
    bench.send("c", 30, n=4)
    items = analysed(bench, group_by=["properties.region"])["items"]
    assert {item.get("properties", {}).get("region"): item["total_usage"] for item in items} == {
        "eu": "1",
        "us": "2",
        None: "4",
    }
    filtered = analysed(bench, property_filters={"region": ["eu", "us"]})
    assert (filtered["items"][0]["total_usage"], filtered["total_cost"]) == ("3", "0.75")
    assert analysed(bench, expand=["meter", "price", "feature", "plan", "subscription_line_item", "source"])["items"]


def test_analytics_adds_the_buckets_of_a_bucketed_meter(bench: Bench) -> None:
    bench.meter(kind="MAX", bucket_size="HOUR", group_by="g")
    bench.subscribe()
    for index, (second, number, group) in enumerate([(600, 3, "a"), (1200, 9, "b"), (1800, 5, "a"), (4000, 2, "a")]):
        bench.send(f"e{index}", second, n=number, g=group)
    (item,) = analysed(bench)["items"]
    assert (item["total_usage"], item["total_cost"], item["event_count"]) == ("16", "4", 4)


def test_analytics_without_a_customer_is_about_everybody(bench: Bench) -> None:
    bench.meter()
    bench.send("a", n=1)
    bench.api(
        "POST",
        "/v1/events",
        {**EVENT, "external_customer_id": "other", "timestamp": rfc3339(bench.start), "properties": {"n": 2}},
    )
    found = analysed(bench, external_customer_id=None)
    assert [item["total_usage"] for item in found["items"]] == ["3"]
    assert analysed(bench, external_customer_id="nobody")["items"] == []


def test_a_big_body_is_refused(bench: Bench) -> None:
    answer = bench.client.post("/v1/events", data=b" " * ((32 << 20) + 1), headers=bench.headers)
    assert answer.status_code == 400
    assert "maximum size" in answer.get_json()["message"]
