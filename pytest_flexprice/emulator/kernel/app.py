"""The WSGI entry: route, authenticate, run the handler under the world's lock, render (contract 1.1)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from decimal import InvalidOperation
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from ..faults import all as faults
from . import auth, errors, hooks, render, wsgi
from .call import Call, Caller, Reply
from .routing import ROUTER, Route, Router
from .world import World
from .wsgi import Query, Request

_LOG = logging.getLogger(__name__)
_NOBODY = Caller("", "")
_LARGE_BODY = 1 << 20
_MASKED = 12
_NOTED = 500  # characters: what is remembered of a request is bounded, whatever is sent
MAX_BODY = 128 << 20
"""Bodies above this are refused before they reach a route; the real server has no such cap."""

SEEDING = "emulator.seeding"
"""In the WSGI environment of a request that fills the server: faults of requests leave it alone."""

_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "permissions-policy": "geolocation=(), microphone=(), camera=()",
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, POST, PUT, DELETE, OPTIONS",
    "access-control-allow-headers": "*",
}


class App:
    """The WSGI application of one world."""

    def __init__(self, world: World, router: Router = ROUTER) -> None:
        self.world = world
        self._router = router
        self._large = threading.BoundedSemaphore(1)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        request_id = request.headers.get("x-request-id") or self.world.new_ulid()
        reply = self._guarded(request, request_id)
        if not request.path.startswith("/_emulator/") and not environ.get(SEEDING):
            self._note(request, reply, request_id)
        headers = {"content-type": _content_type(reply), **_HEADERS, "x-request-id": request_id, **reply.headers}
        return wsgi.answer(start_response, request.method, reply.status, headers, _data(reply))

    def _note(self, request: Request, reply: Reply, request_id: str) -> None:
        key = request.headers.get("x-api-key", "")
        entry = {
            "at": self.world.clock.now(),
            "method": request.method,
            "path": request.path[:_NOTED],
            "query": request.query_string[:_NOTED],
            "status": reply.status,
            "request_id": request_id[:_NOTED],
            "key": f"{key[:5]}***{key[-2:]}" if len(key) > _MASKED else "***" if key else "",
        }
        self.world.requests.append(entry)

    def _guarded(self, request: Request, request_id: str) -> Reply:
        try:
            reply = self._answer(request, request_id)
        except errors.ApiError as error:
            reply = Reply(error.status, error.body())
        except errors.BareError as error:
            reply = Reply(error.status, error.body)
        except (OverflowError, InvalidOperation):
            reply = Reply(400, errors.validation("A number or date of the request is out of range").body())
        except Exception:
            _LOG.exception("%s %s failed", request.method, request.path)
            reply = Reply(500, errors.ApiError("internal_error", "An unexpected error occurred").body())
        return reply

    def _answer(self, request: Request, request_id: str) -> Reply:
        if request.method == "OPTIONS":
            return Reply(200, text="", content_type="")
        if self.world.faults and not request.environ.get(SEEDING):
            reply = faults.front(self.world, request.path)
            if reply is not None:
                return reply
        match = self._router.match(request.method, request.path)
        if match is None:
            return self._unrouted(request)
        route, params = match
        if request.length <= _LARGE_BODY:
            return self._run(request, request_id, route, params)
        with self._large:  # one big body at a time bounds the memory
            return self._run(request, request_id, route, params)

    def _unrouted(self, request: Request) -> Reply:
        target = self._router.redirect(request.method, request.path)
        if target is None:
            return Reply(404, text="404 page not found", content_type="text/plain")
        location = quote(target)
        if request.query_string:
            location += "?" + request.query_string
        if request.method != "GET":
            return Reply(307, text="", headers={"location": location}, content_type="")
        text = f'<a href="{location}">Moved Permanently</a>.\n\n'
        return Reply(301, text=text, headers={"location": location}, content_type="text/html; charset=utf-8")

    def _run(self, request: Request, request_id: str, route: Route, params: dict[str, str]) -> Reply:
        caller, environment = _NOBODY, ""
        if not route.public:
            with self.world.lock:
                caller = auth.authenticate(self.world, request.headers)
                environment = auth.environment_of(self.world, caller, request.headers, tenant_wide=route.tenant_wide)
        if route.body_limit is not None and request.length > route.body_limit:
            raise errors.validation(f"Request body exceeds the maximum size of {route.body_limit} bytes")
        auth.check_permission(route, caller)
        call = Call(
            self.world,
            request.method,
            request.path,
            params,
            Query(request.query_string),
            request.headers,
            request.body(),
            request_id,
            caller,
            environment,
            route.pattern,
        )
        with self.world.lock:
            for hook in hooks.REQUESTS:
                hook(self.world)
            if not self.world.faults or request.environ.get(SEEDING):
                return _reply(route.handler(call))
            return self._faulty(call, route)

    def _faulty(self, call: Call, route: Route) -> Reply:
        reply = faults.before(self.world, call)
        if reply is None:
            try:
                reply = _reply(route.handler(call))
            except errors.ApiError as error:
                reply = Reply(error.status, error.body())
        return faults.after(self.world, call, reply)


def _reply(answer: Any) -> Reply:
    return answer if isinstance(answer, Reply) else Reply(200, answer)


def _content_type(reply: Reply) -> str:
    return "" if reply.status == HTTPStatus.NO_CONTENT and reply.json is None else reply.content_type


def _data(reply: Reply) -> bytes:
    if reply.data is not None:
        return reply.data
    if reply.text is not None:
        return reply.text.encode()
    return render.to_json(reply.json) if _content_type(reply) else b""
