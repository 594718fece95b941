"""An event's name and the values of its properties as Flexprice's server reads and prints them (contract 3.1, 3.5)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

NUMERIC_TEXT = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
"""What the server parses as a number when it comes as text: no spaces, no separators, no units, no hex."""

DEADLY_QUANTITY = Decimal("1.7e23")
"""A metered number beyond about this stops event reading and billing for every tenant (contract 3.5)."""

SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
_SAFE_EXPONENT = 400


def number_of(value: Any) -> Decimal | None:
    """The number that billing reads from a property's value, or none: then the event counts 0.

    A JSON number is a double, a numeric text keeps its digits; spaces, hexadecimals, commas, booleans, objects and lists
    are no numbers (contract 3.5).
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float, Decimal)):
        return _double(value)
    if isinstance(value, str) and re.fullmatch(NUMERIC_TEXT, value, re.ASCII):
        number = Decimal(value)
        return number if abs(number.adjusted()) < _SAFE_EXPONENT else None
    return None


def _double(value: float | Decimal) -> Decimal | None:
    try:
        double = float(value)
    except OverflowError:
        return None
    return Decimal(repr(double)) if math.isfinite(double) else None


def printed(value: Any) -> str:
    """A property's value as the server prints it to compare it with a filter or to tell unique values apart.

    ``true`` is "true", 200.0 is "200", 1000000 is "1e+06", null is "<nil>", a list "[a b]" (contract 3.5).
    """
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float, Decimal)):
        return _printed_number(float(value))
    if isinstance(value, Mapping):
        return "map[" + " ".join(f"{key}:{printed(value[key])}" for key in sorted(value)) + "]"
    return "[" + " ".join(printed(each) for each in value) + "]"


def _printed_number(number: float) -> str:
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else f"{'+' if number > 0 else '-'}Inf"
    if number == 0:
        return "-0" if math.copysign(1, number) < 0 else "0"
    sign, digits, _ = Decimal(repr(number)).normalize().as_tuple()
    exponent = Decimal(repr(number)).adjusted()
    if -4 <= exponent < 6:
        return format(Decimal(repr(number)).normalize(), "f")
    head, tail = str(digits[0]), "".join(map(str, digits[1:]))
    return f"{'-' if sign else ''}{head}{'.' + tail if tail else ''}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def trimmed(name: str) -> str:
    """An event name as the server stores it: white space around it is cut, nothing else changes."""
    return name.strip(SPACES)


_NAME = re.compile(r"(?<![\w.\"'])([A-Za-z_]\w*)(?!\s*\(|[\w\"'])")
_WORDS = {"true", "false", "null", "in"}


def names_in(expression: str) -> tuple[str, ...]:
    """The properties that a meter's expression reads, in order of appearance; functions and literals are none."""
    bare = re.sub(r"\"[^\"]*\"|'[^']*'", " ", expression)
    return tuple(dict.fromkeys(name for name in _NAME.findall(bare) if name not in _WORDS))
