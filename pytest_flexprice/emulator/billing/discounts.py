"""What the coupons of a subscription take off an invoice (contract 5.4, 11.2; recording deals_addons_coupons_tax)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..kernel.tables import Row
from . import coupon, inheritance
from .lines import Line, Period
from .rounding import total
from .scope import Scope


@dataclass(frozen=True)
class Discount:
    """A coupon of a subscription and what it takes off ``price``."""

    association: Row
    coupon: Row
    price: Decimal
    amount: Decimal
    line: int | None = None
    """The index of the line it belongs to; ``None`` for the whole invoice."""


def taken(
    scope: Scope, subscription: Row, charged: Sequence[Line], period: Period, invoice_id: str = ""
) -> list[Discount]:
    """What the coupons take off: those of single lines from their amounts, then from what is left percentages before amounts.

    In which order they were attached does not matter (contract 11.2).
    """
    found = [row for row in _offered(scope, subscription, period) if _in_force(scope, row, invoice_id)]
    currency = subscription["currency"]
    targets = {line.item["id"]: index for index, line in enumerate(charged) if line.item is not None}
    aimed = [(row, targets[key]) for row in found if (key := row["subscription_line_item_id"]) in targets]
    discounts = [_discount(scope, row, charged[index].amount, currency, index) for row, index in aimed]
    left = total(charged) - total(discounts)
    for row in sorted(found, key=lambda row: scope.need("coupons", row["coupon_id"])["type"] != "percentage"):
        if row["subscription_line_item_id"] is None and left > 0:
            discounts.append(_discount(scope, row, left, currency))
            left -= discounts[-1].amount
    return [one for one in discounts if one.price > 0]


def _offered(scope: Scope, subscription: Row, period: Period) -> list[Row]:
    """The coupons of a subscription, and those of single lines of subscriptions that are billed with it."""
    found = associations(scope, subscription, period)
    for child in inheritance.grouped(scope, subscription):
        found += [row for row in associations(scope, child, period) if row["subscription_line_item_id"] is not None]
    return found


def associations(scope: Scope, subscription: Row, period: Period) -> list[Row]:
    """The coupons attached to a subscription that touch a period, in the order in which they begin."""
    rows = scope.find("coupon_associations", subscription_id=subscription["id"], status="published")
    return sorted(filter(period.touched_by, rows), key=lambda row: row["start_date"])


def _in_force(scope: Scope, association: Row, invoice_id: str) -> bool:
    used = scope.need("coupons", association["coupon_id"])
    subscription = scope.need("subscriptions", association["subscription_id"])
    if not coupon.redeemable(used, subscription["currency"], scope.now):
        return False
    return coupon.applies(used, _applications(scope, association, invoice_id))


def _applications(scope: Scope, association: Row, invoice_id: str) -> int:
    """How many other invoices of the subscription took the coupon."""
    rows = scope.find("invoices", subscription_id=association["subscription_id"])
    taken = ({noted["coupon_id"] for noted in row["_coupons"]} for row in rows if row["id"] != invoice_id)
    return sum(association["coupon_id"] in coupons for coupons in taken)


def _discount(scope: Scope, row: Row, price: Decimal, currency: str, line: int | None = None) -> Discount:
    used = scope.need("coupons", row["coupon_id"])
    return Discount(row, used, price, coupon.discount(used, price, currency), line)


def note(rows: Sequence[Row], discounts: Iterable[Discount]) -> None:
    """Write what coupons of single lines take off on the lines of an invoice."""
    for one in discounts:
        if one.line is not None:
            rows[one.line]["line_item_discount"] += one.amount


def spread(rows: Sequence[Row], discounts: Iterable[Discount], currency: str) -> None:
    """Share what coupons take off the whole invoice among its lines, as a stored one keeps it."""
    whole = total(one for one in discounts if one.line is None)
    left = [row["amount"] - row["line_item_discount"] for row in rows]
    for row, share in zip(rows, coupon.spread(whole, left, currency), strict=True):
        row["invoice_level_discount"] = share


def application(scope: Scope, subscription: Row, one: Discount, invoice_id: str, rows: Sequence[Row]) -> dict[str, Any]:
    """How an invoice notes a coupon."""
    used = one.coupon
    target = None if one.line is None else rows[one.line]
    snapshot = {name: used[name] for name in ("amount_off", "percentage_off", "type")}
    snapshot["applied_to"] = "invoice" if target is None else "line_item"
    if target is not None:
        snapshot |= {"line_item_id": target["id"], "price_id": target["price_id"]}
    return {
        "id": scope.world.new_id("coupon_app"),
        "coupon_id": used["id"],
        "coupon_association_id": one.association["id"],
        "invoice_id": invoice_id,
        **({} if target is None else {"invoice_line_item_id": target["id"]}),
        "subscription_id": subscription["id"],
        "applied_at": scope.now,
        "original_price": one.price,
        "final_price": one.price - one.amount,
        "discounted_amount": one.amount,
        "discount_type": used["type"],
        "discount_percentage": used["percentage_off"],
        "currency": subscription["currency"],
        "coupon_snapshot": snapshot,
        **scope.stamped(),
    }
