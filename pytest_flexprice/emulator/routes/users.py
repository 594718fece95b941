"""``/v1/users`` and ``/v1/rbac/roles`` (contract 1.6, 1.7; recordings access, service_accounts)."""

from __future__ import annotations

import secrets
from typing import Any

from ..kernel import errors, settings
from ..kernel.access import ROLES, access_of, account_of
from ..kernel.binding import Schema, array, field, strings, text
from ..kernel.call import Call, Reply, created, no_content
from ..kernel.resource import Filter, Resource, among
from ..kernel.routing import route
from ..kernel.tables import Row

_DESCRIPTIONS = {
    "all_reader": "Provides read-only access to all resources and operations.",
    "all_writer": "Provides read and write access to all resources and operations, excluding user, role, and "
    "administrative management.",
    "event_ingestor": "Provides write-only access to event ingestion. Intended for services that only submit events.",
    "event_reader": "Provides read-only access to events. Intended for services that only consume or inspect events.",
    "super_admin": "Provides unrestricted access to all resources, operations, and administrative settings.",
}
_ALLOWED = {
    "user": ("super_admin", "all_writer", "all_reader"),
    "service_account": ("super_admin", "event_ingestor", "event_reader"),
}
_CREATE = Schema(
    "CreateUserRequest",
    field("type", rules="required", bound=True),
    field("name"),
    field("email", rules="omitempty,email"),
    field("roles", array(text)),
)
_ROLES = Schema("UpdateUserRolesRequest", field("roles", array(text), "required,min=1"))
_PROFILE = Schema("UpdateUserRequest", field("name"), field("metadata", strings))
_RENAME = Schema("UpdateServiceAccountRequest", field("name"))


def _role(name: str) -> dict[str, Any]:
    title = name.replace("_", " ").title()
    return {"id": name, "name": title, "description": _DESCRIPTIONS[name], "permissions": ROLES[name]}


@route("GET", "/v1/rbac/roles")
def list_roles(call: Call) -> dict[str, Any]:
    """All roles, or those that accounts of a ``user_type`` may have."""
    kind = call.query.get("user_type")
    errors.require_one_of(_ALLOWED, kind, "user type", "type")
    return {"roles": [_role(name) for name in ROLES if not kind or name in _ALLOWED[kind]]}


@route("GET", "/v1/rbac/roles/:id")
def get_role(call: Call) -> dict[str, Any]:
    if call.params["id"] not in ROLES:
        raise errors.not_found("Role not found", {"role_id": call.params["id"]})
    return _role(call.params["id"])


def _view(call: Call, user: Row) -> dict[str, Any]:
    shown = {k: user[k] for k in ("id", "name", "email", "type", "roles", "metadata") if user.get(k)}
    return {**shown, "tenant": access_of(call.world).tenants[call.tenant]}


USERS = Resource(
    "users",
    ("name", "email", "type", "roles"),
    (
        Filter("type", text),
        among("user_ids", "id"),
        Filter("roles", array(text), lambda row, given: not set(given).isdisjoint(row["roles"])),
    ),
    view=lambda call, row, _page: _view(call, row),
)


route("GET", "/v1/users/me", tenant_wide=True)(  # no permission needed
    lambda call: _view(call, access_of(call.world).users[call.caller.user_id])
)


def _checked_roles(kind: str, roles: list[str]) -> list[str]:
    for role in roles:
        if role not in ROLES or role not in _ALLOWED[kind]:
            details = {"role": role, "user_type": kind, "allowed_roles": list(_ALLOWED[kind])}
            raise errors.validation(f"Role '{role}' cannot be assigned to a '{kind}' account", details)
    return roles


@route("POST", "/v1/users", permission="user:write", tenant_wide=True)
def create_user(call: Call) -> Reply:
    """A new account: a service account with roles, or a person, who gets a password."""
    body = call.bind(_CREATE)
    kind = body["type"]
    errors.require_one_of(_ALLOWED, kind, "user type", "type")
    roles = _checked_roles(kind, body["roles"] or [])
    errors.refuse(kind == "service_account" and not roles, "Service accounts require role assignment")
    errors.refuse(kind == "user" and not body["email"], "Email is required for user accounts")
    access = access_of(call.world)
    people = [u for u in access.users.values() if u["_tenant"] == call.tenant and u["status"] == "published"]
    if kind == "user" and any(u.get("email") == body["email"] for u in access.users.values()):
        raise errors.conflict("An account with this email already exists", {"email": body["email"]})
    limit = settings.value(call.world, "tenant_config", call.environment, call.tenant)["max_users"]
    errors.refuse(len(people) >= limit, f"You have reached the maximum limit of {limit} user(s)")
    password = secrets.token_urlsafe(12) if kind == "user" else ""
    known = {"name": body["name"] or "", "email": body["email"] or "", "type": kind, "roles": roles or ["super_admin"]}
    user = access.add_user(call.world.new_id("user"), call.tenant, call.now, **known, _password=password)
    shown = _view(call, user)
    return created({**shown, "password": password} if password else shown)


@route("POST", "/v1/users/search", permission="user:read", tenant_wide=True)
def search_users(call: Call) -> dict[str, Any]:
    """The tenant's service accounts, newest first."""
    values, page = USERS.asked_by_body(call)
    kind = values["type"] or "service_account"
    everybody = access_of(call.world).users.values()
    mine = [user for user in everybody if user["_tenant"] == call.tenant and user["type"] == kind]
    return USERS.answer(call, values, page, mine)


@route("PUT", "/v1/users/me", tenant_wide=True)
def update_me(call: Call) -> dict[str, Any]:
    """Change the caller's own name and metadata."""
    body = call.bind(_PROFILE)
    user = access_of(call.world).users[call.caller.user_id]
    changes = {name: value for name, value in body.items() if value is not None}
    user.update({**changes, "updated_at": call.now})
    return _view(call, user)


@route("PUT", "/v1/users/:id", permission="user:write", tenant_wide=True)
def rename_account(call: Call) -> dict[str, Any]:
    body = call.bind(_RENAME)
    user = account_of(call, call.params["id"])
    errors.refuse(user["type"] != "service_account", "Only service accounts can be updated")
    errors.refuse(not body["name"], "Please provide a name for the service account")
    user.update(name=body["name"], updated_at=call.now)
    return _view(call, user)


def _living_keys(call: Call, user: Row) -> dict[str, list[Row]]:
    """An account's keys that are neither deleted nor expired, by environment."""
    found: dict[str, list[Row]] = {}
    for key in access_of(call.world).keys.values():
        living = not key.deleted and (key.expires_at is None or key.expires_at > call.now)
        if living and key.row["user_id"] == user["id"]:
            found.setdefault(key.caller.environment or "", []).append(key.row)
    return found


def _refuse_keys(call: Call, user: Row) -> None:
    """What the documentation shows for an account that has keys: which ones, in which environments."""
    keys = _living_keys(call, user)
    if keys:
        shown = {
            environment: {
                "env_name": access_of(call.world).environments[environment]["name"],
                "api_keys": [{"id": row["id"], "key_name": row["name"]} for row in rows],
            }
            for environment, rows in keys.items()
        }
        details = {
            "id": user["id"],
            "active_api_key_count": sum(map(len, keys.values())),
            "active_api_keys": shown,
        }
        raise errors.validation("Expire this user's existing API keys before changing their role", details)


@route("PUT", "/v1/users/:id/roles", tenant_wide=True)
def change_roles(call: Call) -> dict[str, Any]:
    """Change another person's roles, as long as there are no keys; those of a service account are fixed at its creation.

    In the words of the documentation's page on roles.
    """
    body = call.bind(_ROLES)
    if not call.caller.super_admin_user:
        raise errors.permission_denied("Ask a tenant super_admin to update this user's roles")
    user = account_of(call, call.params["id"])
    if user["id"] == call.caller.user_id:
        raise errors.permission_denied("Ask another super_admin to change your roles")
    errors.refuse(user["type"] != "user", "Service account roles are fixed at creation and cannot be changed")
    roles = _checked_roles(user["type"], body["roles"])
    _refuse_keys(call, user)
    user.update(roles=roles, updated_at=call.now)
    return _view(call, user)


@route("DELETE", "/v1/users/:id", permission="user:write", tenant_wide=True)
def delete_user(call: Call) -> Reply:
    """Archive a service account without keys."""
    user = account_of(call, call.params["id"])
    errors.refuse(user["type"] != "service_account", "Only service accounts can be archived")
    errors.refuse(_living_keys(call, user), "Revoke all API keys before archiving this service account")
    user["status"] = "archived"
    return no_content()
