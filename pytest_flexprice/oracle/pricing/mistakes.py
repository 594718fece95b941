"""What wrong servers make of a price: each mistake that a price proof must show, as a pure function of one line.

A mistake answers the amount that a server with it would bill; where it has no meaning for a price, it says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

from pytest_flexprice.model.decimals import EXACT, ZERO, difference, places, product, quotient, rounded, total
from pytest_flexprice.model.prices import Price, Tier
from pytest_flexprice.oracle.pricing.prices import cost, moved_tiers, parts


@dataclass(frozen=True)
class Line:
    """One usage line: its price, what was ``used``, what of it is free (``None``: no entitlement), and the currency."""

    price: Price
    used: Decimal
    free: Decimal | None
    currency: str

    @property
    def billed(self) -> Decimal:
        """What is left after the allowance."""
        return max(difference(self.used, self.free or ZERO), ZERO)

    @property
    def amount(self) -> Decimal:
        """What a right server bills."""
        return rounded(cost(self.price, self.billed), self.currency)


@dataclass(frozen=True)
class Mistake:
    """A wrong rule: ``words`` end the sentence "it is what it costs if …"; ``amount`` is ``None`` where the rule has no meaning."""

    words: str
    amount: Callable[[Line], Decimal | None]


def explain(*seen: tuple[Line, Decimal]) -> str:
    """The rule that would bill each of these wrong amounts, in words; empty where none of the known ones does."""
    wrong = [(line, amount) for line, amount in seen if amount != line.amount]
    rules = [rule for rule in MISTAKES if wrong and all(rule.amount(line) == amount for line, amount in wrong)]
    return rules[0].words if rules else ""


def _repriced(change: Callable[[Price], Price | None]) -> Callable[[Line], Decimal | None]:
    def amount(line: Line) -> Decimal | None:
        price = change(line.price)
        return None if price is None else rounded(cost(price, line.billed), line.currency)

    return amount


def _kept(digits: int, rounding: str) -> Callable[[Line], Decimal | None]:
    def keep(amount: Decimal) -> Decimal:
        return amount.quantize(Decimal(1).scaleb(-digits), rounding, EXACT)

    def change(price: Price) -> Price | None:
        tiers = tuple(Tier(tier.up_to, keep(tier.unit_amount), tier.flat_amount) for tier in price.tiers)
        other = replace(price, amount=keep(price.amount), tiers=tiers)
        return None if other == price else other

    return _repriced(change)


def _tiered(change: Callable[[Price], Price]) -> Callable[[Line], Decimal | None]:
    return _repriced(lambda price: change(price) if price.billing_model == "TIERED" and price.tiers else None)


def _with_tiers(price: Price, tiers: Iterable[Tier]) -> Price:
    return replace(price, tiers=tuple(tiers))


def _swapped(price: Price) -> Price:
    return replace(price, tier_mode={"SLAB": "VOLUME", "VOLUME": "SLAB"}.get(price.tier_mode, price.tier_mode))


def _exclusive(line: Line) -> Decimal | None:
    """A quantity at a bound already lies in the next tier."""
    bounds = [tier.up_to for tier in line.price.tiers]
    if line.billed not in bounds[:-1]:
        return None
    after = [tier for tier in line.price.tiers if tier.up_to is None or tier.up_to > line.billed]
    if line.price.tier_mode == "SLAB":
        return rounded(total((cost(line.price, line.billed), after[0].flat_amount)), line.currency)
    return rounded(cost(_with_tiers(line.price, after), line.billed), line.currency)


def _all_flats(line: Line) -> Decimal | None:
    price = line.price
    if price.billing_model != "TIERED" or price.tier_mode != "VOLUME" or not line.billed:
        return None
    unit = cost(_with_tiers(price, (tier._replace(flat_amount=ZERO) for tier in price.tiers)), line.billed)
    below = [tier for number, tier in enumerate(price.tiers) if not number or _bound(price, number) < line.billed]
    return rounded(total((unit, *(tier.flat_amount for tier in below))), line.currency)


def _bound(price: Price, number: int) -> Decimal:
    bound = price.tiers[number - 1].up_to
    return ZERO if bound is None else bound


def _one_flat(line: Line) -> Decimal | None:
    price = line.price
    if price.billing_model != "TIERED" or price.tier_mode != "SLAB" or not line.billed:
        return None
    unit = cost(_with_tiers(price, (tier._replace(flat_amount=ZERO) for tier in price.tiers)), line.billed)
    reached = [tier for number, tier in enumerate(price.tiers) if not number or _bound(price, number) < line.billed]
    return rounded(total((unit, reached[-1].flat_amount)), line.currency)


def _packaged(count: Callable[[Decimal], Decimal]) -> Callable[[Line], Decimal | None]:
    def amount(line: Line) -> Decimal | None:
        if line.price.billing_model != "PACKAGE":
            return None
        packages = count(quotient(line.billed, line.price.divide_by))
        return rounded(product(packages, line.price.amount), line.currency)

    return amount


def _whole(rounding: str) -> Callable[[Decimal], Decimal]:
    return lambda number: number.to_integral_value(rounding)


def _freed(free: Callable[[Decimal], Decimal]) -> Callable[[Line], Decimal | None]:
    def amount(line: Line) -> Decimal | None:
        return None if not line.free else replace(line, free=max(free(line.free), ZERO)).amount

    return amount


def _after_tiers(line: Line) -> Decimal | None:
    if not line.free:
        return None
    whole, free = cost(line.price, line.used), cost(line.price, min(line.free, line.used))
    return rounded(max(difference(whole, free), ZERO), line.currency)


def _in_used_tier(line: Line) -> Decimal | None:
    """The tier goes by what was used, only the price by what is billed."""
    if not line.free or line.price.tier_mode != "VOLUME" or line.price.billing_model != "TIERED":
        return None
    reached = [tier for tier in line.price.tiers if tier.up_to is None or line.used <= tier.up_to]
    tier = (reached or line.price.tiers[-1:])[0]
    return rounded(cost(_with_tiers(line.price, (tier._replace(up_to=None),)), line.billed), line.currency)


def _rounded(rounding: str, shift: int = 0) -> Callable[[Line], Decimal | None]:
    def amount(line: Line) -> Decimal | None:
        digits = Decimal(1).scaleb(-(places(line.currency) + shift))
        return cost(line.price, line.billed).quantize(digits, rounding, EXACT)

    return amount


def _hundredths(line: Line) -> Decimal | None:
    if places(line.currency) == 2:
        return None
    return cost(line.price, line.billed).quantize(Decimal("0.01"), ROUND_HALF_UP, EXACT)


def _per_tier(line: Line) -> Decimal | None:
    terms = parts(line.price, line.billed)
    return total(rounded(part.amount, line.currency) for part in terms) if len(terms) > 1 else None


def _whole_units(rounding: str) -> Callable[[Line], Decimal | None]:
    def amount(line: Line) -> Decimal | None:
        return rounded(cost(line.price, line.billed.to_integral_value(rounding)), line.currency)

    return amount


def _all() -> Iterator[Mistake]:
    for digits in range(13):
        yield Mistake(f"the unit price is cut to {digits} decimals", _kept(digits, ROUND_DOWN))
        yield Mistake(f"the unit price is rounded to {digits} decimals", _kept(digits, ROUND_HALF_UP))
    yield Mistake(
        "every tier is priced like the first",
        _tiered(lambda price: _with_tiers(price, [price.tiers[0]._replace(up_to=None)])),
    )
    yield Mistake("graduated and volume pricing are swapped", _tiered(_swapped))
    yield Mistake("tiers end one unit too late", _tiered(lambda price: moved_tiers(price, Decimal(1))))
    yield Mistake("tiers end one unit too early", _tiered(lambda price: moved_tiers(price, Decimal(-1))))
    yield Mistake("a tier's bound belongs to the next tier", _exclusive)
    yield Mistake(
        "the tiers' flat fees are forgotten",
        _tiered(lambda price: _with_tiers(price, (tier._replace(flat_amount=ZERO) for tier in price.tiers))),
    )
    yield Mistake(
        "the tiers' flat fees are charged per unit",
        _tiered(
            lambda price: _with_tiers(
                price, (Tier(t.up_to, total((t.unit_amount, t.flat_amount)), ZERO) for t in price.tiers)
            )
        ),
    )
    yield Mistake("the flat fees of lower tiers are charged too", _all_flats)
    yield Mistake("only the flat fee of the tier reached is charged", _one_flat)
    yield Mistake("packages are rounded down", _packaged(_whole(ROUND_FLOOR)))
    yield Mistake("packages are rounded up", _packaged(_whole(ROUND_CEILING)))
    yield Mistake("packages are rounded to the nearest", _packaged(_whole(ROUND_HALF_UP)))
    yield Mistake("parts of packages are charged", _packaged(lambda number: number))
    yield Mistake(
        "a full package counts as one more", _packaged(lambda number: number.to_integral_value(ROUND_FLOOR) + 1)
    )
    yield Mistake("the allowance is ignored", _freed(lambda free: ZERO))
    yield Mistake("the allowance is given twice", _freed(lambda free: free * 2))
    yield Mistake("the allowance ends one unit too late", _freed(lambda free: free + 1))
    yield Mistake("the allowance ends one unit too early", _freed(lambda free: free - 1))
    yield Mistake("the allowance comes off after the tiers", _after_tiers)
    yield Mistake("the tier goes by what was used, allowance and all", _in_used_tier)
    yield Mistake("exact halves are rounded to the even neighbour", _rounded(ROUND_HALF_EVEN))
    yield Mistake("the rest of the amount is cut off", _rounded(ROUND_DOWN))
    yield Mistake("the amount is rounded up", _rounded(ROUND_CEILING))
    yield Mistake("the currency has one decimal more", _rounded(ROUND_HALF_UP, 1))
    yield Mistake("the currency has one decimal less", _rounded(ROUND_HALF_UP, -1))
    yield Mistake("every currency has two decimals", _hundredths)
    yield Mistake("each tier is rounded by itself", _per_tier)
    yield Mistake("parts of units are cut off", _whole_units(ROUND_DOWN))
    yield Mistake("parts of units count as whole ones", _whole_units(ROUND_CEILING))


MISTAKES = tuple(_all())
