"""``POST /v1/invoices/preview`` (contract 5.4, recording invoice_preview)."""

from __future__ import annotations

from typing import Any

from ..billing.preview import preview
from ..billing.scope import subscription_by_id
from ..kernel.binding import Schema, boolean, field, instant, several
from ..kernel.call import Call
from ..kernel.routing import route

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
