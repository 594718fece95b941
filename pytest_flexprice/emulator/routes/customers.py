"""``/v1/customers`` (contract 4.1; recordings customers, customer_changes, pagination)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..billing import promises
from ..billing.scope import customer_by_external_id
from ..kernel import errors
from ..kernel.binding import Schema, array, boolean, field, mapping, strings
from ..kernel.call import Call, Reply, created, no_content
from ..kernel.resource import Resource, address, among, equal, free, metadata, storable
from ..kernel.routing import route
from ..kernel.tables import Row
from .deal_requests import TAX_OVERRIDE

_LENGTHS = {
    "address_line1": 255,
    "address_line2": 255,
    "address_city": 100,
    "address_state": 100,
    "address_postal_code": 20,
}
_COLUMNS = ("external_id", "name", "email", "contact", "timezone", *_LENGTHS, "address_country", "metadata")
CUSTOMERS = Resource(
    "customers",
    _COLUMNS,
    (
        equal("external_id"),
        among("external_ids", "external_id"),
        among("customer_ids", "id"),
        equal("email", kind=address),
        metadata(),
    ),
)
CUSTOMERS.serve("/v1/customers", one=True)


_FIELDS = (
    field("external_id", rules="required"),
    field("name", rules="required,max=255"),
    field("email", rules="omitempty,email"),
    field("contact", rules="omitempty,max=20"),
    *(field(name, rules=f"omitempty,max={length}") for name, length in _LENGTHS.items()),
    field("address_country", rules="omitempty,len=2,iso3166_1_alpha2"),
    field("timezone", rules="omitempty,timezone"),
    field("metadata", strings),
)
_CREATE = Schema(
    "CreateCustomerRequest",
    *_FIELDS,
    field("tax_rate_overrides", array(TAX_OVERRIDE), "dive"),
    field("onboarding_workflow_name"),
    field("skip_onboarding_workflow", boolean),
    field("integration_entity_mapping", array(mapping)),
)
_FREE = {"external_id": (), "name": ()}
"""An update may leave them out, and does not measure a name."""
_UPDATE = Schema("UpdateCustomerRequest", *(replace(f, rules=_FREE.get(f.name, f.rules)) for f in _FIELDS))


_TAKEN = "A customer with this identifier already exists"


@route("POST", "/v1/customers", permission="customer:write")
def create_customer(call: Call) -> Reply:
    """A new customer; the external id must be free among the published ones."""
    body = call.bind(_CREATE)
    taxes = [(promises.tax_rate_by_code(call, one["tax_rate_code"]), one) for one in body["tax_rate_overrides"] or []]
    storable("create customer", body, "external_id", "email")
    free(call, "customers", _TAKEN, body["external_id"], column="external_id")
    fields = {name: body[name] or "" for name in ("external_id", "name", "email", *_LENGTHS, "address_country")}
    if body["contact"]:
        fields["contact"] = body["contact"]
    fields["timezone"] = body["timezone"] or "UTC"
    row = call.insert("customers", "cust", **fields, metadata=body["metadata"])
    for rate, given in taxes:
        promises.associate_tax(call, rate, "customer", row["id"], given)
    call.publish("customer.created", row)
    return created(row)


@route("GET", "/v1/customers/external/:external_id")
@route("GET", "/v1/customers/lookup/:external_id")
def get_customer_by_external_id(call: Call) -> Any:
    """One published customer by its external id, byte for byte."""
    return customer_by_external_id(call, call.params["external_id"])


@route("PUT", "/v1/customers/:id", permission="customer:write")
def update_customer(call: Call) -> Any:
    body = call.bind(_UPDATE)
    return _update(call, CUSTOMERS.found(call, call.params["id"]), body)


@route("PUT", "/v1/customers", permission="customer:write")
def update_customer_by_external_id(call: Call) -> Any:
    """Change what is given, of the customer named by ``id`` or ``external_customer_id``."""
    body = call.bind(_UPDATE)
    identifier, key = call.query.get("id"), call.query.get("external_customer_id")
    if identifier:
        return _update(call, CUSTOMERS.found(call, identifier), body)
    errors.refuse(not key, "Either customer ID or external_customer_id is required")
    return _update(call, customer_by_external_id(call, key), body)


def _update(call: Call, row: Row, body: dict[str, Any]) -> Any:
    changes = {name: value for name, value in body.items() if value is not None}
    if not changes.get("email"):
        changes.pop("email", None)  # an e-mail cannot be cleared
    key = changes.get("external_id")
    storable("update customer", changes, "external_id", "name", "email")
    if key == row["external_id"] or not key:
        changes.pop("external_id", None)
    else:
        metadata = changes.get("metadata", row["metadata"])
        if metadata is None:
            return Reply(500, text="", content_type="")  # the real server crashes here
        changes["metadata"] = _noted(metadata, key)
        if call.first("customers", external_id=key):
            taken = {"email": changes.get("email", row["email"]), "external_id": key}
            raise errors.conflict(_TAKEN, taken)
    call.touch(row, **changes)
    call.publish("customer.updated", row)
    return row


def _noted(metadata: dict[str, str], key: str) -> dict[str, str]:
    """Metadata with the *new* external id among the "old" ones, as the real server writes it."""
    earlier = metadata.get("old_external_ids")
    return {**metadata, "old_external_ids": f"{earlier},{key}" if earlier else key}


@route("DELETE", "/v1/customers/:id", permission="customer:write")
def delete_customer(call: Call) -> Reply:
    """Archive a customer who has neither an active subscription nor an active wallet."""
    row = CUSTOMERS.found(call, call.params["id"])
    if row["status"] != "published":
        raise errors.not_found("Customer does not exist")
    mine = {"customer_id": row["id"]}
    if call.find("subscriptions", **mine, subscription_status="active"):
        raise errors.invalid_operation("Please cancel all subscriptions before deleting the customer")
    if call.find("wallets", **mine, wallet_status="active"):
        raise errors.invalid_operation("Customer cannot be deleted due to associated wallets")
    call.touch(row, status="archived")
    call.publish("customer.deleted", row)
    return no_content()
