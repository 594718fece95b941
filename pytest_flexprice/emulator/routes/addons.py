"""``/v1/addons`` as far as a catalog listing needs them (recording catalog_listing)."""

from __future__ import annotations

from typing import Any

from ..billing import addons
from ..billing.scope import Scope
from ..kernel import errors
from ..kernel.binding import Schema, array, field, strings, text
from ..kernel.call import Call, Reply, created
from ..kernel.catalog import plan_view
from ..kernel.lists import SEARCH_FIELDS, Page, listing, query_page, search, select
from ..kernel.routing import route
from ..kernel.tables import Row

_CREATE = Schema(
    "CreateAddonRequest",
    field("name", rules="required"),
    field("lookup_key", rules="required"),
    field("description"),
    field("metadata", strings),
)
_UPDATE = Schema("UpdateAddonRequest", field("name"), field("description"), field("metadata", strings))
_SEARCH = Schema("AddonFilter", *SEARCH_FIELDS, field("addon_ids", array(text)), field("lookup_keys", array(text)))


@route("POST", "/v1/addons", permission="addon:write")
def create_addon(call: Call) -> Reply:
    """A new addon; its prices are made for ``entity_type`` ADDON."""
    body = call.bind(_CREATE)
    table = call.world.table("addons")
    if table.first(call.environment, lookup_key=body["lookup_key"], status="published"):
        details = {"lookup_key": body["lookup_key"]}
        raise errors.conflict("Addon with same lookup key already exists", details)
    optional = {name: body[name] for name in ("description", "metadata") if body[name]}
    return created(table.insert(call.stamp("addon", lookup_key=body["lookup_key"], name=body["name"], **optional)))


def _missing(details: dict[str, str]) -> errors.ApiError:
    return errors.not_found("Addon not found", details)


@route("GET", "/v1/addons/:id")
def get_addon(call: Call) -> Any:
    """One addon with prices and entitlements."""
    row = call.world.table("addons").get(call.params["id"], call.environment)
    if row is None:
        raise _missing({"addon_id": call.params["id"]})
    return _view(call, row, ("prices", "meters", "entitlements", "features"))


@route("GET", "/v1/addons/lookup/:lookup_key")
def lookup_addon(call: Call) -> Any:
    """One published addon by its key."""
    key = call.params["lookup_key"]
    row = call.world.table("addons").first(call.environment, lookup_key=key, status="published")
    if row is None:
        raise _missing({"lookup_key": key})
    return _view(call, row, ("prices", "meters", "entitlements", "features"))


def _view(call: Call, row: Row, expand: tuple[str, ...]) -> dict[str, Any]:
    return plan_view(call.world, call.environment, row, expand)


def _addon(call: Call) -> Row:
    row: Row = call.found(
        "addons", call.params["id"], f"Addon with ID {call.params['id']} was not found", {"addon_id": call.params["id"]}
    )
    return row


@route("PUT", "/v1/addons/:id", permission="addon:write")
def update_addon(call: Call) -> Any:
    """Name, description and metadata."""
    body = call.bind(_UPDATE)
    row = _addon(call)
    call.touch(row, **{name: value for name, value in body.items() if value is not None})
    return _view(call, row, ())


@route("DELETE", "/v1/addons/:id", permission="addon:write")
def delete_addon(call: Call) -> dict[str, str]:
    """Archive an addon; refused while lines of it are open."""
    row = _addon(call)
    addons.check_unused(Scope.of(call), row)
    call.touch(row, status="archived")
    return {"message": "addon deleted successfully"}


def _list(call: Call, page: Page, given: dict[str, Any]) -> dict[str, Any]:
    rows = [
        row
        for row in call.world.table("addons").all(call.environment)
        if (not given.get("addon_ids") or row["id"] in given["addon_ids"])
        and (not given.get("lookup_keys") or row["lookup_key"] in given["lookup_keys"])
    ]
    answer = listing(select(rows, page, ("name", "lookup_key"), "addons"), page)
    answer["items"] = [_view(call, row, page.expand) for row in answer["items"]]
    return answer


@route("GET", "/v1/addons")
def list_addons(call: Call) -> dict[str, Any]:
    """A page of addons."""
    given = {name: call.query.getlist(name) for name in ("addon_ids", "lookup_keys")}
    return _list(call, query_page(call, noun="addons"), given)


@route("POST", "/v1/addons/search")
def search_addons(call: Call) -> dict[str, Any]:
    """A page of addons."""
    values, page = search(call, _SEARCH)
    return _list(call, page, values)
