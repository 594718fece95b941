"""``/v1/tenants`` and ``/v1/tenant/billing``: the caller's own tenant (contract 1.6)."""

from __future__ import annotations

from typing import Any

from ..kernel import errors
from ..kernel.access import access_of
from ..kernel.binding import Schema, field, strings
from ..kernel.call import Call
from ..kernel.routing import route
from ..kernel.tables import Row

_LENGTHS = {"line1": 255, "line2": 255, "city": 100, "state": 100, "postal_code": 20}
_ADDRESS = Schema(
    "Address",
    *(field(f"address_{name}", rules=f"omitempty,max={length}") for name, length in _LENGTHS.items()),
    field("address_country", rules="omitempty,len=2,iso3166_1_alpha2"),
)
_BILLING = Schema(
    "TenantBillingDetails",
    field("email", rules="omitempty,email"),
    field("help_email", rules="omitempty,email"),
    field("phone"),
    field("address", _ADDRESS),
)
_UPDATE = Schema("UpdateTenantRequest", field("name"), field("billing_details", _BILLING), field("metadata", strings))


def _own(call: Call) -> Row:
    return access_of(call.world).tenants[call.tenant]


@route("GET", "/v1/tenants/:id", tenant_wide=True)
def get_tenant(call: Call) -> Any:
    """The caller's tenant; every other one is unknown."""
    identifier = call.params["id"]
    if identifier != call.tenant:
        raise errors.not_found(f"Tenant with ID {identifier} was not found", {"tenant_id": identifier})
    return _own(call)


@route("PUT", "/v1/tenants/update", permission="tenant:write", tenant_wide=True)
def update_tenant(call: Call) -> Any:
    """Change name, billing details and metadata of the caller's tenant."""
    body = call.bind(_UPDATE)
    tenant = _own(call)
    changes = {name: body[name] for name in ("name", "metadata") if body[name] is not None}
    if body["billing_details"]:
        changes["billing_details"] = _details(body["billing_details"])
    tenant.update({**changes, "updated_at": call.now})
    return tenant


def _details(given: dict[str, Any]) -> dict[str, Any]:
    address = given["address"] or {f"address_{name}": None for name in (*_LENGTHS, "country")}
    words = {name: given[name] for name in ("email", "help_email", "phone") if given[name]}
    return {**words, "address": {name: value or "" for name, value in address.items()}}


# What the tenant itself owes: a self-hosted server has no such customer.
route("GET", "/v1/tenant/billing", tenant_wide=True)(lambda _call: {"subscriptions": [], "usage": None})
