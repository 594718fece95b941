"""Webhook handlers as companies write them, one behaviour each: sound ones, and ones that believe a forger."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from pytest_flexprice.webhooks.loopback import LoopbackServer, Reply, Request

from .builders import SECRET

Headers = dict[str, str]
KEY = base64.b64decode(SECRET.removeprefix("whsec_"))


class Handler(LoopbackServer):
    """A sound handler; its subclasses change one thing. ``booked`` is what the company's side did, by invoice."""

    methods = ("POST",)
    takes_any_path = False
    counts = True

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()
        self.seen: set[str] = set()
        self.booked: dict[str, int] = {}

    @property
    def url(self) -> str:
        return f"{self.origin}/hooks/flexprice"

    def processed(self, invoice_id: str) -> int:
        with self.lock:
            return self.booked.get(invoice_id, 0)

    def reply(self, request: Request) -> Reply:
        path = urlsplit(request.path).path
        if request.method not in self.methods:
            return Reply(405)
        if path != "/hooks/flexprice" and not self.takes_any_path:
            return Reply(404)
        return self.receive(request)

    def receive(self, request: Request) -> Reply:
        headers = {name.lower(): value for name, value in request.headers}
        if self.must_verify(request, headers) and not self.verified(headers, request.body):
            return self.refusal(request)
        return self.handle(request, headers)

    def must_verify(self, request: Request, headers: Headers) -> bool:
        return True

    def refusal(self, request: Request) -> Reply:
        return Reply(401)

    def verified(self, headers: Headers, body: bytes) -> bool:
        for family in ("svix", "webhook"):
            sent = [headers.get(f"{family}-{name}", "") for name in ("id", "timestamp", "signature")]
            if all(sent):
                return fresh(sent[1]) and matches(KEY, *sent, body)
        return False

    def handle(self, request: Request, headers: Headers) -> Reply:
        for message in self.messages(request.body):
            self.book(message, headers)
        return Reply(204)

    def messages(self, body: bytes) -> list[dict[str, Any]]:
        found = parsed(body)
        return [found] if isinstance(found, dict) else [one for one in found or () if isinstance(one, dict)]

    def book(self, message: dict[str, Any], headers: Headers) -> None:
        invoice = message.get("invoice")
        if not isinstance(invoice, dict):
            return
        key = f"{message.get('event_type')} {invoice.get('id')}"
        with self.lock:
            if key in self.seen:
                return
            self.seen.add(key)
            if message["event_type"] == "invoice.update.finalized":
                self.booked[str(invoice.get("id"))] = self.booked.get(str(invoice.get("id")), 0) + 1


def fresh(stamp: str, unit: float = 1.0) -> bool:
    return stamp.isdigit() and abs(time.time() - int(stamp) / unit) < 300


def signature(key: bytes, message_id: str, stamp: str, body: bytes) -> bytes:
    return hmac.new(key, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256).digest()


def matches(key: bytes, message_id: str, stamp: str, sent: str, body: bytes) -> bool:
    expected = "v1," + base64.b64encode(signature(key, message_id, stamp, body)).decode()
    return any(hmac.compare_digest(part.encode(), expected.encode()) for part in sent.split(" "))


def parsed(body: bytes) -> Any:
    try:
        text = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
        return json.loads(text.decode("utf-8-sig"))
    except (ValueError, OSError):
        return None


def kind(request: Request) -> str:
    message = parsed(request.body)
    return str(message.get("event_type", "")) if isinstance(message, dict) else ""


def skips(when: Callable[[Request, Headers], bool], **members: Any) -> type[Handler]:
    """A handler that does not verify what meets a condition."""

    def must_verify(self: Handler, request: Request, headers: Headers) -> bool:
        return not when(request, headers)

    return type("Skipping", (Handler,), {"must_verify": must_verify, **members})


def verifying(check: Callable[[Headers, bytes], bool], **members: Any) -> type[Handler]:
    """A handler with a check of its own."""
    return type("Verifying", (Handler,), {"verified": lambda self, headers, body: check(headers, body), **members})


def parts(headers: Headers) -> tuple[str, str, str]:
    return headers.get("svix-id", ""), headers.get("svix-timestamp", ""), headers.get("svix-signature", "")


def with_key(key: bytes) -> type[Handler]:
    return verifying(lambda headers, body: fresh(parts(headers)[1]) and matches(key, *parts(headers), body))


def refusing(status: int, text: str = "", **headers: str) -> type[Handler]:
    """Something before the handler that answers everything itself."""
    reply = Reply(status, text.encode(), headers)
    return type("Before", (Handler,), {"receive": lambda self, request: reply})


Wanted = str
FINALIZED, PAYMENT = "invoice.update.finalized", "invoice.update.payment"
