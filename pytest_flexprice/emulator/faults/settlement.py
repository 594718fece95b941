"""Servers that settle wrongly: events, fees, commitments, taxes and discounts (items 5.3, 7.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..billing import usage
from ..billing.coupon import discount
from ..billing.pricing import number
from ..billing.rounding import ZERO, exact, to_currency
from ..billing.scope import Scope
from ..kernel.call import Call, Reply
from ..kernel.tables import Row
from ..metering.reads import Selection, aggregate
from .calculation import Lines, priced_line
from .registry import fault

if TYPE_CHECKING:
    from ..billing.lines import Line

_PREVIEW = "/v1/invoices/preview"
_MONTH = 30


@fault("W23", "what each event costs is rounded by itself", "charges")
def per_event(scope: Scope, subscription: Row, lines: Lines) -> Lines:
    """At flat prices of summed or counted usage; the sum of rounded costs is billed."""
    for line in lines:
        priced = priced_line(scope, subscription, line)
        if priced is None or priced.tariff.model != "FLAT_FEE" or priced.buckets is not None or line.free:
            continue
        counts = _event_by_event(scope, subscription, line)
        if counts is not None:
            line.amount = sum((to_currency(count * priced.tariff.amount, priced.currency) for count in counts), ZERO)
    return lines


def _event_by_event(scope: Scope, subscription: Row, line: Line) -> list[Decimal] | None:
    """The quantity of each event of a line, where a meter simply adds them up."""
    if line.item is None or line.item["price_type"] != "USAGE":
        return None
    meter = scope.need("meters", line.item["meter_id"])
    kind = meter["aggregation"]["type"]
    if kind not in ("SUM", "COUNT"):
        return None
    customer = scope.need("customers", subscription["customer_id"])["external_id"]
    window = (usage.second(line.start), usage.second(line.end))
    selection = Selection(scope.environment, customer, (meter["id"],), *window)
    return [found.value for _key, found in aggregate(scope.world, selection, kind, ("id", "sec"))]


@fault("W24", "fees are billed twice", "charges")
def fees_twice(scope: Scope, subscription: Row, lines: Lines) -> Lines:
    """A second line beside each fee."""
    return [*lines, *(replace(line) for line in lines if line.item is not None and line.item["price_type"] == "FIXED")]


@fault("W25", "a part of a period is counted as if every period had 30 days", "charges")
def thirty_days(scope: Scope, subscription: Row, lines: Lines) -> Lines:
    """Only fees that were prorated at all are wrong."""
    for line in lines:
        priced = priced_line(scope, subscription, line)
        if priced is None or line.item is None or line.item["price_type"] != "FIXED":
            continue
        whole = priced.cost(priced.tariff)
        if line.amount != to_currency(whole, priced.currency):
            line.amount = to_currency(whole * Decimal((line.end - line.start).days) / _MONTH, priced.currency)
    return lines


@fault("W26", "commitments are not filled up", "charges")
def no_true_up(scope: Scope, subscription: Row, lines: Lines) -> Lines:
    """The true-up of the subscription is missing, and so is that of its lines."""
    kept = [line for line in lines if not line.metadata.get("is_commitment_trueup")]
    for line in kept:
        if line.commitment:
            line.amount -= number(line.commitment["computed_true_up_amount"])
    return kept


@fault("W27", "usage above a commitment costs no more than below it", "charges")
def no_overage(scope: Scope, subscription: Row, lines: Lines) -> Lines:
    """The overage factor of subscription and lines is ignored."""
    for line in lines:
        if line.metadata.get("is_overage"):
            line.amount = to_currency(line.amount / number(subscription["overage_factor"]), subscription["currency"])
        elif line.commitment and line.commitment["computed_overage_amount"]:
            overage = number(line.commitment["computed_overage_amount"])
            line.amount -= to_currency(
                overage - overage / number(line.commitment["overage_factor"]), line_currency(line)
            )
    return lines


def line_currency(line: Line) -> str:
    """The currency of a line that comes from a line item."""
    return str(line.item["currency"]) if line.item is not None else ""


def shown(change: Callable[[Call, dict[str, Any]], None]) -> Callable[[Call, Reply], Reply]:
    """An ``after`` rule that changes successful previews that have a tax or a discount."""

    def rule(call: Call, reply: Reply) -> Reply:
        if call.pattern == _PREVIEW and reply.status == 200 and isinstance(reply.json, dict):
            exact(change)(call, reply.json)
        return reply

    return rule


def retaxed(answer: dict[str, Any], base: Decimal) -> None:
    """Take every tax of a preview on another base."""
    for tax in answer.get("taxes") or ():
        rate = number(tax["tax_rate"].get("percentage_value"))
        tax["taxable_amount"], tax["tax_amount"] = base, to_currency(base * rate / 100, answer["currency"])
    answer["total_tax"] = sum((tax["tax_amount"] for tax in answer.get("taxes") or ()), ZERO)
    retotal(answer)


def retotal(answer: dict[str, Any]) -> None:
    """Let the totals of a preview follow from its subtotal, discount and tax."""
    total = max(answer["subtotal"] - answer["total_discount"] + answer["total_tax"], ZERO)
    answer.update(total=total, amount_due=total, amount_remaining=total)


@fault("W28", "tax is taken before the discount", "after")
@shown
def tax_first(call: Call, answer: dict[str, Any]) -> None:
    """Every tax is on the whole subtotal."""
    retaxed(answer, answer["subtotal"])


@fault("W29", "tax is taken on usage only", "after")
@shown
def tax_of_usage(call: Call, answer: dict[str, Any]) -> None:
    """Fees are left out of the base."""
    lines = answer.get("line_items") or ()
    retaxed(answer, sum((line["amount"] for line in lines if line["price_type"] == "USAGE"), ZERO))


@fault("W30", "percentage coupons are taken off the sum with tax", "after")
@shown
def discount_last(call: Call, answer: dict[str, Any]) -> None:
    """What a coupon takes off includes a share of the tax."""
    rates = [number(tax["tax_rate"].get("percentage_value")) for tax in answer.get("taxes") or ()]
    gross = answer["subtotal"] * (1 + sum(rates, ZERO) / 100)
    off = ZERO
    for applied in answer.get("coupon_applications") or ():
        applied["discounted_amount"] = discount(
            call.need("coupons", applied["coupon_id"]), gross - off, answer["currency"]
        )
        off += applied["discounted_amount"]
    if off:
        answer["total_discount"] = off
        retotal(answer)
