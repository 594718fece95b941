"""A person's session: a token that is good for this world only (recording dashboard_login)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from .access import access_of
from .call import Caller
from .jwt import Signer
from .world import World

LIFETIME = timedelta(days=30)


def _signer(world: World) -> Signer:
    return world.part("sessions", lambda _world: Signer())


def issue(world: World, user: dict[str, Any]) -> str:
    """A token for a user's row."""
    until = int((world.clock.now() + LIFETIME).timestamp())
    known = {"user_id": user["id"], "tenant_id": user["_tenant"], "email": user["email"]}
    return _signer(world).issue(**known, exp=until)


def read(world: World, token: str) -> Caller | None:
    """Who a token stands for; ``None`` when it is not ours, altered or expired."""
    claims = _signer(world).read(token, world.clock.now())
    user = access_of(world).users.get(claims["user_id"]) if claims else None
    if user is None:
        return None
    return Caller(user["id"], user["_tenant"], "user", user["email"], tuple(user["roles"]))
