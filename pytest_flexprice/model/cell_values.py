"""Each kind of cell of the customers file, read into one canonical text: a day, a code, a number, pairs of names and numbers.

A reader raises ValueError with a hint, perhaps an empty one, where a cell holds no such value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from zoneinfo import available_timezones

from pytest_flexprice.model.decimals import plain, words
from pytest_flexprice.model.near_miss import NearMisses
from pytest_flexprice.model.times import instant

PAYMENT_TERMS = ("15 NET", "30 NET", "45 NET", "60 NET", "75 NET", "90 NET")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_OTHER_DAY = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})")
_SHORTENED = re.compile(r"[+-]?\d(?:[.,]\d+)?[eE]\+?\d+")


def external_id(text: str) -> str:
    """An external id, byte for byte; one that a spreadsheet wrote as 1.2E+11 is lost."""
    if _SHORTENED.fullmatch(text.strip()):
        raise ValueError(
            "a spreadsheet shortened a long number here, and its digits are lost: format the column as text and fill it anew"
        )
    return text


def trimmed(text: str) -> str:
    """A text without white space around it."""
    return text.strip()


def currency(text: str) -> str:
    """Three small letters."""
    code = text.strip().lower()
    if not re.fullmatch(r"[a-z]{3}", code):
        raise ValueError({"$": "usd", "€": "eur", "£": "gbp", "¥": "jpy", "₹": "inr"}.get(code, ""))
    return code


def among(*allowed: str) -> Callable[[str], str]:
    """A reader of one of a few words, however its case, blanks and separators are written."""
    known = {bare(one): one for one in allowed}
    near = NearMisses(known)

    def read(text: str) -> str:
        found = known.get(bare(text))
        if found is None:
            close = near.of(bare(text))
            raise ValueError(f"{known[close[0]]}?" if close else "")
        return found

    return read


def bare(text: str) -> str:
    """A word without what people write differently: case, blanks, hyphens, underscores."""
    return re.sub(r"[\s_-]+", "", text).casefold()


def payment_terms(text: str) -> str:
    """Such as ``30 NET`` for "net-30" and "30 days net"."""
    match = re.fullmatch(
        r"\s*(?:net\s*[-_]?\s*(\d+)|(\d+)\s*(?:days?)?\s*[-_]?\s*net)\s*(?:days?)?\s*", text, re.IGNORECASE
    )
    terms = f"{match[1] or match[2]} NET" if match else ""
    if terms not in PAYMENT_TERMS:
        raise ValueError("")
    return terms


def count(text: str) -> str:
    """A whole number from 1."""
    if not re.fullmatch(r"0*[1-9]\d{0,3}", text.strip()):
        raise ValueError("")
    return str(int(text))


def moment(text: str) -> str:
    """A UTC day, or an instant with its zone."""
    plain = text.strip()
    try:
        if _DAY.fullmatch(plain):
            return date.fromisoformat(plain).isoformat()
        instant(plain)
    except ValueError:
        raise ValueError(_meant(plain)) from None
    return plain.replace(" ", "T", 1)


def _meant(text: str) -> str:
    """What a day that is written in another way may mean."""
    match = _OTHER_DAY.fullmatch(text)
    if match:
        one, between, other, year = match.groups()
        orders = [(other, one)] if between == "." else [(other, one), (one, other)]
        meant = dict.fromkeys(
            f"{year}-{month:0>2}-{day:0>2}" for month, day in orders if int(month) <= 12 and int(day) <= 31
        )
        return f"{' or '.join(meant)}?" if meant else ""
    if re.fullmatch(r"[2-6]\d{4}([.,]\d+)?", text):
        return "a spreadsheet's day number: format the column as text such as 2026-11-02"
    if re.search(r"[+-]\d{2}(\d{2})?$", text) and "T" in text:
        return "write the offset like +02:00"
    return "add the zone, such as Z for UTC" if re.match(r"\d{4}-\d{2}-\d{2}[T ]\d", text) else ""


@cache
def _zones() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones()}


def timezone(text: str) -> str:
    """The name of a time zone as its database spells it."""
    zones = _zones()
    plain = text.strip()
    if not zones:  # no time zone database on this machine: nothing to hold it against
        return plain
    if plain.casefold() not in zones:
        close = NearMisses(zones.values()).of(plain)
        raise ValueError(f"{close[0]}?" if close else "")
    return zones[plain.casefold()]


def number_text(text: str) -> str:
    """A decimal number in its shortest form."""
    return words(plain(text))


def above_one(text: str) -> str:
    """A factor that acts."""
    factor = number_text(text)
    if Decimal(factor) <= 1:
        raise ValueError("a commitment acts only with a factor above 1")
    return factor


def named_numbers(text: str) -> str:
    """Such as ``Seats=25; Support=2``."""
    found: dict[str, str] = {}
    for part in filter(str.strip, text.split(";")):
        name, between, number = part.rpartition("=")
        if not between or not name.strip():
            raise ValueError(f"'{part.strip()}' is no name=number")
        if name.strip() in found:
            raise ValueError(f"'{name.strip()}' is there twice")
        found[name.strip()] = number_text(number)
    return "; ".join(f"{name}={number}" for name, number in found.items())


def quantity(text: str) -> str:
    """A number alone, or numbers with names."""
    return named_numbers(text) if "=" in text else number_text(text)


def codes(text: str) -> str:
    """Coupon codes in small letters, sorted."""
    return "; ".join(sorted({part.strip().lower() for part in text.split(";") if part.strip()}))


def pairs(text: str) -> dict[str, Decimal]:
    """The names and numbers of a canonical cell such as ``Seats=25; Support=2``; a lone number stands under ``""``."""
    parts = [part.rpartition("=") for part in text.split("; ") if part]
    return {name: Decimal(number) for name, _, number in parts}


def as_instant(text: str) -> datetime:
    """The instant that a canonical date cell stands for: a day is its first moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if _DAY.fullmatch(text) else instant(text)
