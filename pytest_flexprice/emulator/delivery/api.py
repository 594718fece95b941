"""The delivery service's API under ``/api/v1`` for the app-scoped token: routes, authentication, refusals."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from typing import Any

from ..kernel.routing import Route, Router
from . import endpoints, messages
from .event_types import REGISTERED
from .paging import Query, page
from .replies import (
    Answer,
    Refusal,
    entity_not_found,
    instant,
    insufficient,
    route_not_found,
    unauthenticated,
)
from .request import Request
from .svix import Svix

MAX_BODY = 2 << 20
_IDEMPOTENT_KEPT = 1000


def _application(request: Request) -> Answer:
    found = request.application
    known: dict[str, Any] = {"uid": found.uid, "name": found.uid, "throttleRate": None, "id": found.id, "metadata": {}}
    times = {"createdAt": instant(found.created_at), "updatedAt": instant(found.updated_at)}
    return Answer(json={**known, **times})


def _shown_type(request: Request, name: str) -> dict[str, Any]:
    since = instant(request.svix.started)
    state = {"archived": False, "deprecated": False, "schemas": None, "featureFlag": None}
    return {"name": name, "description": name, **state, "createdAt": since, "updatedAt": since}


def _event_types(request: Request) -> Answer:
    shown = partial(_shown_type, request)
    return Answer(json=page(REGISTERED, request.query, lambda name: name, shown, ascending=True))


def _event_type(request: Request) -> Answer:
    if request.params["name"] not in REGISTERED:
        raise entity_not_found()
    return Answer(json=_shown_type(request, request.params["name"]))


def _logout(_: Request) -> Answer:
    raise Refusal(501, {"code": "not_implemented", "detail": "This API endpoint is not yet implemented."})


def _forbidden(_: Request) -> Answer:
    raise insufficient()


_HEALTHY = {part: {"status": "ok"} for part in ("database", "queue", "cache")}
_APP = "/app/:app"
_ENDPOINT = f"{_APP}/endpoint/:endpoint"
_MESSAGE = f"{_APP}/msg/:message"
_OPERATIONS: tuple[Route, ...] = (
    Route("GET", "/health", lambda _: Answer(json=_HEALTHY), public=True),
    Route("GET", "/health/ping", lambda _: Answer(204), public=True),
    Route("POST", "/auth/logout", _logout),
    Route("POST", "/auth/app-portal-access/:app", _forbidden),
    Route("POST", "/auth/dashboard-access/:app", _forbidden),
    Route("POST", "/app", _forbidden),
    Route("GET", "/app", _forbidden),
    Route("GET", _APP, _application),
    Route("PUT", _APP, _forbidden),
    Route("PATCH", _APP, _forbidden),
    Route("DELETE", _APP, _forbidden),
    Route("POST", "/event-type", _forbidden),
    Route("GET", "/event-type", _event_types),
    Route("GET", "/event-type/:name", _event_type),
    Route("PUT", "/event-type/:name", _forbidden),
    Route("PATCH", "/event-type/:name", _forbidden),
    Route("DELETE", "/event-type/:name", _forbidden),
    Route("POST", f"{_APP}/endpoint", endpoints.create),
    Route("GET", f"{_APP}/endpoint", endpoints.listed),
    Route("GET", _ENDPOINT, endpoints.one),
    Route("PUT", _ENDPOINT, endpoints.update),
    Route("PATCH", _ENDPOINT, endpoints.patch),
    Route("DELETE", _ENDPOINT, endpoints.delete),
    Route("GET", f"{_ENDPOINT}/secret", endpoints.secret),
    Route("POST", f"{_ENDPOINT}/secret/rotate", endpoints.rotate),
    Route("GET", f"{_ENDPOINT}/headers", endpoints.headers),
    Route("PUT", f"{_ENDPOINT}/headers", endpoints.put_headers),
    Route("PATCH", f"{_ENDPOINT}/headers", endpoints.patch_headers),
    Route("GET", f"{_ENDPOINT}/stats", endpoints.stats),
    Route("POST", f"{_ENDPOINT}/send-example", _forbidden),
    Route("POST", f"{_ENDPOINT}/recover", endpoints.recover),
    Route("GET", f"{_ENDPOINT}/msg", messages.of_endpoint),
    Route("POST", f"{_APP}/msg", _forbidden),
    Route("GET", f"{_APP}/msg", messages.listed),
    Route("GET", _MESSAGE, messages.one),
    Route("DELETE", f"{_MESSAGE}/content", _forbidden),
    Route("GET", f"{_MESSAGE}/endpoint", messages.destinations),
    Route("GET", f"{_MESSAGE}/attempt", messages.attempts_of_message),
    Route("GET", f"{_MESSAGE}/attempt/:attempt", messages.attempt),
    Route("DELETE", f"{_MESSAGE}/attempt/:attempt/content", _forbidden),
    Route("GET", f"{_MESSAGE}/endpoint/:endpoint/attempt", messages.attempts_of_pair),
    Route("POST", f"{_MESSAGE}/endpoint/:endpoint/resend", messages.resend),
    Route("GET", f"{_APP}/attempt/endpoint/:endpoint", messages.attempts_of_endpoint),
    Route("GET", f"{_APP}/attempt/msg/:message", messages.attempts_of_message),
)
_ROUTER = Router()
for _operation in _OPERATIONS:
    _ROUTER.add(_operation)


class Api:
    """Answers requests to the delivery service; to be called under the world's lock."""

    def __init__(self, svix: Svix) -> None:
        self._svix = svix
        self._answered: OrderedDict[tuple[str, ...], Answer] = OrderedDict()

    def answer(self, method: str, path: str, query: Query, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to one request; ``path`` is what follows ``/api/v1``, header names are lower case."""
        try:
            return self._answer(method, "/" + path.strip("/"), query, headers, body)
        except Refusal as refusal:
            return refusal.answer

    def _answer(self, method: str, path: str, query: Query, headers: Mapping[str, str], body: bytes) -> Answer:
        operation, params = _find("GET" if method == "HEAD" else method, path)
        if len(body) > MAX_BODY:
            raise Refusal(413, {"code": "payload_too_large", "detail": "Request payload is too large."})
        request = Request(self._svix, query, body, params)
        if not operation.public:
            token = headers.get("authorization", "")
            request.scope = self._scope(token)
            key = headers.get("idempotency-key")
            if key and method == "POST":
                return self._once((token, path, key), operation, request)
        answer: Answer = operation.handler(request)
        return answer

    def _scope(self, authorization: str) -> Any:
        scheme, _, token = authorization.partition(" ")
        name = self._svix.tokens.application(token, self._svix.now()) if scheme == "Bearer" else None
        found = self._svix.applications.get(name) if name else None
        if found is None:
            raise unauthenticated()
        return found

    def _once(self, place: tuple[str, ...], operation: Route, request: Request) -> Answer:
        """The same key at the same path is answered as the first time, whatever the body (recording 06_idempotency)."""
        if place not in self._answered:
            self._answered[place] = operation.handler(request)
            while len(self._answered) > _IDEMPOTENT_KEPT:
                self._answered.popitem(last=False)
        return self._answered[place]


def _find(method: str, path: str) -> tuple[Route, dict[str, str]]:
    found = _ROUTER.match(method, path)
    if found:
        return found
    methods = [operation.method for operation in _OPERATIONS if _is(operation, path)]
    if methods:
        raise Refusal(405, None, {"allow": ",".join(methods).replace("GET", "GET,HEAD")})
    raise route_not_found()


def _is(operation: Route, path: str) -> bool:
    found = _ROUTER.match(operation.method, path)
    return found is not None and found[0] is operation
