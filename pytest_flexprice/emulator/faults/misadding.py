"""Servers whose invoices add up otherwise than their lines, discounts, taxes and credits do (items 5.3, 7.3)."""

from __future__ import annotations

from decimal import Decimal

from ..billing.coupon import discount
from ..billing.pricing import number
from ..billing.rounding import ONE, ZERO, to_currency
from ..billing.wallets import CREDITING, move
from ..kernel.call import Call, Reply
from ..kernel.tables import Row
from .registry import fault, hooking
from .settlement import Answer, due, resummed, retotal, shown, totalling


def _coupons(call: Call, answer: Answer) -> list[tuple[Answer, Row]]:
    """What each coupon took off an answer, with the coupon."""
    return [(one, call.need("coupons", one["coupon_id"])) for one in answer.get("coupon_applications") or ()]


def _discounted(answer: Answer, off: Decimal) -> None:
    """The totals of an answer with another discount, where there is one."""
    if off:
        answer["total_discount"] = min(off, answer["subtotal"])
        retotal(answer)


@shown("W140", "a line's cost is in the subtotal, and the line is missing")
def hidden_line(call: Call, answer: Answer) -> None:
    lines = sorted(answer.get("line_items") or (), key=lambda line: (line["price_type"] != "USAGE", -line["amount"]))
    answer["line_items"] = [line for line in answer.get("line_items") or () if line is not lines[0]]


totalling("W141", "less remains than is due")(
    lambda answer: {"amount_remaining": max(answer["amount_remaining"] - ONE, ZERO)}
)
totalling("W145", "a discount is told and not taken off")(lambda answer: due(answer["subtotal"] + answer["total_tax"]))


@shown("W142", "each tax is on top of the one before")
def compounded(call: Call, answer: Answer) -> None:

    base = answer["subtotal"] - answer["total_discount"]
    for tax in answer.get("taxes") or ():
        rate = number(tax["tax_rate"].get("percentage_value"))
        fixed = number(tax["tax_rate"].get("fixed_value"))
        tax["tax_amount"] = to_currency(base * rate / 100 + fixed, answer["currency"])
        base += tax["tax_amount"]
    resummed(answer)


@shown("W143", "a fixed tax is on every line")
def tax_per_line(call: Call, answer: Answer) -> None:
    for tax in answer.get("taxes") or ():
        if tax["tax_rate"].get("fixed_value"):
            tax["tax_amount"] *= len(answer["line_items"])
    resummed(answer)


@shown("W144", "a coupon's share is rounded line by line")
def discount_per_line(call: Call, answer: Answer) -> None:

    off = ZERO
    for applied, coupon in _coupons(call, answer):
        applied["discounted_amount"] = sum(
            (discount(coupon, line["amount"], answer["currency"]) for line in answer["line_items"]), ZERO
        )
        off += applied["discounted_amount"]
    _discounted(answer, off)


@shown("W146", "a percentage counts as an amount")
def percent_as_amount(call: Call, answer: Answer) -> None:
    amounts = (number(coupon["percentage_off"]) + number(coupon["amount_off"]) for _, coupon in _coupons(call, answer))
    _discounted(answer, sum(amounts, ZERO))


@shown("W163", "lines name each other's prices")
def other_prices(call: Call, answer: Answer) -> None:

    lines = answer.get("line_items") or []
    for line, price in zip(lines, [line["price_id"] for line in [*lines[1:], *lines[:1]]], strict=True):
        line["price_id"] = price


@shown("W164", "the first tax is taken twice")
def taxed_twice(call: Call, answer: Answer) -> None:

    answer["taxes"] = [*(answer.get("taxes") or ()), *map(dict, (answer.get("taxes") or ())[:1])]
    resummed(answer)


@shown("W165", "of several taxes only the last is taken")
def last_tax(call: Call, answer: Answer) -> None:

    answer["taxes"] = (answer.get("taxes") or [])[-1:]
    resummed(answer)


@shown("W166", "of several coupons only the last is taken")
def last_coupon(call: Call, answer: Answer) -> None:
    coupons = [coupon for _, coupon in _coupons(call, answer)]
    if len(coupons) > 1:
        _discounted(answer, discount(coupons[-1], answer["subtotal"], answer["currency"]))


@shown("W167", "what a coupon takes off is a hundred times as large")
def hundredfold(call: Call, answer: Answer) -> None:

    _discounted(answer, answer["total_discount"] * 100)


_crediting = hooking(CREDITING)
_crediting("W149", "prepaid credits pay nothing")(lambda invoice, paid: ZERO)
_crediting("W150", "prepaid credits pay twice")(lambda invoice, paid: paid * 2)


@fault("W214", "credit grants are given twice", "after")
def granted_twice(call: Call, reply: Reply) -> Reply:
    """To whoever subscribes."""
    if (call.method, call.pattern, reply.status) == ("POST", "/v1/subscriptions", 201):
        for wallet in call.find("wallets", customer_id=reply.json["customer_id"]):
            move(call, wallet, wallet["credit_balance"], "SUBSCRIPTION_CREDIT_GRANT")
    return reply
