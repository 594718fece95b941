"""Invoices that callers make themselves: one-off and credit invoices, finalized at once (contract 5.3)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ..kernel import errors
from ..kernel.tables import Row
from . import coupon, drafts, invoices, promises
from .lines import Period
from .rounding import ONE, ZERO, to_currency
from .scope import Scope, subscription_by_id

TYPES = ("SUBSCRIPTION", "ONE_OFF", "CREDIT")

_AS_GIVEN = (
    "entity_id", "plan_display_name", "price_id", "meter_id", "meter_display_name", "price_unit_amount",
    "adjusted_entitlement_quantity", "subscription_line_item_id", "commitment_info",
)  # fmt: skip
_OFF = ("prepaid_credits_applied", "line_item_discount", "invoice_level_discount")


def create(scope: Scope, body: Mapping[str, Any]) -> Row:
    """Store and finalize the invoice of a checked request."""
    _refuse_used_key(scope, body["idempotency_key"])
    if body["invoice_type"] == "SUBSCRIPTION":
        return _of_subscription(scope, body)
    subtotal = body["subtotal"] if body["subtotal"] is not None else ZERO
    discount = _discount(scope, body, subtotal)
    rates = [str(scope.named("tax_rates", identifier)["id"]) for identifier in body["tax_rates"] or []]
    rates += [
        str(promises.tax_rate_by_code(scope, one["tax_rate_code"])["id"]) for one in body["tax_rate_overrides"] or []
    ]
    kind = body["invoice_type"]
    row = drafts.new_invoice(scope, kind, f"{kind.lower()}_invoice", **_fields(body), _tax_rates=rates)
    row["_lines"] = [_line(scope, row, given) for given in body["line_items"] or []]
    scope.touch(row, subtotal=subtotal, total_discount=discount, last_computed_at=scope.now, version=row["version"] + 1)
    drafts.set_total(row)
    scope.publish("invoice.update", row)
    invoices.finalize(scope, row)
    return row


def _refuse_used_key(scope: Scope, key: str | None) -> None:
    if not key:
        return
    if any(row["invoice_status"] != "VOIDED" for row in scope.find("invoices", idempotency_key=key)):
        raise errors.conflict("invoice already exists")


def _fields(body: Mapping[str, Any]) -> dict[str, Any]:
    names = ("customer_id", "subscription_id", "description", "due_date", "period_start", "period_end")
    given = {name: body[name] or None for name in names}
    return {
        **given,
        "currency": body["currency"],
        "billing_reason": body["billing_reason"] or None,
        **({"issue_date": body["issue_date"]} if body["issue_date"] else {}),
        "billing_period": body["billing_period"] or "",
        "metadata": body["metadata"] or None,
        "idempotency_key": body["idempotency_key"],
    }


def _line(scope: Scope, invoice: Row, given: Mapping[str, Any]) -> Row:
    return Row(
        id=scope.world.new_id("inv_line"),
        invoice_id=invoice["id"],
        customer_id=invoice["customer_id"],
        subscription_id=given.get("subscription_id") or invoice["subscription_id"],
        entity_type=given["entity_type"] or "",
        price_type=given["price_type"] or "",
        **{name: given.get(name) or None for name in _AS_GIVEN},
        **({"price_unit": given["price_unit"]} if given.get("price_unit") else {}),
        display_name=given["display_name"] or "",
        amount=to_currency(given["amount"] if given["amount"] is not None else ZERO, invoice["currency"]),
        quantity=given["quantity"] if given["quantity"] is not None else ONE,
        currency=invoice["currency"],
        period_start=given["period_start"],
        period_end=given["period_end"],
        metadata=given["metadata"] or None,
        environment_id=scope.environment,
        **{name: given.get(name) or ZERO for name in _OFF},
        **scope.stamped(with_environment=False),
    )


def _discount(scope: Scope, body: Mapping[str, Any], subtotal: Decimal) -> Decimal:
    left = subtotal
    for identifier in body["coupons"] or []:
        left -= coupon.discount(scope.named("coupons", identifier), left, body["currency"])
    return subtotal - left


def _of_subscription(scope: Scope, body: Mapping[str, Any]) -> Row:
    """An invoice of a subscription's period: the lines given are ignored, it is computed."""
    subscription = subscription_by_id(scope, body["subscription_id"])
    start = body["period_start"] or subscription["current_period_start"]
    end = body["period_end"] or subscription["current_period_end"]
    reason = body["billing_reason"] or "MANUAL"
    row = drafts.new_subscription_invoice(scope, subscription, reason, Period(start, end))
    drafts.compute(scope, row)
    if body["due_date"] is not None:
        row["due_date"] = body["due_date"]
    return row
