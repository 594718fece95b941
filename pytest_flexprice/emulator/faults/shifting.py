"""Servers that shift tiers, fees and amounts: by a place, by a share, by a coin (items 5.3, 7.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from ..billing.pricing import Tier
from ..billing.rounding import ONE, ZERO, places, to_currency, to_places
from ..kernel.call import Call
from .calculation import by_amount, by_tariff, each_line, let_free, wrongly
from .settlement import Answer, retaxed, shown

if TYPE_CHECKING:
    from .calculation import Priced

Tiers = tuple[Tier, ...]


def _tiers(name: str, meaning: str, change: Callable[[Tiers], Tiers]) -> None:
    wrongly(name, meaning, by_tariff(lambda one: replace(one, tiers=change(one.tiers)) if one.tiers else one))


def _moved(tiers: Tiers, by: int, key: str) -> Tiers:
    """Each tier with a value of another one."""
    others = [tiers[min(max(number + by, 0), len(tiers) - 1)] for number in range(len(tiers))]
    return tuple(replace(tier, **{key: getattr(other, key)}) for tier, other in zip(tiers, others, strict=True))


def _as_sizes(tiers: Tiers) -> Tiers:
    sizes = [sum((tier.up_to or ZERO for tier in tiers[: number + 1]), ZERO) for number in range(len(tiers))]
    return tuple(replace(tier, up_to=tier.up_to and size) for tier, size in zip(tiers, sizes, strict=True))


_tiers("W191", "the first tier is free", lambda tiers: (Tier(tiers[0].up_to, ZERO), *tiers[1:]))
_tiers(
    "W192",
    "the flat amounts of tiers are charged twice",
    lambda tiers: tuple(replace(one, flat_amount=one.flat_amount * 2) for one in tiers),
)
_tiers("W193", "each tier charges the flat amount of the next", lambda tiers: _moved(tiers, 1, "flat_amount"))
_tiers("W194", "each tier costs what the one before it does", lambda tiers: _moved(tiers, -1, "unit_amount"))
_tiers("W195", "the bounds of tiers are their sizes", _as_sizes)


def _gaps(priced: Priced) -> Decimal | None:
    tiers, used = priced.tariff.tiers, priced.line.quantity
    if priced.tariff.tier_mode != "SLAB" or priced.buckets is not None:
        return None
    lost = [
        min(used - before.up_to, ONE) * tier.unit_amount
        for before, tier in pairwise(tiers)
        if before.up_to is not None and before.up_to < used
    ]
    return to_currency(priced.tariff.cost(used) - sum(lost, ZERO), priced.currency)


wrongly("W196", "one unit between two graduated tiers is lost", by_amount(_gaps))


def _one_more(priced: Priced) -> Decimal | None:
    tariff = priced.tariff
    if tariff.model != "PACKAGE" or priced.buckets is not None:
        return None
    packages = (priced.line.quantity / tariff.divide_by).to_integral_value(ROUND_CEILING) + ONE
    return to_currency(packages * tariff.amount, priced.currency)


wrongly("W197", "one package too many is charged", by_amount(_one_more))


@each_line
def _half_free(priced: Priced) -> None:
    if priced.line.free:
        let_free(priced, priced.line.free / 2)


@each_line
def _money_free(priced: Priced) -> None:
    if priced.line.free and priced.line.quantity:
        left = max(priced.tariff.cost(priced.used) - priced.line.free, ZERO)
        priced.line.amount = to_currency(left, priced.currency)


wrongly("W198", "allowances are half as large", _half_free)
wrongly("W199", "allowances come off the amount", _money_free)


def _of_cost(name: str, meaning: str, change: Callable[[Decimal, int], Decimal], kind: str = "") -> None:
    """Another amount, which follows from the cost and the currency's decimals."""
    wrongly(
        name,
        meaning,
        by_amount(
            lambda priced: to_currency(
                change(priced.cost(priced.tariff), places(priced.currency)) if priced.line.quantity else ZERO,
                priced.currency,
            ),
            kind,
        ),
    )


def _five(cost: Decimal, digits: int) -> Decimal:
    five = Decimal(5).scaleb(-digits)
    return (cost / five).to_integral_value(ROUND_HALF_UP) * five


_of_cost("W200", "amounts are rounded to five coins", _five)
_of_cost("W201", "nineteen percent are on every amount", lambda cost, digits: to_places(cost, digits) * Decimal("1.19"))
_of_cost("W202", "a coin is added to each amount", lambda cost, digits: to_places(cost, digits) + ONE.scaleb(-digits))
_of_cost("W203", "every line costs one at least", lambda cost, _: max(cost, ONE))
_of_cost("W204", "amounts are rounded twice", lambda cost, digits: to_places(cost, digits + 1), "USAGE")
_of_cost("W205", "fees of a month are those of a year", lambda cost, _: cost * 12, "FIXED")
wrongly(
    "W206",
    "one seat too many is charged",
    by_amount(lambda priced: to_currency(priced.tariff.cost(priced.line.quantity + ONE), priced.currency), "FIXED"),
)


def _short(priced: Priced) -> Decimal | None:
    if priced.buckets is not None:
        return None
    return to_currency(priced.tariff.cost(priced.line.quantity.quantize(Decimal("0.01"), ROUND_DOWN)), priced.currency)


wrongly("W207", "quantities are cut to two decimals", by_amount(_short))


@shown("W208", "discounts are half as large")
def half_discount(call: Call, answer: Answer) -> None:
    if answer["total_discount"]:
        answer["total_discount"] = to_currency(answer["total_discount"] / 2, answer["currency"])
        retaxed(answer, answer["subtotal"] - answer["total_discount"])


@shown("W209", "taxes are a point higher")
def higher_rate(call: Call, answer: Answer) -> None:
    """What is attached is shown."""
    rates = [tax["tax_rate"] for tax in answer.get("taxes") or ()]
    for tax in answer.get("taxes") or ():
        tax["tax_rate"] = {**tax["tax_rate"], "percentage_value": tax["tax_rate"]["percentage_value"] + ONE}
    retaxed(answer, answer["subtotal"] - answer["total_discount"])
    for tax, rate in zip(answer.get("taxes") or (), rates, strict=True):
        tax["tax_rate"] = rate
