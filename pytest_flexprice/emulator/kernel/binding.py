"""Reading request bodies as the real server does (contract 1.1, 1.8, recordings events_ingest and errors_create).

Field names match without regard to case, the last duplicate wins, ``null`` is absent, unknown fields are ignored,
a wrong JSON type refuses the whole body, and only the first JSON document of a body counts.
Nothing of a body is ever evaluated; nesting and numbers are bounded so that a hostile body costs little.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from . import errors
from .checks import failing_tag

MAX_DEPTH = 200
_MAX_EXPONENT = 400
_INTEGER_DIGITS = 400
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_LONE = re.compile("[\ud800-\udfff]")
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z", re.ASCII)
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d?):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))\Z", re.ASCII)
_INITIALISMS = {"id": "ID", "ids": "IDs", "url": "URL", "api": "API", "html": "HTML", "json": "JSON"}


class BindError(ValueError):
    """The body (or one value in it) is not what the Go type takes."""


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) <= _INTEGER_DIGITS else _number(text)


def _number(text: str) -> Decimal:
    number = Decimal(text)
    if number and abs(number.adjusted()) > _MAX_EXPONENT:
        raise BindError("number out of range")
    return number


def refuse_constant(_text: str) -> NoReturn:
    """NaN and Infinity are no JSON."""
    raise BindError("not JSON")


_DECODER = json.JSONDecoder(parse_float=_number, parse_int=_integer, parse_constant=refuse_constant)


def _check_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth, quoted, escaped = 0, False, False
    for char in text:
        if quoted:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                quoted = False
        elif char == '"':
            quoted = True
        elif char in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise BindError("nested too deeply")
        elif char in "]}":
            depth -= 1


def _mend(value: Any) -> Any:
    if isinstance(value, str):
        return _LONE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_mend(k): _mend(v) for k, v in value.items()}
    return [_mend(v) for v in value] if isinstance(value, list) else value


def body_text(body: bytes) -> str:
    """A body as text, without white space in front."""
    return body.decode("utf-8", "replace").lstrip(" \t\r\n")


def first_document(text: str, decoder: json.JSONDecoder) -> Any:
    """The first JSON document of a text; half surrogate pairs become replacement characters. Raises :class:`BindError`."""
    try:
        value, _end = decoder.raw_decode(text)
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise BindError("not JSON") from error
    return _mend(value) if _SURROGATE.search(text) else value


def parse(body: bytes) -> Any:
    """The first JSON document of ``body``: integers as int, other numbers as Decimal. Raises :class:`BindError`."""
    text = body_text(body)
    _check_depth(text)
    return first_document(text, _DECODER)


def text(value: Any) -> str:
    """A JSON string."""
    if not isinstance(value, str):
        raise BindError("not a string")
    return value


def boolean(value: Any) -> bool:
    """A JSON boolean."""
    if not isinstance(value, bool):
        raise BindError("not a boolean")
    return value


def integer(value: Any) -> int:
    """A JSON number without fraction or exponent, within 64 bits."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
        raise BindError("not an integer")
    return value


def number(value: Any) -> float:
    """A JSON number as a double."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or abs(Decimal(value)) > Decimal("1.797e308"):
        raise BindError("not a number")
    return float(value)


def decimal(value: Any) -> Decimal:
    """A decimal given as a string or as a JSON number."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise BindError("not a decimal")
    return parse_decimal(value) if isinstance(value, str) else Decimal(value)


def parse_decimal(value: str) -> Decimal:
    """A decimal from text: no spaces, no words; exponents are bounded."""
    if not _DECIMAL.match(value) or len(value) > _INTEGER_DIGITS:
        raise BindError("not a decimal")
    try:
        return _number(value)
    except InvalidOperation as error:
        raise BindError("not a decimal") from error


def instant(value: Any) -> datetime:
    """A time as Go's ``time.Time`` takes it, as aware UTC (cut to microseconds).

    That is RFC 3339 with upper-case ``T`` and ``Z``, and also a decimal comma, an hour of one digit and offsets up to 24:60.
    """
    match = _TIME.match(value) if isinstance(value, str) else None
    if not match:
        raise BindError("not a time")
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = match.groups()
    micro = int((fraction or "").ljust(6, "0")[:6])
    try:
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), micro, UTC)
        if sign:
            if int(hours) > 24 or int(minutes) > 60:
                raise BindError("not a time")
            offset = timedelta(hours=int(hours), minutes=int(minutes))
            moment = moment - offset if sign == "+" else moment + offset
    except (ValueError, OverflowError) as error:
        raise BindError("not a time") from error
    return moment


def mapping(value: Any) -> dict[str, Any]:
    """A JSON object of any values."""
    if not isinstance(value, dict):
        raise BindError("not an object")
    return value


def strings(value: Any) -> dict[str, str]:
    """A JSON object whose values are strings (metadata); ``null`` values become empty strings."""
    return {k: "" if v is None else text(v) for k, v in mapping(value).items()}


Kind = Callable[[Any], Any]


@dataclass(frozen=True)
class ListOf:
    """A JSON array of one kind; a ``null`` element becomes the kind's zero value: an object without fields, an empty text."""

    kind: Kind

    def __call__(self, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise BindError("not an array")
        return [self._zero() if item is None else self.kind(item) for item in value]

    def _zero(self) -> Any:
        if isinstance(self.kind, Schema):
            return self.kind({})
        return "" if self.kind is text else None


def array(kind: Kind) -> ListOf:
    """A JSON array of ``kind``."""
    return ListOf(kind)


def go_name(name: str) -> str:
    """The Go field of a JSON name: ``external_id`` is ``ExternalID``."""
    return "".join(_INITIALISMS.get(part, part[:1].upper() + part[1:]) for part in name.split("_"))


@dataclass(frozen=True)
class Field:
    """One JSON field. ``rules`` are validator tags; with ``bound`` they are checked while reading the body,
    so that a failure is the area's own message without details."""

    name: str
    kind: Kind
    rules: tuple[str, ...] = ()
    bound: bool = False
    go: str = ""


def field(name: str, kind: Kind = text, rules: str = "", *, bound: bool = False, go: str = "") -> Field:
    """A field of a :class:`Schema`; ``rules`` as in Go, separated by commas: ``"required,email"``."""
    return Field(name, kind, tuple(r for r in rules.split(",") if r), bound, go or go_name(name))


def several(kind: Kind, names: str, rules: str = "", *, bound: bool = False) -> tuple[Field, ...]:
    """Fields of one kind with the same rules: ``*several(text, "name description", "required")``."""
    return tuple(field(name, kind, rules, bound=bound) for name in names.split())


class Schema:
    """The fields of one request type, named as the Go type so that details read the same."""

    def __init__(self, name: str, *fields: Field):
        self.name = name
        self.fields = fields
        self._by_name = {f.name.lower(): f for f in fields}

    def __call__(self, value: Any) -> dict[str, Any]:
        """Every field by its JSON name, ``None`` where absent; raises :class:`BindError`."""
        if not isinstance(value, dict):
            raise BindError("not an object")
        out: dict[str, Any] = dict.fromkeys(f.name for f in self.fields)
        for key, item in value.items():
            known = self._by_name.get(key.lower())
            if known is not None and item is not None:
                out[known.name] = known.kind(item)
        for known in self.fields:
            if known.bound and failing_tag(known.rules, out[known.name]):
                raise BindError(f"{known.name} is required")
        return out

    def failures(self, values: dict[str, Any]) -> list[tuple[str, str]]:
        """The ``(Go field, tag)`` of every rule that fails, nested schemas included."""
        found = []
        for known in self.fields:
            value = values[known.name]
            tag = "" if known.bound else failing_tag(known.rules, value)
            if tag:
                found.append((known.go, tag))
            elif isinstance(known.kind, Schema) and value is not None:
                found += [(f"{known.go}.{name}", tag) for name, tag in known.kind.failures(value)]
            elif isinstance(known.kind, ListOf) and isinstance(known.kind.kind, Schema) and "dive" in known.rules:
                for index, item in enumerate(value or []):
                    inner = known.kind.kind.failures(item) if item is not None else []
                    found += [(f"{known.go}[{index}].{name}", tag) for name, tag in inner]
        return found


def bind(
    body: bytes, schema: Schema, message: str = "Invalid request format", *, validate: bool = True
) -> dict[str, Any]:
    """Read ``body`` as ``schema``; raises :class:`errors.ApiError` with the area's ``message`` or with details."""
    try:
        document = parse(body)
        values = schema({} if document is None else document)
    except BindError as error:
        raise errors.validation(message) from error
    failures = schema.failures(values) if validate else []
    if failures:
        raise errors.failed(schema.name, *failures)
    return values


def convert(value: str, kind: Kind, message: str, details: dict[str, Any] | None = None) -> Any:
    """A query value through ``kind``; raises :class:`errors.ApiError` with ``message`` when it does not fit."""
    try:
        return kind(value)
    except BindError as error:
        raise errors.validation(message, details) from error
