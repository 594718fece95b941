"""``/v1/environments`` (contract 1.5; recordings access, environment_clone, dashboard_login)."""

from __future__ import annotations

from typing import Any

from .. import errors
from ..access import access_of
from ..binding import Schema, field
from ..call import Call, Reply, created
from ..lists import query_page
from ..routing import route

_CREATE = Schema("CreateEnvironmentRequest", field("name", rules="required"), field("type", rules="required"))


@route("GET", "/v1/environments", permission="environment:read", tenant_wide=True)
def list_environments(call: Call) -> dict[str, Any]:
    """A page of the tenant's environments, newest first; ``total`` is the page's length."""
    page = query_page(call, sort="ignored")
    rows = access_of(call.world).environments_of(call.tenant)[::-1][page.offset : page.offset + page.limit]
    return {"environments": rows, "total": len(rows), "offset": page.offset, "limit": page.limit}


@route("GET", "/v1/environments/:id", permission="environment:read", tenant_wide=True)
def get_environment(call: Call) -> dict[str, Any]:
    """One environment of the tenant."""
    row = access_of(call.world).environment(call.params["id"], call.tenant)
    if row is None:
        details = {"environment_id": call.params["id"], "tenant_id": call.tenant}
        raise errors.not_found("Environment not found", details)
    return row


@route("POST", "/v1/environments", permission="environment:write", tenant_wide=True)
def create_environment(call: Call) -> Reply:
    """A new environment, within the tenant's limits."""
    body = call.bind(_CREATE)
    row = access_of(call.world).add_environment(
        call.world.new_id("env"), body["name"], body["type"], call.tenant, call.now
    )
    return created(row)
