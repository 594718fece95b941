"""JSON as Go writes it: decimals as strings, RFC 3339 times with trimmed zeros, whole floats without a point."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from .tables import Row

ZERO_TIME = datetime(1, 1, 1, tzinfo=UTC)
"""Go's zero time, printed as ``0001-01-01T00:00:00Z``."""

_GO_EXPONENT = 21
_ESCAPES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def dec(value: Decimal | int) -> str:
    """A decimal as Go's decimal type prints it: plain digits, no trailing zeros, never an exponent."""
    text = format(Decimal(value), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def gotime(moment: datetime) -> str:
    """An instant as RFC 3339 with as many fractional digits as it needs, in UTC, ending in ``Z``."""
    moment = moment.astimezone(UTC)
    text = f"{moment.year:04d}-{moment.month:02d}-{moment.day:02d}T{moment:%H:%M:%S}"
    if moment.microsecond:
        text += f".{moment.microsecond:06d}".rstrip("0")
    return text + "Z"


def plain(value: Any) -> Any:
    """A value made of what :mod:`json` can write, in Go's forms; internal keys of rows are left out."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, Row):
        return {k: plain(v) for k, v in value.items() if not k.startswith("_")}
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, Decimal):
        return dec(value)
    if isinstance(value, datetime):
        return gotime(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 10**_GO_EXPONENT else value
    raise TypeError(f"{type(value).__name__} has no JSON form")


def filled(**parts: Any) -> dict[str, Any]:
    """Those parts of an answer that say anything, as Go's ``omitempty`` leaves them."""
    return {name: part for name, part in parts.items() if part}


def to_json(value: Any) -> bytes:
    """The body of an answer, with ``<``, ``>`` and ``&`` escaped as Go does."""
    text = json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.translate(_ESCAPES).encode("utf-8", "replace")
