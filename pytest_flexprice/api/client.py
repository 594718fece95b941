"""The only code that talks HTTP to Flexprice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import requests

from pytest_flexprice.api.errors import ApiError, WriteRefused, read_refusal
from pytest_flexprice.api.guard import WriteGuard, is_permission_probe, is_read
from pytest_flexprice.api.transport import Answer, Transport
from pytest_flexprice.model.finding import NotVerified, not_verified

PAGE = 1000  # the largest page any list allows (contract 1.10)
KEPT_ROWS = 20  # of a list's answer in the log of exchanges; a whole catalog or customer list would drown the evidence
Log = Callable[[dict[str, Any]], None]


class Flexprice:
    """A client for one environment, with the run's key, guard and log of exchanges.

    Every method but ``request`` returns the parsed JSON (numbers with a fraction as ``Decimal``) and raises:

    * ``ApiError`` when Flexprice refuses (4xx),
    * ``NotVerified`` when nothing can be concluded: no answer, 5xx, 501, a redirect, or a body that is not JSON,
    * ``WriteRefused`` when our own guard keeps the request back.
    """

    def __init__(self, transport: Transport, guard: WriteGuard, log: Log | None = None) -> None:
        self.guard = guard
        self._transport = transport
        self._log = log or (lambda row: None)

    @property
    def base_url(self) -> str:
        """Where requests go, without a trailing slash and without ``/v1``."""
        return self._transport.base_url

    def get(self, path: str, **query: Any) -> Any:
        """Read one thing."""
        return self._settle(self.request("GET", path, query=query))

    def find(self, path: str, **query: Any) -> Any | None:
        """Read one thing, or None where Flexprice answers that there is no such thing (404 in its envelope)."""
        answer = self.request("GET", path, query=query)
        if answer.status == 404 and read_refusal(answer.body, answer.text).code == "not_found":
            return None
        return self._settle(answer)

    def post(self, path: str, body: Any = None, *, idempotent: bool = False, **query: Any) -> Any:
        """Send a POST; ``idempotent`` allows retries (events with a fixed id *and* timestamp)."""
        sent = {} if body is None else body
        return self._settle(self.request("POST", path, query=query, body=sent, idempotent=idempotent))

    def delete(self, path: str, body: Any = None) -> Any:
        """Send a DELETE."""
        return self._settle(self.request("DELETE", path, body=body))

    def list(self, path: str, **query: Any) -> Iterator[Any]:
        """All rows of a GET list, page by page.

        Offsets are our own: the one in the answer means the next page on some lists and the request's on others (contract 1.10).
        """
        return self._pages(lambda page: self.get(path, **{**query, **page}))

    def search(self, path: str, body: dict[str, Any] | None = None) -> Iterator[Any]:
        """All rows of a POST search, page by page."""
        return self._pages(lambda page: self.post(path, {**(body or {}), **page}))

    def request(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, Any] | None = None,
        body: Any = None,
        headers: dict[str, str | None] | None = None,
        idempotent: bool = False,
    ) -> Answer:
        """Send one request and return its answer whatever the status is.

        Raises:
            WriteRefused: the guard keeps it back.
            NotVerified: no answer came.
        """
        began = datetime.now(UTC)
        request_id = f"golive-{uuid4().hex}"
        row: dict[str, Any] = {"at": began.isoformat(), "request_id": request_id, "method": method, "path": path}
        row.update({"query": query or {}, "request": body})
        try:
            self.guard.check(method, path, body)
            answer = self._transport.send(
                method,
                path,
                query=query,
                body=body,
                headers={"x-request-id": request_id, **(headers or {})},
                idempotent=idempotent or is_read(method, path) or is_permission_probe(method, path, body),
            )
        except WriteRefused as error:
            self._log({**row, "refused": str(error)})
            raise
        except requests.RequestException as error:
            self._log({**row, "error": type(error).__name__})
            raise self._no_answer(method, path, error) from None
        self._log(
            {
                **row,
                "status": answer.status,
                "seconds": round(answer.elapsed, 4),
                "retries": answer.retries,
                "response": _kept(answer.body) if answer.is_json else answer.text[:2000],
            }
        )
        return answer

    def unlogged(self) -> Flexprice:
        """The same client, whose exchanges are not kept as evidence any more."""
        return Flexprice(self._transport, self.guard)

    def close(self) -> None:
        """Give the connections back."""
        self._transport.close()

    def _pages(self, read: Callable[[dict[str, int]], Any]) -> Iterator[Any]:
        offset = 0
        while True:
            answer = read({"limit": PAGE, "offset": offset})
            items = answer.get("items") if isinstance(answer, dict) else answer
            rows = items if isinstance(items, list) else []
            yield from rows
            offset += PAGE
            total = (answer.get("pagination") or {}).get("total") if isinstance(answer, dict) else None
            if len(rows) < PAGE or (isinstance(total, int) and offset >= total):
                return

    def _settle(self, answer: Answer) -> Any:
        where = f"{answer.method} {answer.path}"
        if answer.status >= 500:
            said = read_refusal(answer.body, answer.text).message or "no reason given"
            raise not_verified("", where, f"{where} answered {answer.status} ({said}), so nothing can be concluded")
        if 300 <= answer.status < 400:
            target = urlsplit(answer.headers.get("location", "")).netloc or "no named host"
            raise not_verified(
                "",
                where,
                f"{where} was redirected to {target}, which is not followed because the key must not leave {self.base_url}",
                remedy="correct the base URL or the proxy in front of it",
            )
        if answer.status >= 400:
            raise ApiError(answer.method, answer.path, answer.status, read_refusal(answer.body, answer.text))
        if answer.text.strip() and not answer.is_json:
            kind = answer.headers.get("content-type", "no content type")
            raise not_verified(
                "",
                where,
                f"{where} answered {answer.status} with {kind} instead of JSON, so that something other than Flexprice "
                f"answers at {self.base_url}",
                remedy="correct the base URL or the proxy in front of it",
            )
        return answer.body

    def _no_answer(self, method: str, path: str, error: requests.RequestException) -> NotVerified:
        reason = _REASONS.get(type(error), "no answer came")
        return not_verified(
            "",
            f"{method} {path}",
            f"{method} {path}: {reason} at {self.base_url}",
            remedy="check the base URL, the network and TLS in front of it",
        )


def _kept(body: Any) -> Any:
    """What the log keeps of an answer: of a long list the first rows and how many more there were."""
    if not isinstance(body, dict):
        return body
    kept = dict(body)
    for name, value in body.items():
        if isinstance(value, list) and len(value) > KEPT_ROWS:
            kept[name] = [*value[:KEPT_ROWS], f"… {len(value) - KEPT_ROWS} more"]
    return kept


_REASONS: dict[type[Exception], str] = {
    requests.exceptions.SSLError: "the TLS certificate could not be verified",
    requests.exceptions.ProxyError: "the proxy refused the connection",
    requests.exceptions.ConnectTimeout: "no connection within the time limit",
    requests.exceptions.ReadTimeout: "no answer within the time limit",
    requests.exceptions.ConnectionError: "no connection",
}
