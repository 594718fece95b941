"""Numbers and texts as Flexprice's server reads and prints them (contract 3.1, 3.5)."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

NUMERIC_TEXT = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
"""What the server parses as a number when it comes as text: no spaces, no separators, no units, no hex."""

DEADLY_QUANTITY = Decimal("1.7e23")
"""A metered number beyond about this stops event reading and billing for every tenant (contract 3.5)."""

SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"


def decimal(value: Any) -> Decimal | None:
    """A decimal in its one normal form ("0.10" and 0.1 are the same), or None for nothing.

    Raises:
        ValueError: the value is no finite number.
    """
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"'{value}' is no decimal number") from None
    if not number.is_finite():
        raise ValueError(f"'{value}' is no finite number")
    return normal(number)


def normal(number: Decimal) -> Decimal:
    """The number without trailing zeros and never as minus zero; whatever the precision of the context."""
    sign, digits, exponent = number.as_tuple()
    if not number or not isinstance(exponent, int):
        return Decimal(0)
    kept = list(digits)
    while exponent < 0 and kept[-1] == 0:
        kept.pop()
        exponent += 1
    return Decimal((sign, tuple(kept) + (0,) * max(exponent, 0), min(exponent, 0)))


def trimmed(name: str) -> str:
    """An event name as the server stores it: white space around it is cut, nothing else changes."""
    return name.strip(SPACES)


_NAME = re.compile(r"(?<![\w.\"'])([A-Za-z_]\w*)(?!\s*\(|[\w\"'])")
_WORDS = {"true", "false", "null", "in"}


def names_in(expression: str) -> tuple[str, ...]:
    """The properties that a meter's expression reads, in order of appearance; functions and literals are none."""
    bare = re.sub(r"\"[^\"]*\"|'[^']*'", " ", expression)
    return tuple(dict.fromkeys(name for name in _NAME.findall(bare) if name not in _WORDS))
