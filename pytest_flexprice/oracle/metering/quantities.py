"""What a property's value is worth to a meter: its number, and its printed form (contract 3.5)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pytest_flexprice.model.numbers import NUMERIC_TEXT

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
