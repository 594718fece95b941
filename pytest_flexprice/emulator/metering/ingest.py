"""Reading sent events (contract 3.1, 3.2; recordings events_ingest, errors_create).

The general binding would do; this one is for bodies of a thousand events and keeps numbers as the doubles they become.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from ..kernel import errors
from ..kernel.binding import BindError, body_text, first_document, instant, refuse_constant
from .store import Event
from .values import NotDouble, kept, to_text
from .windows import millisecond_of

MAX_EVENTS = 1000
INVALID = "Invalid request payload"
_SPACE = " \t\n\v\f\r\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
_TEXTS = frozenset({"event_name", "external_customer_id", "event_id", "customer_id", "source"})
_NAMES = _TEXTS | {"timestamp", "properties"}
_ZERO_TIME_YEAR = 1

Sent = dict[str, Any]
"""One event as sent: its known fields by name, checked by type; ``timestamp`` is in milliseconds or ``None``."""


_DECODER = json.JSONDecoder(parse_constant=refuse_constant)


def _object(value: Any) -> Sent:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BindError("not an object")
    return value


def _sent(document: Any) -> Sent:
    found = _object(document)
    if not _NAMES.issuperset(found):
        found = {name: item for key, item in found.items() if (name := key.lower()) in _NAMES}
    for name in found.keys() & _TEXTS:
        value = found[name]
        if type(value) is not str and value is not None:
            raise BindError(f"{name} is not a string")
    properties = found.get("properties")
    if properties is not None:
        if type(properties) is not dict:
            raise BindError("properties is not an object")
        try:
            found["properties"] = kept(properties)
        except NotDouble as error:
            raise BindError("properties cannot be kept") from error
    moment = found.get("timestamp")
    if moment is not None:
        found["timestamp"] = _moment(moment)
    return found


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WHOLE_SECOND = len("2026-01-01T00:00:00Z")


def _moment(value: Any) -> int | None:
    if type(value) is str and len(value) == _WHOLE_SECOND and value.isascii() and value[10] == "T" and value[19] == "Z":
        # The form nearly every event has; what is odd about it is left to the general reader below.
        try:
            seconds = (datetime.fromisoformat(value) - _EPOCH).total_seconds()
        except ValueError:
            seconds = 0.0
        if seconds > 0 and value[4] == value[7] == "-" and value[13] == value[16] == ":" and value[11:13] < "24":
            return int(seconds) * 1000
    if isinstance(value, str) and "," in value:
        raise BindError("not a time")
    moment: datetime = instant(value)
    return None if moment.year == _ZERO_TIME_YEAR else millisecond_of(moment)


def read_one(body: bytes) -> Sent:
    """The event of ``POST /v1/events``; raises :class:`errors.ApiError` 400 without details."""
    try:
        sent = _sent(first_document(body_text(body), _DECODER))
    except BindError as error:
        raise errors.validation(INVALID) from error
    if not (sent.get("event_name") and sent.get("external_customer_id")):
        raise errors.validation(INVALID)
    return sent


def read_many(body: bytes) -> list[Sent | None]:
    """The events of ``POST /v1/events/bulk`` (``None`` for a null element), not yet checked one by one."""
    try:
        document = _object(first_document(body_text(body), _DECODER))
        given = document.get("events")
        if "events" not in document:
            given = next((item for key, item in document.items() if key.lower() == "events"), None)
        if given is not None and not isinstance(given, list):
            raise BindError("events is not a list")
        found = [None if item is None else _sent(item) for item in given or ()]
    except BindError as error:
        raise errors.validation(INVALID) from error
    if given is None:
        raise errors.failed("BulkIngestEventRequest", ("Events", "required"))
    if not found:
        raise errors.failed("BulkIngestEventRequest", ("Events", "min"))
    if len(found) > MAX_EVENTS:
        raise errors.failed("BulkIngestEventRequest", ("Events", "max"))
    return found


def first_bad(events: list[Sent | None]) -> tuple[int, errors.ApiError | None]:
    """How many events come before the first incomplete one, and how that one is refused (recording events_ingest)."""
    for index, sent in enumerate(events):
        if sent is None:
            return index, errors.validation("Request validation failed")
        if not (sent.get("event_name") and sent.get("external_customer_id")):
            missing = [
                (go, "required")
                for go, name in (("EventName", "event_name"), ("ExternalCustomerID", "external_customer_id"))
                if not sent.get(name)
            ]
            return index, errors.failed("IngestEventRequest", *missing)
    return len(events), None


def completed(events: list[Sent], environment: str, now: int, new_id: Callable[[], str]) -> Iterator[Event]:
    """Sent events with what the server adds: an id, its own time, a trimmed name."""
    names: dict[str, str] = {}
    for sent in events:
        properties = sent.get("properties")
        moment = sent.get("timestamp")
        given = sent["event_name"]
        name = names.get(given)
        if name is None:
            name = names[given] = given.strip(_SPACE)
        yield Event(
            environment,
            now if moment is None else moment,
            sent.get("event_id") or new_id(),
            sent["external_customer_id"],
            name,
            sent.get("customer_id") or "",
            sent.get("source") or "",
            None if properties is None else to_text(properties),
            properties or {},
        )
