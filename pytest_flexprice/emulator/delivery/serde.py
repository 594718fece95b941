"""Reads JSON bodies the way the delivery service does, down to line and column of what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .replies import unreadable

_DECODER = json.JSONDecoder()
_SPACE = " \t\r\n"

Convert = Callable[[Any], Any]
"""Turns a value into what is stored; raises ``ValueError`` with the service's own words."""


@dataclass(frozen=True)
class Field:
    """One field of a body. ``types`` are the Python types its JSON may have, ``expected`` their name in an error."""

    types: tuple[type, ...]
    expected: str
    required: bool = False
    nullable: bool = True
    convert: Convert | None = None
    late: bool = False
    """Whether a refused value is noticed only behind it, so that a closing brace counts into the column."""


STRING = (str,)
BOOLEAN = (bool,)


@dataclass
class _Text:
    text: str

    def at(self, index: int) -> str:
        """``line L column C`` after ``index`` characters."""
        before = self.text[:index]
        return f"line {before.count(chr(10)) + 1} column {len(before) - before.rfind(chr(10)) - 1}"

    def skip(self, index: int) -> int:
        while index < len(self.text) and self.text[index] in _SPACE:
            index += 1
        return index

    def char(self, index: int) -> str:
        return self.text[index] if index < len(self.text) else ""


def read(body: bytes, fields: Mapping[str, Field], name: str) -> dict[str, Any]:
    """The known fields that a body has; the last of several equal keys wins, unknown ones are ignored.

    ``name`` is the service's name of the whole, for errors. Raises :class:`replies.Refusal` (422).
    """
    text = _Text(body.decode("utf-8", "replace"))
    index = text.skip(0)
    if index == len(text.text):
        raise unreadable(".", f"EOF while parsing a value at {text.at(index)}")
    if text.char(index) != "{":
        value, end = _value(text, index, ".")
        raise unreadable(".", f"invalid type: {_kind(value)}, expected struct {name} at {text.at(end)}")
    found, end = _members(text, index + 1, fields)
    for key, wanted in fields.items():
        if wanted.required and key not in found:
            raise unreadable(".", f"missing field `{key}` at {text.at(end)}")
    rest = text.skip(end)
    if rest < len(text.text):
        raise unreadable(".", f"trailing characters at {text.at(rest + 1)}")
    return found


def _members(text: _Text, index: int, fields: Mapping[str, Field]) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    index = text.skip(index)
    if text.char(index) == "}":
        return found, index + 1
    while True:
        if text.char(index) != '"':
            raise unreadable(".", _broken(text, index, "an object", "key must be a string"))
        key, index = _value(text, index, ".")
        index = text.skip(index)
        if text.char(index) != ":":
            raise unreadable(str(key), _broken(text, index, "an object", "expected `:`"))
        start = text.skip(index + 1)
        value, index = _value(text, start, str(key))
        wanted = fields.get(str(key))
        if wanted:
            found[str(key)] = _accept(text, str(key), wanted, value, index)
        index = text.skip(index)
        if text.char(index) == "}":
            return found, index + 1
        if text.char(index) != ",":
            raise unreadable(".", _broken(text, index, "an object", "expected `,` or `}`"))
        index = text.skip(index + 1)


def _value(text: _Text, index: int, path: str) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text.text, index)
    except (json.JSONDecodeError, RecursionError) as error:
        position = getattr(error, "pos", index)
        unfinished = text.char(position) == "" or "Unterminated" in str(error)
        raise unreadable(path, _broken(text, len(text.text) if unfinished else position, "a value")) from None


def _broken(text: _Text, index: int, what: str, otherwise: str = "expected value") -> str:
    if index >= len(text.text):
        return f"EOF while parsing {what} at {text.at(len(text.text))}"
    return f"{otherwise} at {text.at(index + 1)}"


def _accept(text: _Text, key: str, wanted: Field, value: Any, end: int) -> Any:
    if value is None and wanted.nullable:
        return None
    right = isinstance(value, wanted.types) and (bool in wanted.types or not isinstance(value, bool))
    if not right:
        raise unreadable(key, f"invalid type: {_kind(value)}, expected {wanted.expected} at {text.at(end)}")
    if wanted.convert is None:
        return value
    try:
        return wanted.convert(value)
    except ValueError as error:
        behind = text.skip(end)
        place = behind + 1 if wanted.late and text.char(behind) == "}" else end
        raise unreadable(key, f"{error} at {text.at(place)}") from None


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"boolean `{str(value).lower()}`"
    if isinstance(value, int):
        return f"integer `{value}`"
    if isinstance(value, float):
        return f"floating point `{value}`"
    if isinstance(value, str):
        return f"string {json.dumps(value, ensure_ascii=False)}"
    return "sequence" if isinstance(value, list) else "map"
