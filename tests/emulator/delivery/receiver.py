"""A receiver of webhooks on the loopback that keeps every request as it came over the wire."""

from __future__ import annotations

import re
import socket
import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Received:
    """One request: the path with its query, headers in order and spelling, and the exact body."""

    path: str
    headers: list[tuple[str, str]]
    body: bytes
    at: float

    def header(self, name: str) -> str:
        return next(value for key, value in self.headers if key.lower() == name.lower())

    @property
    def lowered(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers}


class Receiver:
    """Answers by path: ``/s/CODE[/RETRY-AFTER]``, ``/seq/500-500-200``, ``/close``, ``/big``, ``/hang``; else 200."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._received: list[Received] = []
        self._changed = threading.Condition()
        self._ended = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def close(self) -> None:
        self._ended.set()
        self._listening.close()

    def got(self, path: str = "") -> list[Received]:
        with self._changed:
            return [one for one in self._received if one.path.startswith(path)]

    def wait(self, count: int = 1, path: str = "", seconds: float = 10) -> list[Received]:
        """The requests for ``path`` as soon as there are ``count`` of them."""
        end = time.monotonic() + seconds
        with self._changed:
            while True:
                found = [one for one in self._received if one.path.startswith(path)]
                if len(found) >= count:
                    return found
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"{len(found)} of {count} requests for {path!r} within {seconds} s")
                self._changed.wait(left)

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            line = stream.readline().decode()
            if not line:
                return
            headers = []
            while (text := stream.readline().decode().rstrip("\r\n")) != "":
                name, _, value = text.partition(": ")
                headers.append((name, value))
            length = next((int(v) for k, v in headers if k.lower() == "content-length"), 0)
            one = Received(line.split()[1], headers, stream.read(length), time.time())
            with self._changed:
                self._received.append(one)
                nth = sum(other.path == one.path for other in self._received)
                self._changed.notify_all()
            self._answer(connection, one.path.partition("?")[0], nth)

    def _answer(self, connection: socket.socket, path: str, nth: int) -> None:
        if path == "/close":
            return
        if path == "/hang":
            self._ended.wait(30)
            return
        if path == "/drip":
            for byte in b"HTTP/1.1 200 OK\r\n" + b"x" * 1000:
                if self._ended.wait(0.05):
                    return
                connection.sendall(bytes([byte]))
            return
        status, extra, body = 200, "", "ok"
        if match := re.fullmatch(r"/s/(\d+)(?:/(\d+))?", path):
            status, body = int(match[1]), f"status {match[1]}"
            extra = f"retry-after: {match[2]}\r\n" if match[2] else ""
            if 300 <= status < 400:
                extra += f"location: {self.url}/redirected\r\n"
            body = "" if status in (204, 304) else body
        elif match := re.fullmatch(r"/seq/([\d-]+)", path):
            codes = match[1].split("-")
            status = int(codes[min(nth, len(codes)) - 1])
        elif match := re.fullmatch(r"/abort/(\d+)", path):
            status = int(match[1])
            extra = "webhook-delivery: abort-message\r\n"
        elif path == "/big":
            body = "x" * 30_000
        reply = f"HTTP/1.1 {status} X\r\n{extra}content-length: {len(body)}\r\nconnection: close\r\n\r\n{body}"
        connection.sendall(reply.encode())
