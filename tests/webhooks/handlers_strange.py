"""Handlers whose mistake, or whose right, is one that a stranger thought of: one behaviour each."""

from __future__ import annotations

import hashlib
import re
import threading
import unicodedata
from dataclasses import replace
from typing import Any

from pytest_flexprice.webhooks.loopback import Reply, Request

from .handlers import KEY, Handler, Headers, Wanted, fresh, kind, parsed, parts, skips, verifying, with_key
from .handlers_common import Queued, expected, over
from .handlers_losing import changing


class Preflight(Handler):
    """Answers OPTIONS as frameworks do: sound."""

    methods = ("POST", "OPTIONS")

    def receive(self, request: Request) -> Reply:
        if request.method == "OPTIONS":
            return Reply(204, headers={"Access-Control-Allow-Origin": "*"})
        return super().receive(request)


class FailsOpenOnBytes(Handler):
    """Lets pass what it cannot decode."""

    def verified(self, headers: Headers, body: bytes) -> bool:
        try:
            body.decode()
        except UnicodeDecodeError:
            return True
        return super().verified(headers, body)

    def messages(self, body: bytes) -> list[dict[str, Any]]:
        found = parsed(body.decode("utf-8", "replace").encode())
        return [found] if isinstance(found, dict) else []


class InWords(Handler):
    """Refuses with 200 and words."""

    words = b'{"error":"invalid signature"}'

    def refusal(self, request: Request) -> Reply:
        return Reply(200, self.words)


class StrictIds(Handler):
    """Takes ids only in the delivery service's form: sound."""

    def receive(self, request: Request) -> Reply:
        sent = request.header("svix-id") or request.header("webhook-id")
        return super().receive(request) if re.fullmatch(r"msg_[A-Za-z0-9]{27}", sent) else Reply(400)


class ShortInvoices(Handler):
    """Has room for invoice ids as long as Flexprice's."""

    status = 500

    def handle(self, request: Request, headers: Headers) -> Reply:
        message = parsed(request.body)
        invoice = message.get("invoice") if isinstance(message, dict) else None
        long = isinstance(invoice, dict) and len(str(invoice.get("id"))) > 32
        return Reply(self.status, b"value too long") if long else super().handle(request, headers)


class StrictInvoices(Handler):
    """Refuses fields of an invoice that it does not know."""

    def handle(self, request: Request, headers: Headers) -> Reply:
        message = parsed(request.body)
        invoice = message.get("invoice") if isinstance(message, dict) else None
        odd = isinstance(invoice, dict) and any(name.startswith("golive") for name in invoice)
        return Reply(422) if odd else super().handle(request, headers)


class InTwoProcesses(Handler):
    """Two processes, each with a memory of its own, take turns."""

    def __init__(self) -> None:
        super().__init__()
        self.known: tuple[set[str], ...] = (set(), set())
        self.turn = 0

    def book(self, message: dict[str, Any], headers: Headers) -> None:
        with self.lock:
            self.turn += 1
            known = self.known[self.turn % 2]
            key = headers.get("svix-id", "")
            if key in known:
                return
            known.add(key)
            self.seen.clear()
        super().book(message, headers)


class ByBodyAndTime(Handler):
    """Recognises a repeat by body and time: a retry has another time."""

    def book(self, message: dict[str, Any], headers: Headers) -> None:
        key = hashlib.sha256(repr(message).encode() + headers.get("svix-timestamp", "").encode()).hexdigest()
        with self.lock:
            if f"done {key}" in self.booked:
                return
            self.booked[f"done {key}"] = 1
            self.seen.clear()
        super().book(message, headers)


class Unique(Handler):
    """Runs into its unique key and answers 500."""

    def handle(self, request: Request, headers: Headers) -> Reply:
        message_id = request.header("svix-id")
        with self.lock:
            known = message_id in self.seen
            self.seen.add(message_id)
        return Reply(500, b"duplicate key value") if known else super().handle(request, headers)


class UnknownFails(Handler):
    """Fails on event types that it does not know."""

    def handle(self, request: Request, headers: Headers) -> Reply:
        return Reply(500) if kind(request).startswith("golive") else super().handle(request, headers)


class VerifiesMuchLater(Queued):
    """Answers 202 to everything, and verifies and books longer after than others wait: sound."""

    def refusal(self, request: Request) -> Reply:
        return Reply(202)

    def book(self, message: dict[str, Any], headers: Headers) -> None:
        timer = threading.Timer(6.0, Handler.book, (self, message, headers))
        timer.daemon = True
        timer.start()


class Banned(Handler):
    """Answers whatever comes from here with one refusal."""

    def reply(self, request: Request) -> Reply:
        return Reply(403, b"<h1>Forbidden</h1>")


class WithoutSvixHeaders(Handler):
    """Takes both families of headers, behind a proxy that strips one."""

    def receive(self, request: Request) -> Reply:
        left = tuple(pair for pair in request.headers if pair[0].lower() != "svix-signature")
        return super().receive(replace(request, headers=left))


class AcceptsJson(Handler):
    """Wants Accept: application/json."""

    def receive(self, request: Request) -> Reply:
        return super().receive(request) if "application/json" in request.header("accept") else Reply(406)


class AnswersInText(Handler):
    """Tells of what it processed in words."""

    def processed(self, invoice_id: str) -> Any:
        return "yes" if super().processed(invoice_id) else "no"


def _end(headers: Headers, body: bytes) -> bool:
    return fresh(parts(headers)[1]) and any(
        one[-8:] == expected(headers, body)[-8:] for one in parts(headers)[2].split(" ") if one
    )


def _equal(headers: Headers, body: bytes) -> bool:
    return fresh(parts(headers)[1]) and expected(headers, body) in parts(headers)[2].split(" ")


def _normalised(form: Any) -> type[Handler]:
    return changing(lambda body: unicodedata.normalize(form, body.decode("utf-8", "replace")).encode())


STRANGE: dict[str, tuple[type[Handler], Wanted, bool]] = {
    "does not verify OPTIONS": (
        skips(lambda r, h: r.method == "OPTIONS", methods=("POST", "OPTIONS")),
        "sent by OPTIONS",
        True,
    ),
    "answers OPTIONS as frameworks do": (Preflight, "", True),
    "answers OPTIONS as frameworks do, cannot be asked": (Preflight, "", False),
    "compares the end of the signature": (verifying(_end), "only begins and ends like the true one", True),
    "compares in a time that tells": (verifying(_equal), "", True),
    "opens on bytes that are no text": (FailsOpenOnBytes, "in bytes that are no UTF-8", True),
    "trusts a token": (skips(lambda r, h: "authorization" in h), "Authorization header", True),
    "trusts a cookie": (skips(lambda r, h: "cookie" in h), "a cookie", True),
    "signs the body in lower case": (changing(bytes.lower), "the body in lower case", True),
    "composes accents": (_normalised("NFC"), "normalises the text", True),
    "decomposes accents": (_normalised("NFD"), "normalises the text", True),
    "signs the first thousand bytes": (changing(lambda body: body[:1000]), "takes a short message", True),
    "the key in hexadecimal": (with_key(KEY.hex().encode()), "the key in hexadecimal", True),
    "signs by MD5": (over(lambda i, t, b: f"{i}.{t}.".encode() + b, hashlib.md5), "by MD5", True),
    "signs with colons": (over(lambda i, t, b: f"{i}:{t}:".encode() + b), "with colons", True),
    "takes ids of the delivery service's form": (StrictIds, "", True),
    "room for real invoice ids": (ShortInvoices, "takes only ids in the form of Flexprice's own", True),
    "room for real invoice ids, answers 400": (
        type("Refusing", (ShortInvoices,), {"status": 400}),
        "takes only ids in the form of Flexprice's own",
        True,
    ),
    "refuses unknown fields of an invoice": (StrictInvoices, "one field more", True),
    "a memory in each of two processes": (InTwoProcesses, "at the same moment", True),
    "recognises repeats by body and time": (ByBodyAndTime, "arrives again", True),
    "answers 500 to repeats": (Unique, "already received", True),
    "answers 500 to unknown types": (UnknownFails, "an event type it does not know", True),
    "verifies and books much later": (VerifiesMuchLater, "", True),
    "a ban since an earlier run": (Banned, "a ban since forged messages", True),
    "a proxy that strips svix-signature": (WithoutSvixHeaders, "strips or rewrites the svix-* ones", True),
    "wants another Accept": (AcceptsJson, "the header Accept", True),
    "tells in words what it processed": (AnswersInText, "returned a text", True),
    "refuses in words": (InWords, "", True),
    "refuses in words, cannot be asked": (InWords, "", False),
}
