"""Whether a run is alive: a lock file for each of its processes, held by the system and touched again and again.

On this machine the lock tells at once, also of a process that was killed; on another one the time of the last touch does.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows has no such lock; the touches tell there
    fcntl = None  # type: ignore[assignment]

TOUCHED_EVERY = 10.0
DEAD_AFTER = 60.0  # seconds without a touch


@contextlib.contextmanager
def alive(folder: Path, worker: str) -> Iterator[None]:
    """Hold the lock of one process of the run whose evidence lies in ``folder``."""
    path = folder / f"alive-{worker}.json"
    ended = threading.Event()
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        file = path.open("w", encoding="utf-8")
    except OSError:  # a full or read-only disk: the ledger tells of that
        yield
        return
    with file:
        _lock(file)
        json.dump({"host": socket.gethostname(), "pid": os.getpid()}, file)
        file.flush()
        thread = threading.Thread(target=_touch, args=(path, ended), name="flexprice-alive", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(timeout=TOUCHED_EVERY)
            path.unlink(missing_ok=True)


def living(folder: Path) -> list[Path]:
    """The lock files of processes below a run's folder that are alive."""
    return [path for path in sorted(folder.glob("alive-*.json")) if _is_alive(path)]


def _lock(file: IO[str]) -> None:
    if fcntl is not None:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _touch(path: Path, ended: threading.Event) -> None:
    while not ended.wait(TOUCHED_EVERY):
        with contextlib.suppress(OSError):
            os.utime(path)


def _is_alive(path: Path) -> bool:
    try:
        touched = path.stat().st_mtime
        host = json.loads(path.read_text(encoding="utf-8"))["host"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if fcntl is None or host != socket.gethostname():
        return time.time() - touched < DEAD_AFTER
    return _is_locked(path)


def _is_locked(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
