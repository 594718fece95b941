"""``/v1/costs``: sheets of what usage costs the company itself, by the API's own description (not recorded)."""

from __future__ import annotations

from typing import Any

from ..kernel import errors
from ..kernel.binding import Schema, array, boolean, field, instant, integer, several, strings, text
from ..kernel.call import Call, Reply, created
from ..kernel.catalog import plan_view
from ..kernel.resource import Resource, among, equal, free
from ..kernel.routing import route
from ..kernel.tables import Row
from ..metering import cost_analytics
from .analytics import question
from .events import property_filters

_TAKEN = "A costsheet with this lookup key already exists"
_OPTIONAL = (field("lookup_key", rules="omitempty,min=1,max=255"), field("description"), field("metadata", strings))
_CREATE = Schema("CreateCostsheetRequest", field("name", rules="required,min=1,max=255"), *_OPTIONAL)
_UPDATE = Schema("UpdateCostsheetRequest", field("name", rules="omitempty,min=1,max=255"), *_OPTIONAL)
_ANALYTICS = Schema(
    "GetCostAnalyticsRequest",
    field("external_customer_id"),
    *several(array(text), "feature_ids expand"),
    *several(instant, "start_time end_time"),
    field("property_filters", property_filters),
    field("include_children", boolean),
    *several(integer, "limit offset"),
)
COSTSHEETS = Resource(
    "costsheets",
    ("name", "lookup_key", "description"),
    (among("costsheetIDs", "id"), equal("lookupKey", "lookup_key"), equal("name")),
)
route("POST", "/v1/costs/search")(COSTSHEETS.searched)


@route("POST", "/v1/costs", permission="cost:write")
def create_costsheet(call: Call) -> Reply:
    """A new sheet; its prices are made for ``entity_type`` COSTSHEET."""
    body = call.bind(_CREATE)
    free(call, "costsheets", _TAKEN, body["lookup_key"])
    given = {name: body[name] or "" for name in ("name", "lookup_key", "description")}
    return created({"costsheet": call.insert("costsheets", "costsheet", **given, metadata=body["metadata"])})


def _active(call: Call) -> Row:
    """The newest sheet in use; 404 where there is none."""
    rows = call.find("costsheets", status="published")
    if not rows:
        raise errors.not_found("No active costsheet was found")
    return rows[-1]


@route("GET", "/v1/costs/active")
def active_costsheet(call: Call) -> dict[str, Any]:
    """The sheet in use, with its prices."""
    return plan_view(call, _active(call), ("prices", "meters"))


@route("POST", "/v1/costs/analytics")
def analyse_costs(call: Call) -> dict[str, Any]:
    """What the usage of a window, by default of the last seven days, costs the company, and what it earns by it."""
    body = call.bind(_ANALYTICS)
    return cost_analytics.answer(call, question(call, body), _active(call), body["expand"] or ())


@route("GET", "/v1/costs/:id")
def get_costsheet(call: Call) -> dict[str, Any]:
    """One sheet, deleted ones too; ``expand=prices`` adds its prices."""
    expand = tuple(part.strip() for part in (call.query.get("expand") or "").split(","))
    return {"costsheet": plan_view(call, COSTSHEETS.found(call, call.params["id"]), expand)}


@route("PUT", "/v1/costs/:id", permission="cost:write")
def update_costsheet(call: Call) -> dict[str, Any]:
    """Name, key, description and metadata."""
    body = call.bind(_UPDATE)
    row = COSTSHEETS.found(call, call.params["id"])
    if body["lookup_key"] != row["lookup_key"]:
        free(call, "costsheets", _TAKEN, body["lookup_key"])
    call.touch(row, **{name: value for name, value in body.items() if value is not None})
    return {"costsheet": row}


@route("DELETE", "/v1/costs/:id", permission="cost:write")
def delete_costsheet(call: Call) -> dict[str, str]:
    """Take a sheet out of use."""
    row = COSTSHEETS.found(call, call.params["id"])
    call.touch(row, status="deleted")
    return {"id": row["id"], "message": "Costsheet deleted successfully"}
