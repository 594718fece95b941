"""The emulator's clock: the real one plus an offset that only the control routes and tests move."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class Clock:
    """Tells the server's time; thread-safe."""

    def __init__(self) -> None:
        self._offset = timedelta()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The current instant, aware UTC with microseconds."""
        with self._lock:
            return datetime.now(UTC) + self._offset

    @property
    def offset(self) -> timedelta:
        """How far the clock is ahead of the real one."""
        return self._offset

    def shift(self, by: timedelta) -> None:
        """Move the clock without running any job; :meth:`World.advance` is what callers want."""
        with self._lock:
            self._offset += by

    def reset(self) -> None:
        """Back to the real time."""
        with self._lock:
            self._offset = timedelta()
