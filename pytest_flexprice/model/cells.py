"""Cells of a table as spreadsheets and exports leave them: what no person meant as a value, recognised by its form.

``N/A`` in place of nothing, the text of a formula, a quote that a program put around, bytes that went through a wrong encoding, 1.000
that may be one or a thousand: read as they stand, each would be a customer, a plan or a number that nobody has.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pytest_flexprice.model.decimal_signs import AMBIGUOUS

_NOTHING = re.compile(
    r"#?n\W?/?\W?a\W?|null|nil|undefined|nan|-+|\u2013|\u2014|\?+|#(?:ref|value|div/0|null|num|spill|calc|bezug|wert|zahl|valeur|nombre|valor|núm)!|#(?:name|nom|nombre|¿nombre)\?|"
    r"#{2,}|#(?:nv|n/d|n/v)|\(?(?:blank|empty)\)?",
    re.IGNORECASE,
)
_TOTALS = re.compile(
    r"(?:grand\s+|sub\W?)?(?:totals?|sums?|summe|gesamt(?:summe)?|suma|somme|totale|count|anzahl)(?:\s*[:=;,].*)?",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"""(['"\u2018\u201c\u201e`])(.+?)(['"\u2019\u201d\u201c`]?)""", re.DOTALL)
_BROKEN = re.compile(r"[\n\r\t\v\f]")


def no_value(name: str, cell: str, *, point_is_decimal: bool = False) -> str:
    """Why a cell of that column holds no value that somebody meant, or an empty text."""
    text = cell.strip()
    if _NOTHING.fullmatch(text):
        return "leave the row out" if name == "external_id" else "leave the cell empty where nothing is declared"
    if text.startswith(_MERGE_MARKS):
        return "a merge left its marks here: decide for one side and take them out"
    if text.startswith("="):
        result = re.fullmatch(r'="(.*)"', text)
        return "the text of a formula: put its result there" + (f", {result[1]}" if result else "")
    if _BROKEN.search(cell):
        return "it goes over several lines or holds a tab"
    if name in _NUMBERS and AMBIGUOUS.fullmatch(text) and not point_is_decimal:
        return f"{text.replace('.', '')}, or {text.rstrip('0').rstrip('.')}? write it so that nobody has to guess"
    return _mistaken(text) if name in _TEXTS else ""


_MERGE_MARKS = ("<" * 7, "=" * 7, ">" * 7)
_NUMBERS = frozenset({"quantity", "commitment"})
_TEXTS = frozenset({"external_id", "plan", "parent", "coupon"})


def _mistaken(text: str) -> str:
    """What a program did to a text: quotes around it, or another encoding."""
    quoted = _QUOTED.fullmatch(text)
    if quoted:
        return f"without the quotes, {quoted[2]}?"
    if "\ufffd" in text:
        return "a program put this sign in place of a letter that it could not read: export it anew as UTF-8"
    if text.isascii():
        return ""
    try:
        meant = text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return ""
    return "" if meant == text else f"{meant}? a program read UTF-8 as something else: export it anew as UTF-8"


def no_row(cells: Sequence[str], columns: Sequence[str], delimiters: str) -> tuple[str, str]:
    """What a row is instead of one customer, and what to do about it; or nothing."""
    given = [cell.strip() for cell in cells]
    first = given[columns.index("external_id")] if len(given) > columns.index("external_id") else ""
    if first == "external_id":
        return (
            "the row names the columns again",
            "one table: put its rows below the first one's, or into a file of its own",
        )
    if given and len(given) < len(columns):
        other = next((sign for sign in delimiters if len(given) + given[0].count(sign) >= len(columns)), "")
        if other:
            return f"the row is divided by {other!r}", "the delimiter of the first line"
    if _TOTALS.fullmatch(first) and not _of("plan", given, columns):
        return f"{first!r} seems to be a line of totals", "a customer; take the line out, or say on which plan it is"
    return "", ""


def _of(name: str, cells: Sequence[str], columns: Sequence[str]) -> str:
    at = columns.index(name) if name in columns else len(cells)
    return cells[at] if at < len(cells) else ""
