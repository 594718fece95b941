"""Which wrong rule explains a wrong amount: each known mistake is computed, and those that give the amount are named.

Nothing is concluded from it: the amount is wrong whatever explains it; the suspicion tells where to look.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from pytest_flexprice.model.decimals import (
    QUANTITY_TOLERANCE,
    ZERO,
    decimal,
    difference,
    product,
    quantized,
    quotient,
    rounded,
    total,
)
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.model.prices import Price
from pytest_flexprice.oracle.invoicing.expected import ExpectedLine
from pytest_flexprice.oracle.metering.meters import Usage
from pytest_flexprice.oracle.pricing.mistakes import MISTAKES, Line
from pytest_flexprice.oracle.pricing.prices import cost

AS_IF = ", as if "
"""Begins the suspicion in a finding's words."""
_MOST_NAMED = 3
_SHORTENED = "the unit price is "
"""Begins the words of mistakes of which there are many, one for each number of decimals; the mildest is named."""
_ONE, _TWO, _MONTH = Decimal(1), Decimal(2), Decimal(30)
Suspects = Iterator[tuple[str, Decimal]]
"""Wrong rules in words that follow "as if", each with the amount that it comes to before rounding."""


def suspicion(line: ExpectedLine, amount: Decimal, currency: str) -> str:
    """What a line's wrong amount looks like, as words to append; empty where no known rule comes to it."""
    price = line.line.price if line.line else None
    if price is None:
        return ""
    alike = [words for words, wrong in _suspects(line, price) if rounded(wrong, currency) == amount]
    if not line.commitment_info:
        priced = Line(price, total((line.quantity, line.allowed or ZERO)), line.allowed, currency)
        alike += [one.words for one in MISTAKES if one.amount(priced) == amount]
        whole = quantized(cost(price, line.quantity), 0)
        alike += ["the currency has no decimals"] if whole == amount else []
    return _named(alike)


def _named(alike: Iterable[str]) -> str:
    found = list(dict.fromkeys(alike))
    mildest = next((words for words in reversed(found) if words.startswith(_SHORTENED)), "")
    found = [words for words in found if not words.startswith(_SHORTENED)] + [mildest] * bool(mildest)
    return AS_IF + ", or as if ".join(found[:_MOST_NAMED]) if found else ""


def _suspects(line: ExpectedLine, price: Price) -> Suspects:
    if line.commitment_info:
        yield from _commitment(line, price)
    elif line.kind == "usage":
        yield from _events(line, price)
    else:
        yield from _fee(line, price)


def _fee(line: ExpectedLine, price: Price) -> Suspects:
    whole = cost(price, line.quantity)
    yield "it is billed twice", product(line.amount, _TWO)
    yield "its quantity is one", cost(price, _ONE)
    if line.span is not None and (days := Decimal((line.span.end - line.span.start).days)):
        yield "every period has 30 days", quotient(product(whole, days), _MONTH)
        yield "every month has 30 days", quotient(product(whole, _MONTH), days)
    yield "a part of the period costs a whole one", whole


def _events(line: ExpectedLine, price: Price) -> Suspects:
    """Each event rounded by itself, where the events are known and simply added."""
    rows = line.usage.rows if line.usage else None
    if rows and not line.allowed and price.billing_model == "FLAT_FEE":
        amounts = (rounded(cost(price, row.quantity), price.currency) for row in rows)
        yield "what each event costs is rounded by itself", total(amounts)


def _commitment(line: ExpectedLine, price: Price) -> Suspects:
    info, usage = line.commitment_info or {}, cost(price, line.quantity)
    utilized = decimal(info.get("computed_commitment_utilized_amount"), ZERO)
    overage, factor = decimal(info.get("computed_overage_amount"), ZERO), decimal(info.get("overage_factor"), _ONE)
    yield "the commitment is not filled up", difference(line.amount, decimal(info.get("computed_true_up_amount"), ZERO))
    yield "there is no commitment", usage
    if overage and factor:
        yield "the overage factor is ignored", total((utilized, quotient(overage, factor)))
        yield "everything costs the overage factor", product(usage, factor)
    yield "only the commitment is billed", decimal(info.get("amount"), ZERO)


def usage_suspicion(usage: Usage | None, quantity: Decimal) -> str:
    """What a wrong quantity of a bucketed meter looks like, as words to append."""
    size = usage.meter.aggregation.bucket_size if usage else ""
    if usage is None or not size:
        return ""
    try:
        values = usage.per(size)
    except NotVerified:
        return ""
    highest = max(values, default=ZERO)
    near = abs(difference(highest, quantity)) <= QUANTITY_TOLERANCE and len(values) > 1
    return f"{AS_IF}only the highest {size.lower()} counts" if near else ""
