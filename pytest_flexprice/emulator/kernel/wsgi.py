"""A request and an answer as WSGI gives and takes them; a whole web toolkit takes a third of the server's start to import."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

_WITHOUT_PREFIX = ("CONTENT_TYPE", "CONTENT_LENGTH")


class Query(dict[str, list[str]]):
    """What a query string says: every value of a name, in order."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        for name, value in parse_qsl(text, keep_blank_values=True):
            self.setdefault(name, []).append(value)

    def get(self, name: str, default: Any = None, /) -> Any:
        """The first value of a name."""
        return self[name][0] if name in self else default

    def getlist(self, name: str, /) -> list[str]:
        """Every value of a name."""
        return list(super().get(name, ()))


class Request:
    """One request: the path as it was meant (decoded), headers by their names in lower case."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self.environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        self.path: str = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
        self.query_string: str = environ.get("QUERY_STRING", "")
        self.headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_") or name in _WITHOUT_PREFIX
        }

    @property
    def length(self) -> int:
        """The bytes of the body."""
        text = self.headers.get("content-length", "")
        return int(text) if text.isdecimal() else 0

    def body(self) -> bytes:
        """The whole body."""
        return bytes(self.environ["wsgi.input"].read(self.length))


def answer(
    start_response: Callable[..., Any], method: str, status: int, headers: Mapping[str, str], body: bytes
) -> Iterable[bytes]:
    """Give an answer to the server; one without content has no length, one to HEAD no body."""
    named = [(name, value) for name, value in headers.items() if value]
    if status != HTTPStatus.NO_CONTENT:
        named.append(("content-length", str(len(body))))
    start_response(f"{status} {HTTPStatus(status).phrase}", named)
    return [] if method == "HEAD" else [body]


def ask(
    app: Callable[..., Iterable[bytes]], method: str, target: str, body: Any, headers: Mapping[str, str], **more: Any
) -> tuple[int, Any]:
    """One request to an application without a port, and its status and JSON (``None`` for anything else)."""
    split = urlsplit(target)
    data = b"" if body is None else json.dumps(body).encode()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": unquote(split.path).encode().decode("latin-1"),
        "QUERY_STRING": split.query,
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(data)),
        "wsgi.input": BytesIO(data),
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
        **more,
    }
    began: list[str] = []
    given = b"".join(app(environ, lambda status, _headers: began.append(status)))
    try:
        return int(began[0].split(" ", 1)[0]), json.loads(given)
    except ValueError:
        return int(began[0].split(" ", 1)[0]), None
