"""A price as a line of straight pieces: between two bounds its cost grows by one unit price (contract 2.4)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from pytest_flexprice.model.decimals import ZERO, difference, product, total
from pytest_flexprice.model.prices import Price, Tier


class Piece(NamedTuple):
    """For ``lower`` < quantity ≤ ``upper`` (``None``: no end) the cost is ``base`` + ``unit`` × quantity; ``name`` says which tier."""

    lower: Decimal
    upper: Decimal | None
    base: Decimal
    unit: Decimal
    name: str


def pieces(price: Price) -> list[Piece]:
    """The pieces of a price in order; of a package price they count packages, not units. None for a price that bills nothing."""
    if price.billing_model in ("FLAT_FEE", "PACKAGE"):
        return [Piece(ZERO, None, ZERO, price.amount, "")]
    if price.billing_model != "TIERED" or not price.tiers or price.tier_mode not in ("SLAB", "VOLUME"):
        return []
    return list(_slabs(price) if price.tier_mode == "SLAB" else _volumes(price))


def _bounds(price: Price) -> Iterator[tuple[Decimal, Decimal | None, Tier]]:
    lower = ZERO
    for tier in price.tiers:
        if tier.up_to is None or tier.up_to > lower:
            yield lower, tier.up_to, tier
            lower = tier.up_to if tier.up_to is not None else lower


def _slabs(price: Price) -> Iterator[Piece]:
    reached, upper = ZERO, None
    for number, (lower, upper, tier) in enumerate(_bounds(price), 1):
        base = difference(total((reached, tier.flat_amount)), product(tier.unit_amount, lower))
        yield Piece(lower, upper, base, tier.unit_amount, f"tier {number}")
        if upper is None:
            return
        reached = total((base, product(tier.unit_amount, upper)))
    if upper is not None:
        yield Piece(upper, None, reached, ZERO, "beyond the last tier")


def _volumes(price: Price) -> Iterator[Piece]:
    found = list(_bounds(price))
    for number, (lower, upper, tier) in enumerate(found, 1):
        last = number == len(found)
        yield Piece(lower, None if last else upper, tier.flat_amount, tier.unit_amount, f"tier {number}")
