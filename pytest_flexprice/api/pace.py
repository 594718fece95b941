"""At most so many requests a second."""

from __future__ import annotations

import time
from collections.abc import Callable


class Pace:
    """Lets at most so many requests a second pass; ``None``: any number."""

    def __init__(
        self,
        per_second: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gap = 1 / per_second if per_second else 0.0
        self._clock, self._sleep, self._next = clock, sleep, 0.0

    def wait(self) -> None:
        """Return when the next request may be sent."""
        if not self._gap:
            return
        now = self._clock()
        if now < self._next:
            self._sleep(self._next - now)
        self._next = max(now, self._next) + self._gap
