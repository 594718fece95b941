"""Whether 1.125 in a table is one and an eighth or more than a thousand: what the table's other cells, and its delimiter, say of it."""

from __future__ import annotations

import re
from collections.abc import Iterable

COLUMNS = frozenset({"quantity", "commitment", "overage_factor", "price_overrides"})
"""Columns that hold numbers with fractions."""
AMBIGUOUS = re.compile(r"[1-9]\d{0,2}\.\d{3}")
_POINT = re.compile(r"(?:\d+\.(?:\d{1,2}|\d{4,})|0\.\d+|\d{4,}\.\d+|\d{1,3}(?:,\d{3})+\.\d+)")
_COMMA = re.compile(r"(?:\d+,(?:\d{1,2}|\d{4,})|0,\d+|\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,})")


def point_is_decimal(cells: Iterable[str], delimiter: str) -> str:
    """Why a point divides the fraction from the whole, in a clause about the file; "" where that is not sure.

    Another number tells it. Where none does, a file that is divided by commas has points in its numbers, and a program that wrote
    1.125 wrote no sign of thousands; but 1.250, which no program writes for 1.25, stays what it is: two things.
    """
    point, comma, open_ = "", False, False
    for cell in cells:
        for number in re.findall(r"\d[\d.,]*", cell):
            if AMBIGUOUS.fullmatch(number):
                open_ = open_ or number.endswith("0")
            elif _COMMA.fullmatch(number):
                comma = True
            elif _POINT.fullmatch(number):
                point = point or number
    if comma:
        return ""
    if point:
        return f"another number in it is {point}"
    return "its cells are divided by commas" if delimiter == "," and not open_ else ""
