"""The world's lock for threads that must be able to stop while somebody else holds it."""

from __future__ import annotations

import threading
from typing import Protocol

from ..kernel.scheduler import Stopping

_LOOK_AGAIN = 0.05


class Lock(Protocol):
    """What is needed of a lock."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool: ...

    def release(self) -> None: ...


class Guard:
    """``with guard:`` holds the lock, or raises :class:`Stopping` once :meth:`stop` was called."""

    def __init__(self, lock: Lock) -> None:
        self._lock = lock
        self.stopped = threading.Event()

    def stop(self) -> None:
        """Let nobody in any more."""
        self.stopped.set()

    def __enter__(self) -> None:
        while not self._lock.acquire(timeout=_LOOK_AGAIN):
            if self.stopped.is_set():
                raise Stopping
        if self.stopped.is_set():
            self._lock.release()
            raise Stopping

    def __exit__(self, *_: object) -> None:
        self._lock.release()
