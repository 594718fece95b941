"""Reading the delivery service with the dashboard's token (contract 6.5 and 6.7, delivery service: token, lists, errors).

The token may also change endpoints and is valid for weeks, so it is fetched by the step that needs it, told to the redaction before
anything else happens, and used for GET only: the session refuses everything else, and the key never leaves for another host.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import quote, unquote, urlsplit

import requests

from pytest_flexprice.api.client import TellExchange
from pytest_flexprice.api.deadline import Deadline
from pytest_flexprice.api.errors import ApiError
from pytest_flexprice.api.fields import checked
from pytest_flexprice.api.json_text import parsed
from pytest_flexprice.api.transport import REQUEST_SECONDS, is_loopback, read_body
from pytest_flexprice.model.finding import NotVerified, not_verified
from pytest_flexprice.webhooks import signatures
from pytest_flexprice.webhooks.read_only import ReadOnlySession
from pytest_flexprice.webhooks.service import Attempt, Endpoint, Message

DASHBOARD = "/v1/webhooks/dashboard"
PAGE = 250  # the largest the service allows
MOST_PAGES = 1000  # of one list
HOSTED = "https://api.svix.com"
_REGIONS = ("us", "eu", "in", "ca", "au")
_SECONDS = (10.0, 30.0)


class Reader(Protocol):
    """What is needed of the Flexprice client."""

    def get(self, path: str, **query: Any) -> Any:
        """Read one thing."""


class Portal:
    """One environment's application at the delivery service, read only.

    Every method raises ``NotVerified`` where the service cannot be read.
    """

    def __init__(
        self, url: str, app_id: str, token: str, add_secret: Callable[[str], None], log: TellExchange | None = None
    ) -> None:
        self.url, self.app_id = url, app_id
        self._add_secret = add_secret
        self._log = log or (lambda row: None)
        self._session = ReadOnlySession(url, token)

    def endpoints(self) -> list[Endpoint]:
        """All endpoints, newest first."""
        return [Endpoint.read(row) for row in self._pages(f"{self._app}/endpoint")]

    def event_types(self) -> list[str]:
        """The names that an endpoint can be subscribed to."""
        return [str(row.get("name", "")) for row in self._pages("/api/v1/event-type")]

    def attempts(self, endpoint_id: str, most: int = PAGE) -> list[Attempt]:
        """The newest attempts to deliver to an endpoint, newest first."""
        rows = self._pages(f"{self._app}/attempt/endpoint/{quote(endpoint_id, safe='')}", most=most)
        return [Attempt.read(row) for row in rows]

    def attempts_of(self, message_id: str) -> list[Attempt]:
        """All attempts to deliver a message, to any endpoint, newest first."""
        return [Attempt.read(row) for row in self._pages(f"{self._app}/attempt/msg/{quote(message_id, safe='')}")]

    def messages(self, since: datetime) -> list[Message]:
        """The messages made since then, newest first; their content is dropped but for type and object id."""
        found = []
        for row in self._pages(f"{self._app}/msg", size=50):
            message = Message.read(row)
            if message.at < since:
                break
            found.append(message)
        return found

    def secret_fingerprint(self, endpoint_id: str) -> str:
        """The fingerprint of an endpoint's signing secret; the secret itself is told to the redaction and dropped."""
        answer = self._get(f"{self._app}/endpoint/{quote(endpoint_id, safe='')}/secret")
        secret = str(answer.get("key") or "") if isinstance(answer, dict) else ""
        if not secret:
            raise _unreadable("it did not show the endpoint's signing secret")
        self._add_secret(secret)
        return signatures.fingerprint(secret)

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    @property
    def _app(self) -> str:
        return f"/api/v1/app/{quote(self.app_id, safe='')}"

    def _pages(self, path: str, *, size: int = PAGE, most: int | None = None) -> Iterator[dict[str, Any]]:
        iterator, count = "", 0
        for _ in range(MOST_PAGES):
            query: dict[str, str | int] = {"limit": size}
            if iterator:
                query["iterator"] = iterator
            page = self._get(path, query)
            rows = page.get("data") if isinstance(page, dict) else None
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise _unreadable("its answer is no list of objects")
            for row in rows:
                if most is not None and count >= most:
                    return
                count += 1
                yield row
            following = str(page.get("iterator") or "")
            # The iterator is set on the last page, too.
            if page.get("done", True) or not rows or not following or following == iterator:
                return
            iterator = following
        raise _unreadable(f"its list has no end after {MOST_PAGES} pages")

    def _get(self, path: str, query: dict[str, str | int] | None = None) -> Any:
        row = {
            "at": datetime.now(UTC).isoformat(),
            "service": self.url,
            "method": "GET",
            "path": path,
            "query": query or {},
        }
        began, status, rows = time.monotonic(), None, None
        try:
            body = self._asked(path, query)
            status, rows = (
                200,
                len(body["data"]) if isinstance(body, dict) and isinstance(body.get("data"), list) else None,
            )
            return body
        except _Unreadable as error:
            status = error.status
            raise error.told from None
        finally:
            # Without its content: messages hold invoices of others, and an endpoint's secret is one answer.
            self._log({**row, "status": status, "seconds": round(time.monotonic() - began, 4), "rows": rows})

    def _asked(self, path: str, query: dict[str, str | int] | None) -> Any:
        try:
            with (
                Deadline(REQUEST_SECONDS) as deadline,
                self._session.get(self.url + path, params=query, timeout=_SECONDS, stream=True) as reply,
            ):
                body = parsed(read_body(reply, deadline).decode("utf-8", "replace"))
        except requests.RequestException as error:
            raise _Unreadable(_unreadable(f"no answer came ({type(error).__name__})")) from None
        if reply.status_code != 200:
            raise _Unreadable(_unreadable(f"it answered {reply.status_code}{_detail(body)}"), reply.status_code)
        if body is None:
            raise _Unreadable(_unreadable("its answer is not JSON"), reply.status_code)
        return checked(body, f"GET {path}")


class _Unreadable(Exception):
    """A request that failed: what is told of it, and the status that came."""

    def __init__(self, told: NotVerified, status: int | None = None) -> None:
        super().__init__(str(told))
        self.told, self.status = told, status


def open_portal(
    flexprice: Reader, svix_url: str, add_secret: Callable[[str], None], log: TellExchange | None = None
) -> Portal | None:
    """The delivery service's application of the key's environment, or None where Flexprice delivers natively.

    Args:
        flexprice: the client, asked for the dashboard's token.
        svix_url: the service's API, or "" to go by the token's ending.
        add_secret: told the token and the dashboard's URL before either is used.
        log: told every request to the service, without the content of its answer.

    Raises:
        NotVerified: the dashboard or the service's address cannot be read.
    """
    try:
        answer = flexprice.get(DASHBOARD)
    except ApiError as error:
        raise _unreadable(
            f"Flexprice refused to tell its address with {error.status} ({error.message or 'no reason given'})",
            where=DASHBOARD,
            remedy="ask the operator whether this Flexprice has a webhook dashboard",
        ) from None
    if not isinstance(answer, dict) or "svix_enabled" not in answer:
        raise _unreadable("Flexprice did not say whether it is in use", where=DASHBOARD)
    token, link, app_id = (str(answer.get(key) or "") for key in ("token", "url", "app_id"))
    for value in (token, *_secrets_of(link)):
        if value:
            add_secret(value)
    if not answer["svix_enabled"]:
        return None
    if not (token and app_id):
        raise _unreadable("Flexprice gave no token for it", where=DASHBOARD)
    return Portal(service_url(token, svix_url), app_id, token, add_secret, log)


def service_url(token: str, configured: str = "") -> str:
    """Where the delivery service's API is: as configured, else by the token's ending (delivery service: hosted service).

    Raises:
        NotVerified: the address would be unencrypted, or the token is one of a self-hosted service whose address nobody told.
    """
    if configured:
        parts = urlsplit(configured)
        if parts.scheme != "https" and (parts.scheme != "http" or not is_loopback(configured)):
            raise _unreadable("svix_url is no https URL, and the token is not sent in clear text", where="svix_url")
        return configured.rstrip("/")
    region = token.rpartition(".")[2]
    if region in _REGIONS and token != region:
        return f"https://api.{region}.svix.com"
    if _is_jwt(token):
        raise _unreadable(
            "its token is one of a self-hosted service, and nobody said where that is",
            where="svix_url",
            remedy="set FLEXPRICE_SVIX_URL, or svix_url in the plan's environment",
        )
    return HOSTED


def _is_jwt(token: str) -> bool:
    parts = token.split(".")
    if len(parts) != 3:
        return False
    try:
        head = json.loads(base64.urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4)))
    except (binascii.Error, ValueError):
        return False
    return isinstance(head, dict) and "alg" in head


def _secrets_of(link: str) -> list[str]:
    """The secret parts of a magic link: what follows ``#key=`` and the like, as written and decoded."""
    parts = urlsplit(link)
    values = re.findall(r"=([^&]+)", f"{parts.query}&{parts.fragment}")
    return [form for value in values if len(value) >= 8 for form in {value, unquote(value)}]


def _detail(body: Any) -> str:
    detail = body.get("detail") if isinstance(body, dict) else None
    return f" ({detail})" if isinstance(detail, str) else ""


def _unreadable(reason: str, *, where: str = "delivery service", remedy: str = "") -> NotVerified:
    return not_verified(
        "",
        where,
        f"the webhook delivery service could not be read: {reason}",
        remedy=remedy or "check svix_url in the plan or FLEXPRICE_SVIX_URL, and the network, then run again",
    )
