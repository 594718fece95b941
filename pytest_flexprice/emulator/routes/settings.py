"""``/v1/settings`` (contract 4.6, recording settings)."""

from __future__ import annotations

from typing import Any

from ..kernel import errors, settings
from ..kernel.binding import Schema, field, mapping
from ..kernel.call import Call
from ..kernel.render import ZERO_TIME
from ..kernel.routing import route
from ..kernel.setting_defaults import DEFAULTS

_UPDATE = Schema("UpdateSettingRequest", field("value", mapping))
_NO_SAML = "SAML single sign-on is not available on this deployment"


def _never_set(key: str) -> dict[str, Any]:
    empty = dict.fromkeys(("id", "environment_id", "tenant_id", "status", "created_by", "updated_by"), "")
    return {**empty, "key": key, "value": DEFAULTS[key], "created_at": ZERO_TIME, "updated_at": ZERO_TIME}


@route("GET", "/v1/settings/:key", permission="setting:read")
def get_setting(call: Call) -> Any:
    """The saved setting, else its defaults under an empty id."""
    key = call.params["key"]
    errors.refuse(key not in settings.KEYS, f"Unknown setting key: {key}")
    if key not in DEFAULTS:
        raise errors.not_found(_NO_SAML)
    return settings.saved(call.world, key, call.environment, call.tenant) or _never_set(key)


@route("PUT", "/v1/settings/:key", super_admin=True)
def put_setting(call: Call) -> Any:
    """Save a setting; fields left out keep their value."""
    key = call.params["key"]
    body = call.bind(_UPDATE)
    errors.refuse(key not in settings.KEYS, "Please provide a valid setting key", allowed=list(settings.KEYS))
    errors.refuse(not body["value"], "Please provide a valid setting value")
    if key not in DEFAULTS:
        raise errors.not_found(_NO_SAML)
    current = settings.value(call.world, key, call.environment, call.tenant)
    value = settings.merged(key, body["value"], current)
    row = settings.saved(call.world, key, call.environment, call.tenant)
    if row is None:
        environment = "" if key in settings.TENANT_WIDE else call.environment
        own = {"id": call.world.new_id("setting"), "key": key, "value": value, "environment_id": environment}
        fresh = {**call.stamped(), **own}
        return settings.store(call.world, key, fresh, call.environment, call.tenant)
    call.touch(row, value=value)
    return row


@route("DELETE", "/v1/settings/:key", super_admin=True)
def delete_setting(call: Call) -> dict[str, str]:
    key = call.params["key"]
    row = settings.saved(call.world, key, call.environment, call.tenant)
    if row is None:
        raise errors.not_found(f"Setting with key {key} not found")
    call.table("settings").remove(row)
    return {"message": "Setting deleted successfully"}
