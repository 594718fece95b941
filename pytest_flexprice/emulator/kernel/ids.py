"""Identifiers as the real servers make them: Flexprice's of a ULID, the delivery service's of a KSUID; each sorts by its time."""

from __future__ import annotations

import secrets
import threading
from datetime import datetime

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_KSUID_EPOCH = 1_400_000_000
_TICKS = 256  # a second has 256 ticks of (about) 4 ms


def digits(number: int, alphabet: str, length: int) -> str:
    """A number in the base of an alphabet, with leading zeros."""
    out = []
    for _ in range(length):
        number, digit = divmod(number, len(alphabet))
        out.append(alphabet[digit])
    return "".join(reversed(out))


class Growing:
    """Numbers of a time and of chance that grow within a process, also within one tick or when the clock is moved back."""

    def __init__(self, random_bits: int) -> None:
        self._bits = random_bits
        self._lock = threading.Lock()
        self._last = 0

    def next(self, ticks: int) -> int:
        """A number of that time, greater than every one before."""
        with self._lock:
            value = (max(ticks, 0) << self._bits) | secrets.randbits(self._bits - 1)
            if value <= self._last:
                value = self._last + 1 + secrets.randbits(self._bits // 2)
            self._last = value
        return value


class Ids:
    """Makes ULIDs of which each is greater than the one before."""

    def __init__(self) -> None:
        self._numbers = Growing(80)

    def ulid(self, now: datetime) -> str:
        """A ULID (26 characters) of ``now``."""
        return digits(self._numbers.next(int(now.timestamp() * 1000)), _CROCKFORD, 26)

    def new(self, prefix: str, now: datetime) -> str:
        """``prefix_ULID``, for instance ``cust_01K…``."""
        return f"{prefix}_{self.ulid(now)}"


class Ksuids:
    """Makes ids of the delivery service, of which each is greater than the one before, so that a list's iterator can be an id."""

    def __init__(self) -> None:
        self._numbers = Growing(120)

    def new(self, prefix: str, now: datetime) -> str:
        """``prefix_`` + KSUID (27 characters) of ``now``, for instance ``ep_3MTM…``."""
        ticks = int((now.timestamp() - _KSUID_EPOCH) * _TICKS)
        return f"{prefix}_{digits(self._numbers.next(ticks), _BASE62, 27)}"
