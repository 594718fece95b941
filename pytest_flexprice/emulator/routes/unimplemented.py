"""Routes that the real server has and the emulator has not: 501 by name, so that nobody takes silence for an answer."""

from __future__ import annotations

from typing import Any

from ..kernel import errors
from ..kernel.call import Call
from ..kernel.routing import ROUTER, Route

_PATTERNS = """
POST                 auth/logout
POST                 checkout/sessions
POST                 connections
PUT DELETE           connections/:id
POST                 customers/import
POST                 events/huggingface-inference events/analytics-v2 events/reprocess
GET                  groups
POST                 marketplace/agreements
POST                 subscriptions/:id/change/execute subscriptions/:id/change/preview
POST                 tasks wallets/:id/modify
"""


def refuse(call: Call) -> Any:
    """501 with the name of the operation."""
    raise errors.not_implemented(f"{call.method} {call.pattern}")


def register() -> None:
    """Add every pattern that no handler has taken; to be called when all other modules are imported."""
    for line in _PATTERNS.strip().splitlines():
        words = line.split()
        for path in (word for word in words if not word.isupper()):
            for method in (word for word in words if word.isupper()):
                ROUTER.add(Route(method, f"/v1/{path}", refuse), replace=False)
