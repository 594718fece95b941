"""``/v1/features`` (contract 2.2, recording features)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ..kernel import errors
from ..kernel.binding import Schema, array, boolean, decimal, field, strings
from ..kernel.call import Call, Reply, created
from ..kernel.catalog import feature_view
from ..kernel.lists import UNEXPLAINED, Page
from ..kernel.resource import Resource, among, containing, equal, free, storable
from ..kernel.routing import route
from ..kernel.tables import Row
from .groups import group_view, require_group
from .meters import FILTER, METER, add_filters, find_meter, insert_meter

TYPES = ("metered", "boolean", "static", "config")
_UNITS = ("unit_singular", "unit_plural")
_COLUMNS = ("name", "lookup_key", "description", "meter_id", "type", *_UNITS)
_CONDITIONS = ("above", "below")
_LEVELS = ("info", "warning", "critical")
_OPTIONAL = ("reporting_unit", "alert_settings", "group_id")

_REPORTING = Schema(
    "ReportingUnit",
    field("unit_singular"),
    field("unit_plural"),
    field("conversion_rate", decimal),
)
_THRESHOLD = Schema("AlertThreshold", field("threshold", decimal), field("condition"))
_ALERTS = Schema(
    "AlertSettings",
    field("critical", _THRESHOLD),
    field("warning", _THRESHOLD),
    field("info", _THRESHOLD),
    field("alert_enabled", boolean),
)
_CREATE = Schema(
    "CreateFeatureRequest",
    field("name", rules="required", bound=True),
    field("type", rules="required", bound=True),
    field("lookup_key"),
    field("description"),
    field("meter_id"),
    field("meter", METER),
    field("unit_singular"),
    field("unit_plural"),
    field("metadata", strings),
    field("reporting_unit", _REPORTING),
    field("alert_settings", _ALERTS),
    field("group_id"),
)
_UPDATE = Schema(
    "UpdateFeatureRequest",
    field("name"),
    field("description"),
    field("metadata", strings),
    field("unit_singular"),
    field("unit_plural"),
    field("filters", array(FILTER)),
    field("reporting_unit", _REPORTING),
    field("alert_settings", _ALERTS),
    field("group_id"),
)
_CLONE = Schema(
    "CloneFeatureRequest",
    field("name"),
    field("lookup_key"),
    field("description"),
    field("metadata", strings),
)


def _shown(call: Call, row: Row, page: Page) -> dict[str, Any]:
    return feature_view(call.world, call.environment, row, meter="meters" in page.expand)


FEATURES = Resource(
    "features",
    "Feature",
    _COLUMNS,
    (
        among("feature_ids", "id"),
        among("meter_ids", "meter_id"),
        equal("lookup_key"),
        among("lookup_keys", "lookup_key"),
        containing("name_contains", "name"),
    ),
    statuses=("published", "archived"),
    words=UNEXPLAINED,
    view=_shown,
    expands=("meters",),
)
FEATURES.serve("/v1/features")


def _key_of(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _require_free(call: Call, lookup_key: str) -> None:
    free(call, "features", "A feature with this lookup key already exists", lookup_key)


def _check(call: Call, body: dict[str, Any]) -> None:
    if body["type"] not in TYPES:
        details = {"type": body["type"], "allowed_types": list(TYPES)}
        raise errors.validation("Invalid feature type", details)
    if body["type"] == "metered" and not body["meter_id"] and body["meter"] is None:
        raise errors.validation("Please provide meter details to setup a metered feature")
    _check_units(body)
    _check_reporting(body["reporting_unit"])
    if body["alert_settings"] is not None:
        body["alert_settings"] = _alerts(body["alert_settings"], {})


def _check_units(units: Mapping[str, Any]) -> None:
    if bool(units["unit_singular"]) != bool(units["unit_plural"]):
        raise errors.validation("Please provide both unit singular and unit plural")


def _check_reporting(reporting: dict[str, Any] | None) -> None:
    if reporting is not None:
        if any(not reporting[name] for name in _UNITS) or reporting["conversion_rate"] is None:
            raise errors.validation(
                "Please provide unit_singular, unit_plural and conversion_rate for the reporting unit"
            )
        if reporting["conversion_rate"] <= 0:
            details = {"conversion_rate": reporting["conversion_rate"]}
            raise errors.validation("Reporting unit conversion rate must be greater than 0", details)


def _alerts(given: dict[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
    """Alert settings, each of its parts kept unless it is given; checked together."""
    alerts = {name: earlier.get(name) if value is None else value for name, value in given.items()}
    alerts["alert_enabled"] = bool(alerts["alert_enabled"])
    levels: list[Any] = [alerts[name] for name in _LEVELS if alerts[name]]
    if alerts["alert_enabled"] and not levels:
        raise errors.validation("Enabled alerts need a threshold")
    if alerts["warning"] and not alerts["critical"]:
        raise errors.validation("A warning threshold needs a critical one")
    if any(level["condition"] not in _CONDITIONS for level in levels):
        raise errors.validation("An alert threshold is either above or below")
    if len({level["condition"] for level in levels}) > 1:
        raise errors.validation("The thresholds of one alert are all above or all below")
    bounds = [level["threshold"] or Decimal(0) for level in levels]
    if bounds != sorted(bounds, reverse=any(level["condition"] == "below" for level in levels)):
        raise errors.validation("The more an alert matters, the further its threshold")
    return alerts


@route("POST", "/v1/features", permission="feature:write")
def create_feature(call: Call) -> Reply:
    """A new feature, with a new meter or on an existing one."""
    body = call.bind(_CREATE)
    _check(call, body)
    lookup_key = body["lookup_key"] or _key_of(body["name"])
    meter_id = body["meter_id"] or ""
    if body["type"] == "metered" and meter_id and find_meter(call, meter_id)["status"] != "published":
        raise errors.validation("The metered feature must be associated with a published meter")
    require_group(call, body["group_id"], "feature")
    _require_free(call, lookup_key)
    storable("create feature", {**body, "lookup_key": lookup_key}, "name", "lookup_key", *_UNITS)
    if body["type"] == "metered" and not meter_id:
        meter_id = insert_meter(call, body["meter"], inline=True)["id"]
    row = call.stamp(
        "feat",
        name=body["name"],
        lookup_key=lookup_key,
        description=body["description"] or "",
        meter_id=meter_id,
        metadata=body["metadata"],
        type=body["type"],
        unit_singular=body["unit_singular"] or "",
        unit_plural=body["unit_plural"] or "",
        **{name: body[name] for name in _OPTIONAL if body[name]},
    )
    stored = call.world.table("features").insert(row)
    call.world.publish(call.environment, "feature.created", kind="feature", id=stored["id"])
    return created(_grouped(call, stored))


def _grouped(call: Call, row: Row, *, meter: bool = False) -> dict[str, Any]:
    """A feature with its group, and with its meter if wanted."""
    view = feature_view(call.world, call.environment, row, meter=meter)
    group = call.world.table("groups").get(row.get("group_id") or "", call.environment)
    return {**view, "group": group_view(call, group)} if group else view


@route("GET", "/v1/features/:id")
def get_feature(call: Call) -> Any:
    """One feature with its meter."""
    return _grouped(call, FEATURES.found(call, call.params["id"]), meter=True)


@route("PUT", "/v1/features/:id", permission="feature:write")
def update_feature(call: Call) -> Any:
    """Change names, description, units and metadata; filters go to the meter."""
    body = call.bind(_UPDATE)
    row = FEATURES.found(call, call.params["id"])
    changes = {name: value for name, value in body.items() if value is not None and name != "filters"}
    _check_reporting(body["reporting_unit"])
    require_group(call, body["group_id"], "feature")
    if body["alert_settings"] is not None:
        changes["alert_settings"] = _alerts(body["alert_settings"], row.get("alert_settings") or {})
    if body["filters"] is not None and row["meter_id"]:
        add_filters(call, find_meter(call, row["meter_id"]), body["filters"])
    _check_units({**row, **changes})
    if changes.get("name") == "":
        raise errors.database_error("Failed to update feature")
    storable("update feature", changes, "name", *_UNITS)
    call.touch(row, **changes)
    if not row.get("group_id"):
        row.pop("group_id", None)
    call.world.publish(call.environment, "feature.updated", kind="feature", id=row["id"])
    return _grouped(call, row)


@route("DELETE", "/v1/features/:id", permission="feature:write")
def delete_feature(call: Call) -> dict[str, str]:
    """Archive a feature and its meter, unless an entitlement uses the feature."""
    row = call.world.table("features").get(call.params["id"], call.environment)
    if row is None:
        raise errors.not_found("The specified feature does not exist")
    if call.world.table("entitlements").first(call.environment, feature_id=row["id"], status="published"):
        message = "Feature is linked to some plans, please remove the feature from the plans first"
        raise errors.invalid_operation(message)
    call.touch(row, status="archived")
    meter = call.world.table("meters").get(row["meter_id"], call.environment)
    if meter is not None:
        meter.update(status="archived", updated_at=call.now)
    call.world.publish(call.environment, "feature.deleted", kind="feature", id=row["id"])
    return {"message": "feature deleted successfully"}


@route("POST", "/v1/features/:id/clone", permission="feature:write")
def clone_feature(call: Call) -> Reply:
    """A copy in the same environment, with a meter of its own."""
    body = call.bind(_CLONE)
    source = FEATURES.found(call, call.params["id"])
    if not body["name"]:
        raise errors.validation("A cloned feature needs a name of its own")
    if not body["lookup_key"]:
        raise errors.validation("Please provide a unique lookup_key for the cloned feature")
    free(call, "features", "Please choose a different lookup_key for the cloned feature", body["lookup_key"])
    storable("create feature", body, "name", "lookup_key")
    meter_id = ""
    meter = call.world.table("meters").get(source["meter_id"], call.environment)
    if meter is not None:
        now = call.now
        copy = meter.public(id=call.world.new_id("meter"), status="published", created_at=now, updated_at=now)
        meter_id = call.world.table("meters").insert(copy, call.environment)["id"]
    kept = {name: source[name] for name in ("type", *_UNITS, *_OPTIONAL) if name in source}
    row = call.stamp(
        "feat",
        name=body["name"],
        lookup_key=body["lookup_key"],
        description=source["description"] if body["description"] is None else body["description"],
        meter_id=meter_id,
        metadata={**(source["metadata"] or {}), **(body["metadata"] or {}), "source_feature_id": source["id"]},
        **kept,
    )
    stored = call.world.table("features").insert(row)
    call.world.publish(call.environment, "feature.created", kind="feature", id=stored["id"])
    return created(_grouped(call, stored, meter=True))
