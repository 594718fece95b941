"""Authentication, environment and permission of a request, in the real server's order (contract 1.1–1.3, 1.7)."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from . import errors
from .access import access_of, allowed, config_caller
from .call import Caller
from .jwt import Signer
from .routing import Route
from .world import World

SUPER_ADMIN_ONLY = "This action requires a user account with Super Admin access"


def authenticate(world: World, headers: Mapping[str, str]) -> Caller:
    """Who calls: a server-config key, then a database key, then a session; else 401."""
    secret = headers.get("x-api-key", "")
    if secret:
        if hmac.compare_digest(secret.encode("utf-8", "replace"), world.options.api_key.encode()):
            return config_caller()
        known = access_of(world).database_caller(secret, world.clock.now(), world.options.key_cache_seconds)
        if known is not None:
            return known
    authorization = headers.get("authorization", "")
    if not authorization:
        raise errors.unauthorized()
    scheme, space, token = authorization.partition(" ")
    if scheme != "Bearer" or not space:
        raise errors.unauthorized("Invalid authorization header format")
    session = session_of(world, token)
    if session is None:
        raise errors.unauthorized("Invalid token")
    return session


def environment_of(world: World, caller: Caller, headers: Mapping[str, str], *, tenant_wide: bool) -> str:
    """The environment id of the request: the key's own, else the header's; else 403 (contract 1.3)."""
    if caller.environment is not None:
        return caller.environment
    given = headers.get("x-environment-id")
    if not given and tenant_wide:
        return ""
    row = access_of(world).environment(given, caller.tenant)
    if row is None:
        raise errors.access_denied("Invalid or inaccessible environment")
    return str(row["id"])


def check_permission(route: Route, caller: Caller) -> None:
    """Refuse with 403 what the key's roles do not allow."""
    if route.super_admin and not caller.super_admin_user:
        raise errors.forbidden(SUPER_ADMIN_ONLY)
    if route.permission and not allowed(caller.roles, route.permission):
        raise errors.forbidden("insufficient permissions")


LIFETIME = timedelta(days=30)


def _signer(world: World) -> Signer:
    return world.part("sessions", lambda _world: Signer())


def issue(world: World, user: dict[str, Any]) -> str:
    """A token for a user's row."""
    until = int((world.clock.now() + LIFETIME).timestamp())
    known = {"user_id": user["id"], "tenant_id": user["_tenant"], "email": user["email"]}
    return _signer(world).issue(**known, exp=until)


def session_of(world: World, token: str) -> Caller | None:
    """Who a token stands for; ``None`` when it is not ours, altered or expired."""
    claims = _signer(world).read(token, world.clock.now())
    user = access_of(world).users.get(claims["user_id"]) if claims else None
    if user is None:
        return None
    return Caller(user["id"], user["_tenant"], "user", user["email"], tuple(user["roles"]))
