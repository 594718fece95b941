"""Sending one request: sessions, deadline, retries, limits, and the answer as data.

Idempotent requests are retried on connection errors, 429 and 502–504 with ``Retry-After`` honoured (and bounded); a blind POST never is
(contract 1.9). Whatever a server does, a request ends: in time, in size, in attempts.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3.exceptions

from pytest_flexprice.api.deadline import Deadline, DeadlineAdapter
from pytest_flexprice.api.json_text import encoded, parsed
from pytest_flexprice.api.pace import Pace
from pytest_flexprice.api.redirects import Session

CONNECT_SECONDS, READ_SECONDS, REQUEST_SECONDS = 10.0, 60.0, 100.0
LONGEST_RETRY_AFTER = 30.0
LONGEST_WAITING = 120.0  # seconds that one client waits because it was told to, over all its requests
LARGEST_BODY = 64 << 20
ATTEMPTS = 5
RETRIED = (429, 502, 503, 504)
_CHUNK = 1 << 16
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class BodyTooLarge(requests.RequestException):
    """A body went on beyond what any answer of Flexprice needs; the rest was not read."""


class OutOfTime(requests.RequestException):
    """The whole request took longer than it may."""


@dataclass(frozen=True)
class Answer:
    """What a server answered.

    ``body`` is the parsed JSON (numbers with a fraction as ``Decimal``) or None when it is none; ``elapsed`` counts seconds.
    """

    method: str
    path: str
    status: int
    headers: dict[str, str]
    text: str
    body: Any
    elapsed: float
    retries: int = 0

    @property
    def is_json(self) -> bool:
        """Whether the body was JSON."""
        return self.body is not None or self.text.strip() == "null"

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300


@dataclass
class Transport:
    """HTTP to one base URL with one key; the key never leaves for another host, and redirects are never followed.

    ``connect_seconds`` and ``read_seconds`` bound one wait, ``request_seconds`` a whole request with its retries, ``largest_body``
    counts bytes after decompression. Every attempt waits until the ``pace`` lets it pass.

    Raises:
        requests.RequestException: from ``send``, when no answer came.
    """

    base_url: str
    headers: dict[str, str]
    connect_seconds: float = CONNECT_SECONDS
    read_seconds: float = READ_SECONDS
    request_seconds: float = REQUEST_SECONDS
    largest_body: int = LARGEST_BODY
    pause: Callable[[float], None] = time.sleep
    pace: Pace = field(default_factory=lambda: Pace(None))
    _session: Session = field(init=False, repr=False)
    _waited: float = field(init=False, repr=False, default=0.0)

    def __post_init__(self) -> None:
        session = self._session = Session()
        session.headers.update({"accept-encoding": "gzip, deflate", **self.headers})
        # A ~/.netrc entry would add an Authorization header, which Flexprice would judge instead of the key.
        session.auth = lambda request: request
        session.trust_env = not is_loopback(self.base_url)
        # No answer decides what the next request says: a cookie would be the server's own header beside the key.
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        for scheme in ("http://", "https://"):
            session.mount(scheme, DeadlineAdapter(pool_maxsize=16))

    def send(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, Any] | None = None,
        body: Any = None,
        headers: dict[str, str | None] | None = None,
        idempotent: bool = False,
    ) -> Answer:
        """Send one request; ``headers`` with a None value leave a default header out."""
        sent = None if body is None else encoded(body)
        more = {**({} if body is None else {"content-type": "application/json"}), **(headers or {})}
        began, attempt = time.monotonic(), 0
        with Deadline(self.request_seconds) as deadline:
            while True:
                self.pace.wait()
                again = idempotent and attempt + 1 < ATTEMPTS
                try:
                    status, told, text = self._once(
                        deadline, method, self.base_url + path, params=query, data=sent, headers=more
                    )
                    pause = _pause(attempt, told.get("retry-after")) if again and status in RETRIED else None
                except requests.ConnectionError:
                    pause = _pause(attempt, None) if again else None
                    if pause is None or pause >= deadline.left:
                        raise
                    status = 0
                if pause is None or (status and not self._may_wait(pause, deadline)):
                    return Answer(method, path, status, told, text, parsed(text), time.monotonic() - began, attempt)
                attempt += 1
                self.pause(pause)

    def _once(self, deadline: Deadline, method: str, url: str, **request: Any) -> tuple[int, dict[str, str], str]:
        left = max(deadline.left, 0.001)
        with self._session.request(
            method,
            url,
            **request,
            timeout=(min(self.connect_seconds, left), min(self.read_seconds, left)),
            stream=True,
        ) as reply:
            text = read_body(reply, deadline, self.largest_body).decode("utf-8", "replace")
            return reply.status_code, {name.lower(): value for name, value in reply.headers.items()}, text

    def _may_wait(self, pause: float, deadline: Deadline) -> bool:
        if pause >= deadline.left or self._waited + pause > LONGEST_WAITING:
            return False
        self._waited += pause
        return True

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()


def read_body(reply: requests.Response, deadline: Deadline, largest: int = LARGEST_BODY) -> bytes:
    """The body of a streamed reply, unpacked, up to ``largest`` bytes.

    Raises:
        requests.RequestException: it is larger, does not end in time, cannot be unpacked, or the connection broke.
    """
    read = bytearray()
    try:
        while chunk := reply.raw.read(_CHUNK, decode_content=True):
            read += chunk
            if len(read) > largest:
                raise BodyTooLarge(f"more than {largest} bytes")
            if not deadline.left:
                raise OutOfTime("the body did not end in time")
    except urllib3.exceptions.ReadTimeoutError as error:
        raise OutOfTime("the body did not end in time") from error
    except urllib3.exceptions.DecodeError as error:
        raise requests.exceptions.ContentDecodingError(error) from error
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(error) from error
    return bytes(read)


def is_loopback(url: str) -> bool:
    """Whether a URL points to this machine."""
    return (urlsplit(url).hostname or "") in _LOOPBACK


def _pause(attempt: int, retry_after: str | None) -> float:
    """Seconds until the next attempt: what the server asks for, up to a limit, else longer each time."""
    own: float = 0.3 * 2**attempt + random.uniform(0, 0.2)  # noqa: S311 - it only spreads callers
    try:
        asked = float(retry_after or 0)
    except ValueError:  # a date: as long as it takes is not as long as we wait
        asked = LONGEST_RETRY_AFTER
    return min(max(own, asked if asked == asked else 0.0), LONGEST_RETRY_AFTER)  # noqa: PLR0124 - NaN is no number
