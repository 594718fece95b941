"""Servers that bill another price, another time or another part than they should (items 5.3, 7.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from ..billing.lines import Line, granted_to
from ..billing.pricing import Tariff, number
from ..billing.rounding import ZERO, to_currency
from ..billing.scope import Scope
from ..kernel.tables import Row
from .calculation import Lines, Priced, amounting, bill, charged, each_line, let_free, priced_line, pricing, wrongly
from .counting import recount
from .registry import fault

_LONG = timedelta(days=3650)
_HALF = Decimal(2)


def _other_price(choose: Callable[[Row, list[Row]], Iterable[Row]]) -> Callable[[Scope, Row, Lines], Lines]:
    """A rule that bills a line at another price of its plan that is on the same meter, or is a fee of the same name."""

    def rule(scope: Scope, subscription: Row, lines: Lines) -> Lines:
        def change(priced: Priced) -> None:
            assert priced.line.item is not None
            own = scope.need("prices", priced.line.item["price_id"])
            siblings = scope.find("prices", entity_id=own["entity_id"], meter_id=own["meter_id"], type=own["type"])
            alike = [row for row in siblings if row["id"] != own["id"] and row["display_name"] == own["display_name"]]
            for other in list(choose(own, alike))[:1]:
                priced.line.amount = to_currency(priced.cost(Tariff.of(other)), priced.currency)

        return each_line(change)(scope, subscription, lines)

    return rule


wrongly(
    "W123",
    "the price of another currency is billed",
    _other_price(lambda own, alike: [row for row in alike if row["currency"] != own["currency"]]),
)
wrongly(
    "W124",
    "a changed price holds at once, for whoever was there before",
    _other_price(lambda own, alike: [row for row in alike if row.get("parent_price_id") == own["id"]]),
)
wrongly(
    "W125",
    "the price of another billing period is billed",
    _other_price(
        lambda own, alike: [
            row
            for row in alike
            if row["currency"] == own["currency"] and row["billing_period"] != own["billing_period"]
        ]
    ),
)


def _alone(subscription: Row, line: Line) -> bool:
    """Whether a line bills all the usage of its meter: a commitment of the subscription may have split it."""
    return line.kind == "USAGE" and not subscription.get("commitment_amount")


@charged("W126", "usage of earlier periods is billed again")
def all_time(scope: Scope, subscription: Row, line: Line) -> None:
    """What a meter ever counted; the lines show the running period."""
    if _alone(subscription, line):
        start, line.start = line.start, line.start - _LONG
        recount(scope, subscription, line)
        line.start = start


@charged("W127", "an hour's usage before a bill is not on it")
def too_late(scope: Scope, subscription: Row, line: Line) -> None:
    if _alone(subscription, line) and line.end > scope.now:
        end, line.end = line.end, scope.now - timedelta(hours=1)
        recount(scope, subscription, line)
        line.end = end


@amounting("W128", "tiers and packages of bucketed meters go by the sum")
def on_the_sum(priced: Priced) -> Decimal | None:
    return to_currency(priced.tariff.cost(priced.line.quantity), priced.currency) if priced.buckets else None


@amounting("W129", "each bucket is rounded by itself")
def rounded_buckets(priced: Priced) -> Decimal | None:
    if not priced.buckets or priced.line.free:
        return None
    return sum((to_currency(priced.tariff.cost(each), priced.currency) for each in priced.buckets), ZERO)


@pricing("W130", "of a bucketed meter the mean of the buckets is billed")
def mean_bucket(priced: Priced) -> None:
    if priced.buckets:
        bill(priced, (sum(priced.buckets, ZERO) / len(priced.buckets)).quantize(Decimal("1e-8")))


@fault("W131", "an allowance per day or month is given once in a billing period", "charges")
def once_a_period(scope: Scope, subscription: Row, lines: Lines) -> Lines:
    def change(priced: Priced) -> None:
        granted = priced.line.item and granted_to(scope, subscription, priced.line.item)
        if granted and granted.limit:
            let_free(priced, granted.limit)

    return each_line(change, kind="USAGE")(scope, subscription, lines)


@pricing("W132", "what is not exceeded is billed, and so is what has no limit")
def limitless(priced: Priced) -> None:
    if priced.line.free and not priced.line.quantity:
        let_free(priced, ZERO)


@amounting("W133", "parts of seats are free", "FIXED")
def whole_seats(priced: Priced) -> Decimal | None:
    quantity = priced.line.quantity
    cost = priced.tariff.cost(quantity.to_integral_value(ROUND_DOWN))
    return to_currency(cost, priced.currency) if quantity % 1 else None


@amounting("W134", "tiers of fees are swapped", "FIXED")
def swapped_tiers(priced: Priced) -> Decimal | None:
    other = replace(priced.tariff, tier_mode="VOLUME" if priced.tariff.tier_mode == "SLAB" else "SLAB")
    return to_currency(other.cost(priced.line.quantity), priced.currency) if other.tiers else None


@charged("W135", "fees are charged for what is left of the period", "FIXED")
def left_of_it(scope: Scope, subscription: Row, line: Line) -> None:
    begins, ends = subscription["current_period_start"], subscription["current_period_end"]
    share = Decimal((ends - scope.now).days) / Decimal((ends - begins).days or 1)
    line.amount = to_currency(line.amount * share, subscription["currency"])


@fault("W136", "a usage line is split into two halves", "charges")
def halves(scope: Scope, subscription: Row, lines: Lines) -> Lines:
    found: Lines = []
    for line in lines:
        priced = priced_line(scope, subscription, line)
        if priced is None or line.kind != "USAGE" or not line.quantity:
            found.append(line)
            continue
        half = line.quantity / _HALF
        amount = to_currency(priced.tariff.cost(half), priced.currency)
        found += [replace(line, quantity=half, amount=amount) for _ in range(2)]
    return found


@fault("W137", "lines of one meter are merged into one", "charges")
def merged(scope: Scope, subscription: Row, lines: Lines) -> Lines:
    first: dict[str, Any] = {}
    kept: Lines = []
    for line in lines:
        meter = line.item["meter_id"] if line.item is not None else ""
        if meter and meter in first:
            first[meter].amount += line.amount
            continue
        first[meter] = line
        kept.append(line)
    return kept


@charged("W138", "a true-up is for the days that have passed only")
def elapsed_true_up(scope: Scope, subscription: Row, line: Line) -> None:
    begins, ends = subscription["current_period_start"], subscription["current_period_end"]
    if line.metadata.get("is_commitment_trueup"):
        share = Decimal((scope.now - begins).days) / Decimal((ends - begins).days)
        line.amount = to_currency(line.amount * share, subscription["currency"])


@charged("W139", "a true-up fills up twice the commitment")
def double_commitment(scope: Scope, subscription: Row, line: Line) -> None:
    if line.metadata.get("is_commitment_trueup"):
        line.amount += number(subscription["commitment_amount"])
