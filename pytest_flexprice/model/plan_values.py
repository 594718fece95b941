"""The kinds of values that a plan holds: names, levels, items, variables, cells; what may be a secret is refused unshown."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from pytest_flexprice.model import spoken
from pytest_flexprice.model.checklist import BY_ID, Level
from pytest_flexprice.model.statements import is_placeholder

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*|[a-z_][a-z0-9_]*")
_KEY_PREFIX = re.compile(r"(sk|pk|rk|whsec|svixsk)_", re.IGNORECASE)


def _named(value: str) -> str:
    if is_placeholder(value):
        raise ValueError(f"'{' '.join(value.split())}' is a placeholder; write a real name or sentence")
    return value.strip()


def _level(value: str) -> str:
    return Level.parse(value).word


def _item(value: str) -> str:
    if value not in BY_ID:
        raise ValueError(f"'{value}' is no checklist item; expected one of {', '.join(BY_ID)}")
    return value


def _variable(value: str) -> str:
    """A variable's name; what may be a secret instead is refused and never shown.

    Raises:
        PydanticCustomError: of the kind that no value is shown of.
    """
    parts = value.split("_")
    if not _VARIABLE.fullmatch(value) or _KEY_PREFIX.match(value) or any(map(_may_be_secret, parts)):
        raise PydanticCustomError(
            spoken.NOT_SHOWN,
            "expected the name of an environment variable, such as FLEXPRICE_API_KEY, never a secret itself; "
            "if it was one, take it out of the plan and make a new one",
        )
    return value


def _may_be_secret(part: str) -> bool:
    digits = sum(character.isdigit() for character in part)
    return len(part) >= 24 or (len(part) >= 12 and digits >= 2) or (len(part) >= 8 and digits >= 4)


def _given(value: str) -> str:
    if not value.strip():
        raise ValueError("it is empty, which would prove nothing; write it, or leave the key out")
    return value.strip()


def _file(value: str) -> str:
    if any(character in value for character in "\n\r\t\b\f"):
        raise ValueError("it holds a line break or tab; write a path with /, or in single quotes")
    return value


def _cell(value: Any) -> Any:
    """TOML has numbers and days of its own; a customers file has them as text."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Named = Annotated[str, AfterValidator(_named)]
LevelName = Annotated[str, AfterValidator(_level)]
ItemId = Annotated[str, AfterValidator(_item)]
FileName = Annotated[str, AfterValidator(_file)]
Variable = Annotated[str, AfterValidator(_variable)]
Given = Annotated[str, AfterValidator(_given)]
BillingPeriod = Literal["MONTHLY", "ANNUAL", "WEEKLY", "DAILY", "QUARTERLY", "HALF_YEARLY"]
Collection = Literal["send_invoice", "charge_automatically"]
Cell = Annotated[str, BeforeValidator(_cell)]
EventType = Annotated[str, Field(min_length=1)]
