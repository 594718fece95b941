"""A hostile proxy on the loopback, in front of the embedded Flexprice: it may change, lose, invent or never end any answer."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive", "date", "server"}


@dataclass
class Reply:
    """What the caller gets: a status, a body and its headers; or whatever ``raw`` writes to the connection instead."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    raw: Callable[[BaseHTTPRequestHandler], None] | None = None

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def answer(body: Any, status: int = 200) -> Reply:
    """An answer with this JSON."""
    return Reply(status, json.dumps(body).encode())


@dataclass
class Exchange:
    """One request on its way; ``forward`` lets Flexprice execute it, with ``query`` and ``body`` as they stand."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]
    target: tuple[str, int]

    @property
    def writes(self) -> bool:
        """Whether it is a write: no read, no search, no probe of permission."""
        reading = ("search", "/query", "/usage", "/usage/meter", "/analytics", "/preview")
        return self.method != "GET" and not self.path.endswith(reading) and not self.probes

    @property
    def probes(self) -> bool:
        """Whether it probes a permission."""
        return self.body == {} and self.path in ("/v1/customers", "/v1/events")

    def forward(self) -> Reply:
        """Flexprice's own answer."""
        connection = http.client.HTTPConnection(*self.target, timeout=30)
        try:
            sent = None if self.body is None else json.dumps(self.body).encode()
            query = urlencode(self.query)
            connection.request(self.method, f"{self.path}?{query}" if query else self.path, sent, self.headers)
            reply = connection.getresponse()
            headers = {name.lower(): value for name, value in reply.getheaders()}
            body = reply.read()
            return Reply(reply.status, body, {name: one for name, one in headers.items() if name not in HOP_BY_HOP})
        finally:
            connection.close()


Attack = Callable[[Exchange], "Reply | None"]


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that is gone is no error."""


class HostileProxy:
    """Passes everything on unless an attack answers in its place; remembers every write that reached it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (str(parts.hostname), int(parts.port or 80))
        self.attack: Attack = lambda exchange: None
        self.writes: list[Exchange] = []
        self.requests = 0
        self._running = 0
        self._idle = threading.Condition()
        self._server = _QuietServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def attacking(self, attack: Attack) -> Iterator[None]:
        """Attack for a while, with everything that was remembered forgotten."""
        self.attack, self.writes, self.requests = attack, [], 0
        try:
            yield
        finally:
            self.attack = lambda exchange: None

    def wait_until_idle(self, seconds: float) -> bool:
        """Whether every request that arrived has been answered, waited for so long."""
        with self._idle:
            return self._idle.wait_for(lambda: self._running == 0, seconds)

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()

    def reply(self, exchange: Exchange) -> Reply:
        """What the caller gets."""
        with self._idle:
            self._running += 1
            self.requests += 1
            if exchange.writes:
                self.writes.append(exchange)
        try:
            return self.attack(exchange) or exchange.forward()
        finally:
            with self._idle:
                self._running -= 1
                self._idle.notify_all()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _any(self) -> None:
                parts = urlsplit(self.path)
                length = int(self.headers.get("content-length") or 0)
                text = self.rfile.read(length)
                exchange = Exchange(
                    self.command,
                    parts.path,
                    dict(parse_qsl(parts.query, keep_blank_values=True)),
                    json.loads(text) if text else None,
                    {
                        name: value
                        for name, value in self.headers.items()
                        if name.lower() not in (*HOP_BY_HOP, "host", "accept-encoding")
                    },
                    proxy._target,
                )
                reply = proxy.reply(exchange)
                try:
                    self._write(reply)
                except OSError:  # the caller has had enough
                    self.close_connection = True

            def _write(self, reply: Reply) -> None:
                if reply.raw is not None:
                    self.close_connection = True
                    reply.raw(self)
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, *words: Any) -> None:
                """Say nothing."""

        for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
            setattr(Handler, f"do_{method}", Handler._any)
        return Handler
