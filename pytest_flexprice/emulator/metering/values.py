"""Property values as the server sees them: as doubles, as printed text, as quantities (contract 3.5)."""

from __future__ import annotations

import json
import math
import re
from decimal import ROUND_DOWN, Context, Decimal
from typing import Any

from ..kernel.binding import MAX_DEPTH

_EXACT_INTEGERS = 2**53
_JSON_EXPONENT = 10**21
_TEXT = re.compile(r"([+-]?)(\d*)(?:\.([+-]?\d*))?(?:[eE]([+-]?\d+))?\Z", re.ASCII)
_SIGNED = re.compile(r"[+-]?\d+\Z", re.ASCII)
_MAX_EXPONENT = 2**31 - 1
_PLACES = Decimal("1e-15")
_WIDE = Context(prec=100, rounding=ROUND_DOWN)
_HUGE_DIGITS = 40
_PRINTED_EXPONENT = 6
ZERO = Decimal(0)

LARGEST = Decimal(2**127 - 1).scaleb(-15)
"""The largest quantity the server's table can hold (about 1.7e23); one above it stops the real server."""


class NotDouble(ValueError):
    """Properties that cannot be kept, above all a number that no double can hold; they refuse the whole body."""


def as_doubles(value: Any, depth: int = 0) -> Any:
    """A property value after the server has read it: every number is a double, whole ones shown without a point.

    Raises :class:`NotDouble` for a number out of range, and for nesting beyond :data:`MAX_DEPTH`.
    """
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is int:
        return value if -_EXACT_INTEGERS < value < _EXACT_INTEGERS else _double(value)
    if kind is float:
        return _double(value)
    if depth > MAX_DEPTH:
        raise NotDouble("nested too deeply")
    if kind is dict:
        return {key: as_doubles(item, depth + 1) for key, item in value.items()}
    return [as_doubles(item, depth + 1) for item in value]


def kept(properties: dict[str, Any]) -> dict[str, Any]:
    """The properties of an event after the server has read them, the same object where nothing changes (see :func:`as_doubles`)."""
    for value in properties.values():
        kind = type(value)
        if kind is str or kind is bool or value is None:
            continue
        if kind is not int or not -_EXACT_INTEGERS < value < _EXACT_INTEGERS:
            found: dict[str, Any] = as_doubles(properties)
            return found
    return properties


def _double(value: float) -> float | int:
    try:
        number = float(value)
    except OverflowError as error:
        raise NotDouble("number out of range") from error
    if math.isinf(number):
        raise NotDouble("number out of range")
    if number.is_integer() and abs(number) < _JSON_EXPONENT:
        return int(Decimal(repr(number)))
    return number


_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def to_text(properties: dict[str, Any]) -> str:
    """Properties as stored: compact JSON with sorted keys."""
    return _ENCODER.encode(properties)


def printed(value: Any) -> str:
    """A value as Go prints it with ``%v``: what filters and COUNT_UNIQUE compare (vectors filter-*, unique-odd)."""
    if isinstance(value, str):
        return value
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{printed(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(printed(item) for item in value) + "]"
    return _printed_number(value)


def _printed_number(value: float) -> str:
    sign, numerals, exponent = Decimal(repr(value)).as_tuple()
    digits = "".join(map(str, numerals)).lstrip("0")
    if not digits:
        return "-0" if sign and isinstance(value, float) else "0"
    point = len(digits) + int(exponent)  # digits before the decimal point
    digits = digits.rstrip("0")
    if not -3 <= point <= _PRINTED_EXPONENT:
        power = point - 1
        mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
        text = f"{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"
    elif point <= 0:
        text = "0." + "0" * -point + digits
    elif point >= len(digits):
        text = digits + "0" * (point - len(digits))
    else:
        text = digits[:point] + "." + digits[point:]
    return "-" + text if sign else text


def extracted(properties: dict[str, Any] | None, key: str) -> str:
    """A property as the store's own text extraction gives it (recording events_query): JSON text of what is no string,
    nothing for a missing one and for null."""
    value = (properties or {}).get(key)
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def extracted_number(properties: dict[str, Any] | None, key: str) -> float:
    """A property as a double by the store's own extraction (recording usage): numeric strings count, other text is 0."""
    value = (properties or {}).get(key)
    if isinstance(value, (bool, int, float)):
        return float(value)
    number = from_text(value) if isinstance(value, str) else None
    return float(number) if number is not None and abs(number.adjusted()) < 300 else 0.0


def from_text(text: str) -> Decimal | None:
    """A numeric string as the server's decimal type reads it, or ``None`` (vector sum-strings).

    Signs, a leading or a trailing point and an exponent are fine; spaces, commas, hexadecimal and words are not.
    """
    match = _TEXT.match(text)
    if not match:
        return None
    sign, whole, fraction, exponent = match.groups()
    power = int(exponent or 0)
    numerals = sign + whole + (fraction or "")
    if abs(power) > _MAX_EXPONENT or not _SIGNED.match(numerals):
        return None
    return Decimal(numerals).scaleb(power - len(fraction or ""), _SCALE)


_SCALE = Context(prec=10_000, Emax=10**12, Emin=-(10**12))


def quantity(value: Any) -> Decimal:
    """The quantity of one property value: numbers and numeric strings, 0 for anything else."""
    if isinstance(value, bool) or value is None:
        return ZERO
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, str):
        return from_text(value) or ZERO
    return ZERO


def cut(value: Decimal) -> Decimal:
    """A quantity as it is stored: not negative, 15 decimals, cut and not rounded (vectors sum-negative, sum-decimals)."""
    if value <= 0:
        return ZERO
    power = value.adjusted()
    if power < -15:
        return ZERO
    if power > _HUGE_DIGITS:
        return value
    return value.quantize(_PLACES, context=_WIDE)
