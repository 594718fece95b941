"""Messages and attempts of an application as the app-scoped token sees them (recording 03_portal_access)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from .endpoints import shown
from .model import STATUS_TEXT, Attempt, Endpoint, Message
from .paging import Query, flag, moment, names, page, whole_number
from .replies import Answer, instant
from .request import Request, there


def listed(request: Request) -> Answer:
    content = flag(request.query, "with_content", True)
    found = _in_time(request.query, request.application.messages.values())
    return Answer(json=page(found, request.query, lambda m: m.id, lambda m: shown_message(m, content), "msg_"))


def one(request: Request) -> Answer:
    return Answer(json=shown_message(request.message, flag(request.query, "with_content", True)))


def of_endpoint(request: Request) -> Answer:
    """``GET …/endpoint/:endpoint/msg``: with how each stands with the endpoint."""
    endpoint = request.endpoint
    content = flag(request.query, "with_content", True)
    wanted = _status(request.query)
    messages = [m for m in request.application.messages.values() if endpoint.id in m.destinations]
    found = [
        m for m in _in_time(request.query, messages) if wanted is None or m.destinations[endpoint.id].status == wanted
    ]

    def render(message: Message) -> dict[str, Any]:
        standing = _standing(message, endpoint)
        if standing["nextAttempt"] is None:
            del standing["nextAttempt"]
        return {**shown_message(message, content), **standing}

    return Answer(json=page(found, request.query, lambda m: m.id, render, "msg_"))


def destinations(request: Request) -> Answer:
    """``GET …/msg/:message/endpoint``: the endpoints it went to, oldest first."""
    message, application = request.message, request.application
    found = [application.endpoints[key] for key in message.destinations if key in application.endpoints]

    def render(endpoint: Endpoint) -> dict[str, Any]:
        plain = {key: value for key, value in shown(endpoint).items() if key != "metadata"}
        return {**plain, **_standing(message, endpoint)}

    return Answer(json=page(found, request.query, lambda e: e.id, render, "ep_", ascending=True))


def attempts_of_endpoint(request: Request) -> Answer:
    endpoint = request.endpoint
    every = [a for m in request.application.messages.values() for a in m.attempts if a.endpoint_id == endpoint.id]
    return _attempts(request, every)


def attempts_of_message(request: Request) -> Answer:
    """``GET …/attempt/msg/:message``, and the older ``…/msg/:message/attempt``: newest first."""
    message = request.message
    wanted = request.query.get("endpoint_id")
    if wanted is None:
        return _attempts(request, message.attempts)
    endpoint = there(request.application.endpoint(wanted))
    return _attempts(request, [a for a in message.attempts if a.endpoint_id == endpoint.id])


def attempts_of_pair(request: Request) -> Answer:
    message, endpoint = request.message, request.endpoint
    return _attempts(request, [a for a in message.attempts if a.endpoint_id == endpoint.id])


def attempt(request: Request) -> Answer:
    found = there(next((one for one in request.message.attempts if one.id == request.params["attempt"]), None))
    return Answer(json=shown_attempt(found, True))


def resend(request: Request) -> Answer:
    """``POST …/msg/:message/endpoint/:endpoint/resend``: 202, also for a disabled endpoint, which gets nothing."""
    message, endpoint = request.message, request.endpoint
    request.svix.resend(request.application, message, endpoint)
    return Answer(202, {})


def shown_message(message: Message, content: bool) -> dict[str, Any]:
    """A message as the API shows it."""
    return {
        "eventId": message.event_id,
        "eventType": message.event_type,
        "payload": message.payload if content else {},
        "channels": None,
        "id": message.id,
        "timestamp": instant(message.timestamp),
    }


def shown_attempt(found: Attempt, content: bool) -> dict[str, Any]:
    """An attempt as the API shows it."""
    return {
        "url": found.url,
        "response": found.response if content else "{}",
        "responseStatusCode": found.status_code,
        "responseDurationMs": found.milliseconds,
        "status": found.status,
        "statusText": STATUS_TEXT[found.status],
        "triggerType": found.trigger,
        "msgId": found.message_id,
        "endpointId": found.endpoint_id,
        "id": found.id,
        "timestamp": instant(found.timestamp),
    }


def _attempts(request: Request, every: Iterable[Attempt]) -> Answer:
    query = request.query
    content = flag(query, "with_content", True)
    status, family = _status(query), query.get("status_code_class")
    hundred = whole_number("status_code_class", family) if family is not None else None
    found = [
        a
        for a in _in_time(query, every)
        if (status is None or a.status == status) and (hundred is None or a.status_code // 100 * 100 == hundred)
    ]
    return Answer(json=page(found, query, lambda a: a.id, lambda a: shown_attempt(a, content), "atmpt_"))


def _status(query: Query) -> int | None:
    text = query.get("status")
    return whole_number("status", text) if text is not None else None


def _standing(message: Message, endpoint: Endpoint) -> dict[str, Any]:
    destination = message.destinations[endpoint.id]
    coming: datetime | None = destination.next_attempt
    return {
        "status": destination.status,
        "statusText": STATUS_TEXT[destination.status],
        "nextAttempt": instant(coming) if coming else None,
    }


def _in_time(query: Query, items: Iterable[Any]) -> list[Any]:
    """Messages or attempts of the wanted event types between ``after`` and ``before``."""
    before, after, types = moment(query, "before"), moment(query, "after"), names(query, "event_types")
    return [
        item
        for item in items
        if (before is None or item.timestamp < before)
        and (after is None or item.timestamp > after)
        and (not types or item.event_type in types)
    ]
