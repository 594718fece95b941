"""Making single probes: requests to the company's handler, each with an invoice or subscription of its own that marks it as ours."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import secrets as randomness
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pytest_flexprice.webhooks import bodies, signatures


class Expect(StrEnum):
    """What a sound handler does with a probe; ``TOLD`` is sent only to find out a cause."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NO_CRASH = "answered without an error of its own"
    NO_EFFECT = "accepted or refused, and not processed"
    TOLD = "either"


@dataclass(frozen=True)
class Way:
    """How a request is carried, where that is not a plain POST to the handler's URL.

    Attributes:
        path: what is done to the URL's path: "" nothing, ``slash`` one at its end is added or taken away, ``double`` one is doubled,
            ``below`` a segment is added, ``case`` it is written in capitals, ``escaped`` a letter is percent-encoded, ``query`` a
            query string is added, ``elsewhere`` it is another one.
        elsewhere: whether a server may have another answer there that has nothing to do with the handler, so that a 2xx alone
            proves nothing.
    """

    method: str = "POST"
    path: str = ""
    chunked: bool = False
    http_1_0: bool = False

    @property
    def elsewhere(self) -> bool:
        return self.method != "POST" or self.path not in ("", "query")


PLAIN = Way()
_OF_ONE_INVOICE = ("repeated", "simultaneous", "out of order", "restart", "memory")
"""Kinds whose probes are all about one invoice."""


@dataclass(frozen=True)
class Probe:
    """One request to the handler.

    Attributes:
        name: the probe's key, such as ``tampered body``.
        kind: what it tries: probes of one kind make one finding.
        title: the message in a reader's words, after "the handler accepts …".
        key: which secret signed it, by its variable and fingerprint.
        way: how it is carried.
        about: what is unlike the control in it, by dimension, such as ``{"type": "invoice.update.payment"}``.
        twin: the same with a true signature, to be sent only where this forged one was accepted: its positive control.
        nonsense: the same way with nothing in it, to learn whether anything is answered with success there.
    """

    name: str
    kind: str
    title: str
    expect: Expect
    headers: dict[str, str]
    body: bytes
    event_type: str
    invoice_id: str
    key: str
    way: Way = PLAIN
    about: Mapping[str, str] = field(default_factory=dict)
    twin: Probe | None = None
    nonsense: Probe | None = None


_EARLIER = timedelta(seconds=1)
"""Messages are dated so long before they are sent: their repeats, a second later, are not ahead of anybody's clock."""


class Mint:
    """Makes the probes of one run.

    Args:
        secret: the endpoint's signing secret.
        run_id: marks everything the probes carry, with some characters that differ from set to set.
        now: the time they are signed at (aware).
        variable: the name of the variable that the secret came from.

    Raises:
        SecretError: the secret is none.
    """

    def __init__(self, secret: str, run_id: str, now: datetime, variable: str = "the signing secret") -> None:
        signatures.check_secret(secret)
        self.secret, self.now = secret, now - _EARLIER
        # Two sets of probes in one run must not share an invoice: its being processed by each is no repetition.
        self.mark = f"{run_id}-{randomness.token_hex(4)}"
        self._key = shown(variable, secret)

    def renewed(self, now: datetime) -> Mint:
        """The same for a later time: messages of the same ids, dated and signed anew."""
        later = copy.copy(self)
        later.now = now - _EARLIER
        return later

    def message(self, name: str, event_type: str = bodies.INVOICE_TYPES[0]) -> dict[str, Any]:
        """A message's content, marked with this run and the probe's name."""
        return bodies.message(event_type, self.mark, name, self.now)

    def body(self, name: str) -> bytes:
        """A finalized invoice's message as the delivery service would send it."""
        return bodies.encode(self.message(name))

    def message_id(self, name: str) -> str:
        """A message id that no other run uses."""
        return bodies.message_id(self.mark, name)

    def headers(self, name: str, value: str) -> dict[str, str]:
        """The headers of that probe with any signature value."""
        return signatures.headers(self.message_id(name), signatures.timestamp(self.now), value)

    def signed(
        self,
        name: str,
        kind: str,
        title: str,
        body: bytes | None = None,
        *,
        expect: Expect = Expect.ACCEPTED,
        secret: str = "",
        also: str = "",
        sent_at: timedelta = timedelta(0),
        event_type: str = bodies.INVOICE_TYPES[0],
        message_id: str = "",
        family: str = "svix",
        key: str = "",
        content_type: str = "",
    ) -> Probe:
        """A probe with a true signature, by default of this run's secret over ``body(name)``, now."""
        content = self.body(name) if body is None else body
        sent = signatures.sign(
            secret or self.secret,
            message_id or self.message_id(name),
            self.now + sent_at,
            content,
            also=[also] if also else [],
            family=family,
        )
        if content_type:
            sent["content-type"] = content_type
        return self.made(name, kind, title, content, headers=sent, expect=expect, event_type=event_type, key=key)

    def again(self, probe: Probe, name: str, kind: str, body: bytes | None = None) -> Probe:
        """A probe once more as a retry sends it: the same id, a second later, signed anew."""
        content = probe.body if body is None else body
        stamp = signatures.timestamp(self.now + _EARLIER)
        sent = {**probe.headers, **self.over(content, probe.headers["svix-id"], self.secret, stamp)}
        return replace(probe, name=name, kind=kind, headers=sent, body=content)

    def stamped(self, name: str, kind: str, stamp: str, expect: Expect) -> Probe:
        """A probe whose signature is true for a timestamp of any form."""
        body, message_id = self.body(name), self.message_id(name)
        sent = self.over(body, message_id, self.secret, stamp)
        return self.made(name, kind, "", body, headers=sent, expect=expect)

    def telling_id(self, name: str, body: bytes, sent_at: timedelta = timedelta(0)) -> str:
        """A message id under which the signature of ``body`` holds a ``+`` or ``/``, which URL-safe base64 writes otherwise.

        Without it a handler that mixes the two up would be right or wrong by chance.
        """
        for number in range(200):
            message_id = self.message_id(f"{name} {number}" if number else name)
            value = signatures.signature(self.secret, message_id, self.now + sent_at, body)
            if "+" in value or "/" in value:
                return message_id
        raise AssertionError("one signature in four has neither character")

    def over(self, body: bytes, message_id: str, secret: str, stamp: str = "") -> dict[str, str]:
        """The headers that sign any bytes, also such as are no text, with a secret."""
        key = base64.b64decode(secret.removeprefix(signatures.PREFIX) + "==")
        stamp = stamp or signatures.timestamp(self.now)
        value = base64.b64encode(hmac.new(key, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256).digest())
        return signatures.headers(message_id, stamp, f"v1,{value.decode()}")

    def keyed(self, name: str, kind: str, title: str, key: bytes, expect: Expect) -> Probe:
        """A probe signed with raw key bytes, as a mistaken handler would derive them."""
        body, message_id = self.body(name), self.message_id(name)
        content = f"{message_id}.{signatures.timestamp(self.now)}.".encode() + body
        value = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        return self.made(name, kind, title, body, headers=self.headers(name, f"v1,{value}"), expect=expect)

    def made(
        self,
        name: str,
        kind: str,
        title: str,
        body: bytes,
        *,
        headers: dict[str, str],
        expect: Expect = Expect.REFUSED,
        event_type: str = bodies.INVOICE_TYPES[0],
        key: str = "",
    ) -> Probe:
        """A probe with the given headers."""
        invoice_id = bodies.marked_id("inv", self.mark, kind if kind in _OF_ONE_INVOICE else name)
        sent = {"content-type": "application/json", **headers}
        return Probe(name, kind, title, expect, sent, body, event_type, invoice_id, key or self._key)


def shown(name: str, secret: str) -> str:
    """A secret as it may be shown: its name and fingerprint."""
    return f"{name} (fingerprint {signatures.fingerprint(secret)})"


def fresh_secret() -> str:
    """A signing secret that nobody else has."""
    return signatures.PREFIX + base64.b64encode(randomness.token_bytes(24)).decode()
