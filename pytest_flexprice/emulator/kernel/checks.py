"""Validator tags of request fields: which one fails first (contract 1.8, recording errors_create)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

_EMAIL = re.compile(r"[^@\s<>()\[\],;:\"]+@[^@\s.]+(\.[^@\s.]+)*\.[^@\s.]+\Z")


_CODES = (
    "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZDEDJDKDM"
    "DODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKN"
    "KPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPM"
    "PNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVI"
    "VNVUWFWSXKYEYTZAZMZW"
)
_COUNTRIES = frozenset(_CODES[place : place + 2] for place in range(0, len(_CODES), 2))


def _empty(value: Any) -> bool:
    return value is None or value is False or value in ("", 0) or (isinstance(value, (list, dict)) and not value)


@lru_cache(maxsize=256)
def is_timezone(name: str) -> bool:
    """Whether ``name`` is an IANA zone as Go loads it ("" and "Local" are not)."""
    if not name or name == "Local":
        return False
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return name in available_timezones()
    return True


def _size(value: Any) -> Any:
    return len(value) if isinstance(value, (str, list, dict)) else value


_RULES: dict[str, Callable[[Any, str], bool]] = {
    "email": lambda value, _: bool(_EMAIL.match(value)),
    "len": lambda value, size: _size(value) == int(size),
    "iso3166_1_alpha2": lambda value, _: value in _COUNTRIES,
    "timezone": lambda value, _: is_timezone(value),
    "min": lambda value, bound: _size(value) >= Decimal(bound),
    "max": lambda value, bound: _size(value) <= Decimal(bound),
    "gt": lambda value, bound: _size(value) > Decimal(bound),
    "gte": lambda value, bound: _size(value) >= Decimal(bound),
    "oneof": lambda value, words: str(value) in words.split(" "),
}


def failing_tag(rules: Sequence[str], value: Any) -> str:
    """The name of the first rule that ``value`` breaks, or "". Absent values only break ``required`` rules,
    and with ``omitempty`` empty ones break nothing."""
    for rule in rules:
        name, _, argument = rule.partition("=")
        if name == "required":
            if value is None or (not isinstance(value, (Decimal, datetime, list, dict)) and _empty(value)):
                return name
        elif name == "omitempty":
            if _empty(value):
                return ""
        elif name != "dive" and value is not None and not _RULES[name](value, argument):
            return name
    return ""
