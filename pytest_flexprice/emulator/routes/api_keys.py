"""``/v1/secrets/api/keys`` (contract 1.7; recordings api_keys, service_accounts)."""

from __future__ import annotations

from typing import Any

from ..kernel import errors
from ..kernel.access import Key, access_of, account_of
from ..kernel.binding import Schema, field, instant, several, text
from ..kernel.call import Call, Caller, Reply, created, no_content
from ..kernel.lists import listing, query_page
from ..kernel.routing import route
from ..kernel.tables import Row

_MESSAGE = "Please check the request payload"
_CREATE = Schema(
    "CreateAPIKeyRequest",
    *several(text, "name type", "required", bound=True),
    field("expires_at", instant),
    field("service_account_id"),
)
_DRAWS = 64
_TYPES = ("private_key", "publishable_key")


def _owner(call: Call, account: str | None) -> Row:
    """The account that the new key is for: the caller, or a service account when a super_admin user asks."""
    if not account or account == call.caller.user_id:
        return access_of(call.world).users[call.caller.user_id]
    if not call.caller.super_admin_user:
        raise errors.permission_denied("Ask a tenant super_admin to mint or rotate service-account API keys")
    return account_of(call, account)


def _display(secret: str) -> str:
    return f"{secret[:5]}***{secret[-2:]}"


def _new_secret(call: Call) -> str:
    """A new key. Its last two characters are all that people see of it, so they are not those of another key while there is a choice."""
    shown = {_display(secret) for secret in access_of(call.world).keys}
    for _ in range(_DRAWS):
        secret = f"sk_{call.world.new_ulid()}"
        if _display(secret) not in shown:
            break
    return secret


@route("POST", "/v1/secrets/api/keys", permission="secret:write")
def create_key(call: Call) -> Reply:
    """A new key of the call's environment, with the account's roles of this moment; shown once."""
    body = call.bind(_CREATE, _MESSAGE)
    errors.refuse(body["type"] not in _TYPES, "Invalid secret type")
    owner = _owner(call, body["service_account_id"])
    secret = _new_secret(call)
    fields = {
        "name": body["name"],
        "type": body["type"],
        "provider": "flexprice",
        "display_id": _display(secret),
        "roles": list(owner["roles"]),
        "user_type": owner["type"],
        "user_id": owner["id"],
    }
    if body["expires_at"]:
        fields["expires_at"] = body["expires_at"]
    now = call.now
    row = Row(id=call.world.new_id("secret"), **fields, status="published", created_at=now, updated_at=now)
    caller = Caller(
        owner["id"], call.tenant, owner["type"], owner.get("email", ""), tuple(owner["roles"]), call.environment
    )
    access_of(call.world).keys[secret] = Key(secret, row, caller, body["expires_at"])
    return created({"secret": row, "api_key": secret})


@route("GET", "/v1/secrets/api/keys", permission="secret:read")
def list_keys(call: Call) -> dict[str, Any]:
    """The published private keys of the call's environment; a service account sees its own only."""
    page = query_page(call, sort="ignored")
    access = access_of(call.world)
    shown = []
    for key in access.keys.values():
        mine = key.caller.environment == call.environment and key.caller.tenant == call.tenant
        visible = call.caller.super_admin_user or key.row["user_id"] == call.caller.user_id
        if mine and visible and not key.deleted and key.row["type"] == "private_key":
            extra = {}
            if key.row["user_type"] == "service_account":
                extra["service_account_name"] = access.users[key.row["user_id"]]["name"]
            shown.append(key.row.public(**extra))
    return listing(shown[::-1], page)


@route("DELETE", "/v1/secrets/api/keys/:id", permission="secret:write")
def delete_key(call: Call) -> Reply:
    """Delete a key of the call's environment; one that was used lately lives on in the cache for a while."""
    identifier = call.params["id"]
    for key in access_of(call.world).keys.values():
        if key.row["id"] == identifier and key.caller.environment == call.environment:
            key.deleted = True
            key.row["status"] = "deleted"
            return no_content()
    raise errors.not_found("Secret not found", {"secret_id": identifier})
