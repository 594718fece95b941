"""Aggregated usage: ``meter-usage`` over metered rows, ``events/usage`` over raw events (contract 3.9, recording usage)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ..billing import line_items
from ..billing.inheritance import LIVE
from ..kernel import errors
from ..kernel.binding import Schema, array, decimal, field, instant, several, text
from ..kernel.call import Call
from ..kernel.render import filled
from ..kernel.routing import route
from ..kernel.tables import Row
from ..metering import raw_usage, reads
from ..metering.pipeline import pipeline
from ..metering.reads import BucketValue, Selection, Usage
from .events import property_filters, window

_BODY = "Check your request body"
_CHECK = "Please check the request payload"


_METERED = (
    *several(text, "external_customer_id aggregation_type", "required", bound=True),
    *several(instant, "start_time end_time", "required", bound=True),
    field("window_size"),
    field("billing_anchor", instant),
)
_QUERY = Schema("MeterUsageQueryRequest", field("meter_id", rules="required", bound=True), *_METERED)
_ANALYTICS = Schema("MeterUsageAnalyticsRequest", field("meter_ids", array(text), "min=1"), *_METERED)
_RAW = (
    *several(text, "external_customer_id customer_id window_size bucket_size timezone group_by_property"),
    *several(instant, "start_time end_time billing_anchor"),
    field("filters", property_filters),
)
_USAGE = Schema(
    "GetUsageRequest",
    *several(text, "event_name aggregation_type", "required", bound=True),
    field("property_name"),
    field("multiplier", decimal),
    field("group_by", array(text)),
    *_RAW,
)
_BY_METER = Schema("GetUsageByMeterRequest", field("meter_id", rules="required", bound=True), *_RAW)


def _billed_meters(call: Call, external_id: str) -> set[str]:
    """The meters on line items of the customer's active and trialing subscriptions."""
    customer = call.first("customers", external_id=external_id)
    rows = call.find("subscriptions", customer_id=customer["id"], status="published") if customer else []
    live = [row for row in rows if row["subscription_status"] in LIVE]
    return {line["meter_id"] for row in live for line in line_items.of(call, row, price_type="USAGE")}


def _item(call: Call, meter_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """One meter's answer; with a window size the total is the sum of the points, whatever the aggregation."""
    kind, size = body["aggregation_type"], body["window_size"]
    shown: list[BucketValue] = []
    usage = Usage(reads.ZERO, 0)
    if meter_id in _billed_meters(call, body["external_customer_id"]):
        customer = body["external_customer_id"]
        selection = Selection(call.environment, customer, (meter_id,), body["start_time"], body["end_time"])
        if size:
            shown = reads.points(call.world, selection, kind, size, anchor=body["billing_anchor"])
            usage = Usage(reads.summed(point.value for point in shown), sum(point.event_count for point in shown))
        else:
            usage = reads.total(call.world, selection, kind)
    points = [{"timestamp": point.start, "value": point.value, "event_count": point.event_count} for point in shown]
    return {
        "meter_id": meter_id,
        "aggregation_type": kind,
        "total_value": usage.value,
        "event_count": usage.event_count,
        **filled(points=points),
    }


@route("POST", "/v1/meter-usage/query")
def query_meter_usage(call: Call) -> dict[str, Any]:
    """What a meter counted for a customer, by the caller's aggregation."""
    body = call.bind(_QUERY, _BODY)
    return _item(call, body["meter_id"], body)


@route("POST", "/v1/meter-usage/analytics")
def analyse_meter_usage(call: Call) -> dict[str, Any]:
    """The same for several meters; those without events are left out."""
    body = call.bind(_ANALYTICS, _BODY)
    errors.refuse(body["meter_ids"] is None, _BODY)
    items = [_item(call, meter_id, body) for meter_id in dict.fromkeys(body["meter_ids"])]
    return {"items": [item for item in items if item["event_count"]]}


@route("POST", "/v1/events/usage")
def event_usage(call: Call) -> dict[str, Any]:
    """An aggregate over raw events."""
    body = call.bind(_USAGE, _CHECK)
    return _raw(call, body)


@route("POST", "/v1/events/usage/meter")
def event_usage_by_meter(call: Call) -> dict[str, Any]:
    """An aggregate over raw events by a meter's name, property and aggregation, without its filters."""
    body = call.bind(_BY_METER, _CHECK)
    details = {"meter_id": body["meter_id"], "tenant_id": call.tenant}
    meter: Row = call.found("meters", body["meter_id"], "Meter not found", details, any_status=True)
    own = meter["aggregation"]
    body |= {
        "event_name": meter["event_name"],
        "aggregation_type": own["type"],
        "property_name": own.get("field"),
        "multiplier": own.get("multiplier"),
        "bucket_size": own.get("bucket_size"),
        "group_by_property": own.get("group_by"),
    }
    answer = _raw(call, body)
    if meter.get("reset_usage") == "NEVER":
        before = {"start_time": _EVER, "end_time": window(call, body)[0], "window_size": None}
        earlier = _raw(call, {**body, **before}).get("value", 0.0)
        answer = {"value": earlier + answer.get("value", 0.0), **{k: v for k, v in answer.items() if k != "value"}}
    return answer


_EVER = datetime(1970, 1, 1, tzinfo=UTC)


def _raw(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    start, end = window(call, body)
    kind = body["aggregation_type"] if body["property_name"] else "COUNT"
    errors.refuse(kind not in raw_usage.TYPES, "The specified aggregation type is not supported", aggregation_type=kind)
    query = raw_usage.RawQuery(
        call.environment,
        body["event_name"],
        kind,
        body["property_name"] or "",
        start,
        end,
        body["external_customer_id"] or "",
        body["customer_id"] or "",
        body["filters"] or {},
        float(body["multiplier"] or 1),
        body["billing_anchor"],
    )
    answer: dict[str, Any] = {"event_name": body["event_name"], "type": kind}
    value = 0.0
    if body["bucket_size"] and kind in ("SUM", "MAX"):
        shown = raw_usage.buckets(call.world, query, body["bucket_size"], body["group_by_property"] or "")
        value = sum(point for _, point in shown)
        answer["results"] = _points(shown)
    elif body["window_size"]:
        answer["results"] = _points(raw_usage.points(call.world, query, body["window_size"]))
    else:
        value = raw_usage.total(call.world, query)
    return {"value": value, **answer} if value else answer


def _points(shown: list[Any]) -> list[dict[str, Any]]:
    return [{"window_size": start, "value": value} for start, value in shown]


@route("GET", "/v1/events/monitoring")
def monitor_events(call: Call) -> dict[str, Any]:
    """How many events are stored and how many wait for each consumer (contract 3.9)."""
    times = {name: call.query_value(name, instant, _CHECK) for name in ("start_time", "end_time")}
    start, end = window(call, times)
    events = pipeline(call.world)
    waiting = events.waiting()
    return {
        "total_count": events.store.count_raw(call.environment, start, end),
        "consumption_lag": waiting["raw"],
        "post_processing_lag": waiting["metered"],
        "points": [],
    }
