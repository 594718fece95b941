"""What pydantic found wrong, said for people: every place with its value, what was expected, and which name was perhaps meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pytest_flexprice.model.near_miss import NearMisses

MOST_SHOWN = 50
LONGEST_SHOWN = 120
_SECRET = re.compile(
    r"(?<![A-Za-z0-9])(?:[sprt]k|whsec|svixsk)_[A-Za-z0-9_+/=.-]{6,}|\b(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{24,}\b"
)
_API_KEY = re.compile(r"(flexprice_?)?(api|secret)?_?(key|token)|secret", re.IGNORECASE)
_NO_SECRETS = ", as no key of Flexprice stands there: set the variable FLEXPRICE_API_KEY, or write it into .env.<name of the environment>"
_QUOTES = re.compile(r"''(?:, | or )|'")
NOT_SHOWN = "not_shown"
"""The kind of a custom error whose value may be a secret."""
_KINDS = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "decimal_parsing": "a number such as 10.5",
    "decimal_type": "a number such as 10.5",
    "date_type": "a day such as 2026-12-31, without quotes",
    "date_from_datetime_parsing": "a day such as 2026-12-31",
    "date_from_datetime_inexact": "a day such as 2026-12-31, without a time",
    "date_parsing": "a day such as 2026-12-31",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "a number from {}"),
    "greater_than": ("gt", "a number above {}"),
    "less_than_equal": ("le", "a number up to {}"),
    "less_than": ("lt", "a number below {}"),
    "too_short": ("min_length", "at least {} in the list"),
    "too_long": ("max_length", "at most {} in the list"),
    "string_too_short": ("min_length", "a text of at least {} characters"),
    "string_too_long": ("max_length", "a text of at most {} characters"),
}
TOML = "a table"
JSON = "an object in braces"
"""What keys and values stand in, in the file's own language."""


def sentences(error: ValidationError, model: type[BaseModel], noun: str, table: str = TOML) -> list[str]:
    """One clause for each thing that is wrong, in the order of the model; ``noun`` is what is read, such as "the plan".

    ``table`` is what its language calls keys with values.

    What reads like a key or a secret, wherever somebody put it, is not shown.
    """
    found = error.errors(include_url=False)
    return list(dict.fromkeys(_SECRET.sub("…", _clause(one, model, noun, table)) for one in _told(found)))


def several(problems: list[str], noun: str) -> str:
    """One problem as it is, more of them counted and in one sentence; of very many the first ones."""
    if len(problems) == 1:
        return problems[0]
    more = f"; and {len(problems) - MOST_SHOWN} more" if len(problems) > MOST_SHOWN else ""
    return f"{len(problems)} {noun}: {'; '.join(problems[:MOST_SHOWN])}{more}"


def _told(found: list[ErrorDetails]) -> Iterator[ErrorDetails]:
    """Of a value that may be of several kinds, each of which complains, the complaint that reached furthest."""
    deepest: dict[tuple[Any, ...], ErrorDetails] = {}
    for one in found:
        at = _place(one["loc"])
        known = next((place for place in deepest if place == at), None)
        if known is None:
            deepest[at] = one
    yield from deepest.values()


def _place(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The place in the file; pydantic adds the kind it tried of several, which is none of the file's names."""
    return tuple(
        part
        for part in location
        if not (isinstance(part, str) and (part in {"str", "int"} or part.startswith("tuple[")))
    )


def dotted(location: tuple[int | str, ...]) -> str:
    """A place as people write it: ``plans.pro.prices[0].amount``."""
    text = ""
    for part in _place(location):
        text += f"[{part}]" if isinstance(part, int) else f".{_cut(part)}" if text else _cut(part)
    return text


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"


def _clause(one: ErrorDetails, model: type[BaseModel], noun: str, table: str) -> str:
    key = dotted(one["loc"]) or noun
    if one["type"] == "missing":
        return f"{key} is missing; add it"
    if one["type"] == "extra_forbidden":
        secret = _API_KEY.fullmatch(str(one["loc"][-1]))
        return f"{key} is not a key of {noun}{_NO_SECRETS if secret else _meant(one, model, table)}"
    return f"{key}{_value(one)}: {_expected(one, table)}"


def _meant(one: ErrorDetails, model: type[BaseModel], table: str) -> str:
    """What an unknown key may have been meant to be: another one of its table, one of another table, or a name in two parts."""
    *place, name = (str(part) for part in one["loc"])
    near = NearMisses(_keys(model, one["loc"][:-1])).hint(name)
    if near:
        return f"{near}; remove it or correct its spelling"
    if table == JSON:
        return "; remove it or correct its spelling"
    if name in model.model_fields:
        return f" here; write it below [{name}], a table of its own"
    tables = [table for table in model.model_fields if name in _keys(model, (table,))]
    if tables:
        return f" here; it belongs to [{tables[0]}]"
    if isinstance(one["input"], dict) and place:
        return f'; remove it or correct its spelling, or put a name with a dot into quotes: [{".".join(place[:-1])}."{place[-1]}.{name}"]'
    return "; remove it or correct its spelling"


def _expected(one: ErrorDetails, table: str) -> str:
    kind, given, context = one["type"], one["input"], one.get("ctx", {})
    if kind in _BOUNDS and _BOUNDS[kind][0] in context:
        name, words = _BOUNDS[kind]
        return "expected " + words.format(context[name])
    if kind == "literal_error":
        return f"expected {_QUOTES.sub('', str(context['expected']))}"
    if kind == "string_type" and isinstance(given, (int, float, Decimal)) and not isinstance(given, bool):
        return "expected a text, which stands in quotes"
    if kind in ("tuple_type", "model_type", "dict_type"):
        return "expected " + (_container(one) if table == TOML else "a list" if kind == "tuple_type" else table)
    if kind in _KINDS:
        return f"expected {_KINDS[kind]}"
    message = one["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return (
        message.replace("should be", "expected", 1)
        if message.startswith("should be")
        else message[:1].lower() + message[1:]
    )


def _container(one: ErrorDetails) -> str:
    """A list or a table, with the brackets in which a plan holds it."""
    kind, given, place = one["type"], one["input"], one["loc"]
    if kind == "tuple_type":
        table, text = isinstance(given, dict), isinstance(given, str)
        return "a list" + (f": [[{place[-1]}]] before each" if table else " in brackets" if text else "")
    named = isinstance(given, list) and not any(isinstance(part, int) for part in place)
    return "a table" + (f", once and in single brackets: [{dotted(place)}]" if named else "")


def _value(one: ErrorDetails) -> str:
    return "" if one["type"] == NOT_SHOWN else shown(one["input"])


def shown(value: Any) -> str:
    """`` = value`` for what is short enough to show, nothing for tables."""
    if isinstance(value, (Decimal, date)):
        return f" = {value}"
    if isinstance(value, (str, int, float, type(None))):
        text = repr(value) if value is not None else "null"
        return f" = {text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + '…'}"
    return " = []" if value in ((), []) else ""


def _keys(model: Any, location: tuple[int | str, ...]) -> list[str]:
    """The keys that the table at a place may have."""
    found: Any = model
    for part in location:
        found = _inside(found, part)
    fields = getattr(_model(found), "model_fields", {})
    return [field.alias or name for name, field in fields.items()]


def _inside(kind: Any, part: int | str) -> Any:
    """What is under a name or number: of a model's field, or of the elements of a table or list."""
    for one in _alternatives(kind):
        if get_origin(one) in (dict, list, tuple):
            elements = [element for element in get_args(one) if element is not Ellipsis]
            return elements[-1]
        if isinstance(one, type) and issubclass(one, BaseModel):
            field = one.model_fields.get(str(part))
            return field.annotation if field else None
    return None


def _alternatives(kind: Any) -> Iterator[Any]:
    if get_origin(kind) in (Union, UnionType, Annotated):
        for one in get_args(kind):
            yield from _alternatives(one)
    else:
        yield kind


def _model(kind: Any) -> type[BaseModel] | None:
    found = (one for one in _alternatives(kind) if isinstance(one, type) and issubclass(one, BaseModel))
    return next(found, None)
