"""``/v1/meters`` (contract 2.1, recording meters)."""

from __future__ import annotations

from typing import Any

from ..kernel import errors
from ..kernel.binding import Schema, array, decimal, field, several, text
from ..kernel.call import Call, Reply, created
from ..kernel.catalog import find_meter
from ..kernel.resource import Resource, storable
from ..kernel.routing import route
from ..kernel.tables import Row
from ..metering.expressions import check_expression

AGGREGATIONS = ("COUNT", "SUM", "AVG", "COUNT_UNIQUE", "LATEST", "SUM_WITH_MULTIPLIER", "MAX", "WEIGHTED_SUM")
BUCKETS = ("MINUTE", "15MIN", "30MIN", "HOUR", "3HOUR", "6HOUR", "12HOUR", "DAY", "WEEK", "MONTH")
_WITH_EXPRESSION = ("SUM", "AVG", "MAX", "LATEST")
METERS = Resource("meters", (), statuses=("published", "archived"), sort="name", conditions=False, find=find_meter)
METERS.serve("/v1/meters", search=False, one=True)

FILTER = Schema("Filter", field("key"), field("values", array(text)))
_AGGREGATION = Schema(
    "Aggregation", *several(text, "type field expression bucket_size group_by"), field("multiplier", decimal)
)
METER = Schema(
    "CreateMeterRequest",
    *several(text, "name event_name reset_usage", "required", bound=True),
    field("aggregation", _AGGREGATION),
    field("filters", array(FILTER)),
)
_UPDATE = Schema("UpdateMeterRequest", field("filters", array(FILTER)))


def _check_aggregation(given: dict[str, Any]) -> None:
    kind = given["type"] or ""
    errors.refuse(kind not in AGGREGATIONS, "Please provide a valid aggregation type", aggregation_type=kind)
    errors.refuse(given["field"] and given["expression"], "Provide either field or expression, not both")
    if kind != "COUNT" and not given["field"] and not given["expression"]:
        message = "Please specify a field or expression for this aggregation type"
        raise errors.validation(message, {"aggregation_type": kind})
    if given["expression"]:
        if kind not in _WITH_EXPRESSION:
            message = "Expression is only supported for SUM, AVG, MAX and LATEST aggregation types"
            raise errors.validation(message, {"aggregation_type": kind})
        check_expression(given["expression"])
    if kind == "SUM_WITH_MULTIPLIER":
        errors.refuse(given["multiplier"] is None, "Please provide a multiplier value")
        errors.refuse(given["multiplier"] <= 0, "Multiplier must be greater than zero")
    _check_buckets(kind, given)


def _check_buckets(kind: str, given: dict[str, Any]) -> None:
    size = given["bucket_size"]
    if size and kind not in ("MAX", "SUM"):
        details = {"aggregation_type": kind, "bucket_size": size}
        raise errors.validation("BucketSize is only valid for MAX or SUM aggregation type", details)
    errors.refuse(size and size not in BUCKETS, "Invalid window size", window_size=size, allowed_values=list(BUCKETS))
    if given["group_by"] and not (size and kind == "MAX"):
        details = {"aggregation_type": kind, "group_by": given["group_by"]}
        raise errors.validation("GroupBy is only valid for MAX aggregation with a bucket size", details)


def _checked_filters(given: list[dict[str, Any] | None]) -> list[dict[str, Any]]:
    filters = []
    for item in given:
        key, values = (item or {}).get("key") or "", (item or {}).get("values") or []
        errors.refuse(not key, "Please provide a key for each filter")
        errors.refuse(not values, "Please provide at least one value for each filter", filter_key=key)
        filters.append({"key": key, "values": [value or "" for value in values]})
    return filters


def insert_meter(call: Call, body: dict[str, Any]) -> Row:
    """Check and store a meter from a bound request."""
    event_name = body["event_name"].strip()
    errors.refuse(not event_name, "Event name is required")
    aggregation = body["aggregation"] or {f.name: None for f in _AGGREGATION.fields}
    _check_aggregation(aggregation)
    storable("create meter", body, "name", "event_name")
    row = {
        "id": call.world.new_id("meter"),
        "name": body["name"],
        "tenant_id": call.tenant,
        "event_name": event_name,
        "aggregation": {name: value for name, value in aggregation.items() if value},
        "filters": _checked_filters(body["filters"] or []),
        "reset_usage": body["reset_usage"],
        "created_at": call.now,
        "updated_at": call.now,
        "status": "published",
    }
    return call.table("meters").insert(row, call.environment)


def merge_filters(meter: Row, given: list[dict[str, Any]], now: Any) -> None:
    """Add keys and values to a meter's filters; nothing is ever removed."""
    merged: dict[str, list[str]] = {item["key"]: list(item["values"]) for item in meter["filters"]}
    for item in given:
        values = merged.setdefault(item["key"], [])
        values += [value for value in item["values"] if value not in values]
    meter.update(filters=[{"key": key, "values": values} for key, values in merged.items()], updated_at=now)


def add_filters(call: Call, meter: Row, given: list[dict[str, Any] | None]) -> None:
    """Merge the filters of a request into a meter."""
    merge_filters(meter, _checked_filters(given), call.now)


@route("POST", "/v1/meters", permission="meter:write")
def create_meter(call: Call) -> Reply:
    return created(insert_meter(call, call.bind(METER)))


@route("PUT", "/v1/meters/:id", permission="meter:write")
def update_meter(call: Call) -> Any:
    """Merge filters; everything else in the body is ignored."""
    body = call.bind(_UPDATE)
    errors.refuse(not body["filters"], "At least one filter must be provided")
    meter = find_meter(call, call.params["id"])
    add_filters(call, meter, body["filters"])
    return meter


@route("POST", "/v1/meters/:id/disable", permission="meter:write")
@route("DELETE", "/v1/meters/:id", permission="meter:write")
def archive_meter(call: Call) -> dict[str, str]:
    """Archive a meter, known or not."""
    meter = call.get("meters", call.params["id"])
    if meter is not None:
        meter.update(status="archived", updated_at=call.now)
    return {"message": f"Meter {'deleted' if call.method == 'DELETE' else 'disabled'} successfully"}
