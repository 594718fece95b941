"""Wrong rules of prices on lines of every kind: usage, its buckets, under a commitment, and fees."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from pytest_flexprice.model.decimals import ZERO, difference, places, product, quotient, rounded, total, words
from pytest_flexprice.model.prices import Price
from pytest_flexprice.oracle.invoicing.expected import ExpectedLine
from pytest_flexprice.oracle.pricing.commitments import committed
from pytest_flexprice.oracle.pricing.mistakes import NAMED, ROUNDINGS, PricedLine, explaining
from pytest_flexprice.oracle.pricing.prices import cost

_MOST_DAYS = 100
_MONTHS = (30, 31, 28, 29)


def priced(line: ExpectedLine, currency: str) -> PricedLine | None:
    """A usage line as the known mistakes see it; none of a fee, of what a commitment changes, and of what is not known."""
    if line.kind != "usage" or line.commitment_info or line.unverified or line.line is None or _bucketed(line):
        return None
    used = total((line.quantity, line.allowed or ZERO))
    found = PricedLine(line.line.price, used, line.allowed, currency)
    return found if found.amount == line.amount else None


def _bucketed(line: ExpectedLine) -> bool:
    return line.usage is not None and bool(line.usage.meter.aggregation.bucket_size)


def mispriced(line: ExpectedLine, amount: Decimal, currency: str) -> list[str]:
    """The wrong rules of its price, in words, that come to a line's amount."""
    own = priced(line, currency)
    if own is not None:
        return explaining([(own, amount)])
    if line.unverified or line.line is None or amount == line.amount:
        return []
    lines = [PricedLine(line.line.price, used, None, currency) for used in line.buckets or (line.quantity,)]
    if line.kind == "fixed" or _bucketed(line):
        whole = line.kind == "usage" or lines[0].amount == line.amount
        return _alike(lines, line, amount) if whole and not line.allowed and not line.commitment_info else []
    if line.line.commitment is not None and line.commitment_info:
        lines = [PricedLine(line.line.price, total((line.quantity, line.allowed or ZERO)), line.allowed, currency)]
        return _alike(lines, line, amount)
    return []


def _alike(lines: Iterable[PricedLine], line: ExpectedLine, amount: Decimal) -> list[str]:
    """The rules by which these come to an amount together, under the line's commitment where it has one."""
    parts = list(lines)
    found = _rounded_together(parts, amount)
    agreed = line.line.commitment if line.line is not None else None
    for rule in NAMED:
        if all(rule.bills(part) == part.amount for part in parts):
            continue
        wrong = total(rule.bills(part) for part in parts)
        if agreed is not None:
            wrong = rounded(committed(agreed, parts[0].price, wrong).amount, parts[0].currency)
        if wrong == amount:
            found.append(rule.words)
    return found


def _rounded_together(lines: list[PricedLine], amount: Decimal) -> list[str]:
    """The wrong ways to round the sum of several by which it comes to an amount."""
    if len(lines) < 2:
        return []
    exact = total(cost(each.price, each.billed) for each in lines)
    whole = replace(lines[0].price, billing_model="FLAT_FEE", amount=exact, tiers=())
    one = PricedLine(whole, Decimal(1), None, lines[0].currency)
    return [rule.words for rule in ROUNDINGS if rule.bills(one) == amount != one.amount]


def days_of(line: ExpectedLine, amount: Decimal, currency: str) -> list[str]:
    """Of a fee or a true-up: that it is billed for some of its days only, in words."""
    span = line.span
    days = (span.end - span.start).days if span is not None else 0
    if line.kind not in ("fixed", "true-up") or not 0 < amount < line.amount or not 1 < days <= _MOST_DAYS:
        return []
    found = []
    for whole in dict.fromkeys((days, *(_MONTHS if days in _MONTHS else ()))):
        coins = Decimal(1).scaleb(-places(currency))
        count = quotient(product(amount, Decimal(whole)), line.amount).to_integral_value()
        if abs(difference(quotient(product(line.amount, count), Decimal(whole)), amount)) < coins:
            found.append(f"it were for {words(count)} of {whole} days")
    return found


def text(price: Price) -> str:
    """A price in a few words."""
    if price.billing_model != "TIERED":
        return words(price.amount)
    return " and ".join(words(tier.unit_amount) for tier in price.tiers[:3])
