"""Bodies of webhooks as they go over the wire.

Natively the server sends its own JSON. Through the delivery service it decodes that text and encodes it again: keys
sorted, numbers through float64, ``<``, ``>`` and ``&`` escaped (contract 6.3).
"""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

_ESCAPES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}
_PLAIN_BELOW = 1e21
_PLAIN_FROM = 1e-6


class _Number(float):
    """A float64 that :mod:`json` prints the way Go does."""

    def __repr__(self) -> str:
        return go_float(float(self))


def go_float(value: float) -> str:
    """A float64 in the shortest form Go's JSON gives it: plain digits from 1e-6 up to 1e21, an exponent elsewhere."""
    if value == 0:
        return "-0" if math.copysign(1.0, value) < 0 else "0"
    if _PLAIN_FROM <= abs(value) < _PLAIN_BELOW:
        return format(Decimal(repr(value)).normalize(), "f")
    mantissa, _, exponent = format(Decimal(repr(value)).normalize(), "e").partition("e")
    return f"{mantissa}e{int(exponent):+d}"


def sorted_again(text: bytes) -> bytes:
    """``text`` decoded and encoded again, as Flexprice does before it hands a body to the delivery service."""
    value = json.loads(text, parse_int=_Number, parse_float=_Number)
    return dumps(value, sort_keys=True)


def dumps(value: Any, sort_keys: bool = False) -> bytes:
    """Compact JSON with Go's escapes; a lone surrogate becomes U+FFFD."""
    out = _write(value, sort_keys)
    return out.translate(_ESCAPES).encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _write(value: Any, sort_keys: bool) -> str:
    if isinstance(value, dict):
        items = sorted(value.items()) if sort_keys else value.items()
        return "{" + ",".join(f"{_write(str(k), False)}:{_write(v, sort_keys)}" for k, v in items) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_write(item, sort_keys) for item in value) + "]"
    if isinstance(value, _Number):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)
