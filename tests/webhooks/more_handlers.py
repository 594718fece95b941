"""More handlers, one behaviour each, invented after the probes: what companies do around verification, repeats and answers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pytest_flexprice.webhooks.loopback import Reply, Request

from .builders import OTHER_SECRET, SECRET
from .handlers import (
    FINALIZED,
    KEY,
    PAYMENT,
    Handler,
    Headers,
    Racing,
    Wanted,
    fresh,
    kind,
    matches,
    parsed,
    parts,
    refusing,
    signature,
    skips,
    verifying,
    with_key,
)

USUAL = ("POST", "PUT", "PATCH", "HEAD", "GET", "DELETE", "OPTIONS")


def expected(headers: Headers, body: bytes) -> str:
    return "v1," + base64.b64encode(signature(KEY, *parts(headers)[:2], body)).decode()


def comparing(same: Any) -> type[Handler]:
    """Compares the header with the true signature in a way of its own."""
    return verifying(
        lambda headers, body: (
            fresh(parts(headers)[1])
            and any(same(one, expected(headers, body)) for one in parts(headers)[2].split(" ") if one)
        )
    )


def over(content: Any, digest: Any = hashlib.sha256) -> type[Handler]:
    """Signs other content than the delivery service does."""

    def check(headers: Headers, body: bytes) -> bool:
        message_id, stamp, sent = parts(headers)
        value = base64.b64encode(hmac.new(KEY, content(message_id, stamp, body), digest).digest()).decode()
        return fresh(stamp) and f"v1,{value}" in sent.split(" ")

    return verifying(check)


def changing(change: Any) -> type[Handler]:
    """Verifies changed bytes."""
    return verifying(lambda headers, body: fresh(parts(headers)[1]) and matches(KEY, *parts(headers), change(body)))


def clock(seconds: float) -> type[Handler]:
    """A clock that is off."""

    def check(headers: Headers, body: bytes) -> bool:
        stamp = parts(headers)[1]
        return stamp.isdigit() and fresh(str(int(stamp) + int(seconds))) and matches(KEY, *parts(headers), body)

    return verifying(check)


def _one_sided(sign: int) -> type[Handler]:
    import time

    def check(headers: Headers, body: bytes) -> bool:
        stamp = parts(headers)[1]
        return stamp.isdigit() and sign * (time.time() - int(stamp)) < 300 and matches(KEY, *parts(headers), body)

    return verifying(check)


def _nth(number: int) -> type[Handler]:
    return verifying(
        lambda headers, body: (
            fresh(parts(headers)[1]) and parts(headers)[2].split(" ")[number] == expected(headers, body)
        )
    )


def _reencoded(headers: Headers, body: bytes) -> bool:
    content = parsed(body)
    again = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return fresh(parts(headers)[1]) and matches(KEY, *parts(headers), again)


def _last_of_equal_keys(headers: Headers, body: bytes) -> bool:
    """Verifies what json keeps (the last), or the raw body; the books read the first."""
    return _reencoded(headers, body) or matches(KEY, *parts(headers), body)


class BooksFirstOfEqual(Handler):
    def verified(self, headers: Headers, body: bytes) -> bool:
        return fresh(parts(headers)[1]) and _last_of_equal_keys(headers, body)

    def messages(self, body: bytes) -> list[dict[str, Any]]:
        try:
            return [json.loads(body, object_pairs_hook=lambda pairs: dict(reversed(pairs)))]
        except ValueError:
            return []


def ascii_only(body: bytes) -> bytes:
    return body.decode("ascii", "ignore").encode()


class FailOpen(Handler):
    """Lets everything pass when its verification itself breaks."""

    def verified(self, headers: Headers, body: bytes) -> bool:
        try:
            sent = parts(headers)[2]
            sent.encode("ascii")
            return super().verified(headers, body)
        except UnicodeError:
            return True


class OtherVersions(Handler):
    """Ignores signatures of versions it does not know, and takes a message without one of its own version."""

    def verified(self, headers: Headers, body: bytes) -> bool:
        sent = [one for one in parts(headers)[2].split(" ") if one]
        mine = [one for one in sent if one.startswith("v1,")]
        return super().verified(headers, body) if mine or not sent else True


def lacking(name: str) -> type[Handler]:
    return skips(lambda r, h: f"svix-{name}" not in h and "svix-signature" in h)


class KnownInvoices(Handler):
    """Trusts a payment of an invoice that it has booked."""

    def must_verify(self, request: Request, headers: Headers) -> bool:
        message = parsed(request.body)
        invoice = message.get("invoice") if isinstance(message, dict) else None
        known = isinstance(invoice, dict) and invoice.get("id") in self.booked
        return not (known and kind(request) == PAYMENT)


class HeadOnly(Handler):
    """Verifies the first kibibyte, which it has hashed while it streamed, and believes all of it."""

    def verified(self, headers: Headers, body: bytes) -> bool:
        if len(body) < 100_000:
            return super().verified(headers, body)
        message = parsed(body)
        return isinstance(message, dict) and "svix-signature" in headers and self.started(headers, body)

    def started(self, headers: Headers, body: bytes) -> bool:
        return super().verified(headers, body)


class Form(Handler):
    """Takes a form with the message in its field `payload`, unverified."""

    def receive(self, request: Request) -> Reply:
        if "form-urlencoded" in request.header("content-type") and request.body.startswith(b"payload="):
            text = parse_qs(request.body.decode())["payload"][0]
            return self.handle(replace(request, body=text.encode()), {})
        return super().receive(request)


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

    failing = ("repeated", "payment")

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


class ByBody(Handler):
    """Recognises a repeat by its body."""

    def book(self, message: dict[str, Any], headers: Headers) -> None:
        key = json.dumps(message)
        with self.lock:
            if key in self.newest:
                return
            self.newest.add(key)
            self.seen.clear()
        super().book(message, headers)

    def __init__(self) -> None:
        super().__init__()
        self.newest: set[str] = set()


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


def answering(status: int, body: bytes = b"", **headers: str) -> type[Handler]:
    """Sound, with another answer of success."""

    def handle(self: Handler, request: Request, sent: Headers) -> Reply:
        Handler.handle(self, request, sent)
        return Reply(status, body, headers)

    return type("Answering", (Handler,), {"handle": handle})


class Queued(Handler):
    """Answers at once and books a second later."""

    def book(self, message: dict[str, Any], headers: Headers) -> None:
        timer = threading.Timer(1.0, super().book, (message, headers))
        timer.daemon = True
        timer.start()


class VerifiesLaterInAQueue(Queued):
    """Answers 202 to everything, verifies and books a second later."""

    def refusal(self, request: Request) -> Reply:
        return Reply(202)


class BooksUnverifiedText(VerifiesLaterInAQueue):
    """Answers 202 to everything, and does not verify text/plain when it works off its queue."""

    def must_verify(self, request: Request, headers: Headers) -> bool:
        return not headers.get("content-type", "").startswith("text/plain")


class BooksBeforeRefusing(Handler):
    """Books first and refuses then."""

    def receive(self, request: Request) -> Reply:
        headers = {name.lower(): value for name, value in request.headers}
        if not self.verified(headers, request.body):
            self.handle(request, headers)
            return Reply(401)
        return self.handle(request, headers)


class Slow(Handler):
    """Takes a second for an answer."""

    def handle(self, request: Request, headers: Headers) -> Reply:
        threading.Event().wait(0.5)
        return super().handle(request, headers)


class Drops(Handler):
    """Closes the connection on whatever is not signed."""

    def refusal(self, request: Request) -> Reply:
        return Reply(0)


class Prefixed(Handler):
    """Behind a gateway's path."""

    @property
    def url(self) -> str:
        return f"{self.origin}/gateway/v2/hooks/flexprice"

    def reply(self, request: Request) -> Reply:
        path = urlsplit(request.path).path
        return (
            super().reply(replace(request, path=path.removeprefix("/gateway/v2")))
            if path.startswith("/gateway/v2/")
            else Reply(404)
        )


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


class NotAboveAMegabyte(Handler):
    """Takes no body over 1 MiB: sound."""

    def receive(self, request: Request) -> Reply:
        return Reply(413) if len(request.body) > 1_048_576 else super().receive(request)


class ReadsOldState(Handler):
    """Crashes on text beyond ASCII."""

    def handle(self, request: Request, headers: Headers) -> Reply:
        try:
            request.body.decode("ascii")
        except UnicodeError:
            return Reply(500)
        return super().handle(request, headers)


class SpaServer(Handler):
    """Answers 200 with a page to every GET and to other paths: sound."""

    methods = USUAL
    takes_any_path = True

    def receive(self, request: Request) -> Reply:
        there = urlsplit(request.path).path == "/hooks/flexprice" and request.method == "POST"
        return super().receive(request) if there else Reply(200, b"<html>App</html>")


class Webhooks(Handler):
    """Verifies with either of two secrets during a rotation: sound."""

    def verified(self, headers: Headers, body: bytes) -> bool:
        other = base64.b64decode(OTHER_SECRET.removeprefix("whsec_"))
        return super().verified(headers, body) or (fresh(parts(headers)[1]) and matches(other, *parts(headers), body))


class NeedsAgent(Handler):
    """Lets only the delivery service's user agent pass."""

    def receive(self, request: Request) -> Reply:
        return super().receive(request) if request.header("user-agent").startswith("Svix-Webhooks") else Reply(403)


class WrongDecoding(Handler):
    """Decodes the body as Latin-1 and verifies its UTF-8."""

    def verified(self, headers: Headers, body: bytes) -> bool:
        return super().verified(headers, body.decode("latin-1").encode())


def _spelled(path: str) -> bool:
    return urlsplit(path).path != "/hooks/flexprice"


def _small(request: Request, headers: Headers) -> bool:
    return len(request.body) < 300


MORE: dict[str, tuple[type[Handler], Wanted, bool]] = {
    # who believes a forger
    "compares the beginning of the signature": (
        comparing(lambda sent, true: sent[:12] == true[:12]),
        "only begins like the true one",
        True,
    ),
    "compares as much as was sent": (
        comparing(lambda sent, true: len(sent) > 5 and true.startswith(sent)),
        "cut off",
        True,
    ),
    "compares without regard to case": (
        comparing(lambda sent, true: sent.lower() == true.lower()),
        "other case of letters",
        True,
    ),
    "refuses old times only": (_one_sided(1), "ten minutes ahead", True),
    "refuses future times only": (_one_sided(-1), "ten minutes ago", True),
    "takes other versions unverified": (OtherVersions, "another version than v1", True),
    "lets pass what lacks an id": (lacking("id"), "without svix-id", True),
    "lets pass what lacks a time": (lacking("timestamp"), "without svix-timestamp", True),
    "opens when its check breaks": (FailOpen, "beyond ASCII", True),
    "trusts payments of invoices it knows": (KnownInvoices, "invoice that it has booked", True),
    "trusts payments of invoices it knows, cannot be asked": (KnownInvoices, "invoice that it has booked", False),
    "verifies the last of equal keys": (BooksFirstOfEqual, "another one was put", True),
    "does not verify GET": (skips(lambda r, h: r.method == "GET", methods=("POST", "GET")), "sent by GET", True),
    "does not verify DELETE": (
        skips(lambda r, h: r.method == "DELETE", methods=("POST", "DELETE")),
        "sent by DELETE",
        True,
    ),
    "does not verify a double slash": (
        skips(lambda r, h: "//" in r.path, takes_any_path=True),
        "a slash doubled",
        True,
    ),
    "does not verify below its path": (
        skips(lambda r, h: r.path.startswith("/hooks/flexprice/") and len(r.path) > 17, takes_any_path=True),
        "below the handler's",
        True,
    ),
    "does not verify an escaped path": (skips(lambda r, h: "%" in r.path, takes_any_path=True), "percent", True),
    "does not verify with debug=1": (
        skips(lambda r, h: "debug=1" in r.path or "debug=true" in r.path),
        "with a query string (golive=probe&debug=1",
        True,
    ),
    "trusts the delivery service's user agent": (
        skips(lambda r, h: h.get("user-agent", "").startswith("Svix-Webhooks")),
        "user agent",
        True,
    ),
    "trusts a forwarded loopback address": (
        skips(lambda r, h: h.get("x-forwarded-for", "") == "127.0.0.1"),
        "loopback",
        True,
    ),
    "does not verify small bodies": (skips(_small), "less than 300 bytes", True),
    "does not verify bodies above a megabyte": (skips(lambda r, h: len(r.body) > 1_000_000), "of 1.1 MiB", True),
    "does not verify charset=utf-8": (
        skips(lambda r, h: "charset" in h.get("content-type", "")),
        "with a charset",
        True,
    ),
    "does not verify multipart": (
        skips(lambda r, h: h.get("content-type", "").startswith("multipart/")),
        "multipart form",
        True,
    ),
    "does not verify xml": (skips(lambda r, h: "xml" in h.get("content-type", "")), "as application/xml", True),
    "takes a form unverified": (Form, "in a form's field", True),
    "does not verify wallet.*": (skips(lambda r, h: kind(r).startswith("wallet.")), "wallet.", False),
    "does not verify payment.*": (skips(lambda r, h: kind(r).startswith("payment.")), "payment.", False),
    "does not verify customer.*": (skips(lambda r, h: kind(r).startswith("customer.")), "customer.", False),
    "does not verify invoice.update": (skips(lambda r, h: kind(r) == "invoice.update"), "`invoice.update`", True),
    "does not verify subscription.updated": (
        skips(lambda r, h: kind(r) == "subscription.updated"),
        "subscription.updated",
        True,
    ),
    "does not verify voids": (skips(lambda r, h: kind(r) == "invoice.update.voided"), "invoice.update.voided", True),
    "does not verify an invoice in a list": (skips(lambda r, h: r.body[:1] == b"["), "in a batch", True),
    "books what it refuses": (BooksBeforeRefusing, "processed", True),
    "does not verify text/plain in its queue": (BooksUnverifiedText, "text/plain", True),
    # who loses or doubles
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
    "recognises repeats by the body": (ByBody, "later state", True),
    "recognises repeats by the signature": (ByStamp, "arrives again", True),
    "a race of some milliseconds": (NarrowRace, "at the same moment", True),
    "refuses unknown types": (UnknownRefused, "an event type it does not know", True),
    "refuses unknown fields": (StrictFields, "one field more", True),
    "answers 409 to repeats": (Conflict, "already received", True),
    "takes no more than 64 KiB": (SmallBodies, "256 KiB", True),
    "redirects everything": (refusing(308, Location="https://elsewhere.example/"), "redirects", True),
    # who refuses, and why
    "signs the body only": (over(lambda i, t, b: b), "signs the body alone", True),
    "signs time and body": (over(lambda i, t, b: f"{t}.".encode() + b), "without the id", True),
    "signs without dots": (over(lambda i, t, b: f"{i}{t}".encode() + b), "without the dots", True),
    "signs by SHA-512": (over(lambda i, t, b: f"{i}.{t}.".encode() + b, hashlib.sha512), "SHA-512", True),
    "signs by SHA-1": (over(lambda i, t, b: f"{i}.{t}.".encode() + b, hashlib.sha1), "SHA-1", True),
    "a line break in the undecoded secret": (with_key((SECRET + "\n").encode()), "white space", True),
    "a line break in the undecoded rest": (
        with_key((SECRET.removeprefix("whsec_") + "\n").encode()),
        "white space",
        True,
    ),
    "takes six characters off a secret without prefix": (
        with_key(base64.b64decode(SECRET[12:] + "==")),
        "six characters",
        True,
    ),
    "another secret": (with_key(b"another key, of other bytes"), "fingerprint", True),
    "a clock an hour behind": (clock(-3600), "its clock is off", True),
    "a clock two hours ahead": (clock(7200), "its clock is off", True),
    "a clock ten minutes ahead": (clock(600), "its clock is off", True),
    "needs the delivery service's user agent": (NeedsAgent, "user agent", True),
    "a firewall": (
        refusing(403, "<title>Attention Required! | Cloudflare</title>", Server="cloudflare"),
        "firewall",
        True,
    ),
    "an allow list": (refusing(403, "Your IP address 10.0.0.1 is not allowed"), "certain addresses", True),
    "a gateway without the route": (refusing(403, '{"message":"Missing Authentication Token"}'), "has no route", True),
    "a proxy that strips the id": (
        refusing(400, "Missing required header svix-id"),
        "svix-* headers do not reach it",
        True,
    ),
    "invalid webhook token": (refusing(401, '{"error":"Invalid signature token"}'), "fingerprint", True),
    "basic auth": (refusing(401, "", **{"WWW-Authenticate": 'Basic realm="x"'}), "a login or token", True),
    "fails on everything": (refusing(500, "Internal Server Error"), "fails on every message", True),
    # sound
    "answers 200 with text": (answering(200, b"OK"), "", True),
    "answers 201": (answering(201), "", True),
    "answers 202": (answering(202, b"{}"), "", True),
    "answers at length": (answering(200, b"x" * 3_000_000), "", True),
    "books a second later": (Queued, "", True),
    "verifies and books a second later": (VerifiesLaterInAQueue, "", True),
    "takes half a second": (Slow, "", True),
    "closes the connection on forgeries": (Drops, "", True),
    "behind a path": (Prefixed, "", True),
    "takes no more than a megabyte": (NotAboveAMegabyte, "", True),
    "a page for everything else": (SpaServer, "", True),
    "a page for everything else, cannot be asked": (SpaServer, "", False),
    "two secrets": (Webhooks, "", True),
    "refuses with 403": (
        type("F", (Handler,), {"refusal": lambda self, r: Reply(403, b"CSRF? no, bad signature")}),
        "",
        True,
    ),
    "refuses with 400": (type("B", (Handler,), {"refusal": lambda self, r: Reply(400)}), "", True),
    "refuses with 404": (type("N", (Handler,), {"refusal": lambda self, r: Reply(404)}), "", True),
    "ignores what is no invoice": (type("I", (Handler,), {}), "", False),
}
