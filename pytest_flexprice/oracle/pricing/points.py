"""The quantities of one usage price at which a wrong server must show itself (checklist 5.3).

Around the allowance, inside each tier, at each bound and just above it, at a package's edge, past the last bound; where the last digit of
the unit price moves the smallest coin, and where rounding decides. What none of these shows of the known mistakes is searched for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction
from itertools import islice
from math import gcd

from pytest_flexprice.model.decimals import ZERO, difference, places, product, quotient, total, words
from pytest_flexprice.model.prices import Price, Tier
from pytest_flexprice.oracle.pricing.mistakes import MISTAKES, Mistake, PricedLine
from pytest_flexprice.oracle.pricing.pieces import Piece, pieces

WHOLE = Decimal(1)
FINE = Decimal("0.000001")
"""The smallest step of a quantity: of meters that count, and of those that add numbers up."""
MOST = Decimal("1e15")
_SCANNED = 2000
_INSIDE = 40
_EDGES = 1001


@dataclass(frozen=True, order=True)
class Point:
    """A quantity to use, allowance and all, and the ``part`` of the price list that it proves."""

    used: Decimal
    part: str


@dataclass(frozen=True)
class Subject:
    """A usage price under proof: what of it is free, in which currency, and the smallest step of its quantity."""

    price: Price
    free: Decimal | None
    unlimited: bool
    currency: str
    grain: Decimal

    def line(self, used: Decimal) -> PricedLine:
        """Its line when that much was used."""
        return PricedLine(self.price, used, self.free, self.currency)


def points(subject: Subject) -> list[Point]:
    """The quantities in rising order; where the price bills nothing at all, two that show it."""
    if subject.unlimited:
        return [Point(_up(Decimal(each), subject.grain), "everything is free") for each in (1, 1000)]
    found = sorted({*_around_allowance(subject), *_billed(subject)})
    found = [point for point in found if ZERO < point.used <= MOST]
    return sorted({*found, *_searched(subject, found)})


def tier_name(subject: Subject, quantity: Decimal) -> str:
    """The part of the price that a billed quantity lies in."""
    price = subject.price
    if price.billing_model == "PACKAGE":
        return f"packages of {words(price.divide_by)} at {words(price.amount)}"
    for piece in pieces(price):
        if piece.upper is None or quantity <= piece.upper:
            return _named(piece)
    return "no tier"


def _named(piece: Piece) -> str:
    if not piece.name:
        return f"{words(piece.unit)} each"
    span = f"up to {words(piece.upper)}" if piece.upper is not None else f"above {words(piece.lower)}"
    return f"{piece.name}, {span}, at {words(piece.unit)}"


def _around_allowance(subject: Subject) -> Iterator[Point]:
    if not subject.free:
        return
    part, free = f"{words(subject.free)} free", _down(subject.free, subject.grain)
    for used in (_down(quotient(free, Decimal(2)), subject.grain), difference(free, subject.grain), free):
        yield Point(used, part)
    for more in (subject.grain, WHOLE):
        yield Point(total((free, more)), part)


def _billed(subject: Subject) -> Iterator[Point]:
    size = subject.price.divide_by if subject.price.billing_model == "PACKAGE" else WHOLE
    grain = WHOLE if subject.price.billing_model == "PACKAGE" else subject.grain
    for piece in pieces(subject.price):
        moved = _moved(piece, subject, grain)
        for count in _of_piece(piece, subject, grain, moved):
            yield _point(subject, product(count, size))
        if piece.upper is not None:
            yield _point(subject, product(piece.upper, size), below=True)
        if _last_digit(piece.unit) < Decimal(1).scaleb(-places(subject.currency)):
            yield _point(subject, product(moved, size), f"last digit of {words(piece.unit)}")
    if subject.price.billing_model == "PACKAGE":
        for share in ("0.4", "0.6", "1", "1.4", "1.6"):
            yield _point(subject, product(size, Decimal(share)))
        yield _point(subject, total((_up(size, subject.grain), subject.grain)))
        yield from _full(subject, size)
    for quantity in _past(subject.price.tiers, subject.currency):
        yield _point(subject, quantity)
    if not pieces(subject.price):
        for quantity in (WHOLE, Decimal(1000)):
            yield _point(subject, quantity)


def _full(subject: Subject, size: Decimal) -> Iterator[Point]:
    """The fewest packages that can be filled to their edge, as quantities have steps."""
    edges = (product(size, Decimal(count)) for count in range(1, _EDGES))
    whole = (edge for edge in edges if not total((edge, subject.free or ZERO)) % subject.grain)
    return (_point(subject, edge) for edge in islice(whole, 1))


def _past(tiers: Sequence[Tier], currency: str) -> Iterator[Decimal]:
    """Quantities past the last bound; at one of them whatever a tier asks for, charged for each unit, came to some coins."""
    bounds = [ZERO, *(tier.up_to for tier in tiers if tier.up_to is not None)]
    if tiers and tiers[-1].up_to is not None:
        yield total((bounds[-1], WHOLE))
        yield bounds[-1] * 2
    asked = [amount for tier in tiers for amount in (tier.unit_amount, tier.flat_amount) if amount]
    if asked and (tiers[-1].up_to is not None or any(tier.flat_amount for tier in tiers)):
        coins = Decimal(1).scaleb(1 - places(currency))
        yield total((bounds[-1], quotient(coins, min(asked))))


def _point(subject: Subject, quantity: Decimal, part: str = "", *, below: bool = False) -> Point:
    """The point that bills a quantity; where what is free ends between steps, the next above or ``below`` it."""
    free, to_step = subject.free or ZERO, _down if below else _up
    used = to_step(total((quantity, free)), subject.grain)
    return Point(used, part or tier_name(subject, max(difference(used, free), ZERO)))


def _moved(piece: Piece, subject: Subject, grain: Decimal) -> Decimal:
    """So much that the last digit of the unit price moves the smallest coin, or all that the piece holds."""
    smallest = Decimal(1).scaleb(-places(subject.currency))
    moved = total((piece.lower, _up(quotient(smallest, _last_digit(piece.unit)), grain)))
    return moved if piece.upper is None else min(moved, _down(piece.upper, grain))


def _of_piece(piece: Piece, subject: Subject, grain: Decimal, moved: Decimal) -> Iterator[Decimal]:
    first = total((_down(piece.lower, grain), grain))
    yield first
    yield total((piece.lower, WHOLE))
    if piece.upper is not None:
        yield _down(piece.upper, grain)
        yield _down(quotient(total((piece.lower, piece.upper)), Decimal(2)), grain)
    top = piece.upper if piece.upper is not None else max(moved, total((first, product(grain, Decimal(_INSIDE)))))
    yield moved
    if piece.unit:
        yield from _rounding(piece, grain, Decimal(1).scaleb(-places(subject.currency)), first, top)


def _last_digit(unit: Decimal) -> Decimal:
    exponent = unit.normalize().as_tuple().exponent
    return Decimal(1).scaleb(exponent if isinstance(exponent, int) and exponent < 0 else 0)


def _rounding(piece: Piece, grain: Decimal, coin: Decimal, first: Decimal, top: Decimal) -> Iterator[Decimal]:
    """Where the exact cost is half a coin over an even one, and where it is closest above and below a half."""
    scale = max(_places(piece.base), _places(product(piece.unit, grain)), _places(coin) + 1)
    base, step, size = (int(number.scaleb(scale)) for number in (piece.base, product(piece.unit, grain), coin))
    low, high = int(quotient(first, grain)), int(quotient(top, grain))
    if not step or high < low or not (base % size or step % size):
        return  # every cost is a whole number of coins
    half = _congruent(base, step, size // 2, 2 * size, low)
    if half is not None and (piece.upper is None or half <= high):
        yield product(Decimal(half), grain)
    scanned = range(max(low, high - _SCANNED), high + 1)
    over = min(scanned, key=lambda count: (base + count * step - size // 2) % size)
    under = max(scanned, key=lambda count: (base + count * step - size // 2) % size)
    yield product(Decimal(over), grain)
    yield product(Decimal(under), grain)
    yield from _last_half(piece, grain, coin, top)


def _last_half(piece: Piece, grain: Decimal, coin: Decimal, top: Decimal) -> Iterator[Decimal]:
    """The last quantity of a piece that is rounded down because its cost is below a half, and the next one."""
    cost = total((piece.base, product(piece.unit, top)))
    coins = quotient(difference(cost, coin / 2), coin).to_integral_value(ROUND_FLOOR)
    half = total((product(coins, coin), coin / 2))
    quantity = _up(quotient(difference(half, piece.base), piece.unit), grain)
    yield from (each for each in (difference(quantity, grain), quantity) if piece.lower < each <= top)


def _congruent(base: int, step: int, wanted: int, modulus: int, low: int) -> int | None:
    """The least count from ``low`` on with base + count × step ≡ wanted."""
    common = gcd(step, modulus)
    if (wanted - base) % common:
        return None
    size = modulus // common
    count = ((wanted - base) // common * pow(step // common, -1, size)) % size if size > 1 else 0
    return count + max(0, -(-(low - count) // size)) * size


def _places(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def _down(number: Decimal, grain: Decimal) -> Decimal:
    return product(quotient(number, grain).to_integral_value(ROUND_FLOOR), grain)


def _up(number: Decimal, grain: Decimal) -> Decimal:
    return product(quotient(number, grain).to_integral_value(ROUND_CEILING), grain)


def shown(subject: Subject, used: Iterable[Decimal]) -> set[str]:
    """The known mistakes that at least one of these quantities shows."""
    missed = list(MISTAKES)
    for quantity in used:
        line = subject.line(quantity)
        missed = [one for one in missed if not _shows(one, line)]
    return {one.words for one in MISTAKES if one not in missed}


def _shows(mistake: Mistake, line: PricedLine) -> bool:
    amount = mistake.amount(line)
    return amount is not None and amount != line.amount


def _searched(subject: Subject, found: list[Point]) -> Iterator[Point]:
    """A quantity for each mistake that none of the others shows, if a search near them finds one."""
    seen = shown(subject, (point.used for point in found))
    missed = [one for one in MISTAKES if one.words not in seen]
    for quantity in (*_nearby(subject, found), *_uneven(subject), *_far(subject)):
        if not missed:
            return
        line = subject.line(quantity)
        left = [one for one in missed if not _shows(one, line)]
        if len(left) < len(missed):
            missed = left
            yield Point(quantity, tier_name(subject, line.billed))


def _nearby(subject: Subject, found: list[Point]) -> Iterator[Decimal]:
    quantities = dict.fromkeys(point.used for point in found)
    if subject.price.billing_model == "PACKAGE":
        size = subject.price.divide_by
        for used in quantities:
            for more in (-subject.grain, -WHOLE, WHOLE, size * -4 / 10, size * 6 / 10):
                yield _up(max(total((used, more)), subject.grain), subject.grain)
    for share in (Fraction(1, 3), Fraction(5, 7), Fraction(9, 10)):
        for used in quantities:
            yield _up(quotient(product(used, Decimal(share.numerator)), Decimal(share.denominator)), subject.grain)
    for used in quantities:
        for count in (2, 3):
            yield total((used, product(subject.grain, Decimal(count))))


def _far(subject: Subject) -> Iterator[Decimal]:
    """Past the last bound, where whatever one tier asks for a unit would come to coins for all that is used."""
    bounds = [tier.up_to for tier in subject.price.tiers if tier.up_to is not None]
    coin = Decimal(1).scaleb(-places(subject.currency))
    for amount in sorted({tier.unit_amount for tier in subject.price.tiers if tier.unit_amount}, reverse=True):
        for coins in (Decimal(1), Decimal(10)):
            far = total((max(bounds, default=ZERO), subject.free or ZERO, quotient(product(coin, coins), amount)))
            yield _up(min(far, MOST), subject.grain)


def _uneven(subject: Subject) -> Iterator[Decimal]:
    """One quantity after the other, where packages or what is free of them end between the steps of a quantity: no edge is like another."""
    size, free = subject.price.divide_by, subject.free or ZERO
    if subject.price.billing_model == "PACKAGE" and (size % subject.grain or free % subject.grain):
        first = _up(total((free, subject.grain)), subject.grain)
        yield from (total((first, product(subject.grain, Decimal(count)))) for count in range(_SCANNED))
