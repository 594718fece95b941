"""One request and its answer, as handlers see them.

A handler is registered with :func:`routing.route` and takes a :class:`Call`; it returns a :class:`Reply`, or a
``dict`` or ``list`` which is answered with 200, or raises :class:`errors.ApiError`. The world's lock is held meanwhile.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from . import binding
from .scope import Scope
from .world import World
from .wsgi import Query


@dataclass(frozen=True)
class Caller:
    """Who calls: the account's id and e-mail, ``kind`` "user" or "service_account", and the roles of the *key*."""

    user_id: str
    tenant: str
    kind: str = "user"
    email: str = ""
    roles: tuple[str, ...] = ()
    environment: str | None = None
    """The environment the key is pinned to; ``None`` for server-config keys and sessions."""

    @property
    def super_admin_user(self) -> bool:
        """Whether this is a person with super_admin, which some routes ask for (contract 1.7)."""
        return self.kind == "user" and "super_admin" in self.roles


@dataclass
class Reply:
    """An answer: ``json`` (rendered as Go would), or ``text`` / ``data`` with ``content_type``; or nothing."""

    status: int = 200
    json: Any = None
    text: str | None = None
    data: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json; charset=utf-8"


created = partial(Reply, 201)
accepted = partial(Reply, 202)
no_content = partial(Reply, 204)


def started(call: Call, workflow: str, message: str) -> dict[str, str]:
    """What a call answers that starts a workflow of the server."""
    identifier = f"wf_{workflow}_{call.world.new_ulid()}"
    return {"workflow_id": identifier, "run_id": str(uuid.uuid4()), "message": message}


@dataclass
class Call(Scope):
    """One request after routing and authentication."""

    world: World
    method: str
    path: str
    params: dict[str, str]
    query: Query
    headers: dict[str, str]
    body: bytes
    request_id: str
    caller: Caller
    environment: str
    pattern: str = ""

    @property
    def tenant(self) -> str:
        return self.caller.tenant

    @property
    def user(self) -> str:
        return self.caller.user_id

    def bind(
        self, schema: binding.Schema, message: str = "Invalid request format", *, validate: bool = True
    ) -> dict[str, Any]:
        """The body as ``schema`` (see :func:`binding.bind`)."""
        return binding.bind(self.body, schema, message, validate=validate)

    def query_value(
        self, name: str, kind: Callable[[str], Any] = str, message: str = "Invalid filter parameters"
    ) -> Any:
        """The first query value of that name through ``kind``; ``None`` when absent or empty."""
        value = self.query.get(name)
        return binding.convert(value, kind, message) if value else None
