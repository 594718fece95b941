"""Sending one request: sessions, timeouts, retries, and the answer as data.

Idempotent requests are retried on connection errors, 429 and 502–504 with ``Retry-After`` honoured (and bounded); a blind POST never is
(contract 1.9).
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

CONNECT_SECONDS, READ_SECONDS = 10.0, 60.0
LONGEST_RETRY_AFTER = 30
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


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

    Raises:
        requests.RequestException: from ``send``, when no answer came.
    """

    base_url: str
    headers: dict[str, str]
    connect_seconds: float = CONNECT_SECONDS
    read_seconds: float = READ_SECONDS
    _patient: requests.Session = field(init=False, repr=False)
    _once: requests.Session = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._patient = self._session(_retry(total=4))
        self._once = self._session(_retry(total=0))

    def _session(self, retry: Retry) -> requests.Session:
        session = requests.Session()
        session.headers.update(self.headers)
        # A ~/.netrc entry would add an Authorization header, which Flexprice would judge instead of the key.
        session.auth = lambda request: request
        session.trust_env = not is_loopback(self.base_url)
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(max_retries=retry, pool_maxsize=16))
        return session

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
        session = self._patient if idempotent else self._once
        began = time.monotonic()
        reply = session.request(
            method,
            self.base_url + path,
            params=query,
            data=None if body is None else json.dumps(body, default=_plain).encode(),
            headers={**({} if body is None else {"content-type": "application/json"}), **(headers or {})},
            timeout=(self.connect_seconds, self.read_seconds),
            allow_redirects=False,
        )
        history = getattr(reply.raw.retries, "history", ()) if reply.raw is not None else ()
        text = reply.content.decode("utf-8", "replace")
        return Answer(
            method,
            path,
            reply.status_code,
            {name.lower(): value for name, value in reply.headers.items()},
            text,
            _parse(text),
            time.monotonic() - began,
            len(history),
        )

    def close(self) -> None:
        """Give the connections back."""
        self._patient.close()
        self._once.close()


def is_loopback(url: str) -> bool:
    """Whether a URL points to this machine."""
    return (urlsplit(url).hostname or "") in _LOOPBACK


def _retry(total: int) -> Retry:
    return Retry(
        total=total,
        redirect=False,
        backoff_factor=0.3,
        backoff_jitter=0.2,
        status_forcelist=(429, 502, 503, 504),
        allowed_methods=None,
        raise_on_status=False,
        respect_retry_after_header=True,
        retry_after_max=LONGEST_RETRY_AFTER,
    )


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _parse(text: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal)
    except ValueError:
        return None
