"""``/v1/customers`` (contract 4.1; recordings customers, customer_changes, pagination)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..kernel import errors
from ..kernel.binding import Schema, array, field, strings, text
from ..kernel.call import Call, Reply, created, no_content
from ..kernel.lists import SEARCH_FIELDS, Page, listing, query_page, search, select
from ..kernel.routing import route
from ..kernel.tables import Row

_MAX_KEY = 255
_ADDRESS = ("address_line1", "address_line2", "address_city", "address_state", "address_postal_code")
_COLUMNS = ("external_id", "name", "email", "contact", "timezone", *_ADDRESS, "address_country", "metadata")


def _changed(rules: tuple[str, ...]) -> tuple[str, ...]:
    """The rules of a field that an update may leave out."""
    return tuple(rule for rule in rules if rule != "required")


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
_UPDATE = Schema("UpdateCustomerRequest", *(replace(f, rules=_changed(f.rules)) for f in _CREATE.fields))
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
    if len(body["external_id"]) > _MAX_KEY:
        raise errors.database_error("Failed to create customer")
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


def find_customer(call: Call, identifier: str) -> Row:
    """The customer of that id, archived ones too; else 404."""
    message = f"Customer with ID {identifier} was not found"
    row: Row = call.found("customers", identifier, message, {"customer_id": identifier}, any_status=True)
    return row


@route("GET", "/v1/customers/:id")
def get_customer(call: Call) -> Any:
    """One customer by id, archived ones too."""
    return find_customer(call, call.params["id"])


def find_by_external_id(call: Call, key: str) -> Row:
    """The published customer of that external id; else 404."""
    row = call.world.table("customers").first(call.environment, external_id=key, status="published")
    if row is None:
        raise errors.not_found(f"Customer with lookup key {key} was not found", {"lookup_key": key})
    return row


@route("GET", "/v1/customers/external/:external_id")
@route("GET", "/v1/customers/lookup/:external_id")
def get_customer_by_external_id(call: Call) -> Any:
    """One published customer by its external id, byte for byte."""
    return find_by_external_id(call, call.params["external_id"])


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


@route("PUT", "/v1/customers/:id", permission="customer:write")
def update_customer(call: Call) -> Any:
    """Change what is given."""
    body = call.bind(_UPDATE)
    return _update(call, find_customer(call, call.params["id"]), body)


@route("PUT", "/v1/customers", permission="customer:write")
def update_customer_by_external_id(call: Call) -> Any:
    """Change what is given, of the customer named by ``external_customer_id``."""
    body = call.bind(_UPDATE)
    key = call.query.get("external_customer_id") or ""
    if not key:
        raise errors.validation("Either customer ID or external_customer_id is required")
    return _update(call, find_by_external_id(call, key), body)


def _update(call: Call, row: Row, body: dict[str, Any]) -> Any:
    changes = {name: value for name, value in body.items() if value is not None}
    if not changes.get("email"):
        changes.pop("email", None)  # an e-mail cannot be cleared
    key = changes.get("external_id")
    if key == row["external_id"] or not key:
        changes.pop("external_id", None)
    else:
        metadata = changes.get("metadata", row["metadata"])
        if metadata is None:
            return Reply(500, text="", content_type="")  # the real server crashes here
        changes["metadata"] = _noted(metadata, key)
        if call.world.table("customers").first(call.environment, external_id=key, status="published"):
            taken = {"email": changes.get("email", row["email"]), "external_id": key}
            raise errors.conflict("A customer with this identifier already exists", taken)
    call.touch(row, **changes)
    call.world.publish(call.environment, "customer.updated", kind="customer", id=row["id"])
    return row


def _noted(metadata: dict[str, str], key: str) -> dict[str, str]:
    """Metadata with the *new* external id among the "old" ones, as the real server writes it."""
    earlier = metadata.get("old_external_ids")
    return {**metadata, "old_external_ids": f"{earlier},{key}" if earlier else key}


@route("DELETE", "/v1/customers/:id", permission="customer:write")
def delete_customer(call: Call) -> Reply:
    """Archive a customer who has neither an active subscription nor an active wallet."""
    row = find_customer(call, call.params["id"])
    if row["status"] != "published":
        raise errors.not_found("Customer does not exist")
    world, mine = call.world, {"customer_id": row["id"]}
    if world.table("subscriptions").first(call.environment, **mine, subscription_status="active"):
        raise errors.invalid_operation("Please cancel all subscriptions before deleting the customer")
    if world.table("wallets").first(call.environment, **mine, wallet_status="active"):
        raise errors.invalid_operation("Customer cannot be deleted due to associated wallets")
    call.touch(row, status="archived")
    world.publish(call.environment, "customer.deleted", kind="customer", id=row["id"])
    return no_content()
