"""Sound handlers that few companies have, one behaviour each: none of them may be accused."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from pytest_flexprice.webhooks.loopback import Reply, Request

from .handlers import FINALIZED, KEY, PAYMENT, Handler, Headers, Wanted, kind, matches, parts, verifying
from .handlers_common import Queued


def _within(seconds: float) -> type[Handler]:
    """Takes messages that are hardly older."""

    def check(headers: Headers, body: bytes) -> bool:
        stamp = parts(headers)[1]
        return stamp.isdigit() and abs(time.time() - int(stamp)) < seconds and matches(KEY, *parts(headers), body)

    return verifying(check)


class ShutsOut(Handler):
    """Answers everything with a refusal for a while once it has seen some forged messages: a firewall with a memory."""

    status = 403
    patience = 10
    lasts = 3600.0
    wait = "0"

    def __init__(self) -> None:
        super().__init__()
        self.forged, self.until = 0, 0.0

    def receive(self, request: Request) -> Reply:
        if time.monotonic() < self.until:
            return Reply(self.status, b"<h1>Forbidden</h1>", {"Retry-After": self.wait} if self.status == 429 else {})
        return super().receive(request)

    def refusal(self, request: Request) -> Reply:
        self.forged += 1
        if self.forged >= self.patience:
            self.until = time.monotonic() + self.lasts
        return Reply(401)


def _shutting_out(**members: Any) -> type[Handler]:
    return type("ShutsOutOne", (ShutsOut,), {"patience": 1, **members})


class FivePerBurst(Handler):
    """A bucket of tokens: twenty requests a second, and 429 with Retry-After for more."""

    rate = 20.0

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.since = 5.0, time.monotonic()

    def receive(self, request: Request) -> Reply:
        with self.lock:
            now = time.monotonic()
            self.tokens, self.since = min(5.0, self.tokens + (now - self.since) * self.rate), now
            if self.tokens < 1:
                return Reply(429, headers={"Retry-After": "0"})
            self.tokens -= 1
        return super().receive(request)


class Firewall(Handler):
    """Behind a firewall that answers a page to odd methods, paths, sizes and content types, and closes the connection on gzip."""

    def reply(self, request: Request) -> Reply:
        odd = request.method != "POST" or "%" in request.path or "//" in request.path or "debug" in request.path
        if odd or not request.header("content-type").startswith("application/json") or len(request.body) > 1_000_000:
            return Reply(403, b"<html><title>Request blocked</title></html>", {"Server": "cloudflare"})
        if request.header("content-encoding"):
            return Reply(0)
        return super().reply(request)


class InProgress(Handler):
    """Answers 409 while the first delivery of a message is being worked on, and 200 once it is done."""

    def __init__(self) -> None:
        super().__init__()
        self.working: set[str] = set()

    def handle(self, request: Request, headers: Headers) -> Reply:
        message_id = headers.get("svix-id", "") or headers.get("webhook-id", "")
        with self.lock:
            if message_id in self.working:
                return Reply(500, b"still being processed")
            self.working.add(message_id)
        try:
            threading.Event().wait(0.05)
            return super().handle(request, headers)
        finally:
            with self.lock:
                self.working.discard(message_id)


class CountsEveryMessage(Handler):
    """Tells of the messages about an invoice, its payment's as well."""

    def __init__(self) -> None:
        super().__init__()
        self.messages_of: dict[str, list[str]] = {}

    def book(self, message: dict[str, Any], headers: Headers) -> None:
        invoice = message.get("invoice")
        if not isinstance(invoice, dict):
            return
        with self.lock:
            ids = self.messages_of.setdefault(str(invoice.get("id")), [])
            if headers["svix-id"] not in ids:
                ids.append(headers["svix-id"])

    def processed(self, invoice_id: str) -> Any:
        with self.lock:
            return [] if invoice_id not in self.messages_of else list(self.messages_of[invoice_id])


class ByContent(Handler):
    """Recognises a repeat by its bytes: the delivery service's own retries have the same."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: set[bytes] = set()

    def handle(self, request: Request, headers: Headers) -> Reply:
        with self.lock:
            known = request.body in self.bodies
            self.bodies.add(request.body)
            self.seen.clear()
        return Reply(200) if known else super().handle(request, headers)


class Late(Handler):
    """Refuses forged messages slowly, so that guessing is dear."""

    def refusal(self, request: Request) -> Reply:
        threading.Event().wait(0.2)
        return Reply(401)


class OneAtATime(Handler):
    """Has a single thread: every request waits for the one before."""

    def reply(self, request: Request) -> Reply:
        with self.alone:
            return super().reply(request)

    def __init__(self) -> None:
        super().__init__()
        self.alone = threading.Lock()


class Slashed(Handler):
    """Its framework sends whoever leaves the slash at the end out to the path with it."""

    @property
    def url(self) -> str:
        return f"{self.origin}/hooks/flexprice/"

    def reply(self, request: Request) -> Reply:
        path = urlsplit(request.path).path
        if path == "/hooks/flexprice":
            return Reply(301, headers={"Location": "/hooks/flexprice/"})
        return super().reply(replace(request, path=path.rstrip("/"))) if path == "/hooks/flexprice/" else Reply(404)


class ToLogin(Handler):
    """Shows whoever sends no true signature the way to a page."""

    def refusal(self, request: Request) -> Reply:
        return Reply(302, headers={"Location": "/login"})


class Acknowledges(Queued):
    """Answers 202 with a body at once and works later, in the order of arrival."""

    def handle(self, request: Request, headers: Headers) -> Reply:
        super().handle(request, headers)
        return Reply(202, b'{"queued":true}', {"Content-Type": "application/json"})


class IgnoresOthers(Handler):
    """Answers 200 to types that it has no use for before it looks at them further, and does nothing with them."""

    def receive(self, request: Request) -> Reply:
        if kind(request) not in (FINALIZED, PAYMENT):
            headers = {name.lower(): value for name, value in request.headers}
            return Reply(200) if self.verified(headers, request.body) else Reply(401)
        return super().receive(request)


def refuses(status: int, body: bytes = b"", **headers: str) -> type[Handler]:
    return type("Refuses", (Handler,), {"refusal": lambda self, request: Reply(status, body, headers)})


UNUSUAL: dict[str, tuple[type[Handler], Wanted, bool]] = {
    "takes messages of the last minute": (_within(60), "", True),
    "a firewall with odd tastes": (Firewall, "", True),
    "a bucket of tokens": (FivePerBurst, "", True),
    "answers 500 while the first delivery is worked on": (InProgress, "", True),
    "tells of every message about an invoice": (CountsEveryMessage, "", True),
    "recognises repeats by their bytes": (ByContent, "", True),
    "refuses slowly": (Late, "", True),
    "one request at a time": (OneAtATime, "", True),
    "a framework that adds the slash": (Slashed, "", True),
    "redirects forgeries": (ToLogin, "", True),
    "redirects forgeries, cannot be asked": (ToLogin, "", False),
    "answers 202 and works later": (Acknowledges, "", True),
    "has no use for other types": (IgnoresOthers, "", True),
    "refuses with 422 and a body": (refuses(422, b'{"error":"signature"}'), "", True),
    "refuses with 410": (refuses(410), "", True),
    "refuses with 405": (refuses(405, Allow="POST"), "", False),
    "refuses with a login page": (
        refuses(401, b"<form>Please log in</form>", **{"WWW-Authenticate": "Basic"}),
        "",
        True,
    ),
    "shuts out who sends forged messages": (
        ShutsOut,
        "takes true messages from here no longer after forged ones and answers 403",
        True,
    ),
    **{
        f"shuts out {words}": (_shutting_out(**members), f"after a forged one and answers {answer}", asked)
        for words, members, answer, asked in (
            ("after one forged message", {}, "403", True),
            ("after one forged message, cannot be asked", {}, "403", False),
            ("for a moment", {"lasts": 0.3}, "403", True),
            ("with the words of a wrong signature", {"status": 401}, "401", True),
            ("for a minute by 429", {"status": 429, "wait": "60"}, "429", True),
            ("by closing the connection", {"status": 0}, "nothing", True),
        )
    },
    "shuts out who sends forged messages with 429": (
        type("ShutsOutBy429", (ShutsOut,), {"status": 429}),
        "takes true messages from here no longer after forged ones and answers 429",
        True,
    ),
}
