"""Wrong ways to price one usage line, as pure functions: what a server that keeps one of them would bill."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property

from pytest_flexprice.model.decimals import (
    EXACT,
    ZERO,
    difference,
    places,
    product,
    quantized,
    quotient,
    rounded,
    total,
)
from pytest_flexprice.model.prices import Price, Tier
from pytest_flexprice.oracle.pricing.prices import cost, parts

Rule = Callable[["PricedLine"], Decimal | None]
"""The amount that a server with it bills of a line; ``None`` where it has no meaning for the line's price."""


@dataclass(frozen=True)
class PricedLine:
    """One usage line: its price, what was ``used``, what of it is free (``None``: no entitlement), and the currency."""

    price: Price
    used: Decimal
    free: Decimal | None
    currency: str

    @cached_property
    def billed(self) -> Decimal:
        """What is left after the allowance."""
        return max(difference(self.used, self.free or ZERO), ZERO)

    @cached_property
    def amount(self) -> Decimal:
        """What a right server bills."""
        return rounded(cost(self.price, self.billed), self.currency)


def repriced(change: Callable[[Price], Price | None]) -> Rule:
    """A rule that prices by a changed price; none where the change has no meaning."""

    def amount(line: PricedLine) -> Decimal | None:
        price = change(line.price)
        return None if price is None else rounded(cost(price, line.billed), line.currency)

    return amount


def kept(digits: int, rounding: str) -> Rule:
    """Unit prices with so many decimals only."""

    last = Decimal(1).scaleb(-digits)

    def keep(amount: Decimal) -> Decimal:
        return amount.quantize(last, rounding, EXACT)

    def change(price: Price) -> Price | None:
        amounts = (price.amount, *(tier.unit_amount for tier in price.tiers))
        if all(keep(amount) == amount for amount in amounts):
            return None
        tiers = tuple(tier._replace(unit_amount=keep(tier.unit_amount)) for tier in price.tiers)
        return replace(price, amount=keep(price.amount), tiers=tiers)

    return repriced(change)


def tiered(change: Callable[[Price], Price]) -> Rule:
    """A rule of tiered prices."""
    return repriced(lambda price: change(price) if price.billing_model == "TIERED" and price.tiers else None)


def with_tiers(price: Price, tiers: Iterable[Tier]) -> Price:
    """The price with other tiers."""
    return replace(price, tiers=tuple(tiers))


def swapped(price: Price) -> Price:
    """Graduated for volume, and the other way round."""
    return replace(price, tier_mode={"SLAB": "VOLUME", "VOLUME": "SLAB"}.get(price.tier_mode, price.tier_mode))


def one_moved(number: int, step: int) -> Rule:
    """One tier that ends so many units later."""

    def change(price: Price) -> Price | None:
        bound = price.tiers[number].up_to if number < len(price.tiers) else None
        if bound is None or price.billing_model != "TIERED":
            return None
        return with_tiers(
            price,
            (tier._replace(up_to=bound + step) if index == number else tier for index, tier in enumerate(price.tiers)),
        )

    return repriced(change)


def without_last(price: Price) -> Price:
    """The tier before the last has no end."""
    return with_tiers(price, [*price.tiers[:-2], *(tier._replace(up_to=None) for tier in price.tiers[-2:-1])])


def exclusive(line: PricedLine) -> Decimal | None:
    """A quantity at a bound already lies in the next tier."""
    after = [tier for tier in line.price.tiers if tier.up_to is None or tier.up_to > line.billed]
    if not after or all(tier.up_to != line.billed for tier in line.price.tiers):
        return None
    if line.price.tier_mode == "SLAB":
        return rounded(total((cost(line.price, line.billed), after[0].flat_amount)), line.currency)
    return rounded(cost(with_tiers(line.price, after), line.billed), line.currency)


def all_flats(line: PricedLine) -> Decimal | None:
    """The flat fees of all tiers up to the one reached, in volume pricing."""
    price = line.price
    if price.billing_model != "TIERED" or price.tier_mode != "VOLUME" or not line.billed:
        return None
    unit = cost(with_tiers(price, (tier._replace(flat_amount=ZERO) for tier in price.tiers)), line.billed)
    below = [tier for number, tier in enumerate(price.tiers) if not number or bound(price, number) < line.billed]
    return rounded(total((unit, *(tier.flat_amount for tier in below))), line.currency)


def bound(price: Price, number: int) -> Decimal:
    """Where a tier begins."""
    bound = price.tiers[number - 1].up_to
    return ZERO if bound is None else bound


def one_flat(line: PricedLine) -> Decimal | None:
    """The flat fee of the tier reached only, in graduated pricing."""
    price = line.price
    if price.billing_model != "TIERED" or price.tier_mode != "SLAB" or not line.billed or not price.tiers:
        return None
    unit = cost(with_tiers(price, (tier._replace(flat_amount=ZERO) for tier in price.tiers)), line.billed)
    reached = [tier for number, tier in enumerate(price.tiers) if not number or bound(price, number) < line.billed]
    return rounded(total((unit, reached[-1].flat_amount)), line.currency)


def packaged(count: Callable[[Decimal], Decimal]) -> Rule:
    """Another count of packages."""

    def amount(line: PricedLine) -> Decimal | None:
        if line.price.billing_model != "PACKAGE":
            return None
        packages = count(quotient(line.billed, line.price.divide_by))
        return rounded(product(packages, line.price.amount), line.currency)

    return amount


def whole(rounding: str) -> Callable[[Decimal], Decimal]:
    """Numbers rounded to whole ones."""
    return lambda number: number.to_integral_value(rounding)


def freed(free: Callable[[Decimal], Decimal]) -> Rule:
    """Another allowance."""

    def amount(line: PricedLine) -> Decimal | None:
        return None if not line.free else replace(line, free=max(free(line.free), ZERO)).amount

    return amount


def after_tiers(line: PricedLine) -> Decimal | None:
    """What is free is priced like the first units, and that comes off."""
    if not line.free:
        return None
    whole, free = cost(line.price, line.used), cost(line.price, min(line.free, line.used))
    return rounded(max(difference(whole, free), ZERO), line.currency)


def threshold(line: PricedLine) -> Decimal | None:
    """Once it is exceeded, the allowance is billed too."""
    return None if not line.free or not line.billed else replace(line, free=ZERO).amount


def all_free(line: PricedLine) -> Decimal | None:
    """Nothing is billed."""
    return None if not line.free else ZERO


def at_last_price(line: PricedLine) -> Decimal | None:
    """The allowance comes off the bill at the unit price of the tier that usage reaches, allowance and all."""
    if not line.free or not line.billed or line.price.billing_model != "TIERED" or not line.price.tiers:
        return None
    reached = [tier for tier in line.price.tiers if tier.up_to is None or line.used <= tier.up_to]
    last = (reached or line.price.tiers[-1:])[0]
    left = difference(cost(line.price, line.used), product(line.free, last.unit_amount))
    return rounded(max(left, ZERO), line.currency)


def in_used_tier(line: PricedLine) -> Decimal | None:
    """The tier goes by what was used, only the price by what is billed."""
    if (
        not line.free
        or line.price.tier_mode != "VOLUME"
        or line.price.billing_model != "TIERED"
        or not line.price.tiers
    ):
        return None
    reached = [tier for tier in line.price.tiers if tier.up_to is None or line.used <= tier.up_to]
    tier = (reached or line.price.tiers[-1:])[0]
    return rounded(cost(with_tiers(line.price, (tier._replace(up_to=None),)), line.billed), line.currency)


def rounded_by(rounding: str, shift: int = 0) -> Rule:
    """Another rounding, or to another number of decimals than the currency's."""

    def amount(line: PricedLine) -> Decimal | None:
        digits = Decimal(1).scaleb(-(places(line.currency) + shift))
        return cost(line.price, line.billed).quantize(digits, rounding, EXACT)

    return amount


def unrounded(line: PricedLine) -> Decimal:
    """The cost as it is."""
    return cost(line.price, line.billed)


def hundredths(line: PricedLine) -> Decimal | None:
    """Two decimals whatever the currency."""
    if places(line.currency) == 2:
        return None
    return cost(line.price, line.billed).quantize(Decimal("0.01"), ROUND_HALF_UP, EXACT)


def no_decimals(line: PricedLine) -> Decimal | None:
    """Whole amounts."""
    return None if places(line.currency) == 1 else quantized(cost(line.price, line.billed), 0)


def per_tier(line: PricedLine) -> Decimal | None:
    """Each tier rounded by itself."""
    terms = parts(line.price, line.billed)
    return total(rounded(part.amount, line.currency) for part in terms) if len(terms) > 1 else None


def whole_units(rounding: str) -> Rule:
    """Quantities rounded to whole units."""

    def amount(line: PricedLine) -> Decimal | None:
        return rounded(cost(line.price, line.billed.to_integral_value(rounding)), line.currency)

    return amount
