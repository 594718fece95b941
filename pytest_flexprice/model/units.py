"""Units as names of properties, features and meters spell them: ``duration_seconds``, ``Build minutes``, ``gb_hours``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

_TOKENS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_SPELLED = {
    ("time", "0.001"): "ms msec msecs milli millis millisecond milliseconds millisekunden",
    ("time", "1"): "s sec secs second seconds sek sekunde sekunden seconde secondes segundo segundos",
    ("time", "60"): "min mins minute minutes minuten minuto minutos",
    ("time", "3600"): "h hr hrs hour hours std stunde stunden heure heures hora horas",
    ("time", "86400"): "day days",
    ("data", "1"): "byte bytes",
    ("data", "1e3"): "kb kib kilobyte kilobytes",
    ("data", "1e6"): "mb mib megabyte megabytes",
    ("data", "1e9"): "gb gib gigabyte gigabytes",
    ("data", "1e12"): "tb tib terabyte terabytes",
    ("weight", "1"): "gram grams",
    ("weight", "1e3"): "kg kgs kilo kilos kilogram kilograms",
    ("weight", "1e6"): "ton tons tonne tonnes",
    ("length", "1"): "metre metres meter meters",
    ("length", "1e3"): "km kms kilometre kilometres kilometer kilometers",
    ("share", "1"): "fraction fractions ratio ratios",
    ("share", "0.01"): "percent percentage pct",
}
_LETTERS = ("s", "h")
"""Letters are units only at the end of a name that says more, such as ``duration_s``."""


_MEASURED = frozenset(
    {
        "bandwidth",
        "dauer",
        "duration",
        "elapsed",
        "latency",
        "length",
        "runtime",
        "size",
        "storage",
        "traffic",
        "uptime",
        "volume",
    }
)


class Unit(NamedTuple):
    """A unit: what it measures, and how many of the smallest common one it is."""

    measures: str
    size: Decimal
    word: str


_UNITS = {word: (kind, Decimal(size)) for (kind, size), words in _SPELLED.items() for word in words.split()}


def units_in(name: str) -> tuple[Unit, ...]:
    """The units that a name spells, in their order; two of them are a product, such as gigabyte hours."""
    words = [token.lower() for token in _TOKENS.findall(name)]
    return tuple(
        Unit(*_UNITS[word], word)
        for place, word in enumerate(words)
        if word in _UNITS and (word not in _LETTERS or 0 < place == len(words) - 1)
    )


def measured(name: str) -> bool:
    """Whether a name spells a unit, or what has one, such as a duration."""
    return bool(units_in(name)) or not _MEASURED.isdisjoint(map(str.lower, _TOKENS.findall(name)))


def factor(one: Sequence[Unit], other: Sequence[Unit]) -> Decimal | None:
    """How many of the other one is, such as 60 for a minute in seconds; None where they do not measure the same."""
    if not one or [unit.measures for unit in one] != [unit.measures for unit in other]:
        return None
    result = Decimal(1)
    for mine, theirs in zip(one, other, strict=True):
        result *= mine.size / theirs.size
    return result
