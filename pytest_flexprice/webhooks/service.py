"""What the delivery service knows, as data: endpoints, messages, attempts (delivery service: lists; contract 6.5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from pytest_flexprice.webhooks.content import kept

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class State(IntEnum):
    """What became of an attempt."""

    SUCCESS = 0
    PENDING = 1
    FAIL = 2
    SENDING = 3
    CANCELLED = 4

    @property
    def word(self) -> str:
        """For sentences."""
        return {0: "succeeded", 1: "pending", 2: "failed", 3: "being sent", 4: "cancelled"}[self.value]


@dataclass(frozen=True)
class Endpoint:
    """A registered URL. ``event_types`` None means every event; ``channels`` restrict it to messages that name one."""

    id: str
    url: str
    disabled: bool = False
    event_types: tuple[str, ...] | None = None
    channels: tuple[str, ...] = ()
    rate_limit: int | None = None
    created_at: datetime = EPOCH
    updated_at: datetime = EPOCH

    @classmethod
    def read(cls, row: dict[str, Any]) -> Endpoint:
        """From the service's JSON."""
        types = row.get("filterTypes") or row.get("eventTypes")
        limit = row.get("rateLimit") if row.get("rateLimit") is not None else row.get("throttleRate")
        return cls(
            id=str(row.get("id", "")),
            url=_without_password(str(row.get("url", ""))),
            disabled=bool(row.get("disabled", False)),
            event_types=tuple(sorted(map(str, types))) if types else None,
            channels=tuple(sorted(map(str, row.get("channels") or ()))),
            rate_limit=limit if isinstance(limit, int) else None,
            created_at=instant(row.get("createdAt")),
            updated_at=instant(row.get("updatedAt")),
        )


@dataclass(frozen=True)
class Attempt:
    """One try to deliver a message to an endpoint; ``response_status`` is 0 where no answer came."""

    id: str
    message_id: str
    endpoint_id: str
    state: State
    response_status: int
    at: datetime

    @classmethod
    def read(cls, row: dict[str, Any]) -> Attempt:
        """From the service's JSON."""
        return cls(
            id=str(row.get("id", "")),
            message_id=str(row.get("msgId", "")),
            endpoint_id=str(row.get("endpointId", "")),
            state=State(row["status"]) if row.get("status") in list(State) else State.PENDING,
            response_status=int(row.get("responseStatusCode") or 0),
            at=instant(row.get("timestamp")),
        )

    @property
    def acknowledged(self) -> bool:
        """Whether the handler answered 2xx."""
        return self.state is State.SUCCESS and 200 <= self.response_status < 300

    @property
    def said(self) -> str:
        """The answer in words."""
        if self.response_status:
            return f"{self.state.word} with {self.response_status}"
        return f"{self.state.word} without an answer" if self.state is State.FAIL else self.state.word


@dataclass(frozen=True)
class Message:
    """A message of one event: of its content only its type, the ids of what and whom it is about, and what is compared of an invoice."""

    id: str
    event_type: str
    object_id: str
    at: datetime
    customer_id: str = ""
    invoice: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, row: dict[str, Any]) -> Message:
        """From the service's JSON."""
        subject = _subject(row.get("payload"))
        return cls(
            str(row.get("id", "")),
            str(row.get("eventType", "")),
            str(subject.get("id", "")),
            instant(row.get("timestamp")),
            str(subject.get("customer_id", "")),
            kept(subject) if str(row.get("eventType", "")).startswith("invoice.") else {},
        )


def object_id(payload: Any) -> str:
    """The id of the invoice, subscription or other object that a webhook's body is about, or "" (contract 6.3)."""
    return str(_subject(payload).get("id", ""))


def _subject(payload: Any) -> dict[str, Any]:
    if not isinstance(payload, dict):
        return {}
    subject = payload.get(str(payload.get("event_type", "")).split(".")[0])
    if isinstance(subject, dict):
        return subject
    return next((value for value in payload.values() if isinstance(value, dict) and "id" in value), {})


def instant(text: Any) -> datetime:
    """An RFC 3339 time as an aware datetime in UTC; ``EPOCH`` where there is none."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|z|[+-]\d\d:\d\d)", str(text or ""))
    if match is None:
        return EPOCH
    day, time, fraction, zone = match.groups()
    offset = "+00:00" if zone in "Zz" else zone
    try:
        return datetime.fromisoformat(f"{day}T{time}.{(fraction or '0')[:6]:0<6}{offset}").astimezone(UTC)
    except (ValueError, OverflowError):
        return EPOCH


def _without_password(url: str) -> str:
    return re.sub(r"^(\w+://)[^/?#]*@", r"\1***@", url)
