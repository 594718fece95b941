"""Handlers that believe a forger, one behaviour each."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from pytest_flexprice.webhooks.loopback import Reply, Request

from .handlers import (
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
    skips,
    verifying,
)
from .handlers_common import VerifiesLaterInAQueue, _reencoded, expected


def comparing(same: Any) -> type[Handler]:
    """Compares the header with the true signature in a way of its own."""
    return verifying(
        lambda headers, body: (
            fresh(parts(headers)[1])
            and any(same(one, expected(headers, body)) for one in parts(headers)[2].split(" ") if one)
        )
    )


def _one_sided(sign: int) -> type[Handler]:
    def check(headers: Headers, body: bytes) -> bool:
        stamp = parts(headers)[1]
        return stamp.isdigit() and sign * (time.time() - int(stamp)) < 300 and matches(KEY, *parts(headers), body)

    return verifying(check)


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


class Form(Handler):
    """Takes a form with the message in its field `payload`, unverified."""

    def receive(self, request: Request) -> Reply:
        if "form-urlencoded" in request.header("content-type") and request.body.startswith(b"payload="):
            text = parse_qs(request.body.decode())["payload"][0]
            return self.handle(replace(request, body=text.encode()), {})
        return super().receive(request)


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


def _small(request: Request, headers: Headers) -> bool:
    return len(request.body) < 300


class TrustsTheCaller(Handler):
    """Verifies the first message of a caller, and trusts the caller then."""

    def verified(self, headers: Headers, body: bytes) -> bool:
        if "trusted" in self.seen:
            return True
        if super().verified(headers, body):
            self.seen.add("trusted")
            return True
        return False


class BooksFirst(Handler):
    """Does its work, and verifies then."""

    def refusal(self, request: Request) -> Reply:
        message = parsed(request.body)
        if isinstance(message, dict):
            self.book(message, {})
        return super().refusal(request)


BELIEVING: dict[str, tuple[type[Handler], Wanted, bool]] = {
    "books, and verifies then": (BooksFirst, "refuses a message without a signature and processed it", True),
    "compares the beginning of the signature": (
        comparing(lambda sent, true: sent[:12] == true[:12]),
        "only begins and ends like the true one",
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
    "trusts a forwarded host": (skips(lambda r, h: "x-forwarded-host" in h), "and the like", True),
    "takes another method by a header": (skips(lambda r, h: "x-http-method-override" in h), "Method-Override", True),
    "does not verify with X-Debug": (skips(lambda r, h: h.get("x-debug") == "1"), "X-Debug", True),
    "takes no signature for a true one": (
        verifying(lambda h, b: not parts(h)[2] or (fresh(parts(h)[1]) and matches(KEY, *parts(h), b))),
        "without a signature",
        True,
    ),
    "an empty secret beside its own": (
        verifying(lambda h, b: fresh(parts(h)[1]) and any(matches(each, *parts(h), b) for each in (KEY, b""))),
        "signed with an empty secret",
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
    "trusts a caller it has verified once": (TrustsTheCaller, "answers success to everything", True),
}
