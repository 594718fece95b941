"""A server that answers one byte at a time and never ends."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType


class Dripping:
    """Listens on loopback; each connection gets a status line, letter by letter, and headers without end."""

    def __enter__(self) -> Dripping:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ended = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._listener.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/hooks"

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._drip, args=(connection,), daemon=True).start()

    def _drip(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            for byte in b"HTTP/1.1 200 OK\r\nx-drip: ":
                connection.sendall(bytes([byte]))
            while not self._ended.wait(0.05):
                connection.sendall(b"a")
