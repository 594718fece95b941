"""Tenants, environments, accounts, roles and keys: the data behind authentication (contract 1.2–1.7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from . import errors
from .call import Call, Caller
from .options import DEFAULT_TENANT, PRODUCTION, SANDBOX
from .tables import Row
from .world import World

ROLES: dict[str, dict[str, list[str]]] = {
    "all_reader": {"*": ["read"]},
    "all_writer": {"*": ["read", "write"]},
    "event_ingestor": {"event": ["write"]},
    "event_reader": {"event": ["read"]},
    "super_admin": {"*": ["*"]},
}
"""What each role may do: entity to actions, ``*`` for all."""

DEFAULT_USER = DEFAULT_TENANT
DEFAULT_EMAIL = "admin@flexprice.dev"


def allowed(roles: Iterable[str], permission: str) -> bool:
    """Whether any of the roles grants ``entity:action``."""
    entity, _, action = permission.partition(":")
    for role in roles:
        for name, actions in ROLES.get(role, {}).items():
            if name in ("*", entity) and ("*" in actions or action in actions):
                return True
    return False


@dataclass
class Key:
    """A key of the database. ``row`` is its published form; ``seen`` the first use of the running cache period."""

    secret: str
    row: Row
    caller: Caller
    expires_at: datetime | None = None
    deleted: bool = False
    seen: datetime | None = None


@dataclass
class Access:
    """Who there is. Tenants, environments and users are rows; keys are found by their secret."""

    tenants: dict[str, Row] = field(default_factory=dict)
    environments: dict[str, Row] = field(default_factory=dict)
    users: dict[str, Row] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)

    def environments_of(self, tenant: str) -> list[Row]:
        """The environments of a tenant, oldest first."""
        return [row for row in self.environments.values() if row["_tenant"] == tenant]

    def environment(self, identifier: str | None, tenant: str) -> Row | None:
        """The tenant's environment of that id."""
        row = self.environments.get(identifier or "")
        return row if row is not None and row["_tenant"] == tenant else None

    def database_caller(self, secret: str, now: datetime, cache_seconds: float) -> Caller | None:
        """Who the key stands for, with the cache that keeps a deleted key alive for a while (contract 1.7)."""
        key = self.keys.get(secret)
        if key is None or key.row["type"] != "private_key" or (key.expires_at is not None and key.expires_at <= now):
            return None
        if key.seen is None or now >= key.seen + timedelta(seconds=cache_seconds):
            if key.deleted:
                return None
            key.seen = now
        return key.caller

    def add_environment(self, identifier: str, name: str, kind: str, tenant: str, now: datetime) -> Row:
        row = Row(id=identifier, name=name, type=kind, created_at=now, updated_at=now, _tenant=tenant)
        self.environments[identifier] = row
        return row

    def add_tenant(self, identifier: str, name: str, now: datetime) -> Row:
        parts = ("line1", "line2", "city", "state", "postal_code", "country")
        row = Row(
            id=identifier,
            name=name,
            billing_details={"address": {f"address_{part}": "" for part in parts}},
            status="published",
            created_at=now,
            updated_at=now,
            metadata=None,
        )
        self.tenants[identifier] = row
        return row

    def add_user(self, identifier: str, tenant: str, now: datetime, **fields: Any) -> Row:
        """Store an account; ``fields`` has email or name, type, roles."""
        row = Row(id=identifier, _tenant=tenant, status="published", created_at=now, updated_at=now, **fields)
        self.users[identifier] = row
        return row


def _fresh(world: World) -> Access:
    access = Access()
    now = world.clock.now()
    access.add_tenant(DEFAULT_TENANT, "Default Tenant", now)
    access.add_environment(SANDBOX, "Sandbox", "development", DEFAULT_TENANT, now)
    access.add_environment(PRODUCTION, "Production", "production", DEFAULT_TENANT, now)
    access.add_user(DEFAULT_USER, DEFAULT_TENANT, now, email=DEFAULT_EMAIL, type="user", roles=["super_admin"])
    return access


def access_of(world: World) -> Access:
    """The world's access data; a fresh world has one tenant, one user, Sandbox and Production."""
    return world.part("access", _fresh)


def account_of(call: Call, identifier: str) -> Row:
    """An account of the caller's tenant; else 404."""
    user = access_of(call.world).users.get(identifier)
    if user is None or user["_tenant"] != call.tenant:
        raise errors.not_found("User not found", {"tenant_id": call.tenant, "user_id": identifier})
    return user


def config_caller() -> Caller:
    """The caller behind the server-config key."""
    return Caller(DEFAULT_USER, DEFAULT_TENANT, "user", DEFAULT_EMAIL, ("super_admin",))
