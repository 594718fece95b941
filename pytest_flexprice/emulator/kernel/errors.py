"""How the emulator refuses a request: the JSON envelope and the three bare shapes (contract 1.2, 1.3, 1.7, 1.8)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

_CODES = {
    400: "validation_error invalid_operation",
    403: "permission_denied",
    404: "not_found",
    409: "already_exists version_conflict",
    429: "too_many_requests",
    500: "database_error system_error internal_error",
    501: "not_implemented",
    503: "service_unavailable",
}
_STATUS = {code: status for status, codes in _CODES.items() for code in codes.split()}


class ApiError(Exception):
    """A refusal that is answered with the envelope ``{code, message, http_status_code, details?}``."""

    def __init__(self, code: str, message: str, details: Mapping[str, Any] | None = None, status: int | None = None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = dict(details) if details else None
        self.status = _STATUS[code] if status is None else status

    def body(self) -> dict[str, Any]:
        """The envelope; ``details`` is absent when there are none."""
        body: dict[str, Any] = {"code": self.code, "message": self.message, "http_status_code": self.status}
        if self.details:
            body["details"] = self.details
        return body


class BareError(Exception):
    """A refusal whose body is not the envelope: ``{"error"}``, ``{"error","message"}`` or ``{"message"}``."""

    def __init__(self, status: int, body: Mapping[str, str]):
        super().__init__(str(dict(body)))
        self.status = status
        self.body = dict(body)


validation = partial(ApiError, "validation_error")
invalid_operation = partial(ApiError, "invalid_operation")
not_found = partial(ApiError, "not_found")
conflict = partial(ApiError, "already_exists")
permission_denied = partial(ApiError, "permission_denied")
"""In the envelope; the middleware's own 403 is :func:`forbidden`."""
database_error = partial(ApiError, "database_error")


def refuse(wrong: object, message: str, /, **details: Any) -> None:
    """400 with these details for what is wrong; nothing happens otherwise."""
    if wrong:
        raise validation(message, details)


def require_allowed(allowed: Iterable[str], value: str | None, message: str, name: str = "provided_value") -> None:
    """400 with ``message`` for a word that is none of the allowed ones, where the server calls them values; no word is fine."""
    refuse(value and value not in allowed, message, **{"allowed_values": list(allowed), name: value})


def require_one_of(allowed: Iterable[str], value: str | None, noun: str, name: str) -> None:
    """400 "Invalid ``noun``" for a word that is none of the allowed ones (recordings features, prices); no word is fine."""
    words = list(allowed)
    refuse(value and value not in words, f"Invalid {noun}", **{"allowed": words, name: value})


def not_implemented(what: str) -> ApiError:
    """501: the real server can do this and the emulator cannot; ``what`` names it."""
    return ApiError("not_implemented", f"the emulator does not implement {what}")


@contextmanager
def at_index(index: int) -> Iterator[None]:
    """Refusals within the block say in their details which of several items they mean (recording price_changes)."""
    try:
        yield
    except ApiError as error:
        raise ApiError(error.code, error.message, {**(error.details or {}), "index": index}) from error


def failed(schema: str, *failures: tuple[str, str]) -> ApiError:
    """400 "Request validation failed" with one detail for each ``(Go field, tag)`` (contract 1.8)."""
    details = {}
    for name, tag in failures:
        last = name.rsplit(".", 1)[-1]
        details[last] = f"Key: '{schema}.{name}' Error:Field validation for '{last}' failed on the '{tag}' tag"
    return validation("Request validation failed", details)


def unauthorized(error: str = "Unauthorized") -> BareError:
    """401 ``{"error"}`` of the authentication middleware (contract 1.2)."""
    return BareError(401, {"error": error})


def access_denied(message: str) -> BareError:
    """403 ``{"error","message"}`` of the environment middleware (contract 1.3)."""
    return BareError(403, {"error": "Access denied", "message": message})


def forbidden(message: str) -> BareError:
    """403 ``{"message"}`` of the permission middleware (contract 1.7)."""
    return BareError(403, {"message": message})
