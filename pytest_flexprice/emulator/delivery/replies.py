"""Answers of the delivery service's API and the shapes in which it refuses (recording 04_errors)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any


@dataclass
class Answer:
    """One answer; ``json`` of ``None`` is an empty body."""

    status: int = 200
    json: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """The bytes of the body."""
        if self.json is None:
            return b""
        return json.dumps(self.json, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


class Refusal(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, body: Mapping[str, Any] | None, headers: Mapping[str, str] | None = None):
        super().__init__(f"{status} {body}")
        self.answer = Answer(status, None if body is None else dict(body), dict(headers or {}))


unauthenticated = partial(Refusal, 401, {"code": "authentication_failed", "detail": "Invalid token"})
"""No token, or one that is forged, foreign or expired."""
insufficient = partial(
    Refusal, 403, {"code": "insufficient access", "detail": "Insufficient access for the given operation."}
)
"""What an app-scoped token may not do."""
entity_not_found = partial(Refusal, 404, {"code": "not_found", "detail": "Entity not found"})
"""An application, endpoint, message or attempt that is not there or belongs to another application."""
route_not_found = partial(Refusal, 404, None)
conflict = partial(Refusal, 409, {"code": "conflict", "detail": "A conflict has occurred"})
"""A uid that is taken."""


def bad_query(what: str) -> Refusal:
    """400: a query string that cannot be read."""
    return Refusal(400, {"code": "generic_error", "detail": f"Failed to deserialize query string: {what}"})


def unreadable(path: str, message: str) -> Refusal:
    """422: a body that is not JSON of the wanted shape; ``path`` is ``.`` for the whole."""
    text = message if path == "." else f"{path}: {message}"
    return invalid(problem(["body", *path.split(".")], text, "value_error.jsondecode"))


def problem(loc: list[str], message: str, kind: str = "value_error") -> dict[str, Any]:
    """One entry of a 422."""
    return {"loc": loc, "msg": message, "type": kind}


def invalid(*problems: Mapping[str, Any]) -> Refusal:
    """422 with one entry for each problem."""
    return Refusal(422, {"detail": [dict(entry) for entry in problems]})


def instant(moment: datetime) -> str:
    """A time with no, 3 or 6 fractional digits, whichever loses nothing, and ``Z``."""
    moment = moment.astimezone(UTC)
    spec = "seconds" if not moment.microsecond else "milliseconds" if moment.microsecond % 1000 == 0 else "microseconds"
    return moment.isoformat(timespec=spec).replace("+00:00", "Z")
