"""Exact decimals and their rounding to a currency (contract 5.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from functools import wraps
from typing import Any, TypeVar, cast

ZERO = Decimal(0)
ONE = Decimal(1)

_PLACES = {"jpy": 0, "krw": 0, "vnd": 0, "clp": 0, "kwd": 3, "clf": 4}
_DEFAULT_PLACES = 2
_STORED_PLACES = 8
_EXACT = Context(prec=100, rounding=ROUND_HALF_UP)

_Function = TypeVar("_Function", bound=Callable[..., Any])


def exact(function: _Function) -> _Function:
    """Run ``function`` with so many digits that no product or sum of billing is cut."""

    @wraps(function)
    def with_digits(*args: Any, **kwargs: Any) -> Any:
        with localcontext(_EXACT):
            return function(*args, **kwargs)

    return cast(_Function, with_digits)


def places(currency: str) -> int:
    """How many decimals the server rounds amounts of ``currency`` to."""
    return _PLACES.get(currency.lower(), _DEFAULT_PLACES)


@exact
def to_places(value: Decimal, digits: int) -> Decimal:
    """``value`` with at most ``digits`` decimals, half away from zero, without trailing zeros."""
    rounded = value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    return rounded if rounded else ZERO


def to_currency(amount: Decimal, currency: str) -> Decimal:
    """An amount as it appears on a line: half away from zero at the currency's places."""
    return to_places(amount, places(currency))


def total(parts: Iterable[Any]) -> Decimal:
    """What lines, or discounts, come to: the sum of their amounts."""
    return sum((part.amount for part in parts), ZERO)


def stored(quantity: Decimal) -> Decimal:
    """A quantity as a stored invoice line keeps it: eight decimals."""
    return to_places(quantity, _STORED_PLACES)
