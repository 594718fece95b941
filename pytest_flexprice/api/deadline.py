"""One deadline for a whole request: connecting, waiting, every header and every byte of the body.

A timeout of a socket counts from its last byte, so a server that sends one byte a second, or ``100 Continue`` for ever, never runs
into it. Here each read gets what is left of the request's own time.
"""

from __future__ import annotations

import io
import socket
import time
from contextvars import ContextVar
from http import HTTPStatus
from http.client import HTTPResponse, parse_headers
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_ENDS: ContextVar[float] = ContextVar("ends", default=float("inf"))


class Deadline:
    """The time, in seconds, that a request has; ``with`` makes it the one that reads of this thread obey."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._ends = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left, never less than 0."""
        return max(0.0, self._ends - time.monotonic())

    def __enter__(self) -> Deadline:
        self._token = _ENDS.set(self._ends)
        return self

    def __exit__(self, *error: object) -> None:
        _ENDS.reset(self._token)


class _Reader(io.RawIOBase):
    """What a socket receives, as long as the deadline lets it."""

    def __init__(self, sock: socket.socket, file: Any) -> None:
        self._sock, self._file, self._patience = sock, file, sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = _ENDS.get() - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline of the request has passed")
        self._sock.settimeout(left if self._patience is None else min(self._patience, left))
        return self._sock.recv_into(buffer)

    def close(self) -> None:
        if not self.closed:
            self._file.close()  # it is what counts as the socket's user
        super().close()


class _Response(HTTPResponse):
    """A response whose every read obeys the deadline, its status line and headers included."""

    def __init__(self, sock: socket.socket, *arguments: Any, **more: Any) -> None:
        super().__init__(sock, *arguments, **more)
        self.fp = io.BufferedReader(_Reader(sock, self.fp))

    def _read_status(self) -> tuple[str, int, str]:
        """The status of the answer itself: what only announces it (102, 103) is passed over, as http.client does with 100."""
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc] # typeshed does not know it
            if status <= HTTPStatus.SWITCHING_PROTOCOLS or status >= HTTPStatus.OK:
                return version, status, reason
            parse_headers(self.fp)


class _Connection(HTTPConnection):
    response_class = _Response


class _SecureConnection(HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS = {"http": _Pool, "https": _SecurePool}


class DeadlineAdapter(HTTPAdapter):
    """An adapter of ``requests`` that never retries and whose connections obey the running deadline, behind a proxy too."""

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        """As ``requests`` does it, with our own pools."""
        super().init_poolmanager(*arguments, **more)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *arguments: Any, **more: Any) -> Any:
        """As ``requests`` does it, with our own pools."""
        manager = super().proxy_manager_for(*arguments, **more)
        manager.pool_classes_by_scheme = _POOLS
        return manager
