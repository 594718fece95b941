"""Servers that settle wrongly: events, fees, commitments, taxes and discounts (items 5.3, 7.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from ..billing import usage
from ..billing.coupon import discount
from ..billing.lines import Line
from ..billing.pricing import number
from ..billing.rounding import ZERO, exact, to_currency
from ..billing.scope import Scope
from ..kernel.call import Call, Reply
from ..kernel.tables import Row
from ..metering.reads import Selection, aggregate
from .calculation import Lines, Priced, amounting, charged, priced_line, wrongly
from .registry import fault

Answer = dict[str, Any]
_PREVIEW = "/v1/invoices/preview"
_MONTH = 30


def _by_event(model: str) -> Callable[[Scope, Row, Lines], Lines]:
    """A rule by which each event of summed or counted usage is priced, and rounded, by itself, at prices of a model."""

    def rule(scope: Scope, subscription: Row, lines: Lines) -> Lines:
        for line in lines:
            priced = priced_line(scope, subscription, line)
            if priced is None or priced.tariff.model != model or priced.buckets is not None or line.free:
                continue
            counts = _event_by_event(scope, subscription, line)
            if counts is not None:
                line.amount = sum((to_currency(priced.tariff.cost(one), priced.currency) for one in counts), ZERO)
        return lines

    return rule


def _event_by_event(scope: Scope, subscription: Row, line: Line) -> list[Decimal] | None:
    """The quantity of each event of a line, where a meter simply adds them up."""
    if line.item is None or line.kind != "USAGE":
        return None
    meter = scope.need("meters", line.item["meter_id"])
    kind = meter["aggregation"]["type"]
    if kind not in ("SUM", "COUNT"):
        return None
    customer = scope.need("customers", subscription["customer_id"])["external_id"]
    window = (usage.second(line.start), usage.second(line.end))
    selection = Selection(scope.environment, customer, (meter["id"],), *window)
    return [found.value for _key, found in aggregate(scope.world, selection, kind, ("id", "sec"))]


wrongly("W23", "what each event costs is rounded by itself", _by_event("FLAT_FEE"))
wrongly("W172", "each event opens packages of its own", _by_event("PACKAGE"))
wrongly("W173", "the tiers begin anew with each event", _by_event("TIERED"))


wrongly(
    "W24",
    "fees are billed twice",
    lambda scope, deal, lines: [*lines, *(replace(line) for line in lines if line.kind == "FIXED")],
)


@amounting("W25", "a part of a period is counted as if every period had 30 days", "FIXED")
def thirty_days(priced: Priced) -> Decimal | None:
    """Only fees that were prorated at all are wrong."""
    whole, line = priced.cost(priced.tariff), priced.line
    if line.amount == to_currency(whole, priced.currency):
        return None
    return to_currency(whole * Decimal((line.end - line.start).days) / _MONTH, priced.currency)


@fault("W26", "commitments are not filled up", "charges")
def no_true_up(scope: Scope, subscription: Row, lines: Lines) -> Lines:
    """The true-up of the subscription is missing, and so is that of its lines."""
    kept = [line for line in lines if not line.metadata.get("is_commitment_trueup")]
    for line in kept:
        if line.commitment:
            line.amount -= number(line.commitment["computed_true_up_amount"])
    return kept


@charged("W27", "usage above a commitment costs no more than below it")
def no_overage(scope: Scope, subscription: Row, line: Line) -> None:
    if line.metadata.get("is_overage"):
        line.amount = to_currency(line.amount / number(subscription["overage_factor"]), subscription["currency"])
    elif line.commitment and line.commitment["computed_overage_amount"]:
        overage = number(line.commitment["computed_overage_amount"])
        less = overage - overage / number(line.commitment["overage_factor"])
        line.amount -= to_currency(less, subscription["currency"])


def shown(name: str, meaning: str) -> Callable[[Callable[[Call, Answer], None]], None]:
    """Register a fault that changes what successful previews answer."""

    def register(change: Callable[[Call, Answer], None]) -> None:
        def rule(call: Call, reply: Reply) -> Reply:
            if call.pattern == _PREVIEW and reply.status == 200 and isinstance(reply.json, dict):
                exact(change)(call, reply.json)
            return reply

        fault(name, meaning, "after")(rule)

    return register


def retaxed(answer: Answer, base: Decimal) -> None:
    """Take every tax of a preview on another base."""
    for tax in answer.get("taxes") or ():
        rate = number(tax["tax_rate"].get("percentage_value"))
        tax["taxable_amount"], tax["tax_amount"] = base, to_currency(base * rate / 100, answer["currency"])
    resummed(answer)


def resummed(answer: Answer) -> None:
    """Let the totals of a preview follow from its taxes, which were changed."""
    answer["total_tax"] = sum((tax["tax_amount"] for tax in answer.get("taxes") or ()), ZERO)
    retotal(answer)


def totalling(name: str, meaning: str) -> Callable[[Callable[[Answer], Answer]], None]:
    """Register a fault by which a preview shows other sums, each told by its name."""
    return lambda change: shown(name, meaning)(lambda _call, answer: answer.update(change(answer)))


def due(total: Decimal) -> Answer:
    """What follows a total of which nothing is paid."""
    return dict.fromkeys(("total", "amount_due", "amount_remaining"), total)


def retotal(answer: Answer) -> None:
    """Let the totals of a preview follow from its subtotal, discount and tax."""
    answer.update(due(max(answer["subtotal"] - answer["total_discount"] + answer["total_tax"], ZERO)))


shown("W28", "tax is taken before the discount")(lambda _call, answer: retaxed(answer, answer["subtotal"]))


@shown("W29", "tax is taken on usage only")
def tax_of_usage(call: Call, answer: Answer) -> None:
    lines = answer.get("line_items") or ()
    retaxed(answer, sum((line["amount"] for line in lines if line["price_type"] == "USAGE"), ZERO))


@shown("W30", "percentage coupons are taken off the sum with tax")
def discount_last(call: Call, answer: Answer) -> None:
    """What a coupon takes off includes a share of the tax."""
    rates = [number(tax["tax_rate"].get("percentage_value")) for tax in answer.get("taxes") or ()]
    gross = answer["subtotal"] * (1 + sum(rates, ZERO) / 100)
    off = ZERO
    for applied in answer.get("coupon_applications") or ():
        coupon = call.need("coupons", applied["coupon_id"])
        applied["discounted_amount"] = discount(coupon, gross - off, answer["currency"])
        off += applied["discounted_amount"]
    if off:
        answer["total_discount"] = off
        retotal(answer)
