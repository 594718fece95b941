"""Numbers and texts of a log as the server reads and prints them, as Ibis expressions (contract 3.5).

The rules are those of ``model.values``. Everything is done on digits, as texts: no engine rounds or overflows on the way.
Each step is a table of its own with one more column, since an expression that is used twice would be written out twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis

from pytest_flexprice.model.decimals import EVENT_PLACES
from pytest_flexprice.model.values import NUMERIC_TEXT
from pytest_flexprice.traffic.dialects import Column, Dialect

Rows = Any
"""An Ibis table; its columns are known only when it is built."""
QUANTITY = f"decimal(38, {EVENT_PLACES})"
BEYOND = 99
"""Stands for more decimals than are kept."""
_MOST_WHOLE = 23
"""A quantity with more digits before its point stops the server (contract 3.5), and fits no column here."""
_EXACT = 16
"""So many characters of digits and a point are the same number as a double."""
_ROOM = 120
_ZEROS = "0" * _ROOM
_NUMERIC = f"^({NUMERIC_TEXT})$".replace(r"\d", "[0-9]").replace(r"\.", "[.]")
_NUMBER = "^-?[0-9]"
_SHORT = "^[0-9]+([.][0-9]+)?$"
_SHORT_WHOLE = "^[1-9][0-9]{0,5}$"
_TINY_EXPONENT, _HUGE_EXPONENT = "[eE]-0*[1-9][0-9]{2,}$", "[eE][+]?0*[1-9][0-9]{2,}$"
_PRINTED_PLAIN = (-4, 6)
"""The powers of ten between which the server prints a number without an exponent."""


def with_property(rows: Rows, dialect: Dialect, key: str, name: str) -> Rows:
    """Columns ``<name>_raw``, the JSON text of a property (NULL where absent), and ``<name>_text``, its text where it is one."""
    rows = rows.mutate(**{f"{name}_raw": dialect.raw(rows.properties, key)})
    # Engines look into a JSON text once more only where it holds a text.
    return rows.mutate(**{f"{name}_text": _if(rows[f"{name}_raw"].startswith('"'), dialect.text(rows.properties, key))})


def is_compound(raw: Column) -> Column:
    """Whether a JSON text is a list or an object."""
    return raw.startswith("[") | raw.startswith("{")


def with_quantity(rows: Rows, name: str) -> Rows:
    """Columns ``quantity``, ``deadly`` and ``places`` of the property ``name``.

    The quantity is what billing reads: never negative, 0 for no number, 15 decimals and the rest cut off. ``deadly`` tells those that
    the server cannot store, ``places`` how many decimals there are.
    """
    rows = with_written(rows, name)
    rows = rows.mutate(q=ibis.ifelse(rows.q_written.startswith("-"), "0", rows.q_written).fill_null("0"))
    short = rows.q.re_search(_SHORT) & (rows.q.length() <= _EXACT)
    rows = rows.mutate(q_short=short, q_huge=rows.q.re_search(_HUGE_EXPONENT))
    long = ibis.ifelse(rows.q_huge | rows.q.re_search(_TINY_EXPONENT), "0", rows.q)
    rows = rows.mutate(q_long=_if(~rows.q_short, long))
    double = rows.q_long.cast("float64").cast("string")
    rows = with_digits(rows.mutate(q_exact=ibis.ifelse(rows.q_text, rows.q_long, double)), "q")
    rows = rows.mutate(q_padded=ibis.literal(_ZEROS) + rows.q_digits + _ZEROS)
    rows = rows.mutate(
        q_whole=rows.q_padded.substr(0, rows.q_point + _ROOM).re_replace("^0+", ""),
        q_decimals=rows.q_padded.substr(rows.q_point + _ROOM, EVENT_PLACES),
        q_beyond=rows.q_padded.substr(rows.q_point + _ROOM + EVENT_PLACES).re_search("[1-9]").fill_null(False),
    )
    rows = rows.mutate(deadly=rows.q_huge | (rows.q_whole.length() > _MOST_WHOLE).fill_null(False))
    plain = ibis.cases(
        (rows.deadly, ibis.literal("0")),
        (rows.q_short, rows.q),
        else_=ibis.literal("0") + rows.q_whole + "." + rows.q_decimals,
    )
    rows = rows.mutate(q_plain=plain)
    return rows.mutate(
        quantity=rows.q_plain.cast(QUANTITY),
        places=ibis.ifelse(rows.q_beyond, BEYOND, _decimals(rows.q_plain)),
    )


def with_written(rows: Rows, name: str) -> Rows:
    """Columns ``q_written``, the number in the property ``name`` as it is written, NULL for none, and ``q_text``: it is written as text."""
    raw, text = rows[f"{name}_raw"], rows[f"{name}_text"]
    is_text = raw.startswith('"')
    written = ibis.ifelse(is_text, _if(text.re_search(_NUMERIC), text), _if(raw.re_search(_NUMBER), raw))
    return rows.mutate(q_text=is_text.fill_null(False), q_written=written)


def _if(condition: Column, value: Column) -> Column:
    return ibis.ifelse(condition, value, ibis.null("string"))


def _decimals(plain: Column) -> Column:
    """How many decimals a plain number has, trailing zeros not counted."""
    return ibis.ifelse(plain.find(".") < 0, 0, plain.re_replace("0+$", "").length() - plain.find(".") - 1)


def with_digits(rows: Rows, name: str) -> Rows:
    """Columns ``<name>_digits``, all digits of the numeric text ``<name>_exact`` without its sign, and ``<name>_point``: how many of them
    stand before the point, which may lie outside of them. Its exponent is below 100."""
    rows = rows.mutate(**{f"{name}_lower": rows[f"{name}_exact"].replace("+", "").lower()})
    lower = rows[f"{name}_lower"]
    rows = rows.mutate(**{f"{name}_e": lower.find("e")})
    lower, at = rows[f"{name}_lower"], rows[f"{name}_e"]
    rows = rows.mutate(
        **{
            f"{name}_mantissa": ibis.ifelse(at < 0, lower, lower.substr(0, at)),
            f"{name}_exponent": ibis.ifelse(at < 0, "0", lower.substr(at + 1)).cast("int32"),
        }
    )
    mantissa = rows[f"{name}_mantissa"]
    rows = rows.mutate(**{f"{name}_dot": mantissa.find(".")})
    mantissa, dot = rows[f"{name}_mantissa"], rows[f"{name}_dot"]
    whole = ibis.ifelse(dot < 0, mantissa.length(), dot)
    return rows.mutate(
        **{f"{name}_digits": mantissa.replace(".", ""), f"{name}_point": whole + rows[f"{name}_exponent"]}
    )


def with_printed(rows: Rows, name: str, compounds: Mapping[str, str]) -> Rows:
    """A column ``<name>``: the property as the server prints it to compare or to tell unique values apart; NULL where it is absent.

    ``compounds`` gives the printed form of the lists and objects that there are, by their JSON text.
    """
    raw = rows[f"{name}_raw"]
    odd = raw.re_search(_NUMBER) & ~raw.re_search(_SHORT_WHOLE)
    magnitude = _if(odd, raw.re_replace("^-", "")).cast("float64").cast("string")
    rows = with_digits(rows.mutate(p_exact=magnitude), "p")
    rows = rows.mutate(p_kept=rows.p_digits.re_replace("^0+", ""))
    rows = rows.mutate(p_power=rows.p_point - rows.p_digits.length() + rows.p_kept.length() - 1)
    rows = rows.mutate(p_kept=rows.p_kept.re_replace("0+$", ""))
    rows = rows.mutate(p_printed=_printed(rows.p_kept, rows.p_power))
    raw, sign = rows[f"{name}_raw"], ibis.ifelse(rows[f"{name}_raw"].startswith("-"), "-", "")
    value = ibis.cases(
        (raw.startswith('"'), rows[f"{name}_text"]),
        (rows.p_printed.notnull(), sign + rows.p_printed),
        (raw == "null", ibis.literal("<nil>")),
        *((raw == one, ibis.literal(text)) for one, text in compounds.items()),
        else_=raw,
    )
    return rows.mutate(**{name: value}).drop(*(column for column in rows.columns if column.startswith("p_")))


def _printed(kept: Column, power: Column) -> Column:
    low, high = _PRINTED_PLAIN
    large = _pointed((kept + _ZEROS).substr(0, power + 1), kept.substr(power + 1))
    small = _pointed(ibis.literal("0"), ibis.literal(_ZEROS).substr(0, -power - 1) + kept)
    magnitude = ibis.ifelse(power.abs() < 10, "0", "") + power.abs().cast("string")
    long = _pointed(kept.substr(0, 1), kept.substr(1)) + ibis.ifelse(power < 0, "e-", "e+") + magnitude
    return ibis.cases(
        (kept == "", ibis.literal("0")),
        ((power < low) | (power >= high), long),
        (power >= 0, large),
        (power < 0, small),
    )


def _pointed(before: Column, decimals: Column) -> Column:
    return ibis.ifelse(decimals == "", before, before + "." + decimals)
