"""What is packed (gzip, zlib) and written in base64 or hexadecimal digits, as request logs and caches show it, is looked into as well."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator

MOST_UNPACKED = 1 << 20  # bytes that are looked at of one text; what is packed beyond that is taken for a secret
_SIGNS = ("H4sI", "eJ", "eN", "eAE", "1f8b08", "1F8B08", "789c", "789C")
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_PACKED = re.compile(
    r"(?<![A-Za-z0-9+/_-])(?:(?:H4sI|eJ[w-z]|eN[o-r]|eAE)[A-Za-z0-9+/_-]{12,}={0,2}"
    r"|(?:1[fF]8[bB]08|789[cC]|78[dD][aA]|7801)(?P<digits>(?:[0-9a-fA-F]{2}){12,}))"
)


def packed(text: str) -> Iterator[tuple[int, int, str | None]]:
    """Where something packed stands in a text, and what it is; None where there is more than anybody looks at."""
    if not any(sign in text for sign in _SIGNS):
        return
    left = MOST_UNPACKED
    for match in _PACKED.finditer(text):
        inner = _unpacked(match[0], left, digits=match["digits"] is not None) if left else None
        if inner != b"":
            yield *match.span(), None if inner is None or len(inner) >= left else inner.decode("utf-8", "replace")
        left = max(left - len(inner or b""), 0)


def _unpacked(text: str, most: int, *, digits: bool) -> bytes:
    """Up to so many bytes; none where it is no packed text, or nothing of it can be read."""
    try:
        raw = bytes.fromhex(text) if digits else _of_base64(text)
        return zlib.decompressobj(_GZIP_OR_ZLIB).decompress(raw, most)
    except (zlib.error, binascii.Error, ValueError):
        return b""


def _of_base64(text: str) -> bytes:
    plain = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    return base64.b64decode(plain[: len(plain) - (len(plain) % 4 == 1)] + "==")
