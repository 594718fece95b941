"""``/v1/invoices``: making, listing, reading and editing (contract 5.2, 5.3)."""

from __future__ import annotations

from typing import Any

from ..billing import invoices, oneoff, views
from ..billing.scope import Scope, customer_by_external_id
from ..kernel import errors
from ..kernel.binding import Schema, array, boolean, decimal, field, instant, number, strings, text
from ..kernel.call import Call, Reply, created
from ..kernel.lists import OWN, SEARCH_FIELDS, Page, listing, page_of, query_page, select, whole
from ..kernel.routing import route
from ..kernel.tables import Row

BAD_QUERY = "invalid query parameters"
_BAD_FILTER = "invalid query filter"
_BAD_BODY = "invalid request body"
_LISTED = ("DRAFT", "FINALIZED", "VOIDED")
_COLUMNS = (
    "customer_id", "subscription_id", "invoice_type", "invoice_status", "payment_status", "currency", "amount_due",
    "amount_paid", "amount_remaining", "subtotal", "total", "invoice_number", "due_date", "paid_at", "voided_at",
    "finalized_at", "period_start", "period_end", "billing_reason", "billing_sequence", "issue_date",
)  # fmt: skip

_LINE = Schema(
    "CreateInvoiceLineItemRequest",
    *(
        field(name)
        for name in (
            "display_name", "entity_id", "entity_type", "plan_display_name", "price_id", "price_type", "meter_id",
        )
    ),
    field("amount", decimal),
    field("quantity", decimal),
    field("period_start", instant),
    field("period_end", instant),
    field("metadata", strings),
)  # fmt: skip
_CREATE = Schema(
    "CreateDraftInvoiceRequest",
    field("customer_id", rules="required"),
    field("subscription_id"),
    field("invoice_type", rules="required"),
    field("currency", rules="required"),
    field("subtotal", decimal),
    field("total", decimal),
    field("amount_due", decimal),
    field("amount_paid", decimal),
    field("description"),
    field("due_date", instant),
    field("billing_period"),
    field("period_start", instant),
    field("period_end", instant),
    field("billing_reason"),
    field("idempotency_key"),
    field("metadata", strings),
    field("line_items", array(_LINE)),
    field("coupons", array(text)),
    field("tax_rates", array(text)),
)
_UPDATE = Schema("UpdateInvoiceRequest", field("metadata", strings), field("due_date", instant))
_SEARCH = Schema(
    "InvoiceFilter",
    *SEARCH_FIELDS,
    field("invoice_ids", array(text)),
    field("customer_id"),
    field("external_customer_id"),
    field("subscription_id"),
    field("subscription_customer_id", array(text)),
    field("invoice_type"),
    field("invoice_status", array(text)),
    field("payment_status", array(text)),
    field("billing_reason"),
    field("currency"),
    field("amount_due_gt", number),
    field("amount_remaining_gt", number),
    field("period_start_gte", instant),
    field("period_start_lte", instant),
    field("period_end_gte", instant),
    field("period_end_lte", instant),
    field("skip_line_items", boolean),
)
_EQUAL = ("customer_id", "subscription_id", "invoice_type", "billing_reason", "currency")
_AMONG = {
    "invoice_ids": "id",
    "invoice_status": "invoice_status",
    "payment_status": "payment_status",
    "subscription_customer_id": "subscription_customer_id",
}
_TIMES = ("period_start_gte", "period_start_lte", "period_end_gte", "period_end_lte")
_AMOUNTS = {"amount_due_gt": "amount_due", "amount_remaining_gt": "amount_remaining"}


@route("POST", "/v1/invoices", permission="invoice:write")
def create_invoice(call: Call) -> Reply:
    """An invoice of the caller's own: ONE_OFF and CREDIT are finalized at once."""
    body = call.bind(_CREATE, "invalid request")
    if body["invoice_type"] not in oneoff.TYPES:
        raise errors.validation("Please provide a valid invoice type", {"allowed": list(oneoff.TYPES)})
    if len(body["currency"]) != 3:
        raise errors.validation("Currency code must be 3 characters long")
    body["currency"] = body["currency"].lower()
    if body["invoice_type"] == "SUBSCRIPTION" and not body["subscription_id"]:
        raise errors.validation("subscription_id is required for subscription invoice")
    has_period = body["period_start"] is not None and body["period_end"] is not None
    if body["invoice_type"] != "SUBSCRIPTION" and body["subscription_id"] and not has_period:
        return Reply(500, text="", content_type="")  # the real server crashes here
    return created(views.invoice(oneoff.create(Scope.of(call), body)))


@route("GET", "/v1/invoices/:id")
def get_invoice(call: Call) -> dict[str, Any]:
    """One invoice with lines, subscription, customer and taxes."""
    scope = Scope.of(call)
    return views.full_invoice(scope, invoices.by_id(scope, call.params["id"]))


@route("PUT", "/v1/invoices/:id", permission="invoice:write")
def update_invoice(call: Call) -> dict[str, Any]:
    """Metadata (replaced) and due date (the future only) of a draft or finalized invoice."""
    body = call.bind(_UPDATE, _BAD_BODY)
    scope = Scope.of(call)
    identifier = call.params["id"]
    row = scope.get("invoices", identifier)
    if row is None:
        raise errors.not_found(f"invoice not found: {identifier}", {"id": identifier})
    invoices.require_status(row, ("DRAFT", "FINALIZED"))
    changes: dict[str, Any] = {}
    if body["due_date"] is not None:
        if body["due_date"] <= call.now:
            raise errors.validation("Due date must be in the future", {"due_date": body["due_date"]})
        changes["due_date"] = body["due_date"]
    if body["metadata"] is not None:
        changes["metadata"] = body["metadata"]
    scope.touch(row, **changes)
    answer = views.invoice(row)  # shows the version before this change
    row["version"] += 1
    scope.publish("invoice.update", row)
    return answer


def _passes(row: Row, given: dict[str, Any]) -> bool:
    equal = all(not given.get(name) or row[name] == given[name] for name in _EQUAL)
    among = all(not given.get(name) or row[key] in given[name] for name, key in _AMONG.items())
    above = all(given.get(name) is None or row[key] > given[name] for name, key in _AMOUNTS.items())
    return equal and among and above and all(_in_time(row, name, given.get(name)) for name in _TIMES)


def _in_time(row: Row, name: str, bound: Any) -> bool:
    if bound is None:
        return True
    moment = row[name[:-4]]
    if moment is None:
        return False
    return bool(moment >= bound) if name.endswith("_gte") else bool(moment <= bound)


def _page(call: Call, page: Page, given: dict[str, Any]) -> dict[str, Any]:
    scope = Scope.of(call)
    if given.get("external_customer_id"):
        given["customer_id"] = customer_by_external_id(scope, given["external_customer_id"])["id"]
    if not given.get("invoice_status") and not given.get("invoice_ids"):
        given["invoice_status"] = _LISTED
    narrow = next(({name: given[name]} for name in ("subscription_id", "customer_id") if given.get(name)), {})
    rows = [row for row in scope.find("invoices", **narrow) if _passes(row, given)]
    found = select(rows, page, _COLUMNS, "invoices", unknown=_unknown_column)
    answer = listing(found, page, offset=OWN)
    lines = not given.get("skip_line_items")
    answer["items"] = [views.listed_invoice(scope, row, lines=lines) for row in answer["items"]]
    return answer


def _unknown_column(_name: str) -> Exception:
    return errors.validation("Failed to apply query options")


def _values(call: Call, name: str) -> list[str]:
    return [part for value in call.query.getlist(name) for part in value.split(",") if part]


@route("GET", "/v1/invoices")
def list_invoices(call: Call) -> dict[str, Any]:
    """A page of invoices; SKIPPED ones only when asked for."""
    for name in call.query.getlist("sort"):
        if not name.startswith("{"):
            raise errors.validation(BAD_QUERY)
    for name in ("limit", "offset"):
        call.query_value(name, whole, BAD_QUERY)
    given: dict[str, Any] = {name: call.query.get(name) for name in (*_EQUAL, "external_customer_id")}
    for name in _AMONG:
        given[name] = _values(call, name)
    for name in _TIMES:
        given[name] = call.query_value(name, instant, BAD_QUERY)
    for name in _AMOUNTS:
        given[name] = call.query_value(name, decimal, BAD_QUERY)
    given["skip_line_items"] = call.query.get("skip_line_items") in ("true", "1")
    return _page(call, query_page(call, noun="invoices", message=_BAD_FILTER), given)


@route("POST", "/v1/invoices/search")
def search_invoices(call: Call) -> dict[str, Any]:
    """The same by a body, with filters and sorting."""
    values = call.bind(_SEARCH, _BAD_BODY)
    return _page(call, page_of(values, _BAD_FILTER), values)
