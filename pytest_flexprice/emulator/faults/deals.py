"""Servers that keep deals wrongly: fees, commitments, coupons and taxes by rules of their own (items 5.3, 7.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_DOWN, Decimal
from functools import partial

from ..billing.coupon import discount
from ..billing.lines import Line
from ..billing.pricing import number
from ..billing.rounding import ONE, ZERO, exact, places, to_currency
from ..billing.scope import Scope
from ..kernel.call import Call
from ..kernel.tables import Row
from .calculation import Lines, amounting, bill, charged, pricing
from .registry import fault
from .settlement import Answer, due, resummed, retaxed, retotal, shown

_SEATS = Decimal(7)

amounting("W60", "fees cost the same whatever their quantity", "FIXED")(
    lambda priced: to_currency(priced.tariff.cost(ONE), priced.currency)
)
pricing("W61", "every fee is bought once", "FIXED")(lambda priced: bill(priced, ONE))
amounting("W98", "a part of a period costs what a whole one does", "FIXED")(
    lambda priced: to_currency(priced.cost(priced.tariff), priced.currency)
)


@charged("W62", "fees in advance are billed for the period that ends", "FIXED")
def belated_fees(scope: Scope, subscription: Row, line: Line) -> None:
    begins, ends = subscription["current_period_start"], subscription["current_period_end"]
    if line.start >= ends:
        line.start, line.end = begins, ends


@fault("W63", "fees count towards a commitment", "charges")
def fees_committed(scope: Scope, subscription: Row, lines: Lines) -> Lines:
    fees = sum((line.amount for line in lines if line.kind == "FIXED"), ZERO)
    for line in lines:
        if line.metadata.get("is_commitment_trueup"):
            line.amount = max(line.amount - fees, ZERO)
    return lines


@fault("W64", "once a commitment is exceeded, all usage is dearer", "charges")
def all_overage(scope: Scope, subscription: Row, lines: Lines) -> Lines:
    exceeded = any(line.metadata.get("is_overage") for line in lines)
    for line in lines:
        if exceeded and line.kind == "USAGE":
            if not line.metadata.get("is_overage"):
                factor = number(subscription["overage_factor"])
                line.amount = to_currency(line.amount * factor, subscription["currency"])
        elif line.commitment and line.commitment["computed_overage_amount"]:
            factor = number(line.commitment["overage_factor"])
            used = number(line.commitment["computed_commitment_utilized_amount"])
            line.amount += to_currency(used * factor - used, subscription["currency"])
    return lines


@fault("W65", "commitments are ignored", "charges")
def no_commitment(scope: Scope, subscription: Row, lines: Lines) -> Lines:
    kept = [line for line in lines if not line.metadata.get("is_commitment_trueup")]
    for line in kept:
        if line.metadata.get("is_overage"):
            line.amount = to_currency(line.amount / number(subscription["overage_factor"]), subscription["currency"])
    return kept


def _coupons(name: str, meaning: str, change: Callable[[Scope, Answer, Row, Decimal], Decimal]) -> None:
    """A fault by which each coupon of a preview takes off something else."""

    def rule(call: Call, answer: Answer) -> None:
        left, off = answer["subtotal"], ZERO
        for applied in answer.get("coupon_applications") or ():
            coupon = call.need("coupons", applied["coupon_id"])
            applied["discounted_amount"] = change(call, answer, coupon, left)
            left -= applied["discounted_amount"]
            off += applied["discounted_amount"]
        if answer.get("coupon_applications"):
            answer["total_discount"] = off
            retaxed(answer, answer["subtotal"] - off)

    shown(name, meaning)(rule)


def _of_lines(answer: Answer, kind: str) -> Decimal:
    return sum((line["amount"] for line in answer.get("line_items") or () if line["price_type"] == kind), ZERO)


def _share(other: str, scope: Scope, answer: Answer, coupon: Row, left: Decimal) -> Decimal:
    """What a coupon takes off all but lines of the other kind."""
    return discount(coupon, left - _of_lines(answer, other), answer["currency"])


_coupons("W66", "coupons are ignored", lambda scope, answer, coupon, left: ZERO)
_coupons("W67", "coupons take off a share of usage only", partial(_share, "FIXED"))
_coupons("W68", "coupons take off a share of fees only", partial(_share, "USAGE"))
_coupons(
    "W69",
    "every coupon is taken off the whole subtotal, whatever came off before",
    lambda scope, answer, coupon, left: discount(coupon, answer["subtotal"], answer["currency"]),
)
_coupons(
    "W70",
    "the share of a coupon is cut to the cent",
    lambda scope, answer, coupon, left: exact(
        lambda: (left * number(coupon["percentage_off"]) / 100 + number(coupon["amount_off"])).quantize(
            Decimal(1).scaleb(-places(answer["currency"])), ROUND_DOWN
        )
    )(),
)


@shown("W71", "taxes are ignored")
def untaxed(call: Call, answer: Answer) -> None:
    answer.pop("taxes", None)
    resummed(answer)


@shown("W72", "tax is cut to the cent")
def cut_tax(call: Call, answer: Answer) -> None:
    for tax in answer.get("taxes") or ():
        rate = number(tax["tax_rate"].get("percentage_value"))
        step = Decimal(1).scaleb(-places(answer["currency"]))
        tax["tax_amount"] = (tax["taxable_amount"] * rate / 100).quantize(step, ROUND_DOWN)
    resummed(answer)


@shown("W73", "tax is inside of the price")
def tax_inside(call: Call, answer: Answer) -> None:
    for tax in answer.get("taxes") or ():
        rate = number(tax["tax_rate"].get("percentage_value"))
        tax["tax_amount"] = to_currency(tax["taxable_amount"] * rate / (100 + rate), answer["currency"])
    resummed(answer)


@shown("W74", "credits are given that nobody has")
def gift(call: Call, answer: Answer) -> None:
    answer["total_prepaid_credits_applied"] += ONE
    answer.update({name: max(answer[name] - ONE, ZERO) for name in due(ZERO)})


@shown("W75", "the sum of the lines is not the subtotal")
def wrong_subtotal(call: Call, answer: Answer) -> None:
    answer["subtotal"] += Decimal("0.01")
    retotal(answer)


@shown("W76", "another amount is due than the total")
def wrong_due(call: Call, answer: Answer) -> None:
    wrong = answer["subtotal"] if answer["subtotal"] != answer["total"] else answer["total"] + ONE
    answer["amount_due"] = answer["amount_remaining"] = wrong


@shown("W77", "invoices are in another currency")
def other_currency(call: Call, answer: Answer) -> None:
    answer["currency"] = "eur"
    for line in answer.get("line_items") or ():
        line["currency"] = "eur"


@shown("W78", "lines are in another currency than their invoice")
def mixed_currencies(call: Call, answer: Answer) -> None:
    for line in (answer.get("line_items") or ())[:1]:
        line["currency"] = "jpy"


@fault("W79", "usage lines are billed twice", "charges")
def usage_twice(scope: Scope, subscription: Row, lines: Lines) -> Lines:
    mine = [line for line in lines if line.kind == "USAGE" and line.amount]
    return [*lines, *(replace(line) for line in sorted(mine, key=lambda line: -line.amount)[:1])]


@fault("W80", "a line of another subscription is on the invoice", "charges")
def foreign_line(scope: Scope, subscription: Row, lines: Lines) -> Lines:
    """A fee like one of its own, of a line and a price that it does not have."""
    for fee in lines:
        if fee.item is not None and fee.kind == "FIXED":
            names = {"id": scope.world.new_id("subs_line"), "price_id": scope.world.new_id("price")}
            item = Row({**fee.item, **names})
            return [*lines, replace(fee, item=item, name="Somebody else's seats", amount=_SEATS)]
    return lines


@charged("W81", "usage of the day before a period is billed in it", "USAGE")
def early_usage(scope: Scope, subscription: Row, line: Line) -> None:
    line.start -= timedelta(days=1)


@charged("W99", "the overage factor acts twice")
def twice_dearer(scope: Scope, subscription: Row, line: Line) -> None:
    if line.metadata.get("is_overage"):
        line.amount = to_currency(line.amount * number(subscription["overage_factor"]), subscription["currency"])


def _trued_up(name: str, meaning: str, change: Callable[[Decimal, Decimal, Decimal], Decimal]) -> None:
    """A rule of another true-up: of what is missing, what usage costs, and the overage factor."""

    def rule(scope: Scope, subscription: Row, lines: Lines) -> Lines:
        used = sum((line.amount for line in lines if line.kind == "USAGE"), ZERO)
        for line in lines:
            if line.metadata.get("is_commitment_trueup"):
                amount = change(line.amount, used, number(subscription["overage_factor"]))
                line.amount = to_currency(amount, subscription["currency"])
        return lines

    fault(name, meaning, "charges")(rule)


_trued_up(
    "W100", "what is missing of a commitment costs the overage factor", lambda amount, used, factor: amount * factor
)
_trued_up("W101", "a commitment is billed on top of usage", lambda amount, used, factor: amount + used)


@charged("W102", "of a line with a commitment only the commitment is billed")
def commitment_only(scope: Scope, subscription: Row, line: Line) -> None:
    if line.commitment:
        line.amount = number(line.commitment["amount"])


@charged("W103", "usage lines end a second too early", "USAGE")
def early_end(scope: Scope, subscription: Row, line: Line) -> None:
    line.end -= timedelta(seconds=1)
