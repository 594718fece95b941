"""Identifiers as the real server makes them: prefix + ULID, ``sk_`` + ULID, and KSUIDs for the delivery service."""

from __future__ import annotations

import secrets
import threading
from datetime import datetime

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_KSUID_EPOCH = 1_400_000_000
_RANDOM_BITS = 80


def _digits(number: int, alphabet: str, length: int) -> str:
    base = len(alphabet)
    out = []
    for _ in range(length):
        number, digit = divmod(number, base)
        out.append(alphabet[digit])
    return "".join(reversed(out))


class Ids:
    """Makes ULIDs that grow within a process, also within one millisecond or when the clock is moved back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def ulid(self, now: datetime) -> str:
        """A ULID (26 characters) of ``now``, greater than every ULID made before."""
        milliseconds = max(int(now.timestamp() * 1000), 0)
        with self._lock:
            value = (milliseconds << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS - 1)
            if value <= self._last:
                value = self._last + 1 + secrets.randbits(32)
            self._last = value
        return _digits(value, _CROCKFORD, 26)

    def new(self, prefix: str, now: datetime) -> str:
        """``prefix_ULID``, for instance ``cust_01K…``."""
        return f"{prefix}_{self.ulid(now)}"


def ksuid(prefix: str, now: datetime) -> str:
    """``prefix_`` + 27 base-62 characters, the shape of the delivery service's ids."""
    seconds = max(int(now.timestamp()) - _KSUID_EPOCH, 0) & 0xFFFFFFFF
    return f"{prefix}_{_digits((seconds << 128) | secrets.randbits(128), _BASE62, 27)}"
