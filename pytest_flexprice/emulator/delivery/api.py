"""The delivery service's API under ``/api/v1`` for the app-scoped token: routes, authentication, refusals."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
from .request import Handler, Request
from .svix import Svix

MAX_BODY = 2 << 20
_IDEMPOTENT_KEPT = 1000


def _application(request: Request) -> Answer:
    found = request.application
    return Answer(
        json={
            "uid": found.uid,
            "name": found.uid,
            "throttleRate": None,
            "id": found.id,
            "createdAt": instant(found.created_at),
            "updatedAt": instant(found.updated_at),
            "metadata": {},
        }
    )


def _shown_type(request: Request, name: str) -> dict[str, Any]:
    since = instant(request.svix.started)
    return {
        "name": name,
        "description": name,
        "archived": False,
        "deprecated": False,
        "schemas": None,
        "createdAt": since,
        "updatedAt": since,
        "featureFlag": None,
    }


def _event_types(request: Request) -> Answer:
    return Answer(
        json=page(REGISTERED, request.query, lambda name: name, lambda name: _shown_type(request, name), ascending=True)
    )


def _event_type(request: Request) -> Answer:
    if request.params["name"] not in REGISTERED:
        raise entity_not_found()
    return Answer(json=_shown_type(request, request.params["name"]))


def _health(_: Request) -> Answer:
    return Answer(json={part: {"status": "ok"} for part in ("database", "queue", "cache")})


def _ping(_: Request) -> Answer:
    return Answer(204)


def _logout(_: Request) -> Answer:
    raise Refusal(501, {"code": "not_implemented", "detail": "This API endpoint is not yet implemented."})


def _forbidden(_: Request) -> Answer:
    raise insufficient()


@dataclass(frozen=True)
class _Operation:
    method: str
    path: tuple[str, ...]
    handler: Handler
    public: bool = False


def _operation(method: str, path: str, handler: Handler, public: bool = False) -> _Operation:
    return _Operation(method, tuple(path.split("/")), handler, public)


_APP = "app/:app"
_ENDPOINT = f"{_APP}/endpoint/:endpoint"
_MESSAGE = f"{_APP}/msg/:message"
_OPERATIONS = (
    _operation("GET", "health", _health, public=True),
    _operation("GET", "health/ping", _ping, public=True),
    _operation("POST", "auth/logout", _logout),
    _operation("POST", "auth/app-portal-access/:app", _forbidden),
    _operation("POST", "auth/dashboard-access/:app", _forbidden),
    _operation("POST", "app", _forbidden),
    _operation("GET", "app", _forbidden),
    _operation("GET", _APP, _application),
    _operation("PUT", _APP, _forbidden),
    _operation("PATCH", _APP, _forbidden),
    _operation("DELETE", _APP, _forbidden),
    _operation("POST", "event-type", _forbidden),
    _operation("GET", "event-type", _event_types),
    _operation("GET", "event-type/:name", _event_type),
    _operation("PUT", "event-type/:name", _forbidden),
    _operation("PATCH", "event-type/:name", _forbidden),
    _operation("DELETE", "event-type/:name", _forbidden),
    _operation("POST", f"{_APP}/endpoint", endpoints.create),
    _operation("GET", f"{_APP}/endpoint", endpoints.listed),
    _operation("GET", _ENDPOINT, endpoints.one),
    _operation("PUT", _ENDPOINT, endpoints.update),
    _operation("PATCH", _ENDPOINT, endpoints.patch),
    _operation("DELETE", _ENDPOINT, endpoints.delete),
    _operation("GET", f"{_ENDPOINT}/secret", endpoints.secret),
    _operation("POST", f"{_ENDPOINT}/secret/rotate", endpoints.rotate),
    _operation("GET", f"{_ENDPOINT}/headers", endpoints.headers),
    _operation("PUT", f"{_ENDPOINT}/headers", endpoints.put_headers),
    _operation("PATCH", f"{_ENDPOINT}/headers", endpoints.patch_headers),
    _operation("GET", f"{_ENDPOINT}/stats", endpoints.stats),
    _operation("POST", f"{_ENDPOINT}/send-example", _forbidden),
    _operation("POST", f"{_ENDPOINT}/recover", endpoints.recover),
    _operation("GET", f"{_ENDPOINT}/msg", messages.of_endpoint),
    _operation("POST", f"{_APP}/msg", _forbidden),
    _operation("GET", f"{_APP}/msg", messages.listed),
    _operation("GET", _MESSAGE, messages.one),
    _operation("DELETE", f"{_MESSAGE}/content", _forbidden),
    _operation("GET", f"{_MESSAGE}/endpoint", messages.destinations),
    _operation("GET", f"{_MESSAGE}/attempt", messages.attempts_of_message),
    _operation("GET", f"{_MESSAGE}/attempt/:attempt", messages.attempt),
    _operation("DELETE", f"{_MESSAGE}/attempt/:attempt/content", _forbidden),
    _operation("GET", f"{_MESSAGE}/endpoint/:endpoint/attempt", messages.attempts_of_pair),
    _operation("POST", f"{_MESSAGE}/endpoint/:endpoint/resend", messages.resend),
    _operation("GET", f"{_APP}/attempt/endpoint/:endpoint", messages.attempts_of_endpoint),
    _operation("GET", f"{_APP}/attempt/msg/:message", messages.attempts_of_message),
)


class Api:
    """Answers requests to the delivery service; to be called under the world's lock."""

    def __init__(self, svix: Svix) -> None:
        self._svix = svix
        self._answered: OrderedDict[tuple[str, ...], Answer] = OrderedDict()

    def answer(self, method: str, path: str, query: Query, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to one request; ``path`` is what follows ``/api/v1``, header names are lower case."""
        try:
            return self._answer(method, path.strip("/").split("/"), query, headers, body)
        except Refusal as refusal:
            return refusal.answer

    def _answer(self, method: str, parts: list[str], query: Query, headers: Mapping[str, str], body: bytes) -> Answer:
        operation, params = _find("GET" if method == "HEAD" else method, parts)
        if len(body) > MAX_BODY:
            raise Refusal(413, {"code": "payload_too_large", "detail": "Request payload is too large."})
        request = Request(self._svix, query, body, params)
        if not operation.public:
            token = headers.get("authorization", "")
            request.scope = self._scope(token)
            key = headers.get("idempotency-key")
            if key and method == "POST":
                return self._once((token, "/".join(parts), key), operation, request)
        return operation.handler(request)

    def _scope(self, authorization: str) -> Any:
        scheme, _, token = authorization.partition(" ")
        name = self._svix.tokens.application(token, self._svix.now()) if scheme == "Bearer" else None
        found = self._svix.applications.get(name) if name else None
        if found is None:
            raise unauthenticated()
        return found

    def _once(self, place: tuple[str, ...], operation: _Operation, request: Request) -> Answer:
        """The same key at the same path is answered as the first time, whatever the body (recording 06_idempotency)."""
        if place not in self._answered:
            self._answered[place] = operation.handler(request)
            while len(self._answered) > _IDEMPOTENT_KEPT:
                self._answered.popitem(last=False)
        return self._answered[place]


def _find(method: str, parts: list[str]) -> tuple[_Operation, dict[str, str]]:
    allowed = []
    for operation in _OPERATIONS:
        params = _match(operation.path, parts)
        if params is None:
            continue
        if operation.method == method:
            return operation, params
        allowed += ["GET", "HEAD"] if operation.method == "GET" else [operation.method]
    if allowed:
        raise Refusal(405, None, {"allow": ",".join(allowed)})
    raise route_not_found()


def _match(pattern: tuple[str, ...], parts: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(parts):
        return None
    params = {}
    for wanted, given in zip(pattern, parts, strict=True):
        if wanted.startswith(":"):
            if not given:
                return None
            params[wanted[1:]] = given
        elif wanted != given:
            return None
    return params
