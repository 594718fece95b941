"""A webhook receiver on loopback: the other end of the delivery service, for tests of senders and pipelines."""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pytest_flexprice.webhooks import signatures
from pytest_flexprice.webhooks.loopback import LoopbackServer, Reply, Request

Predicate = Callable[["Received"], bool]


@dataclass(frozen=True)
class Received:
    """A message as it arrived.

    Attributes:
        request: method, path, headers and the exact bytes.
        at: when it arrived (aware, UTC).
        problem: why its signature does not hold, or "" when it does.
        status: what the receiver answered.
    """

    request: Request
    at: datetime
    problem: str
    status: int

    @property
    def verified(self) -> bool:
        """Whether the signature holds for the bytes received."""
        return not self.problem

    @property
    def message_id(self) -> str:
        """The delivery service's id of the message: the same for each retry."""
        return self.request.header("svix-id") or self.request.header("webhook-id")

    @property
    def payload(self) -> Any:
        """The parsed body, or None when it is no JSON."""
        try:
            return json.loads(self.request.body)
        except ValueError:
            return None

    @property
    def event_type(self) -> str:
        """The body's ``event_type``, or ""."""
        return str(self.payload.get("event_type", "")) if isinstance(self.payload, dict) else ""


@dataclass
class _Behaviour:
    status: int = 200
    location: str = ""
    delay: float = 0.0
    times: int | None = None


class WebhookReceiver(LoopbackServer):
    """Receives, verifies and keeps webhook messages; can be told to fail, to delay or to redirect.

    Args:
        secret: the signing secret to verify with; a fresh one if "".
        keep: how many messages are kept; the oldest are dropped first.
        keep_bytes: how large their bodies may be together.
    """

    def __init__(self, secret: str = "", keep: int = 200, keep_bytes: int = 32 * 1024 * 1024) -> None:
        super().__init__()
        self.secret = secret or "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
        self._received: deque[Received] = deque(maxlen=keep)
        self._keep_bytes = keep_bytes
        self._behaviour = _Behaviour()
        self._changed = threading.Condition()

    @property
    def url(self) -> str:
        """Where messages are to be sent."""
        return f"{self.origin}/webhooks"

    @property
    def received(self) -> list[Received]:
        """The messages kept, oldest first."""
        with self._changed:
            return list(self._received)

    def answer(self, status: int = 200, *, times: int | None = None, delay: float = 0.0, location: str = "") -> None:
        """Say how messages are answered from now on.

        Args:
            status: the status of the answers.
            times: after so many answers, succeed again; for ever if None.
            delay: seconds to wait before answering.
            location: the target of a redirect (with a 3xx status).
        """
        with self._changed:
            self._behaviour = _Behaviour(status, location, delay, times)

    def wait_for(self, wanted: Predicate | str, deadline: float = 10.0) -> Received:
        """Wait until a message has arrived and return it.

        Args:
            wanted: a predicate, or an event type.
            deadline: seconds.

        Raises:
            AssertionError: no such message arrived in time; says what did.
        """
        matches: Predicate = wanted if callable(wanted) else lambda one: one.event_type == wanted
        until = time.monotonic() + deadline
        with self._changed:
            while True:
                found = next((one for one in self._received if matches(one)), None)
                if found is not None:
                    return found
                left = until - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    seen = ", ".join(one.event_type or "something without event_type" for one in self._received)
                    raise AssertionError(f"no such webhook arrived within {deadline:g} s; arrived: {seen or 'nothing'}")

    def clear(self) -> None:
        """Forget what has arrived."""
        with self._changed:
            self._received.clear()

    def reply(self, request: Request) -> Reply:
        """Keep the message and answer as told."""
        with self._changed:
            behaviour = self._behaviour
            if behaviour.times is not None:
                behaviour.times -= 1
                if behaviour.times <= 0:
                    self._behaviour = _Behaviour()
        if behaviour.delay:
            time.sleep(behaviour.delay)
        one = Received(request, datetime.now(UTC), self._problem(request), behaviour.status)
        with self._changed:
            self._received.append(one)
            while len(self._received) > 1 and sum(len(each.request.body) for each in self._received) > self._keep_bytes:
                self._received.popleft()
            self._changed.notify_all()
        return Reply(behaviour.status, headers={"Location": behaviour.location} if behaviour.location else {})

    def _problem(self, request: Request) -> str:
        try:
            signatures.verify(dict(request.headers), request.body, self.secret)
        except signatures.SignatureError as error:
            return str(error)
        return ""
