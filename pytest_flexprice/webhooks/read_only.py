"""A session that can only read: its token leaves for one host, and for no other request than GET."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.util import Retry

from pytest_flexprice.api.deadline import DeadlineAdapter
from pytest_flexprice.api.redirects import Session
from pytest_flexprice.api.transport import is_loopback


class ReadOnlySession(Session):
    """A session that sends GET to one origin and nothing else.

    Raises:
        PermissionError: from ``send``, for any other request; nothing was sent.
    """

    def __init__(self, origin: str, token: str) -> None:
        super().__init__()
        self._origin = _origin(origin)
        self.trust_env = not is_loopback(origin)
        self.headers["accept"] = "application/json"
        self.auth = _Bearer(token)
        patient = Retry(
            total=3,
            redirect=False,
            backoff_factor=0.2,
            status_forcelist=(429, 502, 503, 504),
            raise_on_status=False,
            retry_after_max=30,
        )
        for scheme in ("http://", "https://"):
            self.mount(scheme, DeadlineAdapter(max_retries=patient))

    def send(self, request: requests.PreparedRequest, **settings: Any) -> requests.Response:
        """Send one prepared GET to the session's own origin."""
        if request.method != "GET":
            raise PermissionError(f"the delivery service is only read, and {request.method} was kept back")
        if _origin(request.url or "") != self._origin:
            raise PermissionError("the delivery service's token was kept from going to another host")
        return super().send(request, **settings)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


class _Bearer(requests.auth.AuthBase):
    """Adds the token, which is kept out of headers that anybody could print."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["authorization"] = f"Bearer {self._token}"
        return request

    def __repr__(self) -> str:
        return "Bearer …"
