"""``/v1/users`` and ``/v1/rbac/roles`` (contract 1.6, 1.7; recordings access, service_accounts)."""

from __future__ import annotations

import secrets
from typing import Any

from ..kernel import errors, settings
from ..kernel.access import ROLES, Key, access_of, allowed
from ..kernel.binding import Schema, array, field, strings, text
from ..kernel.call import Call, Reply, created, no_content
from ..kernel.lists import PAGE_FIELDS
from ..kernel.resource import Filter, Resource, among, idle
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
    "service_account": ("super_admin", "event_ingestor", "event_reader"),
    "user": ("super_admin", "all_writer", "all_reader"),
}
_CREATE = Schema(
    "CreateUserRequest",
    field("type", rules="required", bound=True),
    field("name"),
    field("email", rules="omitempty,email"),
    field("roles", array(text)),
)
_ROLES = Schema("UpdateUserRolesRequest", field("roles", array(text)))
_PROFILE = Schema("UpdateUserRequest", field("name"), field("metadata", strings))
_RENAME = Schema("UpdateServiceAccountRequest", field("name", rules="required", bound=True))


def _role(name: str) -> dict[str, Any]:
    title = name.replace("_", " ").title()
    return {"id": name, "name": title, "description": _DESCRIPTIONS[name], "permissions": ROLES[name]}


@route("GET", "/v1/rbac/roles")
def list_roles(call: Call) -> dict[str, Any]:
    """All roles, or those that accounts of a ``user_type`` may have."""
    kind = call.query.get("user_type")
    if kind and kind not in _ALLOWED:
        raise errors.validation("Invalid user type", {"type": kind, "allowed": list(_ALLOWED)})
    return {"roles": [_role(name) for name in ROLES if not kind or name in _ALLOWED[kind]]}


@route("GET", "/v1/rbac/roles/:id")
def get_role(call: Call) -> dict[str, Any]:
    """One role."""
    if call.params["id"] not in ROLES:
        raise errors.BareError(404, {"error": "Role not found"})
    return {"role": _role(call.params["id"])}


def _view(call: Call, user: Row) -> dict[str, Any]:
    shown = {k: user[k] for k in ("id", "name", "email", "type", "roles", "metadata") if user.get(k)}
    return {**shown, "tenant": access_of(call.world).tenants[call.tenant]}


USERS = Resource(
    "users",
    "User",
    ("email", "type"),
    (Filter("type", text), among("user_ids", "id"), idle("roles")),
    paged=False,
    view=lambda call, row, _page: _view(call, row),
)


@route("GET", "/v1/users/me", tenant_wide=True)
def me(call: Call) -> dict[str, Any]:
    """The account behind the key; no permission needed."""
    return _view(call, access_of(call.world).users[call.caller.user_id])


def _checked_roles(kind: str, roles: list[str]) -> list[str]:
    for role in roles:
        if role not in ROLES:
            raise errors.validation(f"There is no role '{role}'", {"role": role})
        if role not in _ALLOWED[kind]:
            details = {"role": role, "user_type": kind, "allowed_roles": list(_ALLOWED[kind])}
            raise errors.validation(f"Role '{role}' cannot be assigned to a '{kind}' account", details)
    if "super_admin" in roles and len(roles) > 1:
        raise errors.validation("The role super_admin contains every other one")
    return roles


def _require_grantable(call: Call, roles: list[str]) -> None:
    """Nobody gives more than they have."""
    own = call.caller.roles
    for role in roles:
        for entity, actions in ROLES[role].items():
            for action in actions:
                if not allowed(own, f"{entity}:{action}"):
                    details = {"role": role, "entity": entity, "action": action, "caller_roles": list(own)}
                    raise errors.permission_denied(f"Role '{role}' exceeds your own access", details)


@route("POST", "/v1/users", permission="user:write", tenant_wide=True)
def create_user(call: Call) -> Reply:
    """A new account: a service account with roles, or a person, who gets a password."""
    body = call.bind(_CREATE)
    kind = body["type"]
    if kind not in _ALLOWED:
        raise errors.validation("Invalid user type", {"type": kind, "allowed": list(_ALLOWED)})
    if kind == "service_account" and not body["roles"]:
        raise errors.validation("Service accounts require role assignment")
    if kind == "user" and not body["email"]:
        raise errors.validation("Email is required for user accounts")
    if kind == "service_account" and body["email"]:
        raise errors.validation("A service account has no email")
    if kind == "user" and "super_admin" not in call.caller.roles:
        raise errors.permission_denied("Ask a tenant super_admin to invite users")
    roles = _checked_roles(kind, body["roles"] or [])
    _require_grantable(call, roles)
    access = access_of(call.world)
    if kind == "user":
        _require_seat(call, body["email"])
    now = call.now
    password = secrets.token_urlsafe(12) if kind == "user" else ""
    user = access.add_user(
        call.world.new_id("user"),
        call.tenant,
        name=body["name"] or "",
        email=body["email"] or "",
        type=kind,
        roles=roles or ["super_admin"],
        status="published",
        created_at=now,
        updated_at=now,
        _password=password,
    )
    shown = _view(call, user)
    return created({**shown, "password": password} if password else shown)


def _require_seat(call: Call, email: str) -> None:
    """Refuse another person with that address, or more accounts than the tenant may have."""
    everybody = [user for user in access_of(call.world).users.values() if user["status"] == "published"]
    mine = [user for user in everybody if user["_tenant"] == call.tenant]
    if any(user.get("email") == email for user in mine):
        raise errors.conflict("An account with this email already exists", {"email": email})
    limit = settings.value(call.world, "tenant_config", call.environment, call.tenant)["max_users"]
    if len(mine) >= limit:
        details = {"max_users": limit, "current_active_users": len(mine)}
        raise errors.validation(f"You have reached the maximum limit of {limit} user(s)", details)


@route("POST", "/v1/users/search", permission="user:read", tenant_wide=True)
def search_users(call: Call) -> Any:
    """The tenant's published accounts of a type, service accounts by default, newest first; no other status is asked for."""
    values, page = USERS.asked_by_body(call)
    if all(values[each.name] is None for each in PAGE_FIELDS):
        return Reply(500, text="", content_type="")  # the real server crashes without any field of a page
    kind = values["type"] or "service_account"
    page.status, page.filters = None, []
    page.sort = [each for each in page.sort if each["field"] in ("created_at", *USERS.columns)]
    everybody = access_of(call.world).users.values()
    mine = [user for user in everybody if user["_tenant"] == call.tenant and user["type"] == kind]
    return USERS.answer(call, values, page, mine)


@route("PUT", "/v1/users/me", permission="user:write", tenant_wide=True)
def update_me(call: Call) -> dict[str, Any]:
    """Change the caller's own name, and add to the metadata."""
    body = call.bind(_PROFILE)
    user = access_of(call.world).users[call.caller.user_id]
    merged = {**(user.get("metadata") or {}), **(body["metadata"] or {})}
    user.update(name=body["name"] or user.get("name"), metadata=merged, updated_at=call.now)
    return _view(call, user)


@route("PUT", "/v1/users/:id", permission="user:write", tenant_wide=True)
def rename_account(call: Call) -> dict[str, Any]:
    """Rename a service account."""
    body = call.bind(_RENAME)
    user = _account(call)
    if user["type"] != "service_account":
        raise errors.not_found("User not found", {"id": user["id"]})
    if user["status"] != "published":
        raise errors.validation("This service account is archived", {"id": user["id"]})
    user.update(name=body["name"], updated_at=call.now)
    return _view(call, user)


def _account(call: Call) -> Row:
    user = access_of(call.world).users.get(call.params["id"])
    if user is None or user["_tenant"] != call.tenant:
        raise errors.not_found("User not found", {"tenant_id": call.tenant, "user_id": call.params["id"]})
    return user


def _living_keys(call: Call, user: Row) -> list[Key]:
    """An account's keys that are neither deleted nor expired."""
    return [
        key
        for key in access_of(call.world).keys.values()
        if key.row["user_id"] == user["id"]
        and not key.deleted
        and (key.expires_at is None or key.expires_at > call.now)
    ]


def _told(call: Call, user: Row, keys: list[Key]) -> dict[str, Any]:
    """An account's keys by environment, as a refusal names them."""
    found: dict[str, Any] = {}
    for key in keys:
        environment = access_of(call.world).environments[key.caller.environment or ""]
        shown = found.setdefault(environment["id"], {"env_name": environment["name"], "api_keys": []})
        shown["api_keys"].append({"id": key.row["id"], "key_name": key.row["name"]})
    return {"id": user["id"], "active_api_keys": found, "active_api_key_count": len(keys)}


@route("PUT", "/v1/users/:id/roles", super_admin=True, tenant_wide=True)
def change_roles(call: Call) -> dict[str, Any]:
    """Change another person's roles, as long as there are no keys; those of a service account are fixed at its creation."""
    body = call.bind(_ROLES)
    if not body["roles"] or "" in body["roles"]:
        raise errors.validation("Name at least one role, and none that is empty")
    if call.params["id"] == call.caller.user_id:
        raise errors.permission_denied("You cannot update your own roles")
    user = _account(call)
    if user["type"] != "user":
        details = {"id": user["id"], "type": user["type"]}
        raise errors.validation("Roles can only be updated for user accounts", details)
    roles = _checked_roles(user["type"], body["roles"])
    if keys := _living_keys(call, user):
        details = _told(call, user, keys)
        raise errors.validation("Revoke all API keys before changing this user's roles", details)
    user.update(roles=roles, updated_at=call.now)
    return _view(call, user)


@route("DELETE", "/v1/users/:id", permission="user:write", tenant_wide=True)
def delete_user(call: Call) -> Reply:
    """Archive a service account without keys."""
    user = _account(call)
    if user["type"] != "service_account":
        raise errors.validation("Only service accounts can be archived")
    if _living_keys(call, user):
        raise errors.validation("Revoke all API keys before archiving this service account")
    if user["status"] != "published":
        raise errors.not_found("User not found", {"tenant_id": call.tenant, "user_id": user["id"]})
    user["status"] = "archived"
    return no_content()
