"""A client for one environment: what is asked, what may be sent, and which answers are believed."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime
from typing import Any, NoReturn
from uuid import uuid4

import requests

from pytest_flexprice.api import redirects
from pytest_flexprice.api.errors import ApiError, WriteRefused, read_refusal
from pytest_flexprice.api.fields import checked
from pytest_flexprice.api.guard import WriteGuard, is_harmless, is_read
from pytest_flexprice.api.json_text import encoded
from pytest_flexprice.api.paths import object_id
from pytest_flexprice.api.shapes import Page, about, array_of, object_of, page_of, unknown
from pytest_flexprice.api.transport import Answer, BodyTooLarge, OutOfTime, Transport
from pytest_flexprice.model.finding import NotVerified, not_verified

PAGE = 1000  # the largest page any list allows (contract 1.10)
MOST_PAGES = 2000  # of one list; two million rows, or as many requests as anybody waits for
READINGS = 2  # of a list that changes while it is read
KEPT_ROWS = 20  # of a list's answer in the log of exchanges; a whole catalog or customer list would drown the evidence
TellExchange = Callable[[dict[str, Any]], None]


class Flexprice:
    """A client for one environment, with the run's key, guard and log of exchanges.

    Every method but ``request`` returns parsed JSON (numbers with a fraction as ``Decimal``) of the shape that was asked for, and raises:

    * ``ApiError`` when Flexprice refuses (4xx),
    * ``NotVerified`` when nothing can be concluded: no answer, 5xx, 501, 429, a redirect, a body that is not JSON or of another shape,
      another object than the one that was asked for, a list that cannot be read to its end,
    * ``WriteRefused`` when our own guard keeps the request back.

    The transport, and with it the key, stays inside: whatever is sent through this client passes its guard.
    """

    __slots__ = ("_close", "_send", "_unlogged", "base_url", "guard", "note")

    guard: WriteGuard
    base_url: str
    note: TellExchange
    """Keeps an exchange with somebody else as evidence, too."""
    _send: Callable[..., Answer]
    _close: Callable[[], None]
    _unlogged: Callable[[], Flexprice]

    def __init__(self, transport: Transport, guard: WriteGuard, log: TellExchange | None = None) -> None:
        base_url, note = transport.base_url, log or (lambda row: None)

        def send(method: str, path: str, *, query: Any, body: Any, headers: Any, idempotent: bool) -> Answer:
            # What is checked is what is sent: a copy of its JSON, which nobody else holds.
            body = None if body is None else json.loads(encoded(body))
            query, headers = dict(query or {}), dict(headers or {})
            row = _row(method, path, query, body)
            try:
                guard.check(method, path, body, query, headers)
                answer = transport.send(
                    method,
                    path,
                    query=query or None,
                    body=body,
                    headers={"x-request-id": row["request_id"], **headers},
                    idempotent=idempotent or is_harmless(method, path, body, query, headers),
                )
            except WriteRefused as error:
                note({**row, "refused": str(error)})
                raise
            except requests.RequestException as error:
                note({**row, "error": type(error).__name__})
                raise _no_answer(base_url, method, path, error) from None
            note({**row, **_told(answer)})
            guard.heed(f"{method} {path}", answer.body)
            return answer

        for name, value in (
            ("guard", guard),
            ("base_url", base_url),
            ("note", note),
            ("_send", send),
            ("_close", transport.close),
            ("_unlogged", lambda: Flexprice(transport, guard)),
        ):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"'{name}' of the client cannot be set")

    def get(self, path: str, **query: Any) -> Any:
        """Read one thing: an object, and the one that the path names where it names one by its id."""
        return object_of(self._settle(self.request("GET", path, query=query)), f"GET {path}", object_id(path))

    def find(self, path: str, **query: Any) -> Any | None:
        """Read one thing, or None where Flexprice answers that there is no such thing (404 in its envelope)."""
        answer = self.request("GET", path, query=query)
        if answer.status == 404 and read_refusal(answer.body, answer.text).code == "not_found":
            return None
        return object_of(self._settle(answer), f"GET {path}", object_id(path))

    def array(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Read one of the few lists that are a bare array (contract 1.10)."""
        return array_of(self._settle(self.request("GET", path, query=query)), f"GET {path}")

    def post(self, path: str, body: Any = None, *, idempotent: bool = False, **query: Any) -> Any:
        """Send a POST and return the object that answers it; ``idempotent`` allows retries (events with a fixed id *and* timestamp)."""
        sent = {} if body is None else body
        answer = self.request("POST", path, query=query, body=sent, idempotent=idempotent)
        found = object_of(self._settle(answer), f"POST {path}")
        return about(found, sent, f"POST {path}") if is_read("POST", path) else found

    def delete(self, path: str, body: Any = None) -> Any:
        """Send a DELETE."""
        return self._settle(self.request("DELETE", path, body=body))

    def list(self, path: str, *, rows: str = "items", **query: Any) -> Iterator[Any]:
        """All rows of a GET list, page by page, until there are as many as it says; ``rows`` is the key they stand under.

        Offsets are our own: the one in the answer means the next page on some lists and the request's on others (contract 1.10).
        """
        where = f"GET {path}"
        return self._pages(
            lambda page: page_of(self._settle(self.request("GET", path, query={**query, **page})), rows, where),
            where,
            certain=rows == "items",
        )

    def search(self, path: str, body: dict[str, Any] | None = None) -> Iterator[Any]:
        """All rows of a POST search, page by page, until there are as many as it says."""
        return self._pages(
            lambda page: page_of(self.post(path, {**(body or {}), **page}), "items", f"POST {path}"), f"POST {path}"
        )

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
        return self._send(method, path, query=query, body=body, headers=headers, idempotent=idempotent)

    def unlogged(self) -> Flexprice:
        """The same client, whose exchanges are not kept as evidence any more."""
        return self._unlogged()

    def close(self) -> None:
        """Give the connections back."""
        self._close()

    def _pages(self, read: Callable[[dict[str, int]], Page], where: str, *, certain: bool = True) -> Iterator[Any]:
        """Each row once. What changes while it is read shows rows twice, and others not at all: then it is read once more."""
        seen: set[Any] = set()
        for _ in range(READINGS):
            if (yield from self._reading(read, where, seen, certain=certain)):
                return
        raise _unreachable(where, "rows come twice or go while it is read, so others may be missing")

    def _reading(
        self, read: Callable[[dict[str, int]], Page], where: str, seen: set[Any], *, certain: bool
    ) -> Generator[Any, None, bool]:
        """Rows until the total is reached; where the total may be that of the page alone (not ``certain``), until a page is short.

        Returns whether as many different rows came as there were from first to last.
        """
        offset, firsts, least, most, here = 0, set(), 0, MOST_PAGES * PAGE, set[Any]()
        for number in range(MOST_PAGES):
            page = read({"limit": PAGE, "offset": offset})
            if number == 0:
                least, most = page.total, min(most, page.total + max(page.total // 10, PAGE))
            if page.total > most:
                raise _unreachable(where, f"it says there are {page.total} now, more than anybody could read")
            first = str(page.rows[0].get("id")) if page.rows else ""
            if first and first != "None" and first in firsts:
                raise _unreachable(where, f"page at {offset} repeats an earlier one, so the rest cannot be read")
            firsts.add(first)
            for place, row in enumerate(page.rows, start=offset):
                identifier = row.get("id") or place
                here.add(identifier)
                if identifier not in seen or identifier == place:
                    yield row
                    seen.add(identifier)
            offset += len(page.rows)
            full = len(page.rows) >= (page.limit or PAGE)
            if offset >= page.total and not (full and (not certain or offset > page.total)):
                return not certain or (len(here) >= least <= page.total)
            if not page.rows:
                if not certain:
                    return True
                raise _unreachable(where, f"it says there are {page.total}, but gives {offset}")
        raise _unreachable(where, f"it has no end after {MOST_PAGES} pages")

    def _settle(self, answer: Answer) -> Any:
        where = f"{answer.method} {answer.path}"
        if answer.status >= 500 or answer.status in (408, 429):
            said = read_refusal(answer.body, answer.text).message or "no reason given"
            raise not_verified("", where, f"{where} answered {answer.status} ({said}), so nothing can be concluded")
        if 300 <= answer.status < 400:
            target = redirects.target(answer.headers.get("location"))
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
            if "json" in kind:
                raise unknown(
                    where,
                    answer.body,
                    "is no JSON that can be read: cut off, nested too deep, or with boundless numbers",
                )
            raise not_verified(
                "",
                where,
                f"{where} answered {answer.status} with {kind} instead of JSON, so that something other than Flexprice "
                f"answers at {self.base_url}",
                remedy="correct the base URL or the proxy in front of it",
            )
        return checked(answer.body, where)


def _row(method: str, path: str, query: Any, body: Any) -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(),
        "request_id": f"golive-{uuid4().hex}",
        "method": method,
        "path": path,
        "query": query,
        "request": body,
    }


def _told(answer: Answer) -> dict[str, Any]:
    return {
        "status": answer.status,
        "seconds": round(answer.elapsed, 4),
        "retries": answer.retries,
        "response": _kept(answer.body) if answer.is_json else answer.text[:2000],
    }


def _kept(body: Any) -> Any:
    """What the log keeps of an answer: of a long list the first rows and how many more there were."""
    if not isinstance(body, dict):
        return body
    kept = dict(body)
    for name, value in body.items():
        if isinstance(value, list) and len(value) > KEPT_ROWS:
            kept[name] = [*value[:KEPT_ROWS], f"… {len(value) - KEPT_ROWS} more"]
    return kept


def _unreachable(where: str, problem: str) -> NotVerified:
    return not_verified(
        "",
        where,
        f"the list of {where} cannot be read to its end: {problem}",
        remedy="see what stands in front of Flexprice",
    )


def _no_answer(base_url: str, method: str, path: str, error: requests.RequestException) -> NotVerified:
    reason = next((words for kind, words in _REASONS.items() if isinstance(error, kind)), "no answer came")
    return not_verified(
        "",
        f"{method} {path}",
        f"{method} {path}: {reason} at {base_url}",
        remedy="check the base URL, the network and TLS in front of it",
    )


_REASONS: dict[type[Exception], str] = {
    BodyTooLarge: "the answer is larger than any of Flexprice's and was not read on",
    OutOfTime: "the answer did not end within the time limit",
    requests.exceptions.ContentDecodingError: "the answer's compression cannot be read",
    requests.exceptions.SSLError: "the TLS certificate could not be verified",
    requests.exceptions.ProxyError: "the proxy refused the connection",
    requests.exceptions.ConnectTimeout: "no connection within the time limit",
    requests.exceptions.ReadTimeout: "no answer within the time limit",
    requests.exceptions.ConnectionError: "no connection",
}
