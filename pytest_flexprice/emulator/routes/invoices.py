"""``/v1/invoices``: making, listing, reading and editing (contract 5.2, 5.3)."""

from __future__ import annotations

from operator import ge, gt, le
from typing import Any

from ..billing import drafts, invoices, oneoff, transaction, views
from ..billing.preview import preview
from ..billing.scope import customer_by_external_id, subscription_by_id
from ..kernel import errors
from ..kernel.binding import Schema, array, boolean, decimal, field, instant, mapping, several, strings, text
from ..kernel.call import Call, Reply, created
from ..kernel.lists import OWN, Page, Words
from ..kernel.pricing_rules import currency_code
from ..kernel.resource import Filter, Resource, Values, among, amongs, bounded, equals
from ..kernel.routing import route
from .deal_requests import TAX_OVERRIDE

_BAD_BODY = "invalid request body"
_LISTED = ("DRAFT", "FINALIZED", "VOIDED")
_COLUMNS = (
    "customer_id", "subscription_id", "invoice_type", "invoice_status", "payment_status", "currency", "amount_due",
    "amount_paid", "amount_remaining", "subtotal", "total", "invoice_number", "due_date", "paid_at", "voided_at",
    "finalized_at", "period_start", "period_end", "billing_reason", "billing_sequence", "issue_date",
)  # fmt: skip

_LINE = Schema(
    "CreateInvoiceLineItemRequest",
    *several(text, "display_name entity_id entity_type plan_id plan_display_name price_id price_type meter_id"),
    *several(text, "meter_display_name price_unit subscription_id subscription_line_item_id"),
    *several(decimal, "amount quantity adjusted_entitlement_quantity price_unit_amount"),
    *several(decimal, "prepaid_credits_applied line_item_discount invoice_level_discount"),
    *several(instant, "period_start period_end"),
    field("metadata", strings),
    field("commitment_info", mapping),
)
_CREATE = Schema(
    "CreateDraftInvoiceRequest",
    *several(text, "customer_id invoice_type currency", "required"),
    *several(text, "subscription_id description billing_period billing_reason idempotency_key invoice_status"),
    *several(text, "payment_status invoice_number invoice_pdf_url"),
    *several(decimal, "subtotal total amount_due amount_paid total_prepaid_applied"),
    *several(instant, "due_date period_start period_end issue_date"),
    field("metadata", strings),
    field("line_items", array(_LINE)),
    *several(array(text), "coupons tax_rates"),
    field("tax_rate_overrides", array(TAX_OVERRIDE), "dive"),
    field("force_sync_invoice", boolean),
    *(field(name, array(mapping)) for name in ("invoice_coupons", "line_item_coupons", "prepared_tax_rates")),
)
_UPDATE = Schema(
    "UpdateInvoiceRequest",
    field("metadata", strings),
    field("due_date", instant),
    field("invoice_pdf_url"),
    field("apply_discount", boolean),
)
INVOICES = Resource(
    "invoices",
    _COLUMNS,
    (
        among("invoice_ids", "id", split=True),
        *equals("customer_id subscription_id invoice_type billing_reason currency"),
        *amongs("subscription_customer_id invoice_status payment_status", split=True),
        Filter("external_customer_id", text),
        *(bounded(f"{name}_gt", name, gt, decimal) for name in ("amount_due", "amount_remaining")),
        *(bounded(f"{name}_gte", name, ge) for name in ("period_start", "period_end")),
        *(bounded(f"{name}_lte", name, le) for name in ("period_start", "period_end")),
        Filter("skip_line_items", boolean),
    ),
    offset=OWN,
    words=Words("invalid query parameters", _BAD_BODY, "invalid query filter"),
    unknown="Failed to apply query options",
)


@route("POST", "/v1/invoices", permission="invoice:write")
def create_invoice(call: Call) -> Reply:
    """An invoice of the caller's own: ONE_OFF and CREDIT are finalized at once."""
    body = call.bind(_CREATE, "invalid request")
    if body["invoice_type"] not in oneoff.TYPES:
        raise errors.validation("Please provide a valid invoice type", {"allowed": list(oneoff.TYPES)})
    body["currency"] = currency_code(body["currency"])
    if body["invoice_type"] == "SUBSCRIPTION" and not body["subscription_id"]:
        raise errors.validation("subscription_id is required for subscription invoice")
    has_period = body["period_start"] is not None and body["period_end"] is not None
    if body["invoice_type"] != "SUBSCRIPTION" and body["subscription_id"] and not has_period:
        return Reply(500, text="", content_type="")  # the real server crashes here
    with transaction.all_or_nothing(call) as deal:
        row = oneoff.create(deal, body)
    return created(views.invoice(row))


@route("GET", "/v1/invoices/:id")
def get_invoice(call: Call) -> dict[str, Any]:
    """One invoice with lines, subscription, customer and taxes."""
    expand = (call.query.get("expand") or "").split(",")
    return views.full_invoice(call, invoices.by_id(call, call.params["id"]), expand)


@route("PUT", "/v1/invoices/:id", permission="invoice:write")
def update_invoice(call: Call) -> dict[str, Any]:
    """Metadata (replaced) and due date (the future only) of a draft or finalized invoice."""
    body = call.bind(_UPDATE, _BAD_BODY)
    identifier = call.params["id"]
    message = f"invoice not found: {identifier}"
    row = call.found("invoices", identifier, message, {"id": identifier}, any_status=True)
    invoices.require_status(row, ("DRAFT", "FINALIZED"))
    changes: dict[str, Any] = {}
    if body["due_date"] is not None:
        errors.refuse(body["due_date"] <= call.now, "Due date must be in the future", due_date=body["due_date"])
        changes["due_date"] = body["due_date"]
    changes |= {name: body[name] for name in ("metadata", "invoice_pdf_url") if body[name] is not None}
    if body["apply_discount"] and row["invoice_status"] == "DRAFT" and row["invoice_type"] == "SUBSCRIPTION":
        drafts.compute(call, row)
    call.touch(row, **changes)
    answer = views.invoice(row)  # shows the version before this change
    row["version"] += 1
    call.publish("invoice.update", row)
    return answer


def _page(call: Call, values: Values, page: Page) -> dict[str, Any]:
    """SKIPPED ones only when they are asked for."""
    given = dict(values)
    if given["external_customer_id"]:
        given["customer_id"] = customer_by_external_id(call, given["external_customer_id"])["id"]
    if not given["invoice_status"] and not given["invoice_ids"]:
        given["invoice_status"] = _LISTED
    narrow = next(({name: given[name]} for name in ("subscription_id", "customer_id") if given[name]), {})
    answer = INVOICES.answer(call, given, page, call.find("invoices", **narrow))
    lines = not given["skip_line_items"]
    answer["items"] = [views.listed_invoice(call, row, lines=lines) for row in answer["items"]]
    return answer


INVOICES.serve("/v1/invoices", answer=_page)


_PREVIEW = Schema(
    "GetPreviewInvoiceRequest",
    field("subscription_id", rules="required", bound=True),
    *several(instant, "period_start period_end"),
    field("hide_zero_charges_line_items", boolean),
)


@route("POST", "/v1/invoices/preview")
def preview_invoice(call: Call) -> dict[str, Any]:
    """What a subscription's invoice would say; nothing is stored."""
    body = call.bind(_PREVIEW, "failed to bind request body")
    row = subscription_by_id(call, body["subscription_id"])
    hide = bool(body["hide_zero_charges_line_items"])
    return preview(call, row, body["period_start"], body["period_end"], hide_zero=hide)
