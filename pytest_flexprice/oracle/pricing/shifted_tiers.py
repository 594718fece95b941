"""Wrong ways to read a list of tiers: prices and flat fees in another tier than their own, bounds that are none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import accumulate

from pytest_flexprice.model.decimals import ZERO, difference, product, rounded, total
from pytest_flexprice.model.prices import Price, Tier
from pytest_flexprice.oracle.pricing.prices import cost
from pytest_flexprice.oracle.pricing.wrong_rules import PricedLine, Rule, bound, tiered, with_tiers


def taken(place: Callable[[int, int], int], *, units: bool = True, flats: bool = True) -> Rule:
    """Each tier with the unit price, the flat fee or both of the tier at another place, which follows from its own and their number."""

    def change(price: Price) -> Price:
        tiers = price.tiers
        others = [tiers[min(max(place(number, len(tiers)), 0), len(tiers) - 1)] for number in range(len(tiers))]
        return with_tiers(
            price,
            (
                tier._replace(
                    unit_amount=other.unit_amount if units else tier.unit_amount,
                    flat_amount=other.flat_amount if flats else tier.flat_amount,
                )
                for tier, other in zip(tiers, others, strict=True)
            ),
        )

    return tiered(change)


def first(**changes: Decimal) -> Rule:
    """Another first tier."""
    return tiered(lambda price: with_tiers(price, [price.tiers[0]._replace(**changes), *price.tiers[1:]]))


def flats_times(factor: int) -> Rule:
    """Flat fees so many times."""
    return tiered(
        lambda price: with_tiers(price, (one._replace(flat_amount=one.flat_amount * factor) for one in price.tiers))
    )


def _as_sizes(tiers: Sequence[Tier]) -> list[Tier]:
    bounds = accumulate(tier.up_to or ZERO for tier in tiers)
    return [tier._replace(up_to=None if tier.up_to is None else up) for tier, up in zip(tiers, bounds, strict=True)]


sizes = tiered(lambda price: with_tiers(price, _as_sizes(price.tiers)))
"""Bounds as the sizes of tiers."""


def lost_between(line: PricedLine) -> Decimal | None:
    """Graduated tiers of which each but the first begins one unit too late."""
    begun = [(tier, bound(line.price, number)) for number, tier in enumerate(line.price.tiers) if number]
    lost = [
        product(tier.unit_amount, min(Decimal(1), line.billed - lower)) for tier, lower in begun if lower < line.billed
    ]
    if line.price.tier_mode != "SLAB" or not lost:
        return None
    return rounded(difference(cost(line.price, line.billed), total(lost)), line.currency)
