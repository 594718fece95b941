"""Exact decimals as billing needs them: how they are read, and arithmetic in which nothing rounds unless a rule says so.

Whoever reads a number reads it with one of these: ``decimal`` and ``optional`` from an answer, ``if_number`` from what may be anything,
``of_json`` while an answer is parsed, ``written`` by a person in a plan or snapshot, ``plain`` by a person in a cell of a table.

Rules: contract 5.2 (currencies' places, half away from zero), contract 3.5 (15 decimals are kept, the rest is cut).
"""

from __future__ import annotations

import re
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal, InvalidOperation, localcontext
from typing import Any

EXACT = Context(prec=120)
ZERO = Decimal(0)
EVENT_PLACES = 15
STORED_PLACES = 8
QUANTITY_TOLERANCE = Decimal("1e-8")
MOST_DIGITS = 100
LARGEST_EXPONENT = 100
LONGEST_IN_JSON = 400
_WRITTEN = re.compile(r"[+-]?([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,9}))?")
_PLAIN = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")
_PLACES = {"jpy": 0, "krw": 0, "vnd": 0, "clp": 0, "kwd": 3, "clf": 4}


def decimal(value: Any, default: Decimal | None = None) -> Decimal:
    """The number an API answer or a plan holds: a decimal string, an int, or a double in its shortest form.

    Raises:
        ValueError: it is not a finite number, and there is no ``default`` (which stands for absent and empty values).
    """
    if value in (None, "") and default is not None:
        return default
    try:
        number = (
            value if isinstance(value, Decimal) else Decimal(repr(value) if isinstance(value, float) else str(value))
        )
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or isinstance(value, bool):
        raise ValueError(f"{value!r} is not a number")
    return number


def optional(value: Any) -> Decimal | None:
    """As ``decimal``, and None where there is nothing (null or an empty text)."""
    return None if value in (None, "") else decimal(value)


def if_number(value: Any) -> Decimal | None:
    """As ``decimal``, and None for whatever is no number."""
    try:
        return decimal(value)
    except ValueError:
        return None


def of_json(text: str) -> Decimal:
    """A number of an answer as it is parsed; the bounds are far beyond Flexprice's own, which has at most 38 digits.

    Raises:
        ValueError: it has more characters or a larger exponent than anybody can calculate with.
    """
    number = Decimal(text) if len(text) <= LONGEST_IN_JSON else None
    if number is None or (number and abs(number.adjusted()) > LONGEST_IN_JSON):
        raise ValueError(f"a number of {len(text)} characters is beyond all bounds")
    return number


def plain(text: str) -> Decimal:
    """A number that is not negative, without exponent, currency sign and separators of thousands; white space around it is cut.

    Raises:
        ValueError: it is none, or has more than 15 digits on either side of its dot.
    """
    if not _PLAIN.fullmatch(text.strip()):
        raise ValueError("write the number alone, with a dot before its decimals")
    return Decimal(text.strip())


def written(text: str) -> Decimal:
    """A finite number as somebody wrote it.

    Raises:
        ValueError: it is no number, or one of more digits or a larger exponent than anything is billed in.
    """
    if len(text) > 2 * MOST_DIGITS or not is_sane_number(text):
        shown = text if len(text) <= 40 else f"{text[:40]}…"
        raise ValueError(f"'{shown}' is no number of at most {MOST_DIGITS} digits")
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        raise ValueError(f"'{text}' is no number") from None


def is_sane_number(text: str) -> bool:
    """Whether a number, as it is written, can be calculated with: its digits and its exponent are few."""
    match = _WRITTEN.fullmatch(text.strip().replace("_", ""))
    if match is None or not (match[1] or match[2]):
        return False
    return len(match[1]) + len(match[2] or "") <= MOST_DIGITS and abs(int(match[3] or 0)) <= LARGEST_EXPONENT


def places(currency: str) -> int:
    """How many decimal places Flexprice rounds amounts of that currency to (contract 5.2)."""
    return _PLACES.get(currency.lower(), 2)


def rounded(amount: Decimal, currency: str, rounding: str = ROUND_HALF_UP) -> Decimal:
    """An amount rounded to its currency, half away from zero as Flexprice does (contract 5.2), or by another rule."""
    return quantized(amount, places(currency), rounding)


def quantized(number: Decimal, digits: int, rounding: str = ROUND_HALF_UP) -> Decimal:
    """A number rounded to that many decimals, half away from zero unless another rule is given."""
    return number.quantize(Decimal(1).scaleb(-digits), rounding, EXACT)


def cut(number: Decimal, digits: int = EVENT_PLACES) -> Decimal:
    """A number with the decimals beyond ``digits`` cut off, not rounded (contract 3.5)."""
    return number.quantize(Decimal(1).scaleb(-digits), ROUND_DOWN, EXACT)


def product(*factors: Decimal) -> Decimal:
    """The exact product."""
    result = Decimal(1)
    for factor in factors:
        result = EXACT.multiply(result, factor)
    return result


def total(numbers: Any) -> Decimal:
    """The exact sum of an iterable of decimals."""
    result = ZERO
    for number in numbers:
        result = EXACT.add(result, number)
    return result


def difference(left: Decimal, right: Decimal) -> Decimal:
    """The exact difference ``left - right``."""
    return EXACT.subtract(left, right)


def quotient(left: Decimal, right: Decimal) -> Decimal:
    """``left / right`` to more digits than any rule looks at."""
    with localcontext(EXACT):
        return left / right


def words(number: Decimal) -> str:
    """A number as a person writes it: no exponent, no trailing zeros."""
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def grouped(number: Decimal) -> str:
    """A large number as a person reads it: with a comma between thousands."""
    whole, point, rest = words(number).partition(".")
    return f"{Decimal(whole):,f}{point}{rest}"


def tidy(number: Decimal) -> Decimal:
    """The same number in its one normal form: no exponent, no trailing zeros, never minus zero."""
    return Decimal(words(number))
