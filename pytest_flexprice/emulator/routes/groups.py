"""``/v1/groups``: prices and features put together under a key."""

from __future__ import annotations

from ..kernel import errors
from ..kernel.binding import Schema, several, text
from ..kernel.call import Call, Reply, created, no_content
from ..kernel.catalog import GROUPED, group_view
from ..kernel.resource import Resource, among, equals, free, storable
from ..kernel.routing import route

_CREATE = Schema("CreateGroupRequest", *several(text, "name entity_type lookup_key", "required"))


GROUPS = Resource(
    "groups",
    ("name", "lookup_key", "entity_type"),
    (*equals("name lookup_key entity_type"), among("group_ids", "id")),
    view=lambda call, row, _page: group_view(call, row),
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
    errors.require_one_of(GROUPED, body["entity_type"], "group entity type", "entity_type")
    free(call, "groups", "A group with this lookup key already exists", body["lookup_key"])
    storable("create group", body, "name", "lookup_key")
    return created(group_view(call, call.insert("groups", "group", **body, metadata={})))


route("GET", "/v1/groups/:id")(GROUPS.shown)
route("POST", "/v1/groups/search")(GROUPS.searched)


@route("DELETE", "/v1/groups/:id", permission="group:write")
def delete_group(call: Call) -> Reply:
    """Archive a group; what belonged to it belongs to none."""
    row = GROUPS.found(call, call.params["id"])
    for member in call.find(GROUPED[row["entity_type"]], group_id=row["id"]):
        member["group_id"] = ""
    call.touch(row, status="archived")
    return no_content()
