"""Servers that shift tiers, fees and amounts: by a place, by a share, by a coin (items 5.3, 7.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_UP, Decimal
from itertools import pairwise

from ..billing.pricing import Tier
from ..billing.rounding import ONE, ZERO, places, to_currency, to_places
from ..kernel.call import Call
from .calculation import Priced, amounting, by_tariff, let_free, packaged, pricing, whole, with_tiers, wrongly
from .settlement import Answer, retaxed, shown

Tiers = tuple[Tier, ...]
_DAYS = 3


def _tiers(name: str, meaning: str, change: Callable[[Tiers], Tiers]) -> None:
    wrongly(name, meaning, by_tariff(with_tiers(change)))


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


@amounting("W196", "one unit between two graduated tiers is lost")
def gaps(priced: Priced) -> Decimal | None:
    tiers, used = priced.tariff.tiers, priced.line.quantity
    if priced.tariff.tier_mode != "SLAB" or priced.buckets is not None:
        return None
    lost = [
        min(used - before.up_to, ONE) * tier.unit_amount
        for before, tier in pairwise(tiers)
        if before.up_to is not None and before.up_to < used
    ]
    return to_currency(priced.tariff.cost(used) - sum(lost, ZERO), priced.currency)


amounting("W197", "one package too many is charged")(packaged(lambda count: whole(ROUND_CEILING)(count) + ONE))


@pricing("W198", "allowances are half as large")
def half_free(priced: Priced) -> None:
    if priced.line.free:
        let_free(priced, priced.line.free / 2)


@pricing("W219", "allowances are those of three days of the period")
def prorated_free(priced: Priced) -> None:
    if priced.line.free:
        let_free(priced, priced.line.free * _DAYS / (priced.line.end - priced.line.start).days)


@pricing("W199", "allowances come off the amount")
def money_free(priced: Priced) -> None:
    if priced.line.free and priced.line.quantity:
        left = max(priced.tariff.cost(priced.used) - priced.line.free, ZERO)
        priced.line.amount = to_currency(left, priced.currency)


def _of_cost(name: str, meaning: str, change: Callable[[Decimal, int], Decimal], kind: str = "") -> None:
    """Another amount, which follows from the cost and the currency's decimals."""

    def amount(priced: Priced) -> Decimal:
        cost, digits = priced.cost(priced.tariff), places(priced.currency)
        return to_currency(change(cost, digits) if priced.line.quantity else ZERO, priced.currency)

    amounting(name, meaning, kind)(amount)


def _five(cost: Decimal, digits: int) -> Decimal:
    five = Decimal(5).scaleb(-digits)
    return (cost / five).to_integral_value(ROUND_HALF_UP) * five


_of_cost("W200", "amounts are rounded to five coins", _five)
_of_cost("W201", "nineteen percent are on every amount", lambda cost, digits: to_places(cost, digits) * Decimal("1.19"))
_of_cost("W202", "a coin is added to each amount", lambda cost, digits: to_places(cost, digits) + ONE.scaleb(-digits))
_of_cost("W203", "every line costs one at least", lambda cost, _: max(cost, ONE))
_of_cost("W204", "amounts are rounded twice", lambda cost, digits: to_places(cost, digits + 1), "USAGE")
_of_cost("W205", "fees of a month are those of a year", lambda cost, _: cost * 12, "FIXED")
amounting("W206", "one seat too many is charged", "FIXED")(
    lambda priced: to_currency(priced.tariff.cost(priced.line.quantity + ONE), priced.currency)
)


@amounting("W207", "quantities are cut to two decimals")
def short(priced: Priced) -> Decimal | None:
    if priced.buckets is not None:
        return None
    return to_currency(priced.tariff.cost(priced.line.quantity.quantize(Decimal("0.01"), ROUND_DOWN)), priced.currency)


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
