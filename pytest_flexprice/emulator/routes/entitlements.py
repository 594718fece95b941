"""``/v1/entitlements`` (contract 2.5, recording entitlements)."""

from __future__ import annotations

from typing import Any

from ..billing.scope import subscription_by_id
from ..kernel import errors
from ..kernel.binding import Schema, array, boolean, decimal, field, instant, integer, mapping, several, text
from ..kernel.call import Call, Reply, created
from ..kernel.catalog import ENTITLED, entitlement_view
from ..kernel.lists import Page
from ..kernel.resource import Resource, Values, all_items, amongs, equal, flag, idle
from ..kernel.routing import route
from ..kernel.tables import Row
from .features import FEATURES, TYPES

RESET_PERIODS = ("MONTHLY", "ANNUAL", "WEEKLY", "DAILY", "QUARTERLY", "HALF_YEARLY", "NEVER")
_MODES = ("additive", "parallel")
_ENTITIES = ("PLAN", "SUBSCRIPTION", "ADDON")
_COLUMNS = ("entity_type", "entity_id", "feature_id", "feature_type", "is_enabled", "usage_limit", "display_order")

_TWICE = "An entitlement with this plan and feature already exists"
_PAGED = ("offset", "status", "order", "expand")

_GRANT = (
    field("grant_quota", decimal),
    *several(text, "grant_measure grant_duration_unit grant_allocation_behavior"),
    field("grant_duration_value", integer),
)

_CREATE = Schema(
    "CreateEntitlementRequest",
    *several(text, "plan_id entity_type entity_id usage_reset_period static_value aggregation_mode"),
    *several(text, "parent_entitlement_id"),
    *several(text, "feature_id feature_type", "required", bound=True),
    *several(boolean, "is_enabled is_soft_limit"),
    *several(integer, "usage_limit display_order"),
    field("config_value", mapping),
    *several(instant, "start_date end_date"),
    *_GRANT,
)
_UPDATE = Schema(
    "UpdateEntitlementRequest",
    *several(boolean, "is_enabled is_soft_limit clear_grant_config"),
    field("usage_limit", integer),
    *several(text, "usage_reset_period static_value aggregation_mode"),
    field("config_value", mapping),
    *_GRANT,
)
_BULK = Schema("CreateBulkEntitlementRequest", field("items", array(_CREATE)))


ENTITLEMENTS = Resource(
    "entitlements",
    _COLUMNS,
    (
        equal("entity_type"),
        *amongs("entity_ids feature_ids"),
        equal("feature_type"),
        flag("is_enabled"),
        flag("has_grant_config", lambda _row, given: not given),
        idle("plan_ids"),
    ),
    view=lambda call, row, page: entitlement_view(call, row, page.expand),
)


def _entity(body: dict[str, Any]) -> tuple[str, str]:
    if body["plan_id"]:
        return "PLAN", body["plan_id"]
    if not body["entity_type"] or not body["entity_id"]:
        details = {name: body[name] or "" for name in ("plan_id", "entity_type", "entity_id")}
        raise errors.validation("Please provide plan_id or entity_type and entity_id", details)
    errors.require_one_of(_ENTITIES, body["entity_type"], "entity type", "entity_type")
    return body["entity_type"], body["entity_id"]


def _require_entity(call: Call, kind: str, identifier: str) -> None:
    """404 for what was never there; an archived plan is found, as an archived feature is (recording entitlements)."""
    if kind in ("PLAN", "ADDON"):
        call.named(f"{kind.lower()}s", identifier, any_status=True)
    else:
        subscription_by_id(call, identifier)


def _check_shape(body: dict[str, Any]) -> None:
    if body["feature_type"] not in TYPES:
        details = {"type": body["feature_type"], "allowed_types": list(TYPES)}
        raise errors.validation("Invalid feature type", details)
    _check_reset(body)
    if body["feature_type"] == "static" and not body["static_value"]:
        raise errors.validation("Static value is required for static features")
    _check_grant(body)


def _check_reset(body: dict[str, Any]) -> None:
    if body["usage_reset_period"] and body["usage_reset_period"] not in RESET_PERIODS:
        raise errors.validation("Invalid entitlement usage reset period")


def _check_grant(body: dict[str, Any]) -> None:
    errors.require_one_of(_MODES, body["aggregation_mode"], "aggregation mode", "aggregation_mode")
    for known in _GRANT:
        if body[known.name] is not None:
            raise errors.not_implemented(f"entitlements with a {known.name}")


def _check_limit(body: dict[str, Any]) -> None:
    if (body["usage_limit"] or 0) < 0:
        raise errors.validation("Usage limit must be greater than or equal to 0", {"usage_limit": body["usage_limit"]})


def _check_feature(call: Call, body: dict[str, Any]) -> None:
    feature = FEATURES.found(call, body["feature_id"])
    if feature["type"] != body["feature_type"]:
        details = {"expected": feature["type"], "actual": body["feature_type"]}
        raise errors.validation(f"Expected {feature['type']}, got {body['feature_type']}", details)
    meter = call.get("meters", feature["meter_id"])
    aggregation = meter["aggregation"] if meter else {}
    if aggregation.get("bucket_size") and aggregation["type"] == "MAX":
        message = "Entitlements are not supported for features with bucketed max meters"
        raise errors.validation(message, {"feature_id": feature["id"], "meter_id": feature["meter_id"]})


def _checked(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """The fields of a new entitlement."""
    kind, identifier = _entity(body)
    _check_shape(body)
    _require_entity(call, kind, identifier)
    _check_feature(call, body)
    known = {"entity_id": identifier, "feature_id": body["feature_id"]}
    if call.first("entitlements", **known):
        raise errors.conflict(_TWICE, {"entity_type": kind, **known})
    _check_limit(body)
    fields = {
        "entity_type": kind,
        **known,
        **{name: body[name] for name in ("feature_type", "usage_limit")},
        **{name: body[name] or "" for name in ("usage_reset_period", "static_value")},
        "is_enabled": bool(body["is_enabled"]) if body["feature_type"] == "boolean" else True,
        "is_soft_limit": bool(body["is_soft_limit"]),
        "display_order": body["display_order"] or 0,
        "aggregation_mode": body["aggregation_mode"] or "additive",
    }
    optional = ("config_value", "parent_entitlement_id", "start_date", "end_date")
    return fields | {name: body[name] for name in optional if body[name]}


def _insert(call: Call, fields: dict[str, Any]) -> Row:
    row = call.insert("entitlements", "ent", **fields)
    call.publish("entitlement.created", row)
    return row


@route("POST", "/v1/entitlements", permission="entitlement:write")
def create_entitlement(call: Call) -> Reply:
    """A new entitlement of a plan, addon or subscription."""
    row = _insert(call, _checked(call, call.bind(_CREATE)))
    return created(entitlement_view(call, row, ENTITLED))


@route("POST", "/v1/entitlements/bulk", permission="entitlement:write")
def create_entitlements(call: Call) -> Reply:
    """Several entitlements; one bad refuses all and is named by its place, as among prices (recording price_changes)."""
    items = [item for item in call.bind(_BULK)["items"] or [] if item is not None]
    errors.refuse(not items, "Please provide at least one entitlement to create")
    checked: list[dict[str, Any]] = []
    for index, item in enumerate(items):
        with errors.at_index(index):
            fields = _checked(call, item)
            known = {name: fields[name] for name in ("entity_type", "entity_id", "feature_id")}
            if any(known.items() <= earlier.items() for earlier in checked):
                raise errors.conflict(_TWICE, known)
        checked.append(fields)
    rows = [_insert(call, fields) for fields in checked]
    return created({"items": [entitlement_view(call, row, ENTITLED) for row in rows]})


def _find(call: Call) -> Row:
    identifier = call.params["id"]
    return call.found("entitlements", identifier, "Entitlement not found", {"id": identifier}, any_status=True)


route("GET", "/v1/entitlements/:id")(lambda call: entitlement_view(call, _find(call)))


def _answer(call: Call, values: Values, page: Page, names: Any) -> dict[str, Any]:
    """Naming any page field but the limit leaves the list without one (recording entitlements)."""
    if names("limit") is None and any(names(name) is not None for name in _PAGED):
        rows = ENTITLEMENTS.selected(call, values, page)
        return all_items([entitlement_view(call, row, page.expand) for row in rows], page.offset)
    return ENTITLEMENTS.answer(call, values, page)


route("GET", "/v1/entitlements")(lambda call: _answer(call, *ENTITLEMENTS.asked_by_query(call), call.query.get))


@route("POST", "/v1/entitlements/search")
def search_entitlements(call: Call) -> dict[str, Any]:
    """A page of entitlements; ``plan_ids`` does nothing."""
    values, page = ENTITLEMENTS.asked_by_body(call)
    return _answer(call, values, page, values.get)


@route("PUT", "/v1/entitlements/:id", permission="entitlement:write")
def update_entitlement(call: Call) -> Any:
    """Change an entitlement; a limit of zero or null is ignored."""
    body = call.bind(_UPDATE)
    row = _find(call)
    _check_reset(body)
    _check_limit(body)
    _check_grant(body)
    changes = {name: body[name] for name in ("usage_limit", "usage_reset_period", "static_value") if body[name]}
    changes |= {name: body[name] for name in ("config_value", "aggregation_mode") if body[name]}
    changes |= {name: body[name] for name in ("is_enabled", "is_soft_limit") if body[name] is not None}
    call.touch(row, **changes)
    call.publish("entitlement.updated", row)
    return entitlement_view(call, row, ())


@route("DELETE", "/v1/entitlements/:id", permission="entitlement:write")
def delete_entitlement(call: Call) -> dict[str, str]:
    """Archive an entitlement; again is fine."""
    row = _find(call)
    call.touch(row, status="archived")
    call.publish("entitlement.deleted", row)
    return {"message": "entitlement deleted successfully"}
