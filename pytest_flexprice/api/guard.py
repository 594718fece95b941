"""The write guard: what may be sent at all, decided before a request leaves.

Reads pass. A write passes when the level allows it, the environment has been proved, and every existing object it touches was made by
this run. Anything else never leaves (design rule: safety in production is enforced here, not by discipline).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from pytest_flexprice.api.errors import WriteRefused
from pytest_flexprice.api.paths import refuse_suspect
from pytest_flexprice.api.writes import WRITES, Owns, Write
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.finding import Finding, not_verified
from pytest_flexprice.model.golive_plan import Environment
from pytest_flexprice.oracle.access import Belonging, wrong_environment

#: POST routes that change nothing (contract 1.10, 3.7, 3.9, 4.3, 4.5, 5.3).
_READING_POSTS = re.compile(
    r"/v1/(?:(?:[a-z-]+/)*search|events/(?:query|usage|usage/meter|analytics)|meter-usage/(?:query|analytics)"
    r"|subscriptions/usage|invoices/preview)"
)
#: A GET that sends webhooks (contract 4.1).
_TELLING_GETS = re.compile(r"/v1/customers/[^/]+/invoices/summary/?", re.IGNORECASE)
#: Create routes whose permission is checked before their body (contract 1.7): `{}` probes it without effect.
_PROBED_ROUTES = ("/v1/events", "/v1/customers")
_OF_AN_ENVIRONMENT = re.compile(r"[A-Z]+ /v1/(?:customers|subscriptions|invoices|plans|features|prices)\b")
_METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH")
#: Headers and queries by which some proxies and frameworks take another method, address or length than the one that was checked; only
#: their letters, in lower case: to many servers ``X-HTTP-Method`` and ``x_http_method`` are one.
_MISLEADING = re.compile(
    r"(?:x?http)?method(?:override)?|xmethodoverride|xoriginal(?:url|uri|method)|xrewrite(?:url|uri)|xforwarded.*|forwarded|host"
    r"|contentlength|transferencoding|contentencoding|connection|upgrade|te|expect"
)
_HARMLESS = frozenset({"x-request-id", "accept", "user-agent"})
NOT_PROVED = "the environment has not been proved yet"


@dataclass
class _State:
    """What a guard knows: whether the environment was proved and its id, why it never can be, and what it refused."""

    proved: bool = False
    home: str = ""
    blocked: str = ""
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    body: Any
    query: Mapping[str, Any]
    headers: Mapping[str, str | None]


class WriteGuard:
    """Decides about each request of one client.

    ``owns`` tells whether an id or external id was made by this run. What the guard knows lives in its own functions: no attribute
    opens it, ``prove`` does, and only with an environment that is the declared one.
    """

    __slots__ = ("block", "check", "heed", "prove", "refused")

    #: ``check(method, path, body, query, headers)`` raises WriteRefused where the request must not be sent; the message says why.
    check: Callable[..., None]
    #: ``prove(seen, declared, header)`` returns what is wrong; with nothing wrong, writes may leave from now on.
    prove: Callable[[Belonging, Environment, str], list[Finding]]
    #: ``heed(where, answer)`` closes it and raises NotVerified once an answer is of another environment than the proved one.
    heed: Callable[[str, Any], None]
    #: ``block(reason)`` closes it for good.
    block: Callable[[str], None]
    #: ``refused()`` lists what was kept back, as ``METHOD path``.
    refused: Callable[[], tuple[str, ...]]

    def __init__(self, level: Level, production: bool, owns: Owns = lambda identifier: False) -> None:
        state = _State()
        # A drill in an environment that is not live may do anything; nothing else may.
        free = level is Level.DRILL and not production

        def check(
            method: str,
            path: str,
            body: Any = None,
            query: Mapping[str, Any] | None = None,
            headers: Mapping[str, str | None] | None = None,
        ) -> None:
            request = _Request(method, path, body, query or {}, headers or {})
            try:
                refuse_suspect(path)
                reason = _misleading(request)
                if not reason and not is_harmless(method, path, body, query, headers):
                    reason = _closed(level, state) or ("" if free else _not_ours(request, owns))
                if reason:
                    raise WriteRefused(f"{method} {path} was not sent: {reason}.")
            except WriteRefused:
                state.refused.append(f"{method} {path}")
                raise

        def prove(seen: Belonging, declared: Environment, header: str = "") -> list[Finding]:
            findings = wrong_environment(seen, declared, header)
            if not seen.environment_id or findings:
                state.blocked = state.blocked or (findings[0].problem if findings else NOT_PROVED)
            state.proved, state.home = not state.blocked, seen.environment_id
            return findings

        def heed(where: str, answer: Any) -> None:
            other = _other_environment(where, answer, state.home) if state.proved else ""
            if other:
                reason = f"{where} was answered from another environment ('{other}') than the one that was proved"
                state.blocked, state.proved = state.blocked or reason, False
                raise not_verified("1.1", where, reason, remedy="see what stands in front of Flexprice")

        def block(reason: str) -> None:
            state.blocked = state.blocked or reason

        for name, function in (
            ("check", check),
            ("prove", prove),
            ("heed", heed),
            ("block", block),
            ("refused", lambda: tuple(state.refused)),
        ):
            object.__setattr__(self, name, function)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"'{name}' of the write guard cannot be set: it is opened by proof only")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"'{name}' of the write guard cannot be taken away")


def _closed(level: Level, state: _State) -> str:
    if level < Level.SMOKE:
        return f"level {level.word} does not write; run with --flexprice-level=smoke"
    return state.blocked or ("" if state.proved else NOT_PROVED)


def _misleading(request: _Request) -> str:
    if request.method not in _METHODS:
        return f"'{request.method}' is no method"
    for name in [*request.query, *request.headers]:
        if _MISLEADING.fullmatch(re.sub(r"[^a-z]", "", name.lower())):
            return f"'{name}' could make another request of it"
    return ""


def _other_environment(where: str, answer: Any, home: str) -> str:
    """Of which other environment an answer is, or ""; only where each row is of one (contract 1.4)."""
    if not isinstance(answer, dict) or not _OF_AN_ENVIRONMENT.match(where):
        return ""
    listed = answer.get("items")
    rows = [row for row in [answer, *(listed if isinstance(listed, list) else ())] if isinstance(row, dict)]
    named = (row["environment_id"] for row in rows if row.get("environment_id"))
    return next((str(each) for each in named if each != home), "")


def _not_ours(request: _Request, owns: Owns) -> str:
    for write in WRITES:
        match = write.path.fullmatch(request.path)
        if write.method == request.method and match:
            identifier = match.groupdict().get("id")
            if identifier is not None and not owns(identifier):
                return f"'{identifier}' was not made by this run"
            return _beside(write, request) or _in_body(write, request.body, owns)
    return "a smoke test never sends this request"


def _beside(write: Write, request: _Request) -> str:
    for name, value in request.query.items():
        if value not in write.queries.get(name, ()):
            return f"the query '{name}' has no place beside it"
    return _strange_header(request.headers)


def _in_body(write: Write, body: Any, owns: Owns) -> str:
    if body is None:
        body = {}
    return write.check(body, owns) if isinstance(body, dict) else "its body is no object"


def _strange_header(headers: Mapping[str, str | None]) -> str:
    strange: Sequence[str] = [name for name in headers if name.strip().lower() not in _HARMLESS]
    return f"the header '{strange[0]}' has no place beside a write" if strange else ""


def is_harmless(
    method: str,
    path: str,
    body: Any,
    query: Mapping[str, Any] | None = None,
    headers: Mapping[str, str | None] | None = None,
) -> bool:
    """Whether a request changes nothing: a read, or a probe of write permission."""
    return is_read(method, path) or (
        is_permission_probe(method, path, body) and not query and not _strange_header(headers or {})
    )


def is_read(method: str, path: str) -> bool:
    """Whether a request changes nothing."""
    if method == "POST":
        return _READING_POSTS.fullmatch(path) is not None
    return method in ("GET", "HEAD", "OPTIONS") and not _TELLING_GETS.fullmatch(path)


def is_permission_probe(method: str, path: str, body: Any) -> bool:
    """Whether a request probes write permission without effect: an empty body on a validated create route."""
    return method == "POST" and path in _PROBED_ROUTES and body == {}
