"""``/v1/plans`` (contract 2.3, recording plans)."""

from __future__ import annotations

from typing import Any

from ..kernel import errors
from ..kernel.binding import Schema, field, integer, several, strings, text
from ..kernel.call import Call, Reply, created
from ..kernel.catalog import (
    entitlement_view,
    entitlements_of,
    full_plan_view,
    grants_of,
    plan_view,
    prices_of,
)
from ..kernel.lists import Page
from ..kernel.resource import Resource, all_items, among, clonable, equal, metadata, storable
from ..kernel.routing import route
from ..kernel.tables import Row

_COLUMNS = ("name", "lookup_key", "description", "display_order")
_NOT_OF_ENTITLEMENTS = ("name", "lookup_key", "description")

_KEPT = (*several(text, "lookup_key description"), field("display_order", integer), field("metadata", strings))
_CREATE = Schema("CreatePlanRequest", field("name", rules="required"), *_KEPT)
_UPDATE = Schema("UpdatePlanRequest", field("name"), *_KEPT)
_CLONE = Schema("ClonePlanRequest", field("name"), *_KEPT)


def _check_page(page: Page) -> None:
    if "entitlements" in page.expand and any(each["field"] in _NOT_OF_ENTITLEMENTS for each in page.sort):
        raise errors.validation("Failed to list entitlements")  # the sort is handed on to them (contract 1.8)


PLANS = Resource(
    "plans",
    _COLUMNS,
    (among("plan_ids", "id"), equal("lookup_key"), metadata()),
    view=lambda call, row, page: plan_view(call, row, page.expand),
    full=lambda call, row, _page: full_plan_view(call, row),
    check=_check_page,
)
PLANS.serve("/v1/plans", one=True)


def _holder(call: Call, lookup_key: str | None) -> Row | None:
    if not lookup_key:
        return None
    return call.first("plans", lookup_key=lookup_key)


def _taken(identifier: str, name: str) -> errors.ApiError:
    return errors.conflict("Plan with this name already exists", {"plan_id": identifier, "plan_name": name})


@route("POST", "/v1/plans", permission="plan:write")
def create_plan(call: Call) -> Reply:
    """A new, empty plan; inline prices and entitlements are dropped."""
    body = call.bind(_CREATE)
    if _holder(call, body["lookup_key"]):
        raise _taken(call.world.new_id("plan"), body["name"])
    storable("create plan", body, "name", "lookup_key")
    words = {name: body[name] or "" for name in ("lookup_key", "description")}
    order = body["display_order"] or 0
    row = call.insert("plans", "plan", name=body["name"], **words, metadata=body["metadata"], display_order=order)
    return created(row)


@route("GET", "/v1/plans/:id/entitlements")
@route("GET", "/v1/addons/:id/entitlements")
def plan_entitlements(call: Call) -> dict[str, Any]:
    """The entitlements of a plan or an addon; none of an unknown one."""
    rows = entitlements_of(call, call.params["id"])[::-1]
    return all_items([entitlement_view(call, row) for row in rows])


@route("GET", "/v1/plans/:id/creditgrants")
@route("GET", "/v1/addons/:id/creditgrants")
def plan_grants(call: Call) -> dict[str, Any]:
    """The credit grants of a plan or an addon; none of an unknown one."""
    kind = "ADDON" if call.path.startswith("/v1/addons/") else "PLAN"
    return all_items(grants_of(call, call.params["id"], kind)[::-1])


@route("PUT", "/v1/plans/:id", permission="plan:write")
def update_plan(call: Call) -> Any:
    """Change name, key, description, order and metadata."""
    body = call.bind(_UPDATE)
    row = PLANS.found(call, call.params["id"])
    holder = _holder(call, body["lookup_key"])
    if holder is not None and holder["id"] != row["id"]:
        raise _taken(row["id"], body["name"] or row["name"])
    storable("update plan", body, "name", "lookup_key")
    call.touch(row, **{name: value for name, value in body.items() if value is not None})
    return row


@route("DELETE", "/v1/plans/:id", permission="plan:write")
def delete_plan(call: Call) -> dict[str, str]:
    """Archive a plan without active subscriptions; again is fine."""
    row = PLANS.found(call, call.params["id"])
    if call.find("subscriptions", plan_id=row["id"], subscription_status="active"):
        message = "Please remove the active subscriptions before deleting this plan."
        raise errors.invalid_operation(message, {"plan_id": row["id"]})
    call.touch(row, status="archived")
    return {"message": "price deleted successfully"}


@route("POST", "/v1/plans/:id/clone", permission="plan:write")
def clone_plan(call: Call) -> Reply:
    """A copy in the same environment: prices in force without their keys, entitlements, credit grants."""
    body = call.bind(_CLONE)
    source = PLANS.found(call, call.params["id"])
    clonable(call, "plan", source, body)
    given = {name: value for name, value in body.items() if value is not None}
    given["metadata"] = {**(source["metadata"] or {}), **(body["metadata"] or {}), "source_plan_id": source["id"]}
    row = call.copied("plans", "plan", source, **given)
    copy_contents(call, source, row)
    view = plan_view(call, row, ("prices", "entitlements", "credit_grant"))
    for item in view.get("entitlements", ()):
        del item["plan_id"]
    return created(view)


def copy_contents(call: Call, source: Row, target: Row) -> None:
    """Copy prices in force, entitlements and credit grants of a plan to another of the same environment."""
    own = {"entity_id": target["id"]}
    for price in prices_of(call, source["id"]):
        fresh = {"lookup_key": "", "start_date": call.now, "sequence": call.world.next("price")}
        call.copied("prices", "price", price, **own, **fresh)
    for entitlement in entitlements_of(call, source["id"]):
        call.copied("entitlements", "ent", entitlement, **own)
    for grant in grants_of(call, source["id"]):
        call.copied("credit_grants", "cg", grant, plan_id=target["id"])
