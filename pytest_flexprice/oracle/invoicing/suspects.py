"""Which wrong rule explains a wrong amount: each known mistake is computed, and those that give the amount are named.

Nothing is concluded from it: the amount is wrong whatever explains it; the suspicion tells where to look.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_DOWN, Decimal

from pytest_flexprice.model.decimals import (
    ZERO,
    decimal,
    difference,
    product,
    quotient,
    rounded,
    total,
)
from pytest_flexprice.model.prices import Price
from pytest_flexprice.model.suspicion import as_if
from pytest_flexprice.oracle.invoicing.expected import ExpectedLine
from pytest_flexprice.oracle.invoicing.suspect_prices import days_of, mispriced, priced, text
from pytest_flexprice.oracle.metering.meters import Usage
from pytest_flexprice.oracle.metering.miscounting import miscounted
from pytest_flexprice.oracle.pricing.factors import factor
from pytest_flexprice.oracle.pricing.mistakes import SHORTENED, Seen, explaining, mildest
from pytest_flexprice.oracle.pricing.prices import cost

_ONE, _TWO, _YEAR, _MONTH = Decimal(1), Decimal(2), Decimal(12), Decimal(30)
_BY_EVENT = {"PACKAGE": "each event opens packages of its own", "TIERED": "the tiers begin anew with each event"}
LISTED = "the plan's price holds and not the agreed one"
Suspects = Iterator[tuple[str, Decimal]]
"""Wrong rules in words that follow "as if", each with the amount that it comes to before rounding."""


def suspicion(line: ExpectedLine, amount: Decimal, currency: str, seen: Sequence[Seen] = (), about: str = "") -> str:
    """What a line's wrong amount looks like, as words to append; empty where no known rule comes to it.

    Args:
        seen: what the invoice bills of its usage lines: a rule that comes to all of it is surer than one that explains this line.
        about: what the rules must be about, by a word of theirs; empty: anything.
    """
    price = line.line.price if line.line else None
    if price is None:
        true_up = [words for words, wrong in _true_up(line) if rounded(wrong, currency) == amount]
        return _named(true_up or days_of(line, amount, currency) or factor([(line.amount, amount)], currency))
    own = priced(line, currency)
    surest = explaining(seen) if own is not None else []
    alike = [words for words, wrong in _suspects(line, price) if rounded(wrong, currency) == amount]
    if LISTED in alike:
        return as_if([LISTED])
    alike += mispriced(line, amount, currency)
    alike = alike or [
        f"the plan's {words} holds" for words, wrong in _others(line) if rounded(wrong, currency) == amount
    ]
    alike = alike or days_of(line, amount, currency)
    if not alike and not surest and not about:
        together = factor([(each.amount, billed) for each, billed in seen], currency) if own is not None else []
        return as_if(together or factor([(line.amount, amount)], currency))
    return _named((words for words in alike if about in words), [words for words in surest if about in words])


def _named(alike: Iterable[str], surest: Iterable[str] = ()) -> str:
    sure = mildest(surest)
    known = any(words.startswith(SHORTENED) for words in sure)
    found = [*sure, *(words for words in mildest(alike) if not (known and words.startswith(SHORTENED)))]
    return as_if(found)


def _suspects(line: ExpectedLine, price: Price) -> Suspects:
    if line.line is not None and line.line.listed is not None and not line.commitment_info:
        yield LISTED, cost(line.line.listed, line.quantity)
    if line.commitment_info:
        yield from _commitment(line, price)
    elif line.kind == "overage":
        yield from _overage(line, price)
    elif line.kind == "usage":
        yield from _events(line, price)
        yield from _buckets(line, price)
        yield from _inside(line, price)
    else:
        yield from _fee(line, price)


def _others(line: ExpectedLine) -> Suspects:
    """The plan's further prices for the same: of another currency or billing period, an older or a newer one."""
    own = line.line
    if own is None or line.commitment_info:
        return
    for other in own.others:
        about = [other.currency] if other.currency != own.price.currency else []
        about += [other.billing_period] if other.billing_period != own.price.billing_period else []
        words = f"price of {text(other)} {' '.join(about)}".rstrip()
        yield words, cost(other, line.quantity)


def _fee(line: ExpectedLine, price: Price) -> Suspects:
    whole = cost(price, line.quantity)
    yield "it is billed twice", product(line.amount, _TWO)
    yield "its quantity is one", cost(price, _ONE)
    yield "one more is bought", cost(price, line.quantity + _ONE)
    yield "one less is bought", cost(price, line.quantity - _ONE)
    yield "parts of its quantity are cut off", cost(price, line.quantity.to_integral_value(ROUND_DOWN))
    if line.span is not None and (days := Decimal((line.span.end - line.span.start).days)):
        yield "every period has 30 days", quotient(product(whole, days), _MONTH)
        yield "every month has 30 days", quotient(product(whole, _MONTH), days)
    yield "a part of the period costs a whole one", whole
    for amount in (line.amount, whole):
        yield "it is charged by the month", quotient(amount, _YEAR)


def _events(line: ExpectedLine, price: Price) -> Suspects:
    """Each event by itself: where they are known as they are, else as if all of them used the same."""
    rows = line.usage.rows if line.usage else None
    name = _BY_EVENT.get(price.billing_model, "what each event costs is rounded by itself")
    if rows and not line.allowed:
        yield name, total(rounded(cost(price, row.quantity), price.currency) for row in rows)
    elif rows is None and line.usage and line.usage.event_count > 1 and not line.allowed:  # as if each used as much
        number = Decimal(line.usage.event_count)
        yield name, product(cost(price, quotient(line.quantity, number)), number)


def _buckets(line: ExpectedLine, price: Price) -> Suspects:
    """Of a bucketed meter: what its buckets cost together, and each rounded by itself."""
    if len(line.buckets) > 1 and not line.allowed:
        yield "tiers and packages go by the sum of the buckets", cost(price, line.quantity)
        yield (
            "each bucket is rounded by itself",
            total(rounded(cost(price, one), price.currency) for one in line.buckets),
        )


def _inside(line: ExpectedLine, price: Price) -> Suspects:
    """What a subscription's commitment covers, priced like what is above it."""
    if line.overage_factor is not None:
        yield "everything costs the overage factor", product(cost(price, line.quantity), line.overage_factor)


def _overage(line: ExpectedLine, price: Price) -> Suspects:
    yield "the overage factor is ignored", cost(price, line.quantity)
    if line.overage_factor is not None:
        yield "the overage factor acts twice", product(line.amount, line.overage_factor)


def _true_up(line: ExpectedLine) -> Suspects:
    """Of a true-up, whose line has no price: what else may count towards the commitment."""
    if line.kind == "true-up":
        yield "fees count towards the commitment", max(difference(line.amount, line.fees), ZERO)
        yield "the whole commitment is billed on top", total((line.amount, line.used))
        yield "the commitment is twice as large", total((line.amount, line.amount, line.used))
        if line.overage_factor is not None:
            yield "what is missing costs the overage factor", product(line.amount, line.overage_factor)


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
    """What a wrong quantity looks like, as words to append: the value that another way to count comes to."""
    return as_if(miscounted(usage, quantity)) if usage is not None else ""
