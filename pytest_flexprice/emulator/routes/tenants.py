"""``/v1/tenants``: the caller's own tenant (contract 1.6)."""

from __future__ import annotations

from typing import Any

from ..kernel import errors
from ..kernel.access import access_of
from ..kernel.binding import Schema, field, go_name, strings
from ..kernel.call import Call
from ..kernel.routing import route
from ..kernel.tables import Row

_LENGTHS = {"line1": 255, "line2": 255, "city": 100, "state": 100, "postal_code": 20}
_ADDRESS = Schema(
    "Address",
    *(field(f"address_{name}", rules=f"omitempty,max={size}", go=go_name(name)) for name, size in _LENGTHS.items()),
    field("address_country", rules="omitempty,len=2,iso3166_1_alpha2", go="Country"),
)
_BILLING = Schema(
    "TenantBillingDetails", field("email"), field("help_email"), field("phone"), field("address", _ADDRESS)
)
_UPDATE = Schema("UpdateTenantRequest", field("name"), field("billing_details", _BILLING), field("metadata", strings))


def _own(call: Call) -> Row:
    return access_of(call.world).tenants[call.tenant]


@route("GET", "/v1/tenants/:id", tenant_wide=True)
def get_tenant(call: Call) -> Any:
    """The caller's tenant; every other one is refused, whether there is one or not."""
    if call.params["id"] != call.tenant:
        raise errors.permission_denied("Only your own tenant can be read")
    return _own(call)


@route("PUT", "/v1/tenants/update", permission="tenant:write", tenant_wide=True)
def update_tenant(call: Call) -> Any:
    """Change name and metadata of the caller's tenant; billing details that are not given are lost."""
    body = call.bind(_UPDATE, "Please check the request payload")
    tenant = _own(call)
    changes = {"name": body["name"] or tenant["name"], "billing_details": _details(body["billing_details"])}
    if body["metadata"] is not None:
        changes["metadata"] = body["metadata"]
    tenant.update({**changes, "updated_at": call.now})
    return tenant


def _details(given: dict[str, Any] | None) -> dict[str, Any]:
    given = given or dict.fromkeys(("email", "help_email", "phone", "address"))
    address = given["address"] or {f"address_{name}": None for name in (*_LENGTHS, "country")}
    words = {name: given[name] for name in ("email", "help_email", "phone") if given[name]}
    return {**words, "address": {name: value or "" for name, value in address.items()}}


@route("GET", "/v1/tenants/billing", tenant_wide=True)
def tenant_billing(_call: Call) -> dict[str, Any]:
    """What the tenant itself owes: a self-hosted server has no such customer."""
    return {"subscriptions": None, "usage": None}
