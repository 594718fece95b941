"""The delivery service's own API, ``/api/v1/…`` on the same port as Flexprice while Svix is switched on."""

from __future__ import annotations

from ..delivery.api import Api
from ..delivery.service import service_of
from ..kernel.call import Call, Reply
from ..kernel.routing import route
from ..kernel.world import World

PREFIX = "/api/v1"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def _api(world: World) -> Api:
    return Api(service_of(world).svix)


def delivery_api(call: Call) -> Reply:
    """Hand a request over; without Svix there is no such path on a Flexprice server."""
    if not call.world.options.svix:
        return Reply(404, text="404 page not found", content_type="text/plain")
    headers = {name.lower(): value for name, value in call.headers.items()}
    api = call.world.part("delivery api", _api)
    answer = api.answer(call.method, call.path[len(PREFIX) :], call.query, headers, call.body)
    content_type = "" if answer.json is None else "application/json"
    return Reply(answer.status, data=answer.body, headers=answer.headers, content_type=content_type)


for _method in _METHODS:
    route(_method, f"{PREFIX}/*path", public=True)(delivery_api)  # the service knows its own 404 and 405
