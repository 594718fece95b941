"""What can go wrong between us and Flexprice, each as one sentence.

Flexprice refuses in four shapes (contract 1.2, 1.7, 1.8): the envelope ``{code, message, http_status_code, details}``, ``{"error"}``,
``{"error", "message"}`` and ``{"message"}``; unknown routes answer plain text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class ApiError(Exception):
    """Flexprice refused a request (4xx).

    Attributes:
        status: the HTTP status.
        shape: ``envelope``, ``error``, ``error and message``, ``message``, ``text`` or ``empty``.
        code: the envelope's code, else "".
        message: what the server said.
        details: the envelope's details.
    """

    def __init__(self, method: str, path: str, status: int, refusal: Refusal) -> None:
        self.method, self.path, self.status, self.refusal = method, path, status, refusal
        self.shape, self.code, self.message, self.details = (
            refusal.shape,
            refusal.code,
            refusal.message,
            refusal.details,
        )
        super().__init__(f"Flexprice refused {method} {path} with {status}: {refusal.message or 'without a reason'}.")

    @property
    def forbidden(self) -> bool:
        """Whether the key, and not the request, is what was refused."""
        return self.status in (401, 403)


class WriteRefused(Exception):
    """Our own guard refused to send a request, because it could touch something that this run did not make."""


@dataclass(frozen=True)
class Refusal:
    """A refusal's body, told apart by its shape."""

    shape: str
    code: str = ""
    message: str = ""
    details: dict[str, Any] = field(default_factory=dict)


def read_refusal(body: Any, text: str) -> Refusal:
    """The refusal in a body: ``body`` is its JSON (or None if it is none), ``text`` the raw text."""
    if not isinstance(body, dict):
        return Refusal("text" if text.strip() else "empty", message=text.strip()[:200])
    if "code" in body and "http_status_code" in body:
        details = body.get("details")
        return Refusal(
            "envelope", str(body["code"]), str(body.get("message", "")), details if isinstance(details, dict) else {}
        )
    if "error" in body and "message" in body:
        return Refusal("error and message", message=f"{body['error']}: {body['message']}")
    for shape in ("error", "message"):
        if shape in body:
            return Refusal(shape, message=str(body[shape]))
    return Refusal("text", message=text.strip()[:200])
