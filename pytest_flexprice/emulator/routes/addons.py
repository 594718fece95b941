"""``/v1/addons`` as far as a catalog listing needs them (recording catalog_listing)."""

from __future__ import annotations

from typing import Any

from ..billing import addons
from ..kernel.binding import Schema, field, several, strings, text
from ..kernel.call import Call, Reply, created
from ..kernel.catalog import plan_view
from ..kernel.resource import Resource, among, free, storable
from ..kernel.routing import route

_EVERYTHING = ("prices", "meters", "entitlements", "features")
_CREATE = Schema(
    "CreateAddonRequest",
    *several(text, "name lookup_key", "required"),
    field("description"),
    field("metadata", strings),
)
_UPDATE = Schema("UpdateAddonRequest", *several(text, "name description"), field("metadata", strings))
ADDONS = Resource(
    "addons",
    ("name", "lookup_key"),
    (among("addon_ids", "id"), among("lookup_keys", "lookup_key")),
    view=lambda call, row, page: plan_view(call, row, page.expand),
    full=lambda call, row, _page: plan_view(call, row, _EVERYTHING),
)
ADDONS.serve("/v1/addons", one=True)


@route("POST", "/v1/addons", permission="addon:write")
def create_addon(call: Call) -> Reply:
    """A new addon; its prices are made for ``entity_type`` ADDON."""
    body = call.bind(_CREATE)
    free(call, "addons", "Addon with same lookup key already exists", body["lookup_key"])
    storable("create addon", body, "name", "lookup_key")
    optional = {name: body[name] for name in ("description", "metadata") if body[name]}
    return created(call.insert("addons", "addon", lookup_key=body["lookup_key"], name=body["name"], **optional))


@route("GET", "/v1/addons/lookup/:lookup_key")
def lookup_addon(call: Call) -> Any:
    """One published addon by its key."""
    key = call.params["lookup_key"]
    found = call.keyed("addons", f"Addon with lookup key {key} was not found", lookup_key=key)
    return plan_view(call, found, _EVERYTHING)


@route("PUT", "/v1/addons/:id", permission="addon:write")
def update_addon(call: Call) -> Any:
    body = call.bind(_UPDATE)
    row = ADDONS.found(call, call.params["id"])
    storable("update addon", body, "name")
    call.touch(row, **{name: value for name, value in body.items() if value is not None})
    return row


@route("DELETE", "/v1/addons/:id", permission="addon:write")
def delete_addon(call: Call) -> dict[str, str]:
    """Archive an addon; refused while lines of it are open."""
    row = ADDONS.found(call, call.params["id"])
    addons.check_unused(call, row)
    call.touch(row, status="archived")
    return {"message": "addon deleted successfully"}
