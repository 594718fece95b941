"""A person's session: signed tokens (HS256), good for this world only (recording dashboard_login)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from datetime import timedelta
from typing import Any

from .access import access_of
from .call import Caller
from .world import World

LIFETIME = timedelta(days=30)
_HEADER = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=").decode()


def _secret(world: World) -> bytes:
    return world.part("session_secret", lambda _world: secrets.token_bytes(32))


def _signature(world: World, signed: str) -> str:
    digest = hmac.new(_secret(world), signed.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def issue(world: World, user: dict[str, Any]) -> str:
    """A token for a user's row."""
    claims = {
        "user_id": user["id"],
        "tenant_id": user["_tenant"],
        "email": user["email"],
        "exp": int((world.clock.now() + LIFETIME).timestamp()),
    }
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    signed = f"{_HEADER}.{payload}"
    return f"{signed}.{_signature(world, signed)}"


def read(world: World, token: str) -> Caller | None:
    """Who a token stands for; ``None`` when it is not ours, altered or expired."""
    signed, _, signature = token.rpartition(".")
    if not signed.startswith(_HEADER + ".") or not token.isascii():
        return None
    if not hmac.compare_digest(_signature(world, signed), signature):
        return None
    payload = signed.partition(".")[2]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, binascii.Error):
        return None
    user = access_of(world).users.get(claims["user_id"])
    if user is None or claims["exp"] <= world.clock.now().timestamp():
        return None
    return Caller(user["id"], user["_tenant"], "user", user["email"], tuple(user["roles"]))
