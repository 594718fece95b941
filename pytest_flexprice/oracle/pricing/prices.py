"""What a quantity costs: flat fees, packages and tiers, before rounding (contract 2.4; billing vectors)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple

from pytest_flexprice.model.decimals import ZERO, difference, product, quotient, total, words
from pytest_flexprice.model.finding import not_verified
from pytest_flexprice.model.prices import FIAT, Price, Tier


def cost(price: Price, quantity: Decimal) -> Decimal:
    """The cost of a quantity, not rounded.

    A TIERED price without ``tier_mode`` costs nothing; tiers may come in any order; a bounded last VOLUME tier prices all in
    it, a bounded last SLAB tier charges nothing above it (contract 2.4).

    Raises:
        NotVerified: the price is of a kind that this calculation does not know.
    """
    return total(part.amount for part in parts(price, quantity))


class Part(NamedTuple):
    """One term of a price's formula."""

    formula: str
    amount: Decimal


def formula(price: Price, quantity: Decimal) -> str:
    """The calculation of ``cost`` as a person would write it down, such as ``10 × 1 + 5 × 0.5``."""
    return " + ".join(part.formula for part in parts(price, quantity)) or "0"


def parts(price: Price, quantity: Decimal) -> list[Part]:
    """The terms whose sum is the price of a quantity."""
    if price.unit_type != FIAT:
        raise _unknown(price, f"price unit type {price.unit_type}, whose rounding to {price.currency} is not known")
    if price.billing_model == "FLAT_FEE":
        return [Part(f"{words(quantity)} × {words(price.amount)}", product(quantity, price.amount))]
    if price.billing_model == "PACKAGE":
        return [_package(price, quantity)]
    if price.billing_model != "TIERED":
        raise _unknown(price, f"billing model {price.billing_model or 'none'}")
    if not price.tier_mode:
        return [Part(f"{words(quantity)} × nothing, as the price has no tier_mode", ZERO)]
    if quantity <= 0 or not price.tiers:
        return []
    if price.tier_mode == "VOLUME":
        reached = [tier for tier in price.tiers if tier.up_to is None or quantity <= tier.up_to]
        return [_tier_part(reached[0] if reached else price.tiers[-1], quantity)]
    if price.tier_mode == "SLAB":
        return _slabs(price.tiers, quantity)
    raise _unknown(price, f"tier mode {price.tier_mode}")


def _package(price: Price, quantity: Decimal) -> Part:
    rounding = ROUND_FLOOR if price.round_down else ROUND_CEILING
    packages = quotient(quantity, price.divide_by).to_integral_value(rounding)
    word = "down" if price.round_down else "up"
    text = f"{words(packages)} × {words(price.amount)} ({words(quantity)} ÷ {words(price.divide_by)} rounded {word})"
    return Part(text, product(packages, price.amount))


def _slabs(tiers: Sequence[Tier], quantity: Decimal) -> list[Part]:
    found, lower = [], ZERO
    for tier in tiers:
        upper = quantity if tier.up_to is None else min(quantity, tier.up_to)
        if upper > lower:
            found.append(_tier_part(tier, difference(upper, lower)))
            lower = upper
    return found


def _tier_part(tier: Tier, quantity: Decimal) -> Part:
    text = f"{words(quantity)} × {words(tier.unit_amount)}"
    if tier.flat_amount:
        text += f" + {words(tier.flat_amount)} flat"
    return Part(text, product(quantity, tier.unit_amount) + tier.flat_amount)


def moved_tiers(price: Price, step: Decimal) -> Price:
    """The price with every tier's bound moved by ``step``: what a bound that is off by one makes of it."""
    moved = [each if each.up_to is None else each._replace(up_to=each.up_to + step) for each in price.tiers]
    return replace(price, tiers=tuple(moved))


def _unknown(price: Price, what: str) -> Exception:
    return not_verified("", f"prices.{price.display_name or price.id}", f"not verified: {what} of price '{price.id}'")
