"""Endpoints of an application: what the app-scoped token may do with them (recordings 01_setup, 03_portal_access)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from .event_types import REGISTERED
from .model import STATUS_TEXT, Application, Endpoint
from .paging import page, parse_time
from .replies import Answer, conflict, instant, invalid, problem
from .request import Request
from .serde import BOOLEAN, STRING, Field
from .signing import key_of, new_secret

_NAME = re.compile(r"[a-zA-Z0-9\-_.]+")
_NAME_PROBLEM = r"String must match the following pattern: [a-zA-Z0-9\-_.]."
_RECOVERABLE = timedelta(days=14)
_IN_URL = "%/:?=&;,@+$!*'()~[]"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SENSITIVE = {"authorization", "proxy-authenticate", "proxy-authorization", "www-authenticate", "x-auth-token"}
_FORBIDDEN_PREFIXES = ("svix-", "webhook-", "x-svix-", "x-amz-", "x-amzn-", "x-google-", "x-goog-", "sec-")
_FORBIDDEN = {
    "accept", "accept-encoding", "connection", "content-length", "content-type", "date", "expect", "host",
    "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "user-agent", "via",
}  # fmt: skip


def _url(text: str) -> str:
    parts = urlsplit(text)
    if not parts.scheme:
        raise ValueError(f'relative URL without a base: "{text}"')
    if parts.scheme not in _DEFAULT_PORTS:
        return text
    try:
        port = parts.port
    except ValueError:
        raise ValueError(f'invalid port number: "{text}"') from None
    if not parts.hostname:
        raise ValueError(f'empty host: "{text}"')
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    user, at, _ = parts.netloc.rpartition("@")
    shown = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    path, query = (quote(part, safe=_IN_URL) for part in (parts.path or "/", parts.query))
    return urlunsplit((parts.scheme, f"{user}{at}{host}{shown}", path, query, parts.fragment))


def _secret(text: str) -> str:
    key_of(text)
    return text


def _headers(given: dict[str, Any]) -> dict[str, Any]:
    for name, value in given.items():
        lower = name.lower()
        if lower.startswith(_FORBIDDEN_PREFIXES):
            raise ValueError("__all__: Header starts with a forbidden prefix.")
        if lower in _FORBIDDEN:
            raise ValueError("__all__: Header uses a forbidden key.")
        if value is not None and not (isinstance(value, str) and value.isprintable()):
            raise ValueError("__all__: Header value is invalid.")
    return given


_LIST = (list,)
_MAP = (dict,)
_OPTIONAL = {
    "description": Field(STRING, "a string", nullable=False),
    "uid": Field(STRING, "a string"),
    "version": Field((int,), "u16"),
    "disabled": Field(BOOLEAN, "a boolean", nullable=False),
    "rateLimit": Field((int,), "u16"),
    "throttleRate": Field((int,), "u16"),
    "filterTypes": Field(_LIST, "a sequence"),
    "eventTypes": Field(_LIST, "a sequence"),
    "channels": Field(_LIST, "a sequence"),
    "metadata": Field(_MAP, "a map", nullable=False),
}
_URL = Field(STRING, "a string representing an URL", nullable=False, convert=_url)
_SECRET = Field(STRING, "a string", convert=_secret, late=True)
_CREATE = {"url": Field(STRING, _URL.expected, required=True, nullable=False, convert=_url), **_OPTIONAL}
_PATCH = {"url": _URL, **_OPTIONAL, "secret": _SECRET}
_ATTRIBUTES = {key: re.sub("[A-Z]", lambda big: f"_{big[0].lower()}", key) for key in _PATCH if key != "eventTypes"}
_DEFAULTS: dict[str, Any] = {"description": "", "version": 1, "disabled": False, "metadata": {}}


def create(request: Request) -> Answer:
    application = request.application
    given = _given(request, {**_CREATE, "secret": _SECRET}, "EndpointIn")
    return Answer(201, shown(_made(request, application, given)))


def listed(request: Request) -> Answer:
    """``GET …/endpoint``: newest first, unless ``order=ascending``."""
    ascending = request.query.get("order") == "ascending"
    endpoints = list(request.application.endpoints.values())
    return Answer(json=page(endpoints, request.query, lambda e: e.id, shown, "ep_", ascending=ascending))


def one(request: Request) -> Answer:
    return Answer(json=shown(request.endpoint))


def update(request: Request) -> Answer:
    """``PUT …/endpoint/:endpoint``: replaces everything but the secret; creates (201) what is not there."""
    application = request.application
    given = _given(request, _CREATE, "EndpointUpdate")
    endpoint = application.endpoint(request.params["endpoint"])
    if endpoint is None:
        return Answer(201, shown(_made(request, application, given)))
    _check(application, given, endpoint)
    _assign(endpoint, {**dict.fromkeys(_ATTRIBUTES.keys() - {"url", "secret"}), **_DEFAULTS, **given}, request.now)
    return Answer(json=shown(endpoint))


def patch(request: Request) -> Answer:
    """``PATCH …/endpoint/:endpoint``: changes the given fields."""
    endpoint = request.endpoint
    given = _given(request, _PATCH, "EndpointPatch")
    _check(request.application, given, endpoint)
    _assign(endpoint, given, request.now)
    return Answer(json=shown(endpoint))


def delete(request: Request) -> Answer:
    """``DELETE …/endpoint/:endpoint``: 204; pending attempts are dropped."""
    del request.application.endpoints[request.endpoint.id]
    return Answer(204)


def secret(request: Request) -> Answer:
    """``GET …/secret``: the signing secret in clear."""
    return Answer(json={"key": request.endpoint.secret})


def rotate(request: Request) -> Answer:
    """``POST …/secret/rotate``: 204; both secrets sign for a while."""
    endpoint = request.endpoint
    given = request.read({"key": _SECRET}, "EndpointSecretRotateIn")
    overlap = timedelta(seconds=request.svix.settings.secret_overlap_seconds)
    endpoint.rotate(given.get("key") or new_secret(), request.now, overlap)
    return Answer(204)


def headers(request: Request) -> Answer:
    """``GET …/headers``: values of sensitive headers are withheld."""
    held = request.endpoint.headers
    plain = {name: value for name, value in held.items() if name.lower() not in _SENSITIVE}
    return Answer(json={"headers": plain, "sensitive": [name for name in held if name not in plain]})


def put_headers(request: Request) -> Answer:
    """``PUT …/headers``: 204; replaces all."""
    endpoint = request.endpoint
    given = _given_headers(request, "EndpointHeadersIn")
    endpoint.headers = {name: value for name, value in given.items() if value is not None}
    return Answer(204)


def patch_headers(request: Request) -> Answer:
    """``PATCH …/headers``: 204; ``null`` takes one away."""
    endpoint = request.endpoint
    merged = {**endpoint.headers, **_given_headers(request, "EndpointHeadersPatchIn")}
    endpoint.headers = {name: value for name, value in merged.items() if value is not None}
    return Answer(204)


def stats(request: Request) -> Answer:
    """``GET …/stats``: how many messages stand in which state."""
    counts = dict.fromkeys(("success", "pending", "sending", "fail", "canceled"), 0)
    endpoint = request.endpoint
    for message in request.application.messages.values():
        destination = message.destinations.get(endpoint.id)
        if destination:
            counts[STATUS_TEXT[destination.status]] += 1
    return Answer(json=counts)


def recover(request: Request) -> Answer:
    """``POST …/recover``: 202; resends what failed since a time of the last 14 days."""
    endpoint = request.endpoint
    when = {"since": Field(STRING, "an RFC 3339 formatted date and time string", True, False, parse_time)}
    given = request.read({**when, "until": Field(STRING, when["since"].expected, convert=parse_time)}, "RecoverIn")
    if request.now - given["since"] > _RECOVERABLE:
        raise invalid(problem(["body", "since"], "Cannot recover more than 14 days of messages"))
    request.svix.recover(request.application, endpoint, given["since"], given.get("until"))
    identifier = request.svix.applications.ids.new("qtask", request.now)
    at = request.now.replace(microsecond=request.now.microsecond // 1000 * 1000)
    task = {"id": identifier, "status": "running", "task": "endpoint.recover", "updatedAt": instant(at)}
    return Answer(202, task)


def shown(endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint as the API shows it; the secret is not in it."""
    fields = {key: getattr(endpoint, attribute) for key, attribute in _ATTRIBUTES.items() if key != "secret"}
    times = {"createdAt": instant(endpoint.created_at), "updatedAt": instant(endpoint.updated_at)}
    return {"id": endpoint.id, **fields, "eventTypes": endpoint.filter_types, **times}


def _given(request: Request, fields: dict[str, Field], name: str) -> dict[str, Any]:
    """The body, where the official client's ``eventTypes`` is another name of ``filterTypes``."""
    given = request.read(fields, name)
    if "eventTypes" in given:
        given["filterTypes"] = given.pop("eventTypes")
    return given


def _given_headers(request: Request, name: str) -> dict[str, Any]:
    field = Field(_MAP, "a map", required=True, nullable=False, convert=_headers, late=True)
    given: dict[str, Any] = request.read({"headers": field}, name)["headers"]
    return given


def _made(request: Request, application: Application, given: dict[str, Any]) -> Endpoint:
    _check(application, given, None)
    fields = {_ATTRIBUTES[key]: value for key, value in given.items() if key != "url" and value is not None}
    return request.svix.add_endpoint(application, given["url"], **fields)


def _assign(endpoint: Endpoint, given: dict[str, Any], now: datetime) -> None:
    for key, value in given.items():
        if not (key == "secret" and value is None):
            setattr(endpoint, _ATTRIBUTES[key], _DEFAULTS.get(key) if value is None else value)
    endpoint.updated_at = now


def _check(application: Application, given: dict[str, Any], own: Endpoint | None) -> None:
    """Refuse what reads well and still may not be; every problem of the form is named at once."""
    problems = []
    if "url" in given and urlsplit(given["url"]).scheme not in _DEFAULT_PORTS:
        problems.append(problem(["body", "url"], "Endpoint URL schemes must be http or https"))
    if given.get("uid") is not None and not _NAME.fullmatch(given["uid"]):
        problems.append(problem(["body", "uid", "__all__"], _NAME_PROBLEM))
    types = given.get("filterTypes")
    if types == []:
        message = "eventTypes can't be empty, it must have at least one item."
        problems.append(problem(["body", "event_types"], message))
    elif types and not all(isinstance(name, str) and _NAME.fullmatch(name) for name in types):
        problems.append(problem(["body", "event_types", "__all__"], _NAME_PROBLEM))
    if problems:
        raise invalid(*problems)
    unknown = [name for name in types or () if name not in REGISTERED]
    if unknown:
        message = f"The following event types don't exist: {', '.join(unknown)}"
        raise invalid(problem(["body", "eventTypes"], message))
    taken = application.endpoint(given["uid"]) if given.get("uid") else None
    if taken is not None and taken is not own:
        raise conflict()
