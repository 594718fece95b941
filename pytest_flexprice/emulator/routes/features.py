"""``/v1/features`` (contract 2.2, recording features)."""

from __future__ import annotations

import re
from typing import Any

from ..kernel import errors
from ..kernel.binding import Schema, array, field, mapping, strings, text
from ..kernel.call import Call, Reply, created
from ..kernel.catalog import feature_view
from ..kernel.lists import SEARCH_FIELDS, Page, listing, query_page, search, select
from ..kernel.routing import route
from ..kernel.tables import Row
from .meters import FILTER, METER, add_filters, find_meter, insert_meter

TYPES = ("metered", "boolean", "static", "config")
_STATUSES = ("published", "archived")
_COLUMNS = ("name", "lookup_key", "description", "meter_id", "type", "unit_singular", "unit_plural")
_EXPANSIONS = ("meters", "groups")
_OPTIONAL = ("reporting_unit", "alert_settings", "group_id")

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
    field("reporting_unit", mapping),
    field("alert_settings", mapping),
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
    field("reporting_unit", mapping),
    field("alert_settings", mapping),
    field("group_id"),
)
_CLONE = Schema(
    "CloneFeatureRequest",
    field("name"),
    field("lookup_key"),
    field("description"),
    field("metadata", strings),
)
_SEARCH = Schema(
    "FeatureFilter",
    *SEARCH_FIELDS,
    field("feature_ids", array(text)),
    field("meter_ids", array(text)),
    field("lookup_key"),
    field("lookup_keys", array(text)),
    field("name_contains"),
)


def _key_of(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower())


def _require_free(call: Call, lookup_key: str) -> None:
    if call.world.table("features").first(call.environment, lookup_key=lookup_key, status="published"):
        raise errors.conflict("A feature with this lookup key already exists", {"lookup_key": lookup_key})


def _check(body: dict[str, Any]) -> None:
    if body["type"] not in TYPES:
        details = {"type": body["type"], "allowed_types": list(TYPES)}
        raise errors.validation("Invalid feature type", details)
    if body["type"] == "metered" and not body["meter_id"] and body["meter"] is None:
        raise errors.validation("Please provide meter details to setup a metered feature")
    if bool(body["unit_singular"]) != bool(body["unit_plural"]):
        raise errors.validation("Please provide both unit singular and unit plural")


@route("POST", "/v1/features", permission="feature:write")
def create_feature(call: Call) -> Reply:
    """A new feature, with a new meter or on an existing one."""
    body = call.bind(_CREATE)
    _check(body)
    lookup_key = body["lookup_key"] or _key_of(body["name"])
    _require_free(call, lookup_key)
    meter_id = ""
    if body["type"] == "metered":
        meter = find_meter(call, body["meter_id"]) if body["meter_id"] else insert_meter(call, body["meter"])
        meter_id = meter["id"]
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
    return created(stored)


def find_feature(call: Call, identifier: str) -> Row:
    """The feature of that id, archived ones too; else 404."""
    message = f"Feature with ID {identifier} was not found"
    row: Row = call.found("features", identifier, message, {"feature_id": identifier}, any_status=True)
    return row


@route("GET", "/v1/features/:id")
def get_feature(call: Call) -> Any:
    """One feature with its meter."""
    return feature_view(call.world, call.environment, find_feature(call, call.params["id"]), meter=True)


def _list(call: Call, page: Page, given: dict[str, Any]) -> dict[str, Any]:
    for name in page.expand:
        if name not in _EXPANSIONS:
            raise errors.validation("Field is not allowed to be expanded", {"field": name})
    part = (given.get("name_contains") or "").lower()
    rows = [
        row
        for row in call.world.table("features").all(call.environment)
        if (not given.get("feature_ids") or row["id"] in given["feature_ids"])
        and (not given.get("meter_ids") or row["meter_id"] in given["meter_ids"])
        and (not given.get("lookup_key") or row["lookup_key"] == given["lookup_key"])
        and (not given.get("lookup_keys") or row["lookup_key"] in given["lookup_keys"])
        and part in row["name"].lower()
    ]
    answer = listing(select(rows, page, _COLUMNS, "features", statuses=_STATUSES), page)
    meter = "meters" in page.expand
    answer["items"] = [feature_view(call.world, call.environment, row, meter=meter) for row in answer["items"]]
    return answer


@route("GET", "/v1/features")
def list_features(call: Call) -> dict[str, Any]:
    """A page of features, published and archived."""
    page = query_page(call, noun="features")
    given: dict[str, Any] = {name: call.query.getlist(name) for name in ("feature_ids", "meter_ids", "lookup_keys")}
    given.update({name: call.query.get(name) for name in ("lookup_key", "name_contains")})
    return _list(call, page, given)


@route("POST", "/v1/features/search")
def search_features(call: Call) -> dict[str, Any]:
    """A page of features by ids, keys, meters or part of the name."""
    values, page = search(call, _SEARCH)
    return _list(call, page, values)


@route("PUT", "/v1/features/:id", permission="feature:write")
def update_feature(call: Call) -> Any:
    """Change names, description, units and metadata; filters go to the meter."""
    body = call.bind(_UPDATE)
    row = find_feature(call, call.params["id"])
    units = {name: body[name] or row[name] for name in ("unit_singular", "unit_plural")}
    if bool(units["unit_singular"]) != bool(units["unit_plural"]):
        raise errors.validation("Please provide both unit singular and unit plural")
    if body["filters"] and row["meter_id"]:
        add_filters(call, find_meter(call, row["meter_id"]), body["filters"])
    changes = {name: body[name] for name in ("name", *_OPTIONAL) if body[name]}
    changes |= {name: body[name] for name in ("description", "metadata") if body[name] is not None}
    call.touch(row, **changes, **units)
    call.world.publish(call.environment, "feature.updated", kind="feature", id=row["id"])
    return row


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
    source = find_feature(call, call.params["id"])
    if not body["lookup_key"]:
        raise errors.validation("Please provide a unique lookup_key for the cloned feature")
    _require_free(call, body["lookup_key"])
    meter_id = ""
    meter = call.world.table("meters").get(source["meter_id"], call.environment)
    if meter is not None:
        now = call.now
        copy = meter.public(id=call.world.new_id("meter"), status="published", created_at=now, updated_at=now)
        meter_id = call.world.table("meters").insert(copy, call.environment)["id"]
    kept = {name: source[name] for name in ("type", "unit_singular", "unit_plural", *_OPTIONAL) if name in source}
    row = call.stamp(
        "feat",
        name=body["name"] or source["name"],
        lookup_key=body["lookup_key"],
        description=source["description"] if body["description"] is None else body["description"],
        meter_id=meter_id,
        metadata={**(source["metadata"] or {}), **(body["metadata"] or {}), "source_feature_id": source["id"]},
        **kept,
    )
    stored = call.world.table("features").insert(row)
    return created(feature_view(call.world, call.environment, stored, meter=True))
