"""One HTTP POST, with exactly the given headers, to loopback or to a host that the settings allow."""

from __future__ import annotations

import contextlib
import io
import ipaddress
import socket
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from .settings import DeliverySettings

if TYPE_CHECKING:
    import http.client

BLOCKED = "requests to this IP range are blocked (see the server configuration)"
TIMED_OUT = "request timed out"
NO_CONNECTION = "error making request: client error (Connect)"
NO_ANSWER = "error making request: client error (SendRequest)"


@dataclass(frozen=True)
class Outcome:
    """What became of one attempt. ``status`` is 0 where no answer came, and ``text`` then says why."""

    status: int
    text: str
    milliseconds: int = 0
    timed_out: bool = False
    retry_after: float | None = None

    @property
    def success(self) -> bool:
        """Only a 2xx is one; redirects are not followed."""
        return 200 <= self.status < 300


class _Deadline(io.RawIOBase):
    """Reads from a socket until a moment, however slowly the bytes come."""

    def __init__(self, sock: socket.socket, end: float) -> None:
        self._sock = sock
        self._end = end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(max(self._end - time.monotonic(), 0.001))
        return self._sock.recv_into(buffer)


class _Source:
    """What :class:`http.client.HTTPResponse` needs of a socket."""

    def __init__(self, sock: socket.socket, end: float) -> None:
        self._raw = _Deadline(sock, end)

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        return io.BufferedReader(self._raw)


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine, decided without asking any name server."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def host_header(url: str) -> str:
    """The value of the ``Host`` header for ``url``."""
    return urlsplit(url).netloc.rpartition("@")[2]


class Transport:
    """Sends attempts; :meth:`abort` ends those under way."""

    def __init__(self, timeout: float, allowed: Iterable[str] = (), limit: int = 20_000) -> None:
        self._timeout = timeout
        self._allowed = tuple(allowed)
        self._limit = limit
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def post(self, url: str, headers: Sequence[tuple[str, str]], body: bytes) -> Outcome:
        """Send ``body`` once, with ``headers`` in their order and spelling, and report what came back.

        Nothing is raised: a failure is an :class:`Outcome` with status 0.
        """
        host = urlsplit(url).hostname or ""
        if not (is_loopback(host) or self._named(host)):
            return Outcome(0, BLOCKED)
        started = time.monotonic()
        outcome = self._attempt(urlsplit(url), headers, body, started + self._timeout)
        return replace(outcome, milliseconds=int((time.monotonic() - started) * 1000))

    def abort(self) -> None:
        """Cut the connections of attempts under way."""
        with self._lock:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def _named(self, host: str) -> bool:
        return host.lower() in {name.lower() for name in self._allowed}

    def _attempt(self, url: SplitResult, headers: Sequence[tuple[str, str]], body: bytes, end: float) -> Outcome:
        import http.client  # noqa: PLC0415 -- a server starts faster without it, and most never send anything

        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        connection = kind(url.hostname or "", url.port, timeout=max(end - time.monotonic(), 0.001))
        try:
            connection.connect()
            peer = str(connection.sock.getpeername()[0])  # fails when the receiver is gone already
        except TimeoutError:
            return Outcome(0, TIMED_OUT, timed_out=True)
        except (OSError, http.client.HTTPException, UnicodeError, ValueError):
            connection.close()
            return Outcome(0, NO_CONNECTION)
        sock = connection.sock
        if not (self._named(url.hostname or "") or is_loopback(peer)):
            connection.close()
            return Outcome(0, BLOCKED)
        with self._lock:
            self._open.add(sock)
        try:
            _write(connection, url, headers, body)
            return _read(sock, end, self._limit)
        except TimeoutError:
            return Outcome(0, TIMED_OUT, timed_out=True)
        except (OSError, http.client.HTTPException, UnicodeError, ValueError):
            late = time.monotonic() >= end
            return Outcome(0, TIMED_OUT if late else NO_ANSWER, timed_out=late)
        finally:
            with self._lock:
                self._open.discard(sock)
            connection.close()


def _write(
    connection: http.client.HTTPConnection, url: SplitResult, headers: Sequence[tuple[str, str]], body: bytes
) -> None:
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    connection.putrequest("POST", target, skip_host=True, skip_accept_encoding=True)
    for name, value in headers:
        connection.putheader(name, value)
    connection.endheaders(body)


def _read(sock: socket.socket, end: float, limit: int) -> Outcome:
    from http.client import HTTPResponse  # noqa: PLC0415 -- see above

    response = HTTPResponse(_Source(sock, end), method="POST")  # type: ignore[arg-type]  # see _Source
    response.begin()
    text = response.read(4 * limit).decode("utf-8", "replace")[:limit]
    return Outcome(response.status, text, retry_after=_seconds(response.headers.get("retry-after")))


def _seconds(value: str | None) -> float | None:
    return float(value) if value is not None and value.strip().isdigit() else None


USER_AGENT = "Go-http-client/1.1"


def native_headers(url: str, body: bytes, configured: Mapping[str, str]) -> list[tuple[str, str]]:
    """The headers of a native delivery: no signature, no id, no time."""
    own = {"Content-Type": "application/json", **{_canonical(name): value for name, value in configured.items()}}
    return [
        ("Host", host_header(url)),
        ("User-Agent", own.pop("User-Agent", USER_AGENT)),
        ("Content-Length", str(len(body))),
        *sorted(own.items()),
        ("Accept-Encoding", "gzip"),
    ]


def send(settings: DeliverySettings, transport: Transport, body: bytes) -> Outcome:
    """One attempt to the configured URL."""
    url = settings.native_url or ""
    return transport.post(url, native_headers(url, body, settings.native_headers), body)


def _canonical(name: str) -> str:
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))
