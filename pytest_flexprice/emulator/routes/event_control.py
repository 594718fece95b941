"""``/_emulator/events``: how far the pipeline is, and letting held events go. These routes exist only here.

``GET`` shows what is stored and what waits; ``POST {"release": 10, "stage": "raw"}`` processes the oldest waiting events
at once, whatever the lag (all of them without ``release``, for both consumers without ``stage``).
"""

from __future__ import annotations

from typing import Any

from ..kernel import errors
from ..kernel.binding import Schema, field, integer
from ..kernel.call import Call
from ..kernel.routing import route
from ..metering.pipeline import Stage, pipeline

_EXPECTED = 'expected {"release": number, "stage": "raw" | "metered"}'
_RELEASE = Schema("Release", field("release", integer), field("stage"))
_STAGES: dict[str | None, tuple[Stage, ...]] = {None: ("raw", "metered"), "raw": ("raw",), "metered": ("metered",)}


def _state(call: Call) -> dict[str, Any]:
    events = pipeline(call.world)
    return {"stored": events.store.counts(), "waiting": events.waiting()}


@route("GET", "/_emulator/events", public=True)
def read_pipeline(call: Call) -> dict[str, Any]:
    """How many events are stored and how many wait, by consumer."""
    return _state(call)


@route("POST", "/_emulator/events", public=True)
def release_events(call: Call) -> dict[str, Any]:
    """Process waiting events now."""
    body = call.bind(_RELEASE, _EXPECTED)
    errors.refuse(body["stage"] not in _STAGES or (body["release"] or 0) < 0, _EXPECTED)
    pipeline(call.world).release(body["release"], _STAGES[body["stage"]])
    return _state(call)
