"""Ids of the delivery service: a prefix and 27 base-62 characters that sort by time of creation."""

from __future__ import annotations

import secrets
import threading
from datetime import datetime

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_EPOCH = 1_400_000_000
_LENGTH = 27
_RANDOM_BITS = 120
_TICKS = 256  # a second has 256 ticks of (about) 4 ms


class Ksuids:
    """Makes ids of which each is greater than the one before, so that a list's iterator can be an id."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def new(self, prefix: str, now: datetime) -> str:
        """``prefix_`` + KSUID of ``now``, for instance ``ep_3MTM…``."""
        ticks = max(int((now.timestamp() - _EPOCH) * _TICKS), 0)
        with self._lock:
            value = (ticks << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS - 1)
            if value <= self._last:
                value = self._last + 1 + secrets.randbits(64)
            self._last = value
        digits = []
        for _ in range(_LENGTH):
            value, digit = divmod(value, len(_BASE62))
            digits.append(_BASE62[digit])
        return f"{prefix}_{''.join(reversed(digits))}"
