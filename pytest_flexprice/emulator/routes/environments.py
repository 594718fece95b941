"""``/v1/environments`` (contract 1.5; recordings access, environment_clone, dashboard_login)."""

from __future__ import annotations

from typing import Any

from ..kernel import errors, settings
from ..kernel.access import access_of
from ..kernel.binding import Schema, several, text
from ..kernel.call import Call, Reply, accepted, created
from ..kernel.clone import clone_catalog
from ..kernel.lists import query_page
from ..kernel.routing import route
from ..kernel.scope import Work
from ..kernel.tables import Row

_CREATE = Schema("CreateEnvironmentRequest", *several(text, "name type", "required"))
_UPDATE = Schema("UpdateEnvironmentRequest", *several(text, "name type"))
_CLONE = Schema("CloneEnvironmentRequest", *several(text, "target_environment_id name type"))
_KINDS = ("development", "production")


@route("GET", "/v1/environments", permission="environment:read", tenant_wide=True)
def list_environments(call: Call) -> dict[str, Any]:
    """A page of the tenant's environments, newest first; ``total`` is the page's length."""
    page = query_page(call, sort="ignored")
    rows = access_of(call.world).environments_of(call.tenant)[::-1][page.offset : page.offset + page.limit]
    return {"environments": rows, "total": len(rows), "offset": page.offset, "limit": page.limit}


def _environment(call: Call, identifier: str) -> Row:
    row = access_of(call.world).environment(identifier, call.tenant)
    if row is None:
        details = {"environment_id": identifier, "tenant_id": call.tenant}
        raise errors.not_found("Environment not found", details)
    return row


route("GET", "/v1/environments/:id", permission="environment:read", tenant_wide=True)(
    lambda call: _environment(call, call.params["id"])
)


def _add(call: Call, name: str, kind: str) -> Row:
    access = access_of(call.world)
    limit = settings.value(call.world, "tenant_config", call.environment, call.tenant).get(kind)
    existing = sum(row["type"] == kind for row in access.environments_of(call.tenant))
    if kind in _KINDS and limit is not None and existing >= limit:
        raise errors.validation(f"You have reached the maximum limit of {limit} {kind} environment(s)")
    return access.add_environment(call.world.new_id("env"), name, kind, call.tenant, call.now)


@route("POST", "/v1/environments", permission="environment:write", tenant_wide=True)
def create_environment(call: Call) -> Reply:
    """A new environment, within the tenant's limits; its type is not checked."""
    body = call.bind(_CREATE)
    return created(_add(call, body["name"], body["type"]))


@route("PUT", "/v1/environments/:id", permission="environment:write", tenant_wide=True)
def update_environment(call: Call) -> dict[str, Any]:
    """Rename an environment; its type cannot change."""
    body = call.bind(_UPDATE)
    row = _environment(call, call.params["id"])
    errors.refuse(body["type"] and body["type"] != row["type"], f'type is immutable; current type is "{row["type"]}"')
    row.update(name=body["name"] or row["name"], updated_at=call.now)
    return row


@route("POST", "/v1/environments/:id/clone", permission="environment:write", tenant_wide=True)
def clone_environment(call: Call) -> Reply:
    """Copy the catalog into another environment (contract 2.6)."""
    body = call.bind(_CLONE)
    source = _environment(call, call.params["id"])
    if body["target_environment_id"]:
        target = _environment(call, body["target_environment_id"])
    elif not body["name"]:
        raise errors.validation("Provide a name for the new environment or specify a target_environment_id")
    elif body["type"] not in _KINDS:
        raise errors.validation("type must be one of: development, production")
    else:
        target = _add(call, body["name"], body["type"])
    here, there = (Work(call.world, call.tenant, one["id"], call.user) for one in (source, target))
    clone_catalog(here, there)
    return accepted(
        {
            "message": "Environment clone workflow started successfully",
            "workflow_id": f"EnvironmentCloneWorkflow-{call.world.new_ulid()}",
            "run_id": call.world.new_ulid(),
        }
    )


@route("GET", "/v1/workflows/:id/:run/summary", permission="workflow:read")
def workflow_summary(_call: Call) -> dict[str, Any]:
    """Never found: a clone cannot be polled."""
    raise errors.not_found("Workflow not found")
