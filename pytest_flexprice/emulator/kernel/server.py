"""The emulator as a server on a port of this machine."""

from __future__ import annotations

import logging
import socket
import threading
from typing import TYPE_CHECKING, Any

from . import hooks, jobs
from .options import EmulatorOptions
from .scheduler import Scheduler
from .world import World

if TYPE_CHECKING:
    from types import TracebackType

    from .app import App


IDLE_SECONDS = 30
"""How long a connection may be silent, also in the middle of a request."""
_SPARE_FILES = 200
_READ_AT_ONCE = 1 << 16
_LARGEST_IN_MEMORY = 1 << 20


def _connection_limit() -> int:
    """As many connections as this process may have files, less what the rest of it needs; never very many."""
    try:
        import resource  # noqa: PLC0415 -- not on every platform
    except ImportError:
        return 400
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 8000 if soft == resource.RLIM_INFINITY else max(100, min(soft - _SPARE_FILES, 8000))


class FlexpriceServer:
    """An embedded Flexprice: ``with FlexpriceServer() as server: requests.get(server.url + "/health")``.

    ``options`` are :class:`EmulatorOptions`. Raises ``OSError`` when the port is taken.
    """

    def __init__(self, options: EmulatorOptions | None = None) -> None:
        self.options = options or EmulatorOptions()
        self.world = World(self.options)
        self._socket: socket.socket | None = None
        self._server: Any = None
        self._map: dict[int, Any] = {}
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._jobs: Scheduler | None = None

    @property
    def api_key(self) -> str:
        """The server-config key; it needs ``x-environment-id``."""
        return self.options.api_key

    @property
    def port(self) -> int:
        """The port in use."""
        if self._socket is None:
            raise RuntimeError("the emulator is not started")
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        """The base URL, without ``/v1``."""
        host = f"[{self.options.host}]" if ":" in self.options.host else self.options.host
        return f"http://{host}:{self.port}"

    def application(self) -> App:
        """The WSGI application, for clients that need no port."""
        from .. import routes  # noqa: F401, PLC0415 -- registers every handler, and only when a server is wanted
        from ..routes import unimplemented  # noqa: PLC0415 -- after all others: it takes what they left
        from .app import App  # noqa: PLC0415 -- keeps werkzeug out of the package's import

        unimplemented.register()
        return App(self.world)

    def start(self) -> FlexpriceServer:
        """Listen and serve in threads of their own; returns itself."""
        from waitress.server import create_server  # noqa: PLC0415 -- keeps waitress out of the package's import

        from .app import MAX_BODY  # noqa: PLC0415 -- see above

        app = self.application()
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a queue is what many callers make, not a fault
        self._socket = self._listening()
        self._server = create_server(
            app,
            map=self._map,
            sockets=[self._socket],
            threads=self.options.threads,
            ident=None,
            max_request_body_size=MAX_BODY,
            recv_bytes=_READ_AT_ONCE,
            inbuf_overflow=_LARGEST_IN_MEMORY,
            channel_timeout=IDLE_SECONDS,
            cleanup_interval=5,
            connection_limit=_connection_limit(),
            asyncore_use_poll=True,
            clear_untrusted_proxy_headers=True,
            expose_tracebacks=False,
        )
        for hook in hooks.STARTING:
            hook(self.world)
        self._ended.clear()
        self._thread = threading.Thread(target=self._serve, name="emulator-http", daemon=True)
        self._thread.start()
        if self.options.jobs:
            self._jobs = jobs.keep_running(self.world)
        return self

    def _listening(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.options.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self.options.host, self.options.port))
            listener.listen(1024)
        except OSError:
            listener.close()
            raise
        return listener

    def _serve(self) -> None:
        from waitress import wasyncore  # noqa: PLC0415 -- see above

        while not self._ended.is_set():
            wasyncore.loop(timeout=1, use_poll=True, map=self._map, count=1)
        wasyncore.close_all(self._map, ignore_all=True)

    def stop(self) -> None:
        """Stop serving and end the threads."""
        if self._jobs is not None:
            self._jobs.stop()
        for hook in hooks.STOPPING:
            hook(self.world)
        if self._server is not None and self._thread is not None:
            self._server.task_dispatcher.shutdown(timeout=2)
            self._ended.set()
            self._server.pull_trigger()
            self._thread.join(timeout=5)
        self._server = self._thread = self._jobs = self._socket = None

    def __enter__(self) -> FlexpriceServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
