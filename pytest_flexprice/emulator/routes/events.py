"""Sending events and reading them back (contract 3.1, 3.2, 3.7; recordings events_ingest, events_query)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from ..kernel import errors
from ..kernel.binding import Schema, array, field, instant, integer, mapping, several, text
from ..kernel.call import Call, Reply, accepted
from ..kernel.routing import route
from ..metering import ingest, listing
from ..metering.lookup import lookup
from ..metering.pipeline import pipeline
from ..metering.windows import millisecond_of

_BODY_LIMIT = 32 << 20
_PAGE = 50
_WEEK = timedelta(days=7)
_CHECK = "Please check the request payload"
_SORTS = {"timestamp": "ts", "event_name": "name"}
_ORDERS = ("asc", "desc")
_WHOLE = re.compile(r"[+-]?\d{1,9}\Z", re.ASCII)
_COLUMNS = {"external_customer_id": "ext", "event_name": "name", "event_id": "id", "source": "source"}


def property_filters(value: Any) -> dict[str, list[str]]:
    """Wanted texts by property; a property without any does not filter."""
    return {key: [item or "" for item in array(text)(values)] for key, values in mapping(value).items() if values}


_QUERY = Schema(
    "GetEventsRequest",
    *several(text, " ".join(_COLUMNS)),
    *several(instant, "start_time end_time"),
    *several(integer, "page_size offset"),
    *several(text, "iter_first_key iter_last_key sort order"),
    field("property_filters", property_filters),
)


def _accept(call: Call, events: list[ingest.Sent]) -> list[str]:
    now = millisecond_of(call.now)
    complete = list(ingest.completed(events, call.environment, now, lambda: call.world.new_id("event")))
    pipeline(call.world).accept(complete)
    return [event.id for event in complete]


@route("POST", "/v1/events", permission="event:write", body_limit=_BODY_LIMIT)
def send_event(call: Call) -> Reply:
    """Accept one event; says nothing about its being counted."""
    (identifier,) = _accept(call, [ingest.read_one(call.body)])
    return accepted({"event_id": identifier, "message": "Event accepted for processing"})


@route("POST", "/v1/events/bulk", permission="event:write", body_limit=_BODY_LIMIT)
def send_events(call: Call) -> Reply:
    """Accept up to a thousand events; those before the first incomplete one are accepted even when it is refused."""
    events = ingest.read_many(call.body)
    good, refusal = ingest.first_bad(events)
    _accept(call, [event for event in events[:good] if event is not None])
    if refusal is not None:
        raise refusal
    return accepted({"message": "Events accepted for processing"})


@route("GET", "/v1/events")
def list_events(call: Call) -> dict[str, Any]:
    """A page of raw events, by query."""
    query = call.query
    values: dict[str, Any] = {name: query.get(name) for name in (*_COLUMNS, "sort", "order")}
    values |= {name: query.get(name) for name in ("iter_first_key", "iter_last_key")}
    for name in ("start_time", "end_time"):
        values[name] = call.query_value(name, instant, _CHECK)
    size = _number(query.get("page_size"))
    values["page_size"] = size if 1 <= size <= _PAGE else _PAGE
    values["offset"] = _number(query.get("offset"))
    values["property_filters"] = _property_filters(query.get("property_filters") or "")
    return _page(call, values)


def _number(given: str | None) -> int:
    return int(given) if given and _WHOLE.match(given) else 0


def _property_filters(given: str) -> dict[str, list[str]]:
    pairs = (part.partition(":") for part in given.split(";"))
    return {
        key.strip(): [v.strip() for v in values.split(",")] for key, colon, values in pairs if colon and key.strip()
    }


def _page(call: Call, values: dict[str, Any]) -> dict[str, Any]:
    sort, order = values["sort"] or "timestamp", values["order"] or "desc"
    errors.require_allowed(_SORTS, sort, "Request validation failed due to invalid sort field", "sort")
    errors.require_allowed(_ORDERS, order, "Request validation failed due to invalid order by value", "order")
    start, end = window(call, values)
    size = values["page_size"] or 0
    return listing.page(
        call.world,
        listing.EventQuery(
            call.environment,
            start,
            end,
            {column: values[name] for name, column in _COLUMNS.items() if values[name]},
            values["property_filters"] or {},
            _SORTS[sort],
            order == "desc",
            size if size > 0 else _PAGE,
            max(values["offset"] or 0, 0),
            _cursor(values["iter_first_key"]),
            _cursor(values["iter_last_key"]),
        ),
    )


def window(call: Call, values: dict[str, Any]) -> tuple[datetime, datetime]:
    """The asked window, by default the last seven days; 400 when it ends before it starts."""
    now = call.now
    start, end = values["start_time"] or now - _WEEK, values["end_time"] or now
    errors.refuse(end < start, _CHECK)
    return start, end


def _cursor(key: str | None) -> listing.Cursor | None:
    if not key:
        return None
    parts = key.split("::")
    errors.refuse(len(parts) != 2, "Invalid cursor key format")
    errors.refuse(not re.fullmatch(r"[+-]?\d{1,19}", parts[0], re.ASCII), "Invalid timestamp while parsing cursor")
    return listing.Cursor(int(parts[0]) // 1_000_000, parts[1])


route("POST", "/v1/events/query")(lambda call: _page(call, call.bind(_QUERY, _CHECK)))
route("GET", "/v1/events/lookup")(lambda call: lookup(call, call.query.get("id") or ""))
route("GET", "/v1/events/:id")(lambda call: lookup(call, call.params["id"]))  # the older form
