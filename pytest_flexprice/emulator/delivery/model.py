"""What the delivery service keeps: applications, endpoints, messages, attempts."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ..kernel.ids import Ksuids
from .signing import new_secret

SUCCESS, PENDING, FAIL, SENDING, CANCELED = range(5)
STATUS_TEXT = ("success", "pending", "fail", "sending", "canceled")
SCHEDULED, MANUAL = range(2)
_ATTEMPTS_KEPT = 500


@dataclass
class Endpoint:
    """A URL that wants webhooks. ``filter_types`` of ``None`` means every type."""

    id: str
    url: str
    created_at: datetime
    updated_at: datetime
    description: str = ""
    uid: str | None = None
    version: int = 1
    disabled: bool = False
    rate_limit: int | None = None
    throttle_rate: int | None = None
    filter_types: list[str] | None = None
    channels: list[str] | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    secret: str = field(default_factory=new_secret)
    old_secrets: list[tuple[str, datetime]] = field(default_factory=list)

    def wants(self, event_type: str) -> bool:
        """Whether a new message of that type is for this endpoint."""
        return not self.disabled and (self.filter_types is None or event_type in self.filter_types)

    def rotate(self, secret: str, now: datetime, overlap: timedelta) -> None:
        """Take a new secret; the old one signs too until ``overlap`` has passed."""
        self.old_secrets = [(self.secret, now + overlap), *self.old_secrets]
        self.secret = secret
        self.updated_at = now

    def signing_secrets(self, now: datetime) -> list[str]:
        """The secrets that sign now, the newest first."""
        return [self.secret, *(old for old, until in self.old_secrets if until > now)]


@dataclass
class Destination:
    """How one message stands with one endpoint."""

    status: int = SENDING
    next_attempt: datetime | None = None
    failures: int = 0
    """Failed attempts that the schedule made; manual ones do not count."""


@dataclass(frozen=True)
class Attempt:
    """One try to deliver a message to an endpoint; ``status_code`` is 0 where no answer came."""

    id: str
    message_id: str
    endpoint_id: str
    url: str
    response: str
    status_code: int
    milliseconds: int
    status: int
    trigger: int
    timestamp: datetime
    event_type: str


@dataclass
class Message:
    """One event as handed to the service: the exact bytes that go out, and how it fared."""

    id: str
    event_type: str
    body: bytes
    timestamp: datetime
    event_id: str | None = None
    destinations: dict[str, Destination] = field(default_factory=dict)
    attempts: deque[Attempt] = field(default_factory=lambda: deque(maxlen=_ATTEMPTS_KEPT))
    waiting: set[str] = field(default_factory=set)
    """The endpoints whose first attempt has not ended."""
    answered: threading.Event = field(default_factory=threading.Event)
    """Set when every first attempt has ended."""

    @property
    def payload(self) -> Any:
        """The body as JSON; read anew each time, since keeping it would cost many times the bytes."""
        return json.loads(self.body)


@dataclass
class Application:
    """What one tenant has in one environment; ``uid`` is ``{tenant}_{environment}``."""

    id: str
    uid: str
    created_at: datetime
    updated_at: datetime
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    messages: OrderedDict[str, Message] = field(default_factory=OrderedDict)

    def endpoint(self, reference: str) -> Endpoint | None:
        """The endpoint with that id or uid."""
        found = self.endpoints.get(reference)
        return found or next((e for e in self.endpoints.values() if e.uid == reference), None)

    def message(self, reference: str) -> Message | None:
        """The message with that id or event id."""
        found = self.messages.get(reference)
        return found or next((m for m in self.messages.values() if m.event_id == reference), None)

    def wanted_types(self) -> frozenset[str] | None:
        """The event types that enabled endpoints want; ``None`` when one of them wants everything."""
        filters = [endpoint.filter_types for endpoint in self.endpoints.values() if not endpoint.disabled]
        if any(types is None for types in filters):
            return None
        return frozenset(name for types in filters for name in types or ())

    def remember(self, message: Message, limit: int) -> None:
        """Keep a message, and forget the oldest beyond ``limit``."""
        self.messages[message.id] = message
        while len(self.messages) > limit:
            self.messages.popitem(last=False)


class Applications:
    """Every application of the service."""

    def __init__(self) -> None:
        self.ids = Ksuids()
        self._by_uid: dict[str, Application] = {}
        self._by_id: dict[str, Application] = {}

    def get(self, reference: str) -> Application | None:
        """The application with that id or uid."""
        return self._by_id.get(reference) or self._by_uid.get(reference)

    def ensure(self, uid: str, now: datetime) -> tuple[Application, bool]:
        """The application of that uid, and whether this call created it."""
        found = self._by_uid.get(uid)
        if found:
            return found, False
        made = Application(self.ids.new("app", now), uid, now, now)
        self._by_uid[uid] = self._by_id[made.id] = made
        return made, True

    def all(self) -> list[Application]:
        """Every application, oldest first."""
        return list(self._by_id.values())
