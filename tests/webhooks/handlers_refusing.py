"""Handlers that refuse correctly signed messages, and what stands before them, one cause each."""

from __future__ import annotations

import base64
import hashlib
import time

from pytest_flexprice.webhooks.loopback import Reply, Request

from .builders import SECRET
from .handlers import (
    KEY,
    Handler,
    Headers,
    Wanted,
    fresh,
    matches,
    parts,
    refusing,
    verifying,
    with_key,
)
from .handlers_common import over


def clock(seconds: float) -> type[Handler]:
    """A clock that is off."""

    def check(headers: Headers, body: bytes) -> bool:
        stamp = parts(headers)[1]
        return stamp.isdigit() and fresh(str(int(stamp) + int(seconds))) and matches(KEY, *parts(headers), body)

    return verifying(check)


def within(past: float, ahead: float) -> type[Handler]:
    """Takes messages that are so old, or so far ahead."""

    def check(headers: Headers, body: bytes) -> bool:
        stamp = parts(headers)[1]
        return stamp.isdigit() and -ahead <= time.time() - int(stamp) <= past and matches(KEY, *parts(headers), body)

    return verifying(check)


class NeedsAgent(Handler):
    """Lets only the delivery service's user agent pass."""

    def receive(self, request: Request) -> Reply:
        return super().receive(request) if request.header("user-agent").startswith("Svix-Webhooks") else Reply(403)


class TitleCase(Handler):
    """Reads Svix-Id and so on, as they are spelled."""

    def receive(self, request: Request) -> Reply:
        named = {name for name, _ in request.headers}
        return super().receive(request) if "Svix-Signature" in named else Reply(400)


REFUSING: dict[str, tuple[type[Handler], Wanted, bool]] = {
    "takes messages of ten seconds only": (within(10, 300), "message of half a minute ago", True),
    "takes nothing that is ahead": (within(300, 0), "dated ten seconds ahead", False),
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
    "header names in title case": (TitleCase, "names of headers in one spelling", True),
    "basic auth": (refusing(401, "", **{"WWW-Authenticate": 'Basic realm="x"'}), "a login or token", True),
    "fails on everything": (refusing(500, "Internal Server Error"), "fails on every message", True),
}
