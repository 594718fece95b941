"""Ids of the delivery service: a prefix and 27 base-62 characters that sort by time of creation."""

from __future__ import annotations

from datetime import datetime

from ..kernel.ids import Growing, digits

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_EPOCH = 1_400_000_000
_LENGTH = 27
_RANDOM_BITS = 120
_TICKS = 256  # a second has 256 ticks of (about) 4 ms


class Ksuids:
    """Makes ids of which each is greater than the one before, so that a list's iterator can be an id."""

    def __init__(self) -> None:
        self._numbers = Growing(_RANDOM_BITS)

    def new(self, prefix: str, now: datetime) -> str:
        """``prefix_`` + KSUID of ``now``, for instance ``ep_3MTM…``."""
        ticks = int((now.timestamp() - _EPOCH) * _TICKS)
        return f"{prefix}_{digits(self._numbers.next(ticks), _BASE62, _LENGTH)}"
