"""What the further handlers share."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from typing import Any

from pytest_flexprice.webhooks.loopback import Reply, Request

from .builders import OTHER_SECRET
from .handlers import (
    KEY,
    Handler,
    Headers,
    fresh,
    matches,
    parsed,
    parts,
    signature,
    verifying,
)


def expected(headers: Headers, body: bytes) -> str:
    return "v1," + base64.b64encode(signature(KEY, *parts(headers)[:2], body)).decode()


def over(content: Any, digest: Any = hashlib.sha256) -> type[Handler]:
    """Signs other content than the delivery service does."""

    def check(headers: Headers, body: bytes) -> bool:
        message_id, stamp, sent = parts(headers)
        value = base64.b64encode(hmac.new(KEY, content(message_id, stamp, body), digest).digest()).decode()
        return fresh(stamp) and f"v1,{value}" in sent.split(" ")

    return verifying(check)


def _reencoded(headers: Headers, body: bytes) -> bool:
    content = parsed(body)
    again = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return fresh(parts(headers)[1]) and matches(KEY, *parts(headers), again)


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


class TwoSecrets(Handler):
    """Verifies with either of two secrets during a rotation: sound."""

    def verified(self, headers: Headers, body: bytes) -> bool:
        other = base64.b64decode(OTHER_SECRET.removeprefix("whsec_"))
        return super().verified(headers, body) or (fresh(parts(headers)[1]) and matches(other, *parts(headers), body))
