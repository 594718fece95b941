"""``/v1/customers`` (contract 4.1; recordings customers, customer_changes, pagination)."""

from __future__ import annotations

from typing import Any

from .. import errors
from ..binding import Schema, array, field, strings, text
from ..call import Call, Reply, created
from ..lists import SEARCH_FIELDS, Page, listing, query_page, search, select
from ..routing import route

_ADDRESS = ("address_line1", "address_line2", "address_city", "address_state", "address_postal_code")
_COLUMNS = ("external_id", "name", "email", "contact", "timezone", *_ADDRESS, "address_country", "metadata")

_CREATE = Schema(
    "CreateCustomerRequest",
    field("external_id", rules="required"),
    field("name", rules="required"),
    field("email", rules="omitempty,email"),
    field("contact"),
    *(field(name, rules="omitempty,max=255") for name in _ADDRESS),
    field("address_country", rules="omitempty,len=2"),
    field("timezone", rules="omitempty,timezone"),
    field("metadata", strings),
)
_SEARCH = Schema(
    "CustomerFilter",
    *SEARCH_FIELDS,
    field("external_id"),
    field("external_ids", array(text)),
    field("customer_ids", array(text)),
    field("email"),
)


def _taken(external_id: str) -> errors.ApiError:
    return errors.conflict("A customer with this identifier already exists", {"external_id": external_id})


@route("POST", "/v1/customers", permission="customer:write")
def create_customer(call: Call) -> Reply:
    """A new customer; the external id must be free among the published ones."""
    body = call.bind(_CREATE)
    table = call.world.table("customers")
    if table.first(call.environment, external_id=body["external_id"], status="published"):
        raise _taken(body["external_id"])
    fields = {name: body[name] or "" for name in ("external_id", "name", "email", *_ADDRESS, "address_country")}
    if body["contact"]:
        fields["contact"] = body["contact"]
    fields["timezone"] = body["timezone"] or "UTC"
    row = table.insert(call.stamp("cust", **fields, metadata=body["metadata"]))
    call.world.publish(call.environment, "customer.created", kind="customer", id=row["id"])
    return created(row)


@route("GET", "/v1/customers/:id")
def get_customer(call: Call) -> Any:
    """One customer by id, archived ones too."""
    identifier = call.params["id"]
    message = f"Customer with ID {identifier} was not found"
    return call.found("customers", identifier, message, {"customer_id": identifier}, any_status=True)


@route("GET", "/v1/customers/external/:external_id")
@route("GET", "/v1/customers/lookup/:external_id")
def get_customer_by_external_id(call: Call) -> Any:
    """One published customer by its external id, byte for byte."""
    key = call.params["external_id"]
    row = call.world.table("customers").first(call.environment, external_id=key, status="published")
    if row is None:
        raise errors.not_found(f"Customer with lookup key {key} was not found", {"lookup_key": key})
    return row


def _list(call: Call, page: Page, given: dict[str, Any]) -> dict[str, Any]:
    rows = call.world.table("customers").all(call.environment)
    rows = [
        row
        for row in rows
        if (not given.get("external_id") or row["external_id"] == given["external_id"])
        and (not given.get("external_ids") or row["external_id"] in given["external_ids"])
        and (not given.get("customer_ids") or row["id"] in given["customer_ids"])
        and (not given.get("email") or row["email"] == given["email"])
    ]
    return listing(select(rows, page, _COLUMNS, "customers"), page)


@route("GET", "/v1/customers")
def list_customers(call: Call) -> dict[str, Any]:
    """A page of customers, by ``external_id``, ``external_ids`` or ``email``."""
    page = query_page(call, noun="customers")
    given = {
        "external_id": call.query.get("external_id"),
        "external_ids": call.query.getlist("external_ids"),
        "customer_ids": call.query.getlist("customer_ids"),
        "email": call.query.get("email"),
    }
    return _list(call, page, given)


@route("POST", "/v1/customers/search")
def search_customers(call: Call) -> dict[str, Any]:
    """A page of customers, by more than a query can say."""
    values, page = search(call, _SEARCH)
    return _list(call, page, values)
