"""One probe over the wire: a request exactly as it is wanted, and of the answer what matters, within bounds."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit, urlunsplit

import requests
from urllib3.exceptions import ProtocolError

from pytest_flexprice.api.deadline import Deadline, DeadlineAdapter
from pytest_flexprice.api.redirects import Session
from pytest_flexprice.api.transport import is_loopback
from pytest_flexprice.webhooks.mint import Probe, Way

TEXT_AT_MOST = 1000
_NO_ANSWER = "no connection, or it was closed without an answer"
_CLOSED = "the connection was closed without an answer"
QUERY = "golive=probe&debug=1&test=1"
_TOLD = ("location", "retry-after", "www-authenticate", "server", "allow", "access-control-allow-origin")


@dataclass(frozen=True)
class HandlerAnswer:
    """An answer's status, or 0 and why there was none; ``hints`` are a few of its headers and the beginning of its body.

    ``closed``: the request was taken, and the connection closed without an answer.
    """

    status: int = 0
    problem: str = ""
    timed_out: bool = False
    closed: bool = False
    hints: Mapping[str, str] = field(default_factory=dict)


def ask(url: str, probe: Probe, user_agent: str, time_limit: float) -> HandlerAnswer:
    """Send one probe; never raises for what the handler does."""
    target = address(url, probe.way)
    headers = {"user-agent": user_agent or "pytest-flexprice", "accept": "*/*", "connection": "close", **probe.headers}
    if probe.way.http_1_0:
        return _old(target, probe, headers, time_limit)
    with _session(target) as session, Deadline(time_limit):
        try:
            reply = session.request(
                probe.way.method,
                target,
                data=_chunks(probe.body) if probe.way.chunked else probe.body,
                headers=headers,
                timeout=(min(10.0, time_limit), time_limit),
                stream=True,  # the answer's body may be without end
            )
        except requests.RequestException as error:
            late = isinstance(error, requests.exceptions.ReadTimeout)
            return HandlerAnswer(problem=_reason(error, time_limit), timed_out=late, closed=_closed(error))
        with reply:
            return HandlerAnswer(reply.status_code, hints=_hints(reply))


def address(url: str, way: Way) -> str:
    """The handler's URL as that way spells it."""
    parts = urlsplit(url)
    path = _SPELLED.get(way.path, _as_it_is)(parts.path)
    query = "&".join(filter(None, [parts.query, QUERY if way.path == "query" else ""]))
    return urlunsplit(SplitResult(parts.scheme, parts.netloc, path, query, ""))


def _as_it_is(path: str) -> str:
    return path


def _slash(path: str) -> str:
    return path[:-1] if path.endswith("/") and len(path) > 1 else f"{path}/"


def _escaped(path: str) -> str:
    """The last letter percent-encoded: another spelling of the same path."""
    letters = [number for number, one in enumerate(path) if one.isalnum()]
    if not letters:
        return path
    at = letters[-1]
    return f"{path[:at]}%{ord(path[at]):02X}{path[at + 1 :]}"


_SPELLED: Mapping[str, Callable[[str], str]] = {
    "slash": _slash,
    "case": str.swapcase,
    "double": lambda path: path[: path.rfind("/")] + "/" + path[path.rfind("/") :],
    "below": lambda path: f"{path.rstrip('/')}/golive",
    "escaped": _escaped,
    "elsewhere": lambda path: "/golive-no-such-path",
}


def _chunks(body: bytes) -> Iterator[bytes]:
    middle = len(body) // 2
    yield from filter(None, (body[:middle], body[middle:]))


def _hints(reply: requests.Response) -> dict[str, str]:
    told = {name: reply.headers[name] for name in _TOLD if name in reply.headers}
    try:
        text = next(reply.iter_content(TEXT_AT_MOST), b"")
    except (requests.RequestException, OSError):
        text = b""
    cookies = " ".join(cookie.name for cookie in reply.cookies)
    return {**told, "cookies": cookies, "text": text[:TEXT_AT_MOST].decode("utf-8", "replace")}


def _session(url: str) -> Session:
    session = Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, DeadlineAdapter())
    session.headers.clear()
    if "@" not in urlsplit(url).netloc:
        session.auth = _as_written(url)  # a ~/.netrc entry must not add an Authorization header, either
    session.trust_env = not is_loopback(url)
    return session


def _as_written(url: str) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    """Keeps a URL's spelling: requests decodes what need not be percent-encoded."""

    def written(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if "%" in url:
            request.url = url
        return request

    return written


def _old(url: str, probe: Probe, headers: Mapping[str, str], time_limit: float) -> HandlerAnswer:
    """The probe in HTTP/1.0, which requests cannot speak."""
    parts = urlsplit(url)
    host, limit = parts.hostname or "", time_limit
    connection = (
        http.client.HTTPSConnection(host, parts.port, timeout=limit, context=ssl.create_default_context())
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, parts.port, timeout=limit)
    )
    connection._http_vsn, connection._http_vsn_str = 10, "HTTP/1.0"  # type: ignore[attr-defined]  # its only switch
    try:
        path = urlunsplit(SplitResult("", "", parts.path or "/", parts.query, ""))
        connection.request(probe.way.method, path, probe.body, dict(headers))
        reply = connection.getresponse()
        told = {name: value for name in _TOLD if (value := reply.headers.get(name))}
        return HandlerAnswer(reply.status, hints={**told, "text": reply.read(TEXT_AT_MOST).decode("utf-8", "replace")})
    except TimeoutError:
        return HandlerAnswer(problem=f"no answer within {time_limit:g} seconds", timed_out=True)
    except (OSError, http.client.HTTPException) as error:
        return HandlerAnswer(
            problem=_NO_ANSWER, closed=isinstance(error, ConnectionResetError | http.client.RemoteDisconnected)
        )
    finally:
        connection.close()


def _closed(error: requests.RequestException) -> bool:
    """Whether the connection stood and was closed: urllib3 says of one that never did that it retried in vain."""
    cause = error.args[0] if error.args else None
    return isinstance(error, requests.exceptions.ConnectionError) and isinstance(cause, ProtocolError)


def _reason(error: requests.RequestException, time_limit: float) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "its TLS certificate could not be verified"
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "no connection"
    if isinstance(error, requests.exceptions.Timeout):
        return f"no answer within {time_limit:g} seconds"
    if isinstance(error, requests.exceptions.ConnectionError):
        return _CLOSED if _closed(error) else _NO_ANSWER
    if isinstance(error, ValueError):
        return "its URL cannot be used"
    return "no usable answer"
