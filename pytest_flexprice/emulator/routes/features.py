"""``/v1/features`` (contract 2.2, recording features)."""

from __future__ import annotations

import re
from typing import Any

from ..kernel import alerts, errors
from ..kernel.binding import Schema, array, decimal, field, several, strings, text
from ..kernel.call import Call, Reply, created
from ..kernel.catalog import find_meter, with_group, with_meter
from ..kernel.lists import Page
from ..kernel.resource import Resource, among, clonable, containing, equal, free, storable
from ..kernel.routing import route
from ..kernel.tables import Row
from .groups import require_group
from .meters import FILTER, METER, add_filters, insert_meter

TYPES = ("metered", "boolean", "static", "config")
_UNITS = ("unit_singular", "unit_plural")
_COLUMNS = ("name", "lookup_key", "description", "meter_id", "type", "group_id", *_UNITS)
_EXPANSIONS = ("meters", "groups")
_OPTIONAL = ("reporting_unit", "alert_settings", "group_id")

_REPORTING = Schema("ReportingUnit", *several(text, "unit_singular unit_plural"), field("conversion_rate", decimal))
_CREATE = Schema(
    "CreateFeatureRequest",
    *several(text, "name type", "required", bound=True),
    *several(text, "lookup_key description meter_id unit_singular unit_plural group_id"),
    field("meter", METER),
    field("metadata", strings),
    field("reporting_unit", _REPORTING),
    field("alert_settings", alerts.ALERTS),
)
_UPDATE = Schema(
    "UpdateFeatureRequest",
    *several(text, "name description unit_singular unit_plural group_id"),
    field("metadata", strings),
    field("filters", array(FILTER)),
    field("reporting_unit", _REPORTING),
    field("alert_settings", alerts.ALERTS),
)
_CLONE = Schema("CloneFeatureRequest", *several(text, "name lookup_key description"), field("metadata", strings))


def _expand(page: Page) -> None:
    for name in page.expand:
        errors.refuse(name not in _EXPANSIONS, "Field is not allowed to be expanded", field=name)


def _shown(call: Call, row: Row, *, meter: bool = False) -> dict[str, Any]:
    return with_group(call, row, with_meter(call, row, meter))


FEATURES = Resource(
    "features",
    _COLUMNS,
    (
        among("feature_ids", "id"),
        among("meter_ids", "meter_id"),
        equal("lookup_key"),
        among("lookup_keys", "lookup_key"),
        containing("name_contains", "name"),
    ),
    statuses=("published", "archived"),
    view=lambda call, row, page: _shown(call, row, meter="meters" in page.expand),
    full=lambda call, row, _page: _shown(call, row, meter=True),
    check=_expand,
)
FEATURES.serve("/v1/features", one=True)


def _key_of(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower())


def _check(call: Call, body: dict[str, Any]) -> None:
    errors.refuse(body["type"] not in TYPES, "Invalid feature type", type=body["type"], allowed_types=list(TYPES))
    if body["type"] == "metered" and not body["meter_id"] and body["meter"] is None:
        raise errors.validation("Please provide meter details to setup a metered feature")
    _check_units(body, body)
    require_group(call, body["group_id"], "feature")


def _check_units(body: dict[str, Any], units: dict[str, Any]) -> None:
    if bool(units["unit_singular"]) != bool(units["unit_plural"]):
        raise errors.validation("Please provide both unit singular and unit plural")
    reporting = body["reporting_unit"]
    if reporting is not None:
        if any(not reporting[name] for name in _UNITS) or reporting["conversion_rate"] is None:
            raise errors.validation(
                "Please provide unit_singular, unit_plural and conversion_rate for the reporting unit"
            )
        if reporting["conversion_rate"] <= 0:
            details = {"conversion_rate": reporting["conversion_rate"]}
            raise errors.validation("Reporting unit conversion rate must be greater than 0", details)
    alerts.check(body["alert_settings"])


@route("POST", "/v1/features", permission="feature:write")
def create_feature(call: Call) -> Reply:
    """A new feature, with a new meter or on an existing one."""
    body = call.bind(_CREATE)
    _check(call, body)
    lookup_key = body["lookup_key"] or _key_of(body["name"])
    free(call, "features", "A feature with this lookup key already exists", lookup_key)
    storable("create feature", {**body, "lookup_key": lookup_key}, "name", "lookup_key", *_UNITS)
    meter_id = ""
    if body["type"] == "metered":
        meter = find_meter(call, body["meter_id"]) if body["meter_id"] else insert_meter(call, body["meter"])
        meter_id = meter["id"]
    stored = call.insert(
        "features",
        "feat",
        lookup_key=lookup_key,
        meter_id=meter_id,
        **{name: body[name] for name in ("name", "metadata", "type")},
        **{name: body[name] or "" for name in ("description", *_UNITS)},
        **{name: body[name] for name in _OPTIONAL if body[name]},
    )
    call.publish("feature.created", stored)
    return created(_shown(call, stored))


@route("PUT", "/v1/features/:id", permission="feature:write")
def update_feature(call: Call) -> Any:
    """Change names, description, units and metadata; filters go to the meter."""
    body = call.bind(_UPDATE)
    row = FEATURES.found(call, call.params["id"])
    units = {name: body[name] or row[name] for name in _UNITS}
    _check_units(body, units)
    require_group(call, body["group_id"], "feature")
    if body["filters"] and row["meter_id"]:
        add_filters(call, find_meter(call, row["meter_id"]), body["filters"])
    changes = {name: body[name] for name in ("name", "reporting_unit", "alert_settings") if body[name]}
    changes |= {name: body[name] for name in ("description", "metadata", "group_id") if body[name] is not None}
    storable("update feature", {**changes, **units}, "name", *_UNITS)
    call.touch(row, **changes, **units)
    call.publish("feature.updated", row)
    return _shown(call, row)


@route("DELETE", "/v1/features/:id", permission="feature:write")
def delete_feature(call: Call) -> dict[str, str]:
    """Archive a feature and its meter, unless an entitlement uses the feature."""
    row = call.found("features", call.params["id"], "The specified feature does not exist", any_status=True)
    if call.first("entitlements", feature_id=row["id"]):
        message = "Feature is linked to some plans, please remove the feature from the plans first"
        raise errors.invalid_operation(message)
    call.touch(row, status="archived")
    meter = call.get("meters", row["meter_id"])
    if meter is not None:
        meter.update(status="archived", updated_at=call.now)
    call.publish("feature.deleted", row)
    return {"message": "feature deleted successfully"}


@route("POST", "/v1/features/:id/clone", permission="feature:write")
def clone_feature(call: Call) -> Reply:
    """A copy in the same environment, with a meter of its own."""
    body = call.bind(_CLONE)
    source = FEATURES.found(call, call.params["id"])
    clonable(call, "feature", source, body)
    meter = call.get("meters", source["meter_id"])
    given = {name: value for name, value in body.items() if value is not None}
    given["meter_id"] = call.copied("meters", "meter", meter)["id"] if meter is not None else ""
    given["metadata"] = {**(source["metadata"] or {}), **(body["metadata"] or {}), "source_feature_id": source["id"]}
    return created(_shown(call, call.copied("features", "feat", source, **given), meter=True))
