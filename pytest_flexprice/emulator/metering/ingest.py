"""Reading sent events (contract 3.1, 3.2; recordings events_ingest, errors_create).

The general binding would do; this one is for bodies of a thousand events and keeps numbers as the doubles they become.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from ..kernel import errors
from ..kernel.binding import BindError, body_text, first_document, instant, refuse_constant
from .store import Event
from .values import NotDouble, kept, to_text
from .windows import millisecond_of

MAX_EVENTS = 1000
INVALID = "Invalid request payload"
_SPACE = " \t\n\v\f\r\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
_NAMES = frozenset(
    {"event_name", "external_customer_id", "event_id", "customer_id", "source", "timestamp", "properties"}
)
_ZERO_TIME_YEAR = 1
_LONGEST_COMMON = len("2026-01-01T00:00:00.000000+00:00")


class Sent(NamedTuple):
    """One event as sent, checked by type; ``moment`` is in milliseconds since the epoch, ``None`` for no time."""

    name: str
    external_customer_id: str
    id: str
    customer_id: str
    source: str
    moment: int | None
    properties: dict[str, Any] | None


_DECODER = json.JSONDecoder(parse_constant=refuse_constant)


def _object(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BindError("not an object")
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    if type(value) is not str:
        raise BindError("not a string")
    return value


def _properties(value: Any) -> dict[str, Any]:
    if type(value) is not dict:
        raise BindError("properties is not an object")
    try:
        return kept(value)
    except NotDouble as error:
        raise BindError("properties cannot be kept") from error


def _sent(document: Any) -> Sent:
    found = _object(document)
    if not _NAMES.issuperset(found):
        found = {name: item for key, item in found.items() if (name := key.lower()) in _NAMES}
    get = found.get
    moment, properties = get("timestamp"), get("properties")
    return Sent(
        _text(get("event_name")),
        _text(get("external_customer_id")),
        _text(get("event_id")),
        _text(get("customer_id")),
        _text(get("source")),
        None if moment is None else _moment(_text(moment)),
        None if properties is None else _properties(properties),
    )


def _moment(value: str) -> int | None:
    return _common(value) if len(value) <= _LONGEST_COMMON else _millisecond(value)


def _millisecond(value: str) -> int | None:
    if "," in value:
        raise BindError("not a time")
    moment: datetime = instant(value)
    return None if moment.year == _ZERO_TIME_YEAR else millisecond_of(moment)


_common = lru_cache(maxsize=4096)(_millisecond)  # many events of a batch bear one time


def read_one(body: bytes) -> Sent:
    """The event of ``POST /v1/events``; raises :class:`errors.ApiError` 400 without details."""
    try:
        sent = _sent(first_document(body_text(body), _DECODER))
    except BindError as error:
        raise errors.validation(INVALID) from error
    errors.refuse(not (sent.name and sent.external_customer_id), INVALID)
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
        if not (sent.name and sent.external_customer_id):
            given = (("EventName", sent.name), ("ExternalCustomerID", sent.external_customer_id))
            return index, errors.failed("IngestEventRequest", *((go, "required") for go, value in given if not value))
    return len(events), None


def completed(events: list[Sent], environment: str, now: int, new_id: Callable[[], str]) -> Iterator[Event]:
    """Sent events with what the server adds: an id, its own time, a trimmed name."""
    names: dict[str, str] = {}
    for given, external, identifier, customer, source, moment, properties in events:
        name = names.get(given)
        if name is None:
            name = names[given] = given.strip(_SPACE)
        yield Event(
            environment,
            now if moment is None else moment,
            identifier or new_id(),
            external,
            name,
            customer,
            source,
            None if properties is None else to_text(properties),
            properties or {},
        )
