"""Tasks that run at a moment of a clock, on a few worker threads."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from collections.abc import Callable
from datetime import datetime

_LOG = logging.getLogger(__name__)
_LOOK_AGAIN = 0.25  # seconds; the clock may be moved while workers wait
_JOIN = 2.0


class Stopping(Exception):
    """Raised by a task that found out that it is to end its worker."""


class Scheduler:
    """Runs each task once its moment has come. Threads start with the first task and end with :meth:`stop`."""

    def __init__(self, now: Callable[[], datetime], workers: int, name: str) -> None:
        self._now = now
        self._workers = workers
        self._name = name
        self._heap: list[tuple[datetime, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._running = 0
        self._stopped = False

    def at(self, moment: datetime, task: Callable[[], None]) -> None:
        """Run ``task`` at ``moment``; ignored after :meth:`stop`."""
        with self._changed:
            if self._stopped:
                return
            heapq.heappush(self._heap, (moment, next(self._count), task))
            if not self._threads:
                self._start()
            self._changed.notify()

    def idle(self) -> bool:
        """Whether nothing runs and nothing is due."""
        with self._changed:
            return not self._running and not (self._heap and self._heap[0][0] <= self._now())

    def __len__(self) -> int:
        """How many tasks have not begun."""
        return len(self._heap)

    def threads(self) -> list[threading.Thread]:
        """The worker threads that live."""
        return [thread for thread in self._threads if thread.is_alive()]

    def stop(self) -> None:
        """Begin nothing more and wait shortly for what runs."""
        with self._changed:
            self._stopped = True
            self._heap.clear()
            self._changed.notify_all()
            threads = list(self._threads)
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(_JOIN)

    def resume(self) -> None:
        """Take tasks again after :meth:`stop`."""
        with self._changed:
            self._stopped = False
            self._threads = []

    def _start(self) -> None:
        for number in range(self._workers):
            thread = threading.Thread(target=self._work, name=f"{self._name}-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        while True:
            task = self._next()
            if task is None:
                return
            try:
                task()
            except Stopping:
                return
            except Exception:
                _LOG.exception("a task of %s failed", self._name)
            finally:
                with self._changed:
                    self._running -= 1

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._stopped:
                wait = None
                if self._heap:
                    due = (self._heap[0][0] - self._now()).total_seconds()
                    if due <= 0:
                        self._running += 1
                        return heapq.heappop(self._heap)[2]
                    wait = min(due, _LOOK_AGAIN)
                self._changed.wait(wait)
            return None


class Guard:
    """``with guard:`` holds a lock, or raises :class:`Stopping` once :meth:`stop` was called, whoever else holds it."""

    def __init__(self, lock: threading.Lock | threading.RLock) -> None:
        self._lock = lock
        self.stopped = threading.Event()

    def stop(self) -> None:
        """Let nobody in any more."""
        self.stopped.set()

    def __enter__(self) -> None:
        while not self._lock.acquire(timeout=0.05):
            if self.stopped.is_set():
                raise Stopping
        if self.stopped.is_set():
            self._lock.release()
            raise Stopping

    def __exit__(self, *_: object) -> None:
        self._lock.release()
