"""Which wrong rule explains a wrong amount: each known mistake is computed, and those that give the amount are named.

Nothing is concluded from it: the amount is wrong whatever explains it; the suspicion tells where to look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import NamedTuple

from pytest_flexprice.model.decimals import (
    EXACT,
    QUANTITY_TOLERANCE,
    ZERO,
    decimal,
    difference,
    places,
    product,
    quotient,
    rounded,
    total,
    words,
)
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.oracle.invoicing.expected import ExpectedLine
from pytest_flexprice.oracle.metering.meters import Usage
from pytest_flexprice.oracle.pricing.prices import Price, cost, moved_tiers

_MOST_DIGITS = 10
_MOST_NAMED = 3
_ONE = Decimal(1)


class Suspect(NamedTuple):
    """A wrong rule in words that follow "as if", and the amount before rounding that it comes to."""

    words: str
    amount: Decimal


def suspicion(line: ExpectedLine, amount: Decimal, currency: str) -> str:
    """What a line's wrong amount looks like, as words to append; empty where no known rule comes to it."""
    price = line.line.price if line.line else None
    if price is None:
        return ""
    alike = [one.words for one in _suspects(line, price) if rounded(one.amount, currency) == amount]
    exact = _exact(line, price)
    if exact is not None:
        alike += [text for text, mode, digits in _ROUNDINGS if _by(exact, mode, digits, currency) == amount]
    first: dict[str, str] = {}
    for text in alike:  # of the many ways to round a unit price the first one
        first.setdefault(" ".join(text.split()[:3]), text)
    shown = list(first.values())[:_MOST_NAMED]
    return ", as if " + ", or as if ".join(shown) if shown else ""


def _by(exact: Decimal, mode: str, digits: int | None, currency: str) -> Decimal:
    return exact.quantize(Decimal(1).scaleb(-(places(currency) if digits is None else digits)), mode, EXACT)


_ROUNDINGS: tuple[tuple[str, str, int | None], ...] = (
    ("amounts were cut instead of rounded", ROUND_DOWN, None),
    ("halves were rounded to the even digit", ROUND_HALF_EVEN, None),
    ("amounts were rounded up", ROUND_CEILING, None),
    ("the currency had no decimals", ROUND_HALF_UP, 0),
    ("the currency had two decimals", ROUND_HALF_UP, 2),
    ("the currency had three decimals", ROUND_HALF_UP, 3),
    ("the currency had four decimals", ROUND_HALF_UP, 4),
)


def _exact(line: ExpectedLine, price: Price) -> Decimal | None:
    return None if line.commitment_info else cost(price, line.quantity)


def _suspects(line: ExpectedLine, price: Price) -> Iterator[Suspect]:
    if line.commitment_info:
        yield from _commitment(line, price)
        return
    if line.kind != "usage":
        yield from _fee(line, price)
    for source in (_bounds, _tiers, _package, _allowance, _events, _unit_price):
        yield from source(line, price)


def _fee(line: ExpectedLine, price: Price) -> Iterator[Suspect]:
    whole = cost(price, line.quantity)
    yield Suspect("it were billed twice", product(line.amount, Decimal(2)))
    yield Suspect("its quantity were one", cost(price, _ONE))
    if line.span is not None:
        days = Decimal((line.span.end - line.span.start).days)
        yield Suspect("every period had 30 days", quotient(product(whole, days), Decimal(30)))
        yield Suspect("every month had 30 days", quotient(product(whole, Decimal(30)), days) if days else ZERO)
    yield Suspect("a part of the period cost a whole one", whole)


def _bounds(line: ExpectedLine, price: Price) -> Iterator[Suspect]:
    for step, word in ((_ONE, "one unit too late"), (-_ONE, "one unit too early")):
        moved, other = moved_tiers(price, step), max(difference(line.quantity, step), ZERO)
        if price.tiers:
            yield Suspect(f"tiers end {word}", cost(moved, line.quantity))
        if line.allowed:
            yield Suspect(f"the allowance ends {word}", cost(price, other))
            yield Suspect(f"allowance and tiers end {word}", cost(moved, other))


def _tiers(line: ExpectedLine, price: Price) -> Iterator[Suspect]:
    if price.billing_model != "TIERED" or not price.tiers:
        return
    quantity, first = line.quantity, price.tiers[0]
    flats = [tier.flat_amount for tier in price.tiers]
    yield Suspect(
        "every tier cost what the first does", cost(replace(price, tiers=(first._replace(up_to=None),)), quantity)
    )
    swapped, word = (
        ("SLAB", "graduated (each tier its own part)") if price.tier_mode == "VOLUME" else ("VOLUME", "by volume")
    )
    yield Suspect(f"tiers were priced {word}", cost(replace(price, tier_mode=swapped), quantity))
    yield Suspect(
        "every tier cost what the last does",
        cost(replace(price, tiers=(price.tiers[-1]._replace(up_to=None),)), quantity),
    )
    if any(flats):
        bare = replace(price, tiers=tuple(tier._replace(flat_amount=ZERO) for tier in price.tiers))
        yield Suspect("the flat amounts of tiers were forgotten", cost(bare, quantity))
        per_unit = tuple(
            tier._replace(unit_amount=total((tier.unit_amount, tier.flat_amount)), flat_amount=ZERO)
            for tier in price.tiers
        )
        yield Suspect(
            "the flat amounts of tiers were charged for each unit", cost(replace(price, tiers=per_unit), quantity)
        )
        yield Suspect("only the first flat amount of tiers counted", total((cost(bare, quantity), flats[0])))


def _package(line: ExpectedLine, price: Price) -> Iterator[Suspect]:
    if price.billing_model != "PACKAGE":
        return
    packages = quotient(line.quantity, price.divide_by)
    for text, mode in (("down", ROUND_FLOOR), ("up", ROUND_CEILING), ("to the nearest", ROUND_HALF_UP)):
        yield Suspect(f"packages were rounded {text}", product(packages.to_integral_value(mode), price.amount))
    yield Suspect("packages were not rounded", product(packages, price.amount))
    yield Suspect("every unit were a package", product(line.quantity, price.amount))


def _allowance(line: ExpectedLine, price: Price) -> Iterator[Suspect]:
    if not line.allowed:
        return
    used = total((line.quantity, line.allowed))
    yield Suspect("there were no allowance", cost(price, used))
    yield Suspect("the allowance were doubled", cost(price, max(difference(line.quantity, line.allowed), ZERO)))
    after = difference(cost(price, used), cost(price, line.allowed))
    yield Suspect("the allowance came off after the tiers", max(after, ZERO))
    share = quotient(product(cost(price, used), line.quantity), used)
    yield Suspect("the allowance came off after the tiers, in proportion", share)


def _events(line: ExpectedLine, price: Price) -> Iterator[Suspect]:
    rows = line.usage.rows if line.usage else None
    if rows and not line.allowed and price.billing_model == "FLAT_FEE":
        amounts = (rounded(cost(price, row.quantity), price.currency) for row in rows)
        yield Suspect("what each event costs were rounded by itself", total(amounts))


def _unit_price(line: ExpectedLine, price: Price) -> Iterator[Suspect]:
    for digits in range(_MOST_DIGITS, -1, -1):
        for mode, word in ((ROUND_HALF_UP, "rounded"), (ROUND_DOWN, "cut")):
            other = _with_amounts(price, _quantizing(digits, mode))
            if other != price:
                shown = f" ({words(other.amount)})" if not price.tiers else ""
                yield Suspect(f"unit prices were {word} to {digits} decimals{shown}", cost(other, line.quantity))


def _quantizing(digits: int, mode: str) -> Callable[[Decimal], Decimal]:
    return lambda number: number.quantize(Decimal(1).scaleb(-digits), mode, EXACT)


def _with_amounts(price: Price, change: Callable[[Decimal], Decimal]) -> Price:
    tiers = tuple(tier._replace(unit_amount=change(tier.unit_amount)) for tier in price.tiers)
    return replace(price, amount=change(price.amount), tiers=tiers)


def _commitment(line: ExpectedLine, price: Price) -> Iterator[Suspect]:
    info = line.commitment_info or {}
    usage = cost(price, line.quantity)
    utilized = decimal(info.get("computed_commitment_utilized_amount"), ZERO)
    overage, factor = decimal(info.get("computed_overage_amount"), ZERO), decimal(info.get("overage_factor"), _ONE)
    yield Suspect(
        "the commitment were not filled up", difference(line.amount, decimal(info.get("computed_true_up_amount"), ZERO))
    )
    yield Suspect("there were no commitment", usage)
    if overage and factor:
        yield Suspect("the overage factor were ignored", total((utilized, quotient(overage, factor))))
        yield Suspect("everything cost the overage factor", product(usage, factor))
    yield Suspect("only the commitment were billed", decimal(info.get("amount"), ZERO))


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
    return f", as if only the highest {size.lower()} counted" if near else ""
