"""``/v1/integrations``: under which id another system knows an object (by the API's own description; not recorded)."""

from __future__ import annotations

from typing import Any

from ..kernel import errors
from ..kernel.binding import Schema, field, mapping, several, text
from ..kernel.call import Call
from ..kernel.resource import all_items
from ..kernel.routing import route

_KINDS = (
    "customer", "plan", "invoice", "subscription", "payment", "credit_note", "addon", "item", "item_price", "price",
    "invoice_line_item", "subscription_line_item",
)  # fmt: skip
_NAMED = several(text, "entity_type entity_id provider_type", "required")
_LINK = Schema(
    "LinkIntegrationMappingRequest", *_NAMED, field("provider_entity_id", rules="required"), field("metadata", mapping)
)
_DELINK = Schema("DelinkIntegrationMappingRequest", *_NAMED)
_TABLE = "entity_integration_mappings"


def _check_kind(kind: str) -> None:
    errors.require_one_of(_KINDS, kind, "entity type", "entity_type")


route("GET", "/v1/integrations/config")(lambda _call: {"integrations": []})  # no provider is connected


@route("GET", "/v1/integrations/mappings")
def mappings(call: Call) -> dict[str, Any]:
    """The ids of one object elsewhere."""
    kind, identifier = call.query.get("entity_type"), call.query.get("entity_id")
    errors.refuse(not kind or not identifier, "entity_type and entity_id are required")
    _check_kind(kind)
    return all_items(call.find(_TABLE, entity_type=kind, entity_id=identifier, status="published"))


@route("POST", "/v1/integrations/link", permission="integration:write")
def link(call: Call) -> dict[str, Any]:
    """Note the id of an object elsewhere; a second one of the same provider takes the first one's place."""
    body = call.bind(_LINK)
    _check_kind(body["entity_type"])
    known = {each.name: body[each.name] for each in _NAMED}
    row = call.first(_TABLE, **known)
    changes = {"provider_entity_id": body["provider_entity_id"], "metadata": body["metadata"]}
    if row is None:
        row = call.insert(_TABLE, "eim", **known, **changes)
    else:
        call.touch(row, **changes)
    return {"mapping": row}


@route("DELETE", "/v1/integrations/link", permission="integration:write")
def delink(call: Call) -> dict[str, str]:
    """Forget the id of an object elsewhere."""
    known = call.bind(_DELINK)
    call.touch(call.keyed(_TABLE, "Integration mapping not found", **known), status="archived")
    return {"message": "Integration mapping removed successfully"}
