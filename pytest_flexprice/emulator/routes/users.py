"""``/v1/users`` and ``/v1/rbac/roles`` (contract 1.6, 1.7; recordings access, service_accounts)."""

from __future__ import annotations

from typing import Any

from ..access import ROLES, access_of
from ..call import Call
from ..routing import route

_DESCRIPTIONS = {
    "all_reader": "Provides read-only access to all resources and operations.",
    "all_writer": "Provides read and write access to all resources and operations, excluding user, role, and "
    "administrative management.",
    "event_ingestor": "Provides write-only access to event ingestion. Intended for services that only submit events.",
    "event_reader": "Provides read-only access to events. Intended for services that only consume or inspect events.",
    "super_admin": "Provides unrestricted access to all resources, operations, and administrative settings.",
}


def role_views() -> list[dict[str, Any]]:
    """The published form of every role."""
    return [
        {
            "id": name,
            "name": name.replace("_", " ").title(),
            "description": _DESCRIPTIONS[name],
            "permissions": permissions,
        }
        for name, permissions in ROLES.items()
    ]


@route("GET", "/v1/rbac/roles")
def list_roles(_call: Call) -> dict[str, Any]:
    """All roles."""
    return {"roles": role_views()}


@route("GET", "/v1/users/me", tenant_wide=True)
def me(call: Call) -> dict[str, Any]:
    """The account behind the key; no permission needed."""
    access = access_of(call.world)
    user = access.users[call.caller.user_id]
    shown = {k: user[k] for k in ("id", "name", "email", "type", "roles", "metadata") if user.get(k)}
    return {**shown, "tenant": access.tenants[call.tenant]}
