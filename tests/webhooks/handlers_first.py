"""The first handlers of the table: each mistake that probes were made for."""

from __future__ import annotations

import base64
import json
import threading
from typing import Any

from pytest_flexprice.webhooks.loopback import Reply, Request

from .builders import SECRET
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
    signature,
    skips,
    verifying,
    with_key,
)


def _url_safe(headers: Headers, body: bytes) -> bool:
    message_id, stamp, sent = parts(headers)
    expected = "v1," + base64.urlsafe_b64encode(signature(KEY, message_id, stamp, body)).decode()
    return fresh(stamp) and expected in sent.split(" ")


def _milliseconds(headers: Headers, body: bytes) -> bool:
    message_id, stamp, sent = parts(headers)
    return fresh(stamp, 1000.0) and matches(KEY, message_id, stamp, sent, body)


def _bare(headers: Headers, body: bytes) -> bool:
    message_id, stamp, sent = parts(headers)
    return fresh(stamp) and sent == base64.b64encode(signature(KEY, message_id, stamp, body)).decode()


def _hexadecimal(headers: Headers, body: bytes) -> bool:
    message_id, stamp, sent = parts(headers)
    return fresh(stamp) and sent == signature(KEY, message_id, stamp, body).hex()


def _no_time(headers: Headers, body: bytes) -> bool:
    return matches(KEY, *parts(headers), body)


def _any_form(headers: Headers, body: bytes) -> bool:
    return fresh(parts(headers)[1]) and parts(headers)[2].startswith("v1,")


def _first_of_equal_keys(headers: Headers, body: bytes) -> bool:
    """Verifies a body from which repeated keys were taken away, and books the one that has them."""
    message = json.loads(body, object_pairs_hook=lambda pairs: dict(reversed(pairs))) if parsed(body) else None
    again = json.dumps(message, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return fresh(parts(headers)[1]) and (matches(KEY, *parts(headers), again) or matches(KEY, *parts(headers), body))


class KeepsIds(Handler):
    """Answers a verified id at once when it comes again: sound, since nothing is done."""

    def receive(self, request: Request) -> Reply:
        message_id = request.header("svix-id")
        if message_id and message_id in self.seen:
            return Reply(200)
        answer = super().receive(request)
        if answer.status == 204 and message_id:
            self.seen.add(message_id)
        return answer


class VerifiesLater(Handler):
    """Answers 202 to everything, and processes what it verifies afterwards."""

    def refusal(self, request: Request) -> Reply:
        return Reply(202)


class Racing(Handler):
    """Looks whether it knows a message, does its work, and remembers it only then."""

    def book(self, message: dict[str, Any], headers: Headers) -> None:
        invoice = message.get("invoice")
        if not isinstance(invoice, dict) or message.get("event_type") != "invoice.update.finalized":
            return
        invoice_id = str(invoice.get("id"))
        if invoice_id in self.seen:
            return
        threading.Event().wait(0.1)
        self.seen.add(invoice_id)
        with self.lock:
            self.booked[invoice_id] = self.booked.get(invoice_id, 0) + 1


class Twice(Handler):
    """Books a message as often as it comes."""

    def book(self, message: dict[str, Any], headers: Headers) -> None:
        self.seen.clear()
        super().book(message, headers)


class Limited(Handler):
    """Answers 429 to most requests that come at once."""

    def __init__(self) -> None:
        super().__init__()
        self.busy = threading.Semaphore(1)

    def receive(self, request: Request) -> Reply:
        if not self.busy.acquire(blocking=False):
            return Reply(429, headers={"Retry-After": "0"})
        try:
            return super().receive(request)
        finally:
            self.busy.release()


class AlwaysLimited(Handler):
    """Lets a few requests through and answers 429 from then on."""

    def receive(self, request: Request) -> Reply:
        self.seen.add(f"request {len(self.seen)}")
        if len(self.seen) > 70:
            return Reply(429, headers={"Retry-After": "0"})
        return super().receive(request)


class NeedsPayment(Handler):
    """Fails on a payment of an invoice that it does not know."""

    def handle(self, request: Request, headers: Headers) -> Reply:
        message = parsed(request.body) or {}
        paid = isinstance(message, dict) and message.get("event_type") == "invoice.update.payment"
        if paid and f"invoice.update.finalized {message['invoice']['id']}" not in self.seen:
            return Reply(404)
        return super().handle(request, headers)


class SaysYes(Handler):
    """Verifies, books nothing, and calls everything processed."""

    def processed(self, invoice_id: str) -> int:
        return 1

    def book(self, message: dict[str, Any], headers: Headers) -> None:
        return


class Health(Handler):
    """Answers GET and HEAD as a health check does, whatever is sent."""

    methods = ("POST", "HEAD", "GET", "PUT", "PATCH")

    def receive(self, request: Request) -> Reply:
        return Reply(200) if request.method != "POST" else super().receive(request)


class JsonOnly(Handler):
    """Takes application/json only: sound."""

    def receive(self, request: Request) -> Reply:
        return super().receive(request) if request.header("content-type").startswith("application/json") else Reply(415)


class TrustsOnce(Handler):
    """Trusts an id with its signature, once verified, whatever body comes with it, and books by invoice."""

    def verified(self, headers: Headers, body: bytes) -> bool:
        known = " ".join(parts(headers))
        if known in self.seen:
            return True
        if super().verified(headers, body):
            self.seen.add(known)
            return True
        return False


#: name: the handler, the words that must be said ("" = it is sound), whether it can be asked what it processed
FIRST: dict[str, tuple[type[Handler], Wanted, bool]] = {
    "sound": (Handler, "", True),
    "sound, cannot be asked": (Handler, "", False),
    "keeps the ids of verified messages": (KeepsIds, "", True),
    "keeps the ids of verified messages, cannot be asked": (KeepsIds, "", False),
    "verifies after it answered": (VerifiesLater, "", True),
    "answers HEAD and PUT as a health check": (Health, "", False),
    "answers HEAD and PUT as a health check, can be asked": (Health, "", True),
    "takes JSON only": (JsonOnly, "", True),
    "takes svix-* headers only": (
        verifying(lambda headers, body: fresh(parts(headers)[1]) and matches(KEY, *parts(headers), body)),
        "",
        True,
    ),
    "answers at any path and verifies": (type("AnyPath", (Handler,), {"takes_any_path": True}), "", True),
    "takes any method and verifies": (
        type("AnyMethod", (Handler,), {"methods": ("POST", "PUT", "PATCH", "HEAD")}),
        "",
        True,
    ),
    "limits requests that come at once": (Limited, "", True),
    "verifies finalized only": (
        skips(lambda r, h: kind(r) != FINALIZED),
        f"an unsigned `{PAYMENT}`",
        True,
    ),
    "verifies finalized only, cannot be asked": (
        skips(lambda r, h: kind(r) != FINALIZED),
        "verifies only some messages",
        False,
    ),
    "verifies invoice.* only": (skips(lambda r, h: not kind(r).startswith("invoice.")), "subscription.", True),
    "verifies subscription.* only": (skips(lambda r, h: kind(r).startswith("invoice.")), "without a signature", True),
    "verifies known types only": (skips(lambda r, h: kind(r).startswith("golive")), "golive.unknown_event_type", True),
    "lets unsigned payments pass": (
        skips(lambda r, h: kind(r) == PAYMENT and "svix-signature" not in h),
        f"an unsigned `{PAYMENT}` is answered 204",
        True,
    ),
    "does not verify webhook-* headers": (skips(lambda r, h: "webhook-id" in h), "headers `webhook-*`", True),
    "does not verify text/plain": (
        skips(lambda r, h: h.get("content-type", "").startswith("text/")),
        "content type `text/plain`",
        True,
    ),
    "does not verify forms": (
        skips(lambda r, h: "form" in h.get("content-type", "")),
        "content type `application/x-www-form-urlencoded`",
        True,
    ),
    "verifies JSON only": (skips(lambda r, h: "json" not in h.get("content-type", "")), "content type", True),
    "does not verify without a content type": (
        skips(lambda r, h: not h.get("content-type")),
        "content type `none`",
        True,
    ),
    "does not verify PUT": (skips(lambda r, h: r.method == "PUT", methods=("POST", "PUT")), "sent by PUT", True),
    "does not verify PUT, cannot be asked": (
        type(
            "ParsingPut",
            (Handler,),
            {
                "methods": ("POST", "PUT"),
                "must_verify": lambda self, request, headers: request.method != "PUT",
                "handle": lambda self, request, headers: (
                    Handler.handle(self, request, headers) if parsed(request.body) else Reply(400)
                ),
            },
        ),
        "sent by PUT",
        False,
    ),
    "does not verify with a slash": (
        skips(lambda r, h: r.path.endswith("/"), takes_any_path=True),
        "with a slash at its end",
        True,
    ),
    "does not verify the path in capitals": (
        skips(lambda r, h: r.path.isupper(), takes_any_path=True),
        "in the other case",
        True,
    ),
    "does not verify with a query": (skips(lambda r, h: "?" in r.path), "with a query string", True),
    "does not verify large bodies": (skips(lambda r, h: len(r.body) > 200_000), "of 300 KiB", True),
    "reads header names as they are": (
        skips(lambda r, h: not any(name == "svix-signature" for name, _ in r.headers) and "svix-signature" in h),
        "header names in capitals",
        True,
    ),
    "does not verify chunks": (skips(lambda r, h: "transfer-encoding" in h), "in chunks", True),
    "does not verify gzip": (skips(lambda r, h: "content-encoding" in h), "compressed by gzip", True),
    "does not verify a batch": (skips(lambda r, h: r.body.startswith(b"[")), "in a batch of two", True),
    "does not verify a byte order mark": (
        skips(lambda r, h: r.body.startswith(b"\xef\xbb\xbf")),
        "byte order mark",
        True,
    ),
    "gives up on several signatures": (
        skips(lambda r, h: h.get("svix-signature", "").count("v1,") > 1 and "v2," in h["svix-signature"]),
        "several wrong signatures",
        True,
    ),
    "gives up on times in milliseconds": (
        skips(lambda r, h: len(h.get("svix-timestamp", "")) > 11),
        "its time in milliseconds",
        True,
    ),
    "verifies the first of equal keys": (verifying(_first_of_equal_keys), "a second `invoice` was added", True),
    "looks at the signature's form": (verifying(_any_form), "signed with a wrong secret", True),
    "does not look at the time": (verifying(_no_time), "ten minutes", True),
    "trusts what it verified once": (TrustsOnce, "whose body was changed after signing", True),
    "believes everything": (skips(lambda r, h: True), "answers success to everything", True),
    "books two that come at once": (Racing, "at the same moment", True),
    "books every repeat": (Twice, "where it arrives again", True),
    "fails on a payment before its finalization": (NeedsPayment, PAYMENT, True),
    "a witness that says yes to everything": (SaysYes, "which does not exist", True),
    "URL-safe signatures": (verifying(_url_safe), "URL-safe base64", True),
    "milliseconds compared with seconds": (verifying(_milliseconds), "a clock in milliseconds", True),
    "the signature without its version": (verifying(_bare), "does not take off 'v1,'", True),
    "the signature in hexadecimal": (verifying(_hexadecimal), "in hexadecimal", True),
    "the prefix in the key": (with_key(SECRET.encode()), "prefix and all", True),
    "the secret not decoded": (with_key(SECRET.removeprefix("whsec_").encode()), "without decoding its base64", True),
    "an empty key": (with_key(b""), "an empty secret", True),
    "a check against cross-site requests": (refusing(403, "CSRF verification failed."), "cross-site requests", True),
    "a login before it": (refusing(401, "Please log in", **{"WWW-Authenticate": "Basic"}), "a login or token", True),
    "a path without a handler": (refusing(404, "Not Found"), "no handler at this path", True),
    "no POST": (refusing(405), "nothing takes POST", True),
    "a proxy that strips headers": (
        type("Stripped", (Handler,), {"receive": lambda self, request: Reply(400, b"Missing required headers")}),
        "svix-* headers do not reach it",
        True,
    ),
    "a limit that lets nothing more pass": (AlwaysLimited, "answers 429", True),
}
