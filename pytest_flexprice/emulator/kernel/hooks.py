"""Where the parts of the emulator attach themselves to a world: when it starts, stops, serves, or something is published."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .world import World

Hook = Callable[["World"], None]
Sink = Callable[["World", str, str, str, str], None]

STARTING: list[Hook] = []
STOPPING: list[Hook] = []
SINKS: list[Sink] = []
REQUESTS: list[Hook] = []


def on_start(hook: Hook) -> Hook:
    """Run ``hook(world)`` when a server starts to serve the world."""
    STARTING.append(hook)
    return hook


def on_stop(hook: Hook) -> Hook:
    """Run ``hook(world)`` when the server of a world stops."""
    STOPPING.append(hook)
    return hook


def on_publish(sink: Sink) -> Sink:
    """Run ``sink(world, environment, event_name, kind, id)`` for everything that is published."""
    SINKS.append(sink)
    return sink


def on_request(hook: Hook) -> Hook:
    """Run ``hook(world)`` under the lock before every handler: work that has become due since the last request."""
    REQUESTS.append(hook)
    return hook
