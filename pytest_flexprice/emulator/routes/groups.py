"""``/v1/groups``: prices and features put together under a key."""

from __future__ import annotations

from typing import Any

from ..kernel import errors
from ..kernel.binding import Schema, several, text
from ..kernel.call import Call, Reply, created, no_content
from ..kernel.lists import Page
from ..kernel.resource import Resource, among, equals, free, storable
from ..kernel.routing import route
from ..kernel.tables import Row

_MEMBERS = {"price": "prices", "feature": "features"}
_SHOWN = ("id", "name", "lookup_key", "entity_type", "metadata", "status", "created_at", "updated_at")
_CREATE = Schema(
    "CreateGroupRequest",
    *several(text, "name entity_type lookup_key", "required"),
)


def group_view(call: Call, row: Row, _page: Page | None = None) -> dict[str, Any]:
    """A group with the ids of what belongs to it."""
    members = call.find(_MEMBERS[row["entity_type"]], group_id=row["id"])
    return {**{name: row[name] for name in _SHOWN}, "entity_ids": [member["id"] for member in members]}


GROUPS = Resource(
    "groups",
    ("name", "lookup_key", "entity_type"),
    (*equals("name lookup_key entity_type"), among("group_ids", "id")),
    view=group_view,
    find=lambda call, identifier: call.named("groups", identifier),
)


def require_group(call: Call, identifier: str | None, kind: str) -> None:
    """Refuse a group that is unknown or holds other things."""
    if not identifier:
        return
    row = GROUPS.found(call, identifier)
    if row["entity_type"] != kind:
        details = {"group_id": identifier, "entity_type": kind, "group_entity_type": row["entity_type"]}
        raise errors.validation("The group is for entities of another type", details)


@route("POST", "/v1/groups", permission="group:write")
def create_group(call: Call) -> Reply:
    """A new, empty group."""
    body = call.bind(_CREATE)
    errors.require_one_of(_MEMBERS, body["entity_type"], "group entity type", "entity_type")
    free(call, "groups", "A group with this lookup key already exists", body["lookup_key"])
    storable("create group", body, "name", "lookup_key")
    return created(group_view(call, call.insert("groups", "group", **body, metadata={})))


route("GET", "/v1/groups/:id")(GROUPS.shown)
route("POST", "/v1/groups/search")(GROUPS.searched)


@route("DELETE", "/v1/groups/:id", permission="group:write")
def delete_group(call: Call) -> Reply:
    """Archive a group; what belonged to it belongs to none."""
    row = GROUPS.found(call, call.params["id"])
    for member in call.find(_MEMBERS[row["entity_type"]], group_id=row["id"]):
        member["group_id"] = ""
    call.touch(row, status="archived")
    return no_content()
