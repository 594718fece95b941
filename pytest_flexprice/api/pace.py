"""How many requests a second are sent: what an environment may bear is said in the plan, what previews cost is known."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock


class Pace:
    """Lets at most so many requests a second pass; ``None``: any number."""

    def __init__(
        self,
        per_second: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gap = 1 / per_second if per_second else 0.0
        self._clock, self._sleep, self._next, self._lock = clock, sleep, 0.0, Lock()

    def wait(self) -> None:
        """Return when the next request may be sent."""
        if not self._gap:
            return
        with self._lock:
            now = self._clock()
            mine = max(now, self._next)
            self._next = mine + self._gap
        if now < mine:
            self._sleep(mine - now)
