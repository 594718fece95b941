"""What wrong servers make of a price: each mistake that a price proof must show, as a pure function of one line.

A mistake answers the amount that a server with it would bill; where it has no meaning for a price, it says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

from pytest_flexprice.model.decimals import ZERO, total
from pytest_flexprice.model.prices import Tier
from pytest_flexprice.oracle.pricing import misread_prices as misread
from pytest_flexprice.oracle.pricing import shifted_tiers as tiers
from pytest_flexprice.oracle.pricing import wrong_rules as wrong
from pytest_flexprice.oracle.pricing.prices import moved_tiers
from pytest_flexprice.oracle.pricing.wrong_rules import PricedLine, Rule

__all__ = [
    "ALLOWANCE",
    "IGNORED",
    "MISTAKES",
    "NAMED",
    "ROUNDINGS",
    "SHORTENED",
    "TWICE",
    "Mistake",
    "PricedLine",
    "Seen",
    "explain",
    "explaining",
    "mildest",
]


SHORTENED = "the unit price is "
"""Begins the words of mistakes of which there are many, one for each number of decimals."""
ALLOWANCE = "allowance"
"""A word of all mistakes that are about what is free."""
IGNORED, TWICE = "the allowance is ignored", "the allowance is given twice"
_TIERS = 4
"""Of so many tiers, each bound is tried by itself."""


@dataclass(frozen=True)
class Mistake:
    """A wrong rule: ``words`` end the sentence "it is what it costs if …"; ``amount`` is ``None`` where the rule has no meaning."""

    words: str
    amount: Rule

    def bills(self, line: PricedLine) -> Decimal:
        """What a server with this rule bills of a line: where the rule has no meaning, what is right."""
        wrong = self.amount(line)
        return line.amount if wrong is None else wrong


Seen = tuple[PricedLine, Decimal]
"""A line and the amount that a server bills of it."""


def explain(*seen: Seen) -> str:
    """The rule that a server seems to keep which bills these amounts, in words; empty where none of the known ones does.

    The rule must come to every amount, right or wrong; failing that, to every wrong one. Of unit prices with so many decimals, all of
    which may come to the same, the mildest is named.
    """
    found = explaining(seen) or explaining([each for each in seen if each[0].amount != each[1]])
    shortened = [words for words in found if words.startswith(SHORTENED)]
    return next(iter([*shortened[-1:], *found]), "")


def mildest(alike: Iterable[str]) -> list[str]:
    """The rules once each; of unit prices with so many decimals the mildest, last of those that are looked for; then further ones."""
    found = list(dict.fromkeys(alike))
    shortened = [words for words in found if words.startswith(SHORTENED)]
    further = [words for words in found if words in _FURTHER]
    return [words for words in found if words not in (*shortened, *further)] + shortened[-1:] + further


def explaining(seen: Sequence[Seen]) -> list[str]:
    """All rules that come to every one of these amounts, at least one of which is wrong, in words."""
    if all(line.amount == amount for line, amount in seen):
        return []
    return [rule.words for rule in NAMED if all(rule.bills(line) == amount for line, amount in seen)]


def _roundings() -> Iterator[Mistake]:
    yield Mistake("exact halves are rounded to the even neighbour", wrong.rounded_by(ROUND_HALF_EVEN))
    yield Mistake("exact halves are rounded down", wrong.rounded_by(ROUND_HALF_DOWN))
    yield Mistake("the rest of the amount is cut off", wrong.rounded_by(ROUND_DOWN))
    yield Mistake("the amount is rounded up", wrong.rounded_by(ROUND_CEILING))
    yield Mistake("the amount is not rounded", wrong.unrounded)
    yield Mistake("the currency has one decimal more", wrong.rounded_by(ROUND_HALF_UP, 1))
    yield Mistake("the currency has one decimal less", wrong.rounded_by(ROUND_HALF_UP, -1))
    yield Mistake("the currency has no decimals", wrong.no_decimals)
    yield Mistake("every currency has two decimals", wrong.hundredths)


ROUNDINGS = tuple(_roundings())
"""Wrong ways to round what was calculated rightly."""


def _all() -> Iterator[Mistake]:
    for digits in range(13):
        yield Mistake(f"the unit price is cut to {digits} decimals", wrong.kept(digits, ROUND_DOWN))
        yield Mistake(f"the unit price is rounded to {digits} decimals", wrong.kept(digits, ROUND_HALF_UP))
    yield Mistake(
        "every tier is priced like the first",
        wrong.tiered(lambda price: wrong.with_tiers(price, [price.tiers[0]._replace(up_to=None)])),
    )
    yield Mistake("graduated and volume pricing are swapped", wrong.tiered(wrong.swapped))
    yield Mistake(
        "every tier is priced like the last",
        wrong.tiered(lambda price: wrong.with_tiers(price, [price.tiers[-1]._replace(up_to=None)])),
    )
    yield Mistake("the last tier is ignored", wrong.tiered(wrong.without_last))
    yield Mistake("tiers end one unit too late", wrong.tiered(lambda price: moved_tiers(price, Decimal(1))))
    yield Mistake("tiers end one unit too early", wrong.tiered(lambda price: moved_tiers(price, Decimal(-1))))
    yield Mistake("a tier's bound belongs to the next tier", wrong.exclusive)
    for number in range(_TIERS):
        yield Mistake(f"tier {number + 1} ends one unit too late", wrong.one_moved(number, 1))
        yield Mistake(f"tier {number + 1} ends one unit too early", wrong.one_moved(number, -1))
    yield Mistake(
        "the tiers' flat fees are forgotten",
        wrong.tiered(lambda price: wrong.with_tiers(price, (tier._replace(flat_amount=ZERO) for tier in price.tiers))),
    )
    yield Mistake(
        "the tiers' flat fees are charged per unit",
        wrong.tiered(
            lambda price: wrong.with_tiers(
                price, (Tier(t.up_to, total((t.unit_amount, t.flat_amount)), ZERO) for t in price.tiers)
            )
        ),
    )
    yield Mistake("the flat fees of lower tiers are charged too", wrong.all_flats)
    yield Mistake("only the flat fee of the tier reached is charged", wrong.one_flat)
    yield Mistake("packages are rounded down", wrong.packaged(wrong.whole(ROUND_FLOOR)))
    yield Mistake("packages are rounded up", wrong.packaged(wrong.whole(ROUND_CEILING)))
    yield Mistake("packages are rounded to the nearest", wrong.packaged(wrong.whole(ROUND_HALF_UP)))
    yield Mistake("parts of packages are charged", wrong.packaged(lambda number: number))
    yield Mistake(
        "a full package counts as one more", wrong.packaged(lambda number: number.to_integral_value(ROUND_FLOOR) + 1)
    )
    yield Mistake(IGNORED, wrong.freed(lambda free: ZERO))
    yield Mistake(TWICE, wrong.freed(lambda free: free * 2))
    yield Mistake("usage above the allowance is billed from its first unit", wrong.threshold)
    yield Mistake("usage above the allowance is free too", wrong.all_free)
    yield Mistake("the allowance ends one unit too late", wrong.freed(lambda free: free + 1))
    yield Mistake("the allowance ends one unit too early", wrong.freed(lambda free: free - 1))
    yield Mistake("the allowance comes off after the tiers", wrong.after_tiers)
    yield Mistake("the allowance comes off at the price of the tier that usage reaches", wrong.at_last_price)
    yield Mistake("the tier goes by what was used, allowance and all", wrong.in_used_tier)
    yield from ROUNDINGS
    yield Mistake("each tier is rounded by itself", wrong.per_tier)
    yield Mistake("parts of units are cut off", wrong.whole_units(ROUND_DOWN))
    yield Mistake("parts of units count as whole ones", wrong.whole_units(ROUND_CEILING))
    yield Mistake("the price of a package is charged per unit", misread.per_unit)
    yield Mistake("the price is charged once, whatever the quantity", misread.once)
    yield Mistake("the exponent of the unit price is ignored", wrong.repriced(misread.without_exponents))
    yield Mistake("what is above the last tier costs what is in it", wrong.repriced(misread.endless))
    yield Mistake("what is above the last tier costs nothing", wrong.repriced(misread.free_above))
    yield Mistake("the first tier's flat fee is charged without usage", misread.entered_unused)
    yield Mistake("the allowance is counted in packages", misread.free_packages)
    yield Mistake("the amount is in the smallest coins", misread.coins)
    yield Mistake("the amount is a hundredth", misread.hundredth)


MISTAKES = tuple(_all())


def _further() -> Iterator[Mistake]:
    yield Mistake("the first tier is free", tiers.first(unit_amount=ZERO, flat_amount=ZERO))
    yield Mistake("the first tier's flat fee is forgotten", tiers.first(flat_amount=ZERO))
    yield Mistake("the tiers' flat fees are charged twice", tiers.flats_times(2))
    yield Mistake(
        "each tier charges the flat fee of the next one", tiers.taken(lambda number, _: number + 1, units=False)
    )
    yield Mistake("the tiers' prices are in the opposite order", tiers.taken(lambda number, many: many - 1 - number))
    yield Mistake("each tier is priced like the one before it", tiers.taken(lambda number, _: number - 1, flats=False))
    yield Mistake("each tier is priced like the one after it", tiers.taken(lambda number, _: number + 1, flats=False))
    yield Mistake("the tiers' bounds are their sizes", tiers.sizes)
    yield Mistake("one unit between two tiers is lost", tiers.lost_between)
    yield Mistake("one package too many is charged", wrong.packaged(lambda number: _up(number) + 1))
    yield Mistake("at least one package is charged", wrong.packaged(lambda number: max(_up(number), Decimal(1))))
    yield Mistake("the allowance is half as large", wrong.freed(lambda free: free / 2))
    yield Mistake("the allowance is ten times as large", wrong.freed(lambda free: free * 10))
    yield Mistake("the allowance comes off the amount", misread.off_the_amount)
    yield Mistake("the amount is rounded to whole five coins", misread.five_coins)
    yield Mistake("the amount is rounded twice", misread.twice_rounded)
    for digits in range(5):
        yield Mistake(f"quantities are rounded to {digits} decimals", misread.short_quantity(digits, ROUND_HALF_UP))
        yield Mistake(f"quantities are cut to {digits} decimals", misread.short_quantity(digits, ROUND_DOWN))


def _up(number: Decimal) -> Decimal:
    return number.to_integral_value(ROUND_CEILING)


NAMED = (*MISTAKES, *_further())
"""All mistakes that are named where they come to an amount: the quantities that show the others show these further ones too."""
_FURTHER = frozenset(rule.words for rule in NAMED[len(MISTAKES) :])
