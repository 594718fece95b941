"""Sign-up and login of a person (recording dashboard_login)."""

from __future__ import annotations

import hmac
from typing import Any

from ..kernel import auth, errors
from ..kernel.access import access_of
from ..kernel.binding import Schema, field
from ..kernel.call import Call
from ..kernel.routing import route
from ..kernel.tables import Row

_SIGNUP = Schema(
    "SignUpRequest",
    field("email", rules="required,email"),
    field("password", rules="required,min=8"),
    field("tenant_name"),
)
_LOGIN = Schema("LoginRequest", field("email", rules="required,email"), field("password", rules="required"))


def _session(call: Call, user: Row) -> dict[str, Any]:
    return {"token": auth.issue(call.world, user), "user_id": user["id"], "tenant_id": user["_tenant"]}


def _by_email(call: Call, email: str) -> Row | None:
    users = access_of(call.world).users.values()
    return next((user for user in users if user.get("email", "").lower() == email.lower()), None)


@route("POST", "/v1/auth/signup", public=True)
def sign_up(call: Call) -> dict[str, Any]:
    """A tenant of its own with one environment, "Sandbox", and its first super_admin."""
    body = call.bind(_SIGNUP)
    if _by_email(call, body["email"]):
        raise errors.conflict("An account with this email already exists", {"email": body["email"]})
    access, world, now = access_of(call.world), call.world, call.now
    tenant = access.add_tenant(world.new_id("tenant"), body["tenant_name"] or "Flexprice", now)
    access.add_environment(world.new_id("env"), "Sandbox", "development", tenant["id"], now)
    known = {"email": body["email"], "type": "user", "roles": ["super_admin"], "_password": body["password"]}
    user = access.add_user(world.new_id("user"), tenant["id"], now, **known)
    return _session(call, user)


@route("POST", "/v1/auth/login", public=True)
def log_in(call: Call) -> dict[str, Any]:
    """A session for an e-mail and its password."""
    body = call.bind(_LOGIN)
    user = _by_email(call, body["email"])
    if user is None:
        raise errors.not_found("User not found")
    known = str(user.get("_password") or "")
    if not known or not hmac.compare_digest(known.encode(), body["password"].encode("utf-8", "replace")):
        raise errors.validation("Invalid password")
    return _session(call, user)
