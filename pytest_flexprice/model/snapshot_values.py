"""The kinds of values that a catalog snapshot holds, each read into one normal form or refused with what was expected."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from pytest_flexprice.model.decimals import words, written
from pytest_flexprice.model.times import instant
from pytest_flexprice.model.values import SPACES

_WHOLE = re.compile(r"\d{1,18}(\.0+)?")


def _number(value: Any) -> str:
    """A decimal as a number or as text without separators, in its one normal form."""
    if isinstance(value, (bool, float)) or not isinstance(value, (str, int, Decimal)):
        raise ValueError('expected a number, such as "0.05"')
    try:
        number = written(str(value))
    except ValueError:
        raise ValueError('expected a number written in digits, such as "0.05"') from None
    return words(number)


def _amount(value: Any) -> str:
    text = _number(value)
    if text.startswith("-"):
        raise ValueError('expected a number that is not negative, such as "0.05"')
    return text


def _whole(value: Any) -> str:
    text = format(value, "f") if isinstance(value, Decimal) else str(value)
    if isinstance(value, bool) or not _WHOLE.fullmatch(text):
        raise ValueError('expected a whole number written in digits, such as "1000"')
    return words(Decimal(text))


def _positive(value: Any) -> str:
    text = _whole(value)
    if text == "0":
        raise ValueError('expected a whole number from 1, such as "1000"')
    return text


def _currency(value: Any) -> str:
    if not isinstance(value, str) or len(value.strip()) != 3:  # contract 2.4: three characters, stored in lower case
        raise ValueError("expected three letters such as usd")
    return value.strip().lower()


def _filled(value: str) -> str:
    if not value.strip(SPACES):
        raise ValueError("expected a text that is not blank")
    return value


def _instant(value: str) -> str:
    if value:
        try:
            instant(value)
        except ValueError:
            raise ValueError("expected an instant in UTC, such as 2026-12-31T00:00:00Z") from None
    return value


Amount = Annotated[str, BeforeValidator(_amount)]


Whole = Annotated[str, BeforeValidator(_whole)]


Positive = Annotated[str, BeforeValidator(_positive)]


Currency = Annotated[str, BeforeValidator(_currency)]


Filled = Annotated[str, AfterValidator(_filled)]


Instant = Annotated[str, AfterValidator(_instant)]


Count = Annotated[int, Field(ge=1, le=1000, strict=True)]


Days = Annotated[int, Field(ge=0, le=100_000, strict=True)]


Loose = dict[str, dict[str, Any]]
