"""Wrong ways to read a price: its unit, its exponent, its end, its coins; as pure functions of one line."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from pytest_flexprice.model.decimals import EXACT, ZERO, difference, places, product, quantized, quotient, rounded
from pytest_flexprice.model.prices import Price, Tier
from pytest_flexprice.oracle.pricing.prices import cost
from pytest_flexprice.oracle.pricing.wrong_rules import PricedLine, Rule, with_tiers

_SHORTEST_PRINTED = -6
"""Numbers below ten to this power are printed with an exponent."""


def per_unit(line: PricedLine) -> Decimal | None:
    """The price of a package for each unit."""
    if line.price.billing_model != "PACKAGE":
        return None
    return rounded(product(line.billed, line.price.amount), line.currency)


def once(line: PricedLine) -> Decimal | None:
    """The price once, however much is used."""
    if line.price.billing_model not in ("FLAT_FEE", "PACKAGE") or not line.billed:
        return None
    return rounded(line.price.amount, line.currency)


def without_exponents(price: Price) -> Price | None:
    """Very small unit prices without their exponent."""
    tiers = tuple(tier._replace(unit_amount=_mantissa(tier.unit_amount)) for tier in price.tiers)
    other = replace(price, amount=_mantissa(price.amount), tiers=tiers)
    return None if other == price else other


def _mantissa(amount: Decimal) -> Decimal:
    return amount.scaleb(-amount.adjusted()) if amount and amount.adjusted() < _SHORTEST_PRINTED else amount


def endless(price: Price) -> Price | None:
    """A last graduated tier that has no end."""
    if price.tier_mode != "SLAB" or not price.tiers or price.tiers[-1].up_to is None:
        return None
    return with_tiers(price, (*price.tiers[:-1], price.tiers[-1]._replace(up_to=None)))


def free_above(price: Price) -> Price | None:
    """Nothing for all usage above a last volume tier."""
    if price.tier_mode != "VOLUME" or not price.tiers or price.tiers[-1].up_to is None:
        return None
    return with_tiers(price, (*price.tiers, Tier(None, ZERO, ZERO)))


def entered_unused(line: PricedLine) -> Decimal | None:
    """The flat fee of the first tier without any usage."""
    if line.price.billing_model != "TIERED" or not line.price.tiers or line.billed:
        return None
    return rounded(line.price.tiers[0].flat_amount, line.currency)


def free_packages(line: PricedLine) -> Decimal | None:
    """An allowance of packages, not of units."""
    price = line.price
    if price.billing_model != "PACKAGE" or not line.free or not line.billed:
        return None
    packages = quotient(line.used, price.divide_by).to_integral_value(
        ROUND_FLOOR if price.round_down else ROUND_CEILING
    )
    return rounded(product(max(difference(packages, line.free), ZERO), price.amount), line.currency)


def coins(line: PricedLine) -> Decimal | None:
    """The smallest coins of the currency for whole units of it."""
    return line.amount.scaleb(places(line.currency)) if places(line.currency) else None


def hundredth(line: PricedLine) -> Decimal:
    """A hundredth, as if it had been in cents."""
    return rounded(quotient(line.amount, Decimal(100)), line.currency)


def off_the_amount(line: PricedLine) -> Decimal | None:
    """What is free as an amount, not as a quantity."""
    if not line.free:
        return None
    return rounded(max(difference(cost(line.price, line.used), line.free), ZERO), line.currency)


def five_coins(line: PricedLine) -> Decimal:
    """To the nearest five coins, as cash is."""
    five = Decimal(5).scaleb(-places(line.currency))
    return product(quotient(cost(line.price, line.billed), five).to_integral_value(ROUND_HALF_UP), five)


def twice_rounded(line: PricedLine) -> Decimal:
    """To one decimal more than the currency has, and then to those."""
    return rounded(quantized(cost(line.price, line.billed), places(line.currency) + 1), line.currency)


def short_quantity(digits: int, rounding: str) -> Rule:
    """Quantities of so many decimals."""
    last = Decimal(1).scaleb(-digits)
    return lambda line: rounded(cost(line.price, line.billed.quantize(last, rounding, EXACT)), line.currency)
