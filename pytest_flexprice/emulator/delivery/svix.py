"""The sending half of the delivery service: messages, attempts, retries, resends."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from ..kernel.scheduler import Guard, Scheduler
from .model import FAIL, MANUAL, SCHEDULED, SUCCESS, Application, Applications, Attempt, Destination, Endpoint, Message
from .settings import DeliverySettings
from .signing import Tokens, signatures
from .transport import Outcome, Transport, host_header

USER_AGENT = "Svix-Webhooks/1.100.0"


class Svix:
    """Applications and what is sent for them. Every method but the attempts runs under the world's lock."""

    def __init__(
        self,
        settings: DeliverySettings,
        now: Callable[[], datetime],
        guard: Guard,
        scheduler: Scheduler,
        transport: Transport,
    ) -> None:
        self.settings = settings
        self.now = now
        self.started = now()
        self.applications = Applications()
        self.tokens = Tokens()
        self._guard = guard
        self._scheduler = scheduler
        self._transport = transport
        self._wanted: dict[str, tuple[datetime, frozenset[str] | None]] = {}
        self._chance = random.Random()  # noqa: S311 -- jitter, not a secret

    def application(self, tenant: str, environment: str) -> tuple[Application, bool]:
        """The application of an environment, and whether this call created it."""
        return self.applications.ensure(f"{tenant}_{environment}", self.now())

    def wants(self, application: Application, event_type: str) -> bool:
        """Whether Flexprice hands an event of that type over, by what it remembers of the endpoints (contract 6.5)."""
        now = self.now()
        read_at, types = self._wanted.get(application.id, (None, None))
        age = None if read_at is None else (now - read_at).total_seconds()
        if age is None or not 0 <= age < self.settings.wanted_types_cache_seconds:
            types = application.wanted_types()
            self._wanted[application.id] = (now, types)
        return types is None or event_type in types

    def add_endpoint(self, application: Application, url: str, **fields: Any) -> Endpoint:
        """A new endpoint with those fields of :class:`model.Endpoint`."""
        now = self.now()
        endpoint = Endpoint(self.applications.ids.new("ep", now), url, now, now, **fields)
        application.endpoints[endpoint.id] = endpoint
        return endpoint

    def send(self, application: Application, event_type: str, body: bytes, event_id: str | None = None) -> Message:
        """Take a message and schedule an attempt for every endpoint that wants it now."""
        now = self.now()
        message = Message(self.applications.ids.new("msg", now), event_type, body, now, event_id=event_id)
        application.remember(message, self.settings.message_limit)
        for endpoint in application.endpoints.values():
            if endpoint.wants(event_type):
                message.destinations[endpoint.id] = Destination(next_attempt=now)
                message.waiting.add(endpoint.id)
                self._schedule(_Try(application, message, endpoint.id, SCHEDULED), now)
        if not message.waiting:
            message.answered.set()
        return message

    def resend(self, application: Application, message: Message, endpoint: Endpoint) -> None:
        """Make one attempt by hand; it has no retries of its own."""
        self._schedule(_Try(application, message, endpoint.id, MANUAL), self.now())

    def recover(self, application: Application, endpoint: Endpoint, since: datetime, until: datetime | None) -> None:
        """Resend every message of that time that failed at the endpoint."""
        for message in application.messages.values():
            destination = message.destinations.get(endpoint.id)
            late = until is not None and message.timestamp > until
            if destination and destination.status == FAIL and message.timestamp >= since and not late:
                self.resend(application, message, endpoint)

    def _schedule(self, attempt: _Try, moment: datetime) -> None:
        self._scheduler.at(moment, partial(self._attempt, attempt))

    def _attempt(self, attempt: _Try) -> None:
        message = attempt.message
        try:
            with self._guard:
                endpoint = _ready(attempt)
                if endpoint is None:
                    return
                started, url = self.now(), endpoint.url
                headers = delivery_headers(endpoint, message, self.settings, started, int(time.time()))
            outcome = self._transport.post(url, headers, message.body)
            with self._guard:
                self._record(attempt, url, outcome, started)
        finally:
            message.waiting.discard(attempt.endpoint_id)
            if not message.waiting:
                message.answered.set()

    def _record(self, attempt: _Try, url: str, outcome: Outcome, started: datetime) -> None:
        message, status = attempt.message, SUCCESS if outcome.success else FAIL
        made = Attempt(
            id=self.applications.ids.new("atmpt", started),
            message_id=message.id,
            endpoint_id=attempt.endpoint_id,
            url=url,
            response=outcome.text,
            status_code=outcome.status,
            milliseconds=outcome.milliseconds,
            status=status,
            trigger=attempt.trigger,
            timestamp=started,
            event_type=message.event_type,
        )
        message.attempts.append(made)
        destination = message.destinations.setdefault(attempt.endpoint_id, Destination())
        destination.status = status
        if status == SUCCESS:
            destination.next_attempt = None
        elif attempt.trigger == SCHEDULED:
            destination.failures += 1
            wait = wait_before_next(self.settings, destination.failures, outcome, self._chance)
            destination.next_attempt = None if wait is None else self.now() + timedelta(seconds=wait)
            if destination.next_attempt is not None:
                self._schedule(attempt, destination.next_attempt)


@dataclass(frozen=True)
class _Try:
    """One attempt to be made."""

    application: Application
    message: Message
    endpoint_id: str
    trigger: int


def _ready(attempt: _Try) -> Endpoint | None:
    """The endpoint as it is now; a deleted or disabled one loses its pending attempts, a served one its retries."""
    endpoint = attempt.application.endpoints.get(attempt.endpoint_id)
    destination = attempt.message.destinations.get(attempt.endpoint_id)
    scheduled = attempt.trigger == SCHEDULED
    served = scheduled and destination is not None and destination.status == SUCCESS
    if endpoint is None or endpoint.disabled or served:
        if destination is not None and scheduled:
            destination.next_attempt = None
        return None
    return endpoint


def delivery_headers(
    endpoint: Endpoint, message: Message, settings: DeliverySettings, now: datetime, timestamp: int
) -> list[tuple[str, str]]:
    """The headers of one attempt, in spelling and order as recorded (recording 02_deliveries).

    ``timestamp`` is the real time in Unix seconds even when the server's clock was moved, since receivers compare it
    with theirs; ``now`` (the server's clock) decides which secrets sign.
    """
    prefix = "webhook" if settings.webhook_headers else "svix"
    signed = signatures(endpoint.signing_secrets(now), message.id, timestamp, message.body)
    return [
        ("Host", host_header(endpoint.url)),
        ("Accept", "*/*"),
        ("content-type", "application/json"),
        *endpoint.headers.items(),
        (f"{prefix}-id", message.id),
        (f"{prefix}-timestamp", str(timestamp)),
        (f"{prefix}-signature", signed),
        ("user-agent", USER_AGENT),
        ("Content-Length", str(len(message.body))),
    ]


_RESPECTS_RETRY_AFTER = (429, 503)


def wait_before_next(
    settings: DeliverySettings, failures: int, outcome: Outcome, chance: random.Random
) -> float | None:
    """Seconds until the next attempt after ``failures`` failed ones, or ``None`` when none follows.

    Every failure is alike, whether 3xx, 4xx, 5xx or no answer. ``Retry-After`` of a 429 or 503 counts between once and
    twice the scheduled time, and a timeout waits its own minimum.
    """
    if failures > len(settings.retry_schedule):
        return None
    step = settings.retry_schedule[failures - 1]
    wait = step
    if outcome.timed_out:
        wait = max(step, settings.timeout_wait_seconds)
    elif outcome.status in _RESPECTS_RETRY_AFTER and outcome.retry_after is not None:
        wait = min(max(step, outcome.retry_after), 2 * step)
    return wait * settings.retry_scale * (1 + chance.uniform(-settings.retry_jitter, settings.retry_jitter))
