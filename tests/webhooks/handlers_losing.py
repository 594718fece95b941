"""Handlers that lose webhooks or process them twice, one behaviour each."""

from __future__ import annotations

import json
import threading
from typing import Any

from pytest_flexprice.webhooks.loopback import Reply, Request

from .handlers import (
    FINALIZED,
    KEY,
    PAYMENT,
    Handler,
    Headers,
    Wanted,
    fresh,
    kind,
    matches,
    parsed,
    parts,
    refusing,
    verifying,
)
from .handlers_common import _reencoded, expected
from .handlers_first import Racing


def changing(change: Any) -> type[Handler]:
    """Verifies changed bytes."""
    return verifying(lambda headers, body: fresh(parts(headers)[1]) and matches(KEY, *parts(headers), change(body)))


def _nth(number: int) -> type[Handler]:
    return verifying(
        lambda headers, body: (
            fresh(parts(headers)[1]) and parts(headers)[2].split(" ")[number] == expected(headers, body)
        )
    )


def ascii_only(body: bytes) -> bytes:
    return body.decode("ascii", "ignore").encode()


class BooksThenFails(Handler):
    """Books, then fails the first time; the retry is booked again."""

    def handle(self, request: Request, headers: Headers) -> Reply:
        message = parsed(request.body)
        if not isinstance(message, dict) or kind(request) != FINALIZED:
            return super().handle(request, headers)
        invoice = str(message["invoice"]["id"])
        with self.lock:
            self.booked[invoice] = self.booked.get(invoice, 0) + 1
            if self.booked[invoice] > 1 and invoice in self.seen:
                return Reply(204)
            self.seen.add(invoice)
        return (
            Reply(500)
            if "first" in request.header("svix-id") or "repeated" in request.header("svix-id")
            else Reply(204)
        )


class FailsFirst(Handler):
    """Fails each message once, and takes its retry: an unavailable database, say."""

    def handle(self, request: Request, headers: Headers) -> Reply:
        with self.lock:
            known = request.header("svix-id") in self.seen
            self.seen.add(request.header("svix-id"))
        return super().handle(request, headers) if known else Reply(503)


class RemembersBeforeWork(Handler):
    """Remembers an id before the work, fails on the work the first time, and calls the retry a repeat."""

    failing = ("repeated", "outoforder")

    def handle(self, request: Request, headers: Headers) -> Reply:
        message_id = request.header("svix-id")
        with self.lock:
            known = message_id in self.seen
            self.seen.add(message_id)
        if known:
            return Reply(200)
        if any(word in message_id for word in self.failing):
            return Reply(500)
        return super().handle(request, headers)


class ForgetsOutOfOrder(Handler):
    """Ignores a finalization that comes after its payment, as if it were old."""

    def book(self, message: dict[str, Any], headers: Headers) -> None:
        invoice = message.get("invoice")
        invoice_id = str(invoice.get("id")) if isinstance(invoice, dict) else ""
        if message.get("event_type") == PAYMENT:
            self.seen.add(f"paid {invoice_id}")
        elif f"paid {invoice_id}" not in self.seen:
            super().book(message, headers)


class RemembersFew(Handler):
    """Remembers the newest few messages only."""

    most = 3

    def __init__(self) -> None:
        super().__init__()
        self.newest: list[str] = []

    def book(self, message: dict[str, Any], headers: Headers) -> None:
        key = headers.get("svix-id", "")
        with self.lock:
            if key in self.newest:
                return
            self.newest = [*self.newest, key][-self.most :]
            self.seen.clear()
        super().book(message, headers)


class ByStamp(Handler):
    """Recognises a repeat by its signature: a retry has a new one."""

    def book(self, message: dict[str, Any], headers: Headers) -> None:
        key = headers.get("svix-signature", "")
        with self.lock:
            if key in self.known:
                return
            self.known.add(key)
            self.seen.clear()
        super().book(message, headers)

    def __init__(self) -> None:
        super().__init__()
        self.known: set[str] = set()


class NarrowRace(Racing):
    """As a database without a unique key: a window of some milliseconds."""

    def book(self, message: dict[str, Any], headers: Headers) -> None:
        invoice = message.get("invoice")
        if not isinstance(invoice, dict) or message.get("event_type") != FINALIZED:
            return
        invoice_id = str(invoice.get("id"))
        if invoice_id in self.seen:
            return
        threading.Event().wait(0.004)
        self.seen.add(invoice_id)
        with self.lock:
            self.booked[invoice_id] = self.booked.get(invoice_id, 0) + 1


class UnknownRefused(Handler):
    """Refuses event types that it does not know."""

    def handle(self, request: Request, headers: Headers) -> Reply:
        return (
            Reply(400, b"unknown event type")
            if kind(request).startswith("golive")
            else super().handle(request, headers)
        )


class StrictFields(Handler):
    """Refuses fields that it does not know."""

    def handle(self, request: Request, headers: Headers) -> Reply:
        message = parsed(request.body)
        known = {"event_type", "invoice", "subscription"}
        if isinstance(message, dict) and set(message) - known:
            return Reply(422)
        return super().handle(request, headers)


class Conflict(Handler):
    """Answers 409 to a repeat."""

    def handle(self, request: Request, headers: Headers) -> Reply:
        message_id = request.header("svix-id")
        with self.lock:
            known = message_id in self.seen
            self.seen.add(message_id)
        return Reply(409) if known else super().handle(request, headers)


class SmallBodies(Handler):
    """Takes no body over 64 KiB."""

    def receive(self, request: Request) -> Reply:
        return Reply(413) if len(request.body) > 65_536 else super().receive(request)


class ReadsOldState(Handler):
    """Crashes on text beyond ASCII."""

    def handle(self, request: Request, headers: Headers) -> Reply:
        try:
            request.body.decode("ascii")
        except UnicodeError:
            return Reply(500)
        return super().handle(request, headers)


class WrongDecoding(Handler):
    """Decodes the body as Latin-1 and verifies its UTF-8."""

    def verified(self, headers: Headers, body: bytes) -> bool:
        return super().verified(headers, body.decode("latin-1").encode())


class RemembersUnverified(Handler):
    """Remembers ids before it verifies, and calls the true message a repeat."""

    def receive(self, request: Request) -> Reply:
        message_id = request.header("svix-id")
        with self.lock:
            known = message_id in self.seen
            self.seen.add(message_id)
        return Reply(200) if known else super().receive(request)


class SmallQueue(Handler):
    """Answers, and loses what its queue does not take."""

    def book(self, message: dict[str, Any], headers: Headers) -> None:
        if len(json.dumps(message)) < 200_000:
            super().book(message, headers)


class DropsLetters(Handler):
    """Loses customers whose name is beyond ASCII, after it answered."""

    def book(self, message: dict[str, Any], headers: Headers) -> None:
        if json.dumps(message, ensure_ascii=False).isascii():
            super().book(message, headers)


class OncePerCustomer(Handler):
    """Books one invoice for each version, and takes another one of that for a repeat."""

    def book(self, message: dict[str, Any], headers: Headers) -> None:
        invoice = message.get("invoice")
        if isinstance(invoice, dict) and message.get("event_type") == FINALIZED:
            with self.lock:
                if "one" in self.seen:
                    return
                self.seen.add("one")
        super().book(message, headers)


LOSING: dict[str, tuple[type[Handler], Wanted, bool]] = {
    "remembers ids before it verifies": (RemembersUnverified, "came before with a wrong signature", True),
    "a queue for small messages": (SmallQueue, "a message of 256 KiB", True),
    "loses letters beyond ASCII": (DropsLetters, "letters beyond ASCII", True),
    "books one invoice": (OncePerCustomer, "never processes", True),
    "takes the first signature only": (_nth(0), "two signatures", True),
    "takes the last signature only": (_nth(-1), "two signatures", True),
    "trims the body": (changing(bytes.strip), "white space at its end", True),
    "re-encodes before it verifies": (verifying(_reencoded), "re-encoded", True),
    "drops what is not ASCII": (changing(ascii_only), "beyond ASCII", True),
    "decodes as Latin-1": (WrongDecoding, "beyond ASCII", True),
    "crashes on letters beyond ASCII": (ReadsOldState, "beyond ASCII", True),
    "books and fails, and books the retry": (BooksThenFails, "after a failure", True),
    "remembers before it works": (RemembersBeforeWork, "after a failure", True),
    "fails each message once": (FailsFirst, "503", True),
    "drops a finalization after its payment": (ForgetsOutOfOrder, "payment arrives before", True),
    "remembers three messages": (RemembersFew, "arrives again", True),
    "recognises repeats by the signature": (ByStamp, "arrives again", True),
    "a race of some milliseconds": (NarrowRace, "at the same moment", True),
    "refuses unknown types": (UnknownRefused, "an event type it does not know", True),
    "refuses unknown fields": (StrictFields, "one field more", True),
    "answers 409 to repeats": (Conflict, "already received", True),
    "takes no more than 64 KiB": (SmallBodies, "256 KiB", True),
    "redirects everything": (refusing(308, Location="https://elsewhere.example/"), "redirects", True),
}
