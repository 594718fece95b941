"""Subscriptions, line items and invoices as the server shows them (recordings subscriptions, invoice_draft_finalize)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..kernel import catalog
from ..kernel.render import ZERO_TIME, filled
from ..kernel.tables import Row
from .rounding import ZERO
from .scope import Scope

_OMITTED = frozenset(
    {
        "lookup_key", "end_date", "cancelled_at", "metadata", "commitment_amount", "commitment_duration",
        "payment_terms", "auto_invoice_threshold", "line_items", "subscription_id", "subscription_customer_id",
        "description", "due_date", "paid_at", "voided_at", "finalized_at", "issue_date", "last_computed_at",
        "period_start", "period_end", "entity_id", "plan_display_name", "price_id", "meter_id", "meter_display_name",
        "price_unit_amount", "commitment_info", "adjusted_entitlement_quantity", "subscription_line_item_id",
        "overpaid_amount", "invoice_pdf_url", "commitment_type", "commitment_quantity", "commitment_overage_factor",
        "billing_reason", "synced_price_sequence", "subscription_phase_id", "addon_association_id",
        "parent_subscription_id", "invoicing_customer_id", "cancellation_reason", "priority",
    }
)  # fmt: skip
"""Fields that the server leaves out when they have no value."""


def shown(row: Mapping[str, Any], **extra: Any) -> dict[str, Any]:
    """The published fields of a row; optional ones are left out when they have no value, ``extra`` come last."""
    fields = {k: v for k, v in row.items() if not k.startswith("_") and not (v is None and k in _OMITTED)}
    return {**fields, **extra}


def line_item(scope: Scope, row: Row, *, with_price: bool = False) -> dict[str, Any]:
    """A line item of a subscription; an open one ends at Go's zero time."""
    view = shown({**row, "end_date": row["end_date"] or ZERO_TIME})
    if with_price:
        view["price"] = embedded(scope, "prices", row["price_id"])
    return view


def line_items(scope: Scope, subscription_id: str, *, with_price: bool = False) -> list[dict[str, Any]]:
    """The published line items of a subscription."""
    rows = scope.find("subscription_line_items", subscription_id=subscription_id, status="published")
    return [line_item(scope, row, with_price=with_price) for row in rows]


def embedded(scope: Scope, table: str, identifier: str) -> dict[str, Any] | None:
    """A price or a customer, of any status, as other objects embed it."""
    row = scope.get(table, identifier)
    return None if row is None else row.public()


def plan(scope: Scope, identifier: str, *, full: bool = False) -> dict[str, Any] | None:
    """A plan; ``full`` with prices (and their meters), entitlements and credit grants, where there are any."""
    row = scope.get("plans", identifier)
    if row is None:
        return None
    return catalog.full_plan_view(scope, row) if full else row.public()


def listed_plan(scope: Scope, identifier: str, expand: Sequence[str]) -> dict[str, Any] | None:
    """A plan as lists of subscriptions show it, with what they expand."""
    row = scope.get("plans", identifier)
    return None if row is None else catalog.plan_view(scope, row, expand)


def price_sequence(scope: Scope, plan_id: str) -> int | None:
    """The number of the plan's newest usage price in the server's sequence; ``None`` without usage prices."""
    prices = scope.find("prices", entity_id=plan_id, entity_type="PLAN", type="USAGE")
    return max((int(price["sequence"]) for price in prices), default=None)


def out_of_sync(scope: Scope, row: Row) -> bool:
    """Whether the plan has usage prices that are newer than the subscription."""
    return (price_sequence(scope, row["plan_id"]) or 0) > (row["synced_price_sequence"] or 0)


def subscription(row: Row, **parts: Any) -> dict[str, Any]:
    """A subscription without what surrounds it: plan and customer are null unless given in ``parts``."""
    return shown(row, **{"plan": None, "customer": None, **parts})


def created_subscription(scope: Scope, row: Row, latest_invoice: Row | None) -> dict[str, Any]:
    """The answer of creation and activation: line items and the opening invoice where there is one."""
    view = subscription(row)
    if row["subscription_status"] == "active" and (items := _opening_items(scope, row)):
        view["line_items"] = [line_item(scope, item) for item in items]
    if latest_invoice is not None and latest_invoice["invoice_status"] != "SKIPPED":
        view["latest_invoice"] = invoice(latest_invoice)
    return view


def _opening_items(scope: Scope, row: Row) -> list[Row]:
    """The line items that a subscription has while its opening is billed: not yet those of later phases."""
    items = scope.find("subscription_line_items", subscription_id=row["id"], status="published")
    return [item for item in items if not item.get("_later_phase")]


def full_subscription(scope: Scope, row: Row) -> dict[str, Any]:
    """A subscription with line items and prices, its plan, customer, coupons and credit grants."""
    own = {"subscription_id": row["id"], "status": "published"}
    parts = filled(
        line_items=line_items(scope, row["id"], with_price=True),
        credit_grants=[shown(grant) for grant in scope.find("credit_grants", **own, scope="SUBSCRIPTION")],
        coupon_associations=coupon_associations(scope, row),
        phases=[shown(phase) for phase in reversed(scope.find("subscription_phases", **own))],
    )
    whose = {
        "plan": plan(scope, row["plan_id"], full=True),
        "customer": embedded(scope, "customers", row["customer_id"]),
    }
    return subscription(row, **whose, **parts)


def coupon_associations(scope: Scope, row: Row) -> list[dict[str, Any]]:
    """The coupons of a subscription, newest first."""
    rows = scope.find("coupon_associations", subscription_id=row["id"], status="published")
    return [coupon_association(scope, one) for one in reversed(rows)]


def coupon_association(scope: Scope, row: Row, expand: Sequence[str] = ()) -> dict[str, Any]:
    """A coupon of a subscription, with the coupon itself, and the line that it is for where that is asked for."""
    view = shown(row, coupon=coupon(scope.need("coupons", row["coupon_id"])))
    parts = [part for part in expand if part.startswith("subscription_line_items")]
    if parts and row["subscription_line_item_id"]:
        line = scope.need("subscription_line_items", row["subscription_line_item_id"])
        view["subscription_line_item"] = line_item(scope, line, with_price="subscription_line_items.prices" in parts)
    return view


def coupon(row: Row) -> dict[str, Any]:
    """A coupon; its code is left out when it has none."""
    view = row.public()
    if view["coupon_code"] is None:
        del view["coupon_code"]
    return view


def tax_rate(row: Row) -> dict[str, Any]:
    """A tax rate as reads show it: both kinds of value, and nobody as its last editor."""
    values = {"percentage_value": row.get("percentage_value") or ZERO, "fixed_value": row.get("fixed_value") or ZERO}
    head = {key: value for key, value in row.items() if key not in values and not key.startswith("_")}
    return {**head, **values, "updated_by": row["_editor"]}


def invoice(row: Row, **parts: Any) -> dict[str, Any]:
    """An invoice with its lines, without what surrounds it."""
    return shown(row, **filled(line_items=[shown(line) for line in row["_lines"]]), **parts)


def listed_invoice(scope: Scope, row: Row, *, lines: bool = True) -> dict[str, Any]:
    """An invoice as lists show it: with its customer, lines (if wanted) and coupons."""
    view = invoice(row)
    found = view.pop("line_items", None)
    coupons = [shown(application) for application in row["_coupons"]]
    return view | filled(
        customer=embedded(scope, "customers", row["customer_id"]),
        line_items=lines and found,
        coupon_applications=coupons,
    )


def full_invoice(scope: Scope, row: Row, expand: Sequence[str] = ()) -> dict[str, Any]:
    """An invoice with its lines, subscription, customer and taxes, and their rates where those are asked for."""
    view = invoice(row)
    lines, owner = view.pop("line_items", None), scope.get("subscriptions", row["subscription_id"])
    taxes = [shown(tax) for tax in row["_taxes"]]
    for tax in taxes if "tax_applied.tax_rate" in expand else ():
        tax["tax_rate"] = tax_rate(scope.need("tax_rates", tax["tax_rate_id"]))
    return view | filled(
        subscription=full_subscription(scope, owner) if owner is not None else None,
        customer=embedded(scope, "customers", row["customer_id"]),
        taxes=taxes,
        line_items=lines,
    )
