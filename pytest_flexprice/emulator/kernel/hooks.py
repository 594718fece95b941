"""Where the parts of the emulator attach themselves to a world: when it starts, stops, serves, or something is published."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from .world import World

Registered = TypeVar("Registered")
Hook = Callable[["World"], None]
Sink = Callable[["World", str, str, str, str], None]

STARTING: list[Hook] = []
"""Run when a server starts to serve the world."""
STOPPING: list[Hook] = []
"""Run when the server of a world stops."""
SINKS: list[Sink] = []
"""Told ``(world, environment, event_name, kind, id)`` of everything that is published."""
REQUESTS: list[Hook] = []
"""Run under the lock before every handler: work that has become due since the last request."""


def _into(hooks: list[Registered]) -> Callable[[Registered], Registered]:
    def register(hook: Registered) -> Registered:
        hooks.append(hook)
        return hook

    return register


on_start = _into(STARTING)
on_stop = _into(STOPPING)
on_publish = _into(SINKS)
on_request = _into(REQUESTS)
