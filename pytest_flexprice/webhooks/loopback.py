"""A small HTTP server on loopback: what the webhook receiver and the demo company's handler stand on."""

from __future__ import annotations

import socketserver
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TypeVar

Server = TypeVar("Server", bound="LoopbackServer")
LARGEST_BODY = 8 * 1024 * 1024


@dataclass(frozen=True)
class Request:
    """A request as it came: header names and order as on the wire, the body's exact bytes."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """The first header of that name, in any case, or ""."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


@dataclass(frozen=True)
class Reply:
    """What to answer; status 0 closes the connection without an answer."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class LoopbackServer:
    """Serves on 127.0.0.1 at a free port, one thread a request; subclasses say what to answer.

    Usable as a context manager; ``start`` and ``stop`` may be called more than once.
    """

    def __init__(self) -> None:
        self._server: _Server | None = None

    def reply(self, request: Request) -> Reply:
        """Answer one request; called from several threads."""
        raise NotImplementedError

    @property
    def origin(self) -> str:
        """Scheme, host and port.

        Raises:
            RuntimeError: the server was not started.
        """
        if self._server is None:
            raise RuntimeError("the server is not running; call start() first")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self: Server) -> Server:
        """Begin to serve, unless it already does; returns the server itself."""
        if self._server is None:
            self._server = _Server(self)
            threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop serving and give the port back."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self: Server) -> Server:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, owner: LoopbackServer) -> None:
        self.owner = owner
        super().__init__(("127.0.0.1", 0), _Handler)

    def server_bind(self) -> None:
        # HTTPServer's own would look the host's name up, which takes seconds where names cannot be resolved.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet
    timeout = 60
    server: _Server

    def _answer(self) -> None:
        size = self.headers.get("content-length", "0")
        if not size.isdigit() or int(size) > LARGEST_BODY:
            self.close_connection = True
            self._send(Reply(413))
            return
        request = Request(self.command, self.path, tuple(self.headers.items()), self.rfile.read(int(size)))
        self._send(self.server.owner.reply(request))

    def _send(self, reply: Reply) -> None:
        if not reply.status:
            self.close_connection = True
            return
        try:
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)
        except OSError:
            self.close_connection = True  # the other side gave up waiting

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer  # noqa: N815 - the names http.server looks for

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent: pytest shows what matters."""
