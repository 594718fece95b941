"""``/v1/alerts``: at what spend of a subscription, of one of its lines or of a group somebody wants to be told.

By the API's own description; not recorded. Nothing is watched here, so that the log of alerts is empty.
"""

from __future__ import annotations

from typing import Any

from ..billing.line_items import by_id
from ..billing.scope import subscription_by_id
from ..kernel import alerts, errors
from ..kernel.binding import Schema, field, several, text
from ..kernel.call import Call, Reply, created, no_content
from ..kernel.resource import Resource, amongs, equals, flag
from ..kernel.routing import route

_WRITE = "alert:write"
_WATCHED = ("subscription", "subscription_line_item", "group")
_OWNED = ("entity_type", "entity_id", "parent_entity_type", "parent_entity_id")
_LOGGED = ("entity_type", "entity_id", "alert_type", "alert_status", "customer_id")
_CREATE = Schema(
    "CreateAlertSettingsRequest",
    *several(text, "entity_type entity_id", "required"),
    *several(text, "parent_entity_type parent_entity_id"),
    field("config", alerts.ALERTS, "required"),
)
_UPDATE = Schema("UpdateAlertSettingsRequest", field("config", alerts.ALERTS, "required"))
SETTINGS = Resource(
    "alert settings",
    _OWNED,
    (*equals(*_OWNED), *amongs("entity_ids parent_entity_ids"), flag("enabled")),
)
LOGS = Resource("alert logs", _LOGGED, tuple(equals(*_LOGGED)))
route("POST", "/v1/alerts/search")(LOGS.searched)
route("POST", "/v1/alerts/setting/search")(SETTINGS.searched)
route("GET", "/v1/alerts/setting/:id")(SETTINGS.shown)


def _check_config(config: dict[str, Any]) -> None:
    """Spend is watched for rising only."""
    for level in ("info", "warning", "critical"):
        errors.require_one_of(("above",), (config[level] or {}).get("condition"), "alert condition", "condition")
    alerts.check(config)


def _check(call: Call, body: dict[str, Any]) -> None:
    kind, owner = body["entity_type"], body["parent_entity_id"]
    errors.require_one_of(_WATCHED, kind, "alert entity type", "entity_type")
    if kind != "subscription" and not owner:
        raise errors.validation("parent_entity_id is required for alerts of line items and groups")
    _check_config(body["config"])
    subscription = subscription_by_id(call, body["entity_id"] if kind == "subscription" else owner)
    if kind == "subscription_line_item" and by_id(call, body["entity_id"])["subscription_id"] != subscription["id"]:
        raise errors.validation("The line item must belong to the subscription", {"line_item_id": body["entity_id"]})
    known = {"entity_type": kind, "entity_id": body["entity_id"], "parent_entity_id": owner or ""}
    if call.first("alert_settings", **known):
        raise errors.conflict("Alert settings of this entity already exist", known)


@route("POST", "/v1/alerts/setting", permission=_WRITE)
def create_setting(call: Call) -> Reply:
    """New settings of an entity that has none."""
    body = call.bind(_CREATE)
    _check(call, body)
    owned = {name: body[name] or "" for name in _OWNED}
    config = body["config"]
    return created(
        call.insert("alert_settings", "alert_setting", **owned, enabled=config["alert_enabled"], config=config)
    )


@route("PUT", "/v1/alerts/setting/:id", permission=_WRITE)
def update_setting(call: Call) -> Any:
    """Other thresholds, in the place of all there were."""
    config = call.bind(_UPDATE)["config"]
    row = SETTINGS.found(call, call.params["id"], any_status=False)
    _check_config(config)
    call.touch(row, config=config, enabled=config["alert_enabled"])
    return row


@route("DELETE", "/v1/alerts/setting/:id", permission=_WRITE)
def delete_setting(call: Call) -> Reply:
    call.touch(SETTINGS.found(call, call.params["id"], any_status=False), status="archived")
    return no_content()
