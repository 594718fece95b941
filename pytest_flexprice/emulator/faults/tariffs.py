"""More servers that price wrongly: tiers, allowances and rounding by rules of their own (items 5.3, 7.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal

from ..billing.pricing import Tariff, Tier
from ..billing.rounding import ONE, ZERO, places, to_currency
from .calculation import (
    Priced,
    amounting,
    by_amount,
    by_tariff,
    each_line,
    each_tier,
    later,
    let_free,
    packaged,
    quantized,
    rounding_by,
    whole,
    with_tiers,
    with_units,
    wrongly,
)

wrongly("W31", "unit prices are cut to two decimals", by_tariff(with_units(quantized(2, ROUND_DOWN))))
wrongly("W32", "unit prices are rounded to eight decimals", by_tariff(with_units(quantized(8, ROUND_HALF_UP))))
wrongly(
    "W33",
    "the second tier ends one unit too late",
    by_tariff(with_tiers(lambda tiers: (*tiers[:1], *map(later(ONE), tiers[1:2]), *tiers[2:]))),
)
wrongly(
    "W34",
    "the last tier is ignored",
    by_tariff(with_tiers(lambda tiers: (*tiers[:-2], replace(tiers[-2], up_to=None)) if len(tiers) > 1 else tiers)),
)
wrongly(
    "W35", "every tier costs what the last does", by_tariff(with_tiers(lambda tiers: (replace(tiers[-1], up_to=None),)))
)
wrongly("W36", "parts of packages are charged", by_amount(packaged(lambda packages: packages)))
wrongly("W37", "a full package opens the next one", by_amount(packaged(lambda count: whole(ROUND_FLOOR)(count) + ONE)))
wrongly("W38", "exact halves are rounded down", by_amount(rounding_by(ROUND_HALF_DOWN), ""))


@amounting("W39", "each tier is rounded by itself")
def by_tier(priced: Priced) -> Decimal | None:
    tariff = priced.tariff
    if tariff.tier_mode != "SLAB" or priced.buckets is not None:
        return None
    found, below = ZERO, ZERO
    for tier in tariff.tiers:
        upper = priced.line.quantity if tier.up_to is None else min(priced.line.quantity, tier.up_to)
        if upper > below:
            found += to_currency((upper - below) * tier.unit_amount + tier.flat_amount, priced.currency)
            below = upper
    return found


wrongly("W40", "amounts are not rounded at all", by_amount(lambda priced: priced.cost(priced.tariff), ""))
wrongly("W41", "every currency has two decimals", by_amount(rounding_by(ROUND_HALF_UP, lambda currency: 2), ""))


def _units(mode: str) -> Callable[[Priced], Decimal | None]:
    def cost(priced: Priced) -> Decimal | None:
        if priced.buckets is not None:
            return None
        return to_currency(priced.tariff.cost(whole(mode)(priced.line.quantity)), priced.currency)

    return cost


wrongly("W42", "parts of units cost nothing", by_amount(_units(ROUND_FLOOR)))
wrongly("W43", "parts of units cost what whole ones do", by_amount(_units(ROUND_CEILING)))


def _flats(reached: Callable[[list[Tier]], list[Tier]], mode: str) -> Callable[[Priced], Decimal | None]:
    def cost(priced: Priced) -> Decimal | None:
        tariff, quantity = priced.tariff, priced.line.quantity
        if tariff.tier_mode != mode or not quantity or priced.buckets is not None:
            return None
        bare = each_tier(lambda tier: replace(tier, flat_amount=ZERO))(tariff)
        lower = [ZERO, *(tier.up_to or ZERO for tier in tariff.tiers)]
        charged = reached([tier for tier, below in zip(tariff.tiers, lower, strict=False) if below < quantity])
        return to_currency(bare.cost(quantity) + sum((tier.flat_amount for tier in charged), ZERO), priced.currency)

    return cost


wrongly("W44", "only the tier reached charges its flat amount", by_amount(_flats(lambda tiers: tiers[-1:], "SLAB")))
wrongly("W45", "lower tiers charge their flat amounts too", by_amount(_flats(lambda tiers: tiers, "VOLUME")))


def _allowing(free: Callable[[Priced], Decimal]) -> Callable[[Priced], None]:
    def change(priced: Priced) -> None:
        if priced.line.free:
            let_free(priced, max(free(priced), ZERO))

    return change


def _granted(priced: Priced) -> Decimal:
    return priced.line.free or ZERO


wrongly("W46", "allowances end one unit too early", each_line(_allowing(lambda priced: _granted(priced) - ONE)))
wrongly(
    "W47",
    "usage above an allowance is billed from its first unit",
    each_line(_allowing(lambda priced: ZERO if priced.line.quantity else _granted(priced))),
)
wrongly("W48", "usage above an allowance is free too", each_line(_allowing(lambda priced: priced.used)))


@amounting("W49", "an allowance comes off at the price of the last tier reached")
def dearest_last(priced: Priced) -> Decimal | None:
    """The allowance reduces the bill at the price of the last unit used."""
    free, tiers = priced.line.free, priced.tariff.tiers
    if not free or not priced.line.quantity or not tiers:
        return None
    last = next((tier for tier in tiers if tier.up_to is None or priced.used <= tier.up_to), tiers[-1])
    return to_currency(max(priced.tariff.cost(priced.used) - free * last.unit_amount, ZERO), priced.currency)


@amounting("W50", "the tier goes by what was used, allowance and all")
def in_used_tier(priced: Priced) -> Decimal | None:
    tariff = priced.tariff
    if not priced.line.free or tariff.tier_mode != "VOLUME":
        return None
    reached = [tier for tier in tariff.tiers if tier.up_to is None or priced.used <= tier.up_to] or [*tariff.tiers[-1:]]
    return to_currency(priced.cost(replace(tariff, tiers=(replace(reached[0], up_to=None),))), priced.currency)


@amounting("W82", "the price of a package is charged for each unit")
def each_unit(priced: Priced) -> Decimal | None:
    if priced.tariff.model != "PACKAGE":
        return None
    return to_currency(priced.line.quantity * priced.tariff.amount, priced.currency)


@amounting("W83", "usage costs its price once, however much it is")
def once(priced: Priced) -> Decimal | None:
    if priced.tariff.model == "TIERED" or priced.buckets is not None or not priced.line.quantity:
        return None
    return to_currency(priced.tariff.amount, priced.currency)


def _mantissa(amount: Decimal) -> Decimal:
    return amount.scaleb(-amount.adjusted()) if amount and amount.adjusted() < _SHORTEST_PRINTED else amount


_SHORTEST_PRINTED = -6
wrongly("W84", "the exponent of very small unit prices is ignored", by_tariff(with_units(_mantissa)))


def _endless(mode: str, change: Callable[[tuple[Tier, ...]], tuple[Tier, ...]]) -> Callable[[Tariff], Tariff]:
    def changed(tariff: Tariff) -> Tariff:
        capped = tariff.tier_mode == mode and tariff.tiers and tariff.tiers[-1].up_to is not None
        return replace(tariff, tiers=change(tariff.tiers)) if capped else tariff

    return changed


wrongly(
    "W85",
    "what is above a last graduated tier costs what is in it",
    by_tariff(_endless("SLAB", lambda tiers: (*tiers[:-1], replace(tiers[-1], up_to=None)))),
)
wrongly(
    "W86",
    "what is above a last volume tier costs nothing",
    by_tariff(_endless("VOLUME", lambda tiers: (*tiers, Tier(None, ZERO)))),
)


@amounting("W87", "the flat amount of the first tier is charged without usage")
def entered(priced: Priced) -> Decimal | None:
    tiers = priced.tariff.tiers
    return to_currency(tiers[0].flat_amount, priced.currency) if tiers and not priced.line.quantity else None


@amounting("W88", "an allowance is counted in packages")
def free_packages(priced: Priced) -> Decimal | None:
    tariff = priced.tariff
    if tariff.model != "PACKAGE" or not priced.line.free or not priced.line.quantity:
        return None
    packages = whole(ROUND_FLOOR if tariff.round_down else ROUND_CEILING)(priced.used / tariff.divide_by)
    return to_currency(max(packages - priced.line.free, ZERO) * tariff.amount, priced.currency)


wrongly(
    "W89",
    "amounts are in the smallest coins",
    by_amount(lambda priced: priced.line.amount.scaleb(places(priced.currency)), ""),
)
wrongly(
    "W90",
    "amounts are a hundredth",
    by_amount(lambda priced: to_currency(priced.line.amount / 100, priced.currency), ""),
)
