"""JSON as it is sent and as it is believed: exact decimals, bounded numbers and nesting, no text that cannot be written down."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from pytest_flexprice.model.decimals import LONGEST_IN_JSON, of_json

_SURROGATE = re.compile(r"\\u[dD][89abAB]")


def encoded(body: Any) -> bytes:
    """A body's JSON; decimals become texts, as Flexprice takes them.

    Raises:
        TypeError: something in it has no JSON form.
    """
    return json.dumps(body, default=_plain).encode()


def parsed(text: str) -> Any:
    """The value of a JSON text, numbers with a fraction as ``Decimal``; None when it is none, or beyond all bounds."""
    try:
        value = json.loads(text, parse_float=of_json, parse_int=_integer, parse_constant=_refused)
        return _writable(value) if _SURROGATE.search(text) else value
    except (ValueError, ArithmeticError, RecursionError):
        return None


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _integer(text: str) -> int:
    if len(text) > LONGEST_IN_JSON:
        raise ValueError(f"a number of {len(text)} characters is beyond all bounds")
    return int(text)


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _writable(value: Any) -> Any:
    """Half of a surrogate pair can be written to no file: a replacement character takes its place."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_writable(one) for one in value]
    if isinstance(value, dict):
        return {_writable(key): _writable(one) for key, one in value.items()}
    return value
