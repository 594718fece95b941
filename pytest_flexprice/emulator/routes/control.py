"""``/_emulator/…``: what only an emulator can do — move the clock, hold events back, switch faults, start again.

These routes exist beside ``/v1``, need no key, and answer only callers of this machine. Times are RFC 3339, durations seconds.

``GET clock``, ``POST clock {"advance": seconds} or {"to": time}``, ``GET/PUT options``, ``POST reset``,
``GET/POST faults {"on": [...], "off": [...]}``, ``GET requests``, ``GET state``; those of events and webhooks stand beside their routes.
"""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

from ..faults.all import FAULTS
from ..kernel import errors
from ..kernel.access import access_of
from ..kernel.binding import Schema, array, field, instant, integer, mapping, number, text
from ..kernel.call import Call
from ..kernel.routing import route
from ..kernel.world import World
from ..metering.pipeline import Stage, pipeline

_CLOCK = Schema("Clock", field("advance", number), field("to", instant))
_FAULTS = Schema("Faults", field("on", array(text)), field("off", array(text)))
_OPTIONS = Schema("Options", field("options", mapping))
_FIXED = ("host", "port", "threads", "api_key", "delivery", "faults", "extra", "jobs")
MAX_ADVANCE = timedelta(days=800)


def _clock(world: World) -> dict[str, Any]:
    """The server's time and how far it is ahead of the real one."""
    return {"now": world.clock.now(), "offset_seconds": world.clock.offset.total_seconds()}


route("GET", "/_emulator/clock", public=True)(lambda call: _clock(call.world))


@route("POST", "/_emulator/clock", public=True)
def move_clock(call: Call) -> dict[str, Any]:
    """Move the clock forward, running every job that becomes due on the way."""
    body = call.bind(_CLOCK, 'expected {"advance": seconds} or {"to": time}')
    errors.refuse((body["advance"] is None) == (body["to"] is None), 'expected {"advance": seconds} or {"to": time}')
    by = body["to"] - call.now if body["to"] else timedelta(seconds=min(body["advance"], 1e9))
    if not timedelta() <= by <= MAX_ADVANCE:
        raise errors.validation(f"the clock moves forward only, by at most {MAX_ADVANCE.days} days")
    call.world.advance(by)
    return _clock(call.world)


def _options(world: World) -> dict[str, Any]:
    """The options that may be changed while the server runs."""
    return {name: value for name, value in dataclasses.asdict(world.options).items() if name not in _FIXED}


route("GET", "/_emulator/options", public=True)(lambda call: _options(call.world))


@route("PUT", "/_emulator/options", public=True)
def change_options(call: Call) -> dict[str, Any]:
    """Change options: ``{"options": {"lag": null, "key_cache_seconds": 1}}``; numbers are seconds, a null lag is manual."""
    given = call.bind(_OPTIONS, 'expected {"options": {name: value}}')["options"] or {}
    known = _options(call.world)
    for name, value in given.items():
        if name not in known:
            raise errors.validation(f"unknown option {name}; expected one of {', '.join(sorted(known))}")
        setattr(call.world.options, name, _converted(name, value, known[name]))
    return _options(call.world)


def _converted(name: str, value: Any, current: Any) -> Any:
    if isinstance(current, bool) and isinstance(value, bool):
        return value
    if name == "lag" and value is None:
        return None
    if not isinstance(current, bool) and not isinstance(value, (bool, str, list, dict)) and value is not None:
        return float(value)
    raise errors.validation(f"option {name} does not take {value!r}")


@route("POST", "/_emulator/reset", public=True)
def reset(call: Call) -> dict[str, Any]:
    """Forget everything: the server is as fresh as at its start."""
    call.world.reset()
    return _clock(call.world)


def _faults(world: World) -> dict[str, Any]:
    """Which faults are on, and what each known one means."""
    return {"on": sorted(world.faults), "known": {name: FAULTS[name].meaning for name in sorted(FAULTS)}}


route("GET", "/_emulator/faults", public=True)(lambda call: _faults(call.world))


@route("POST", "/_emulator/faults", public=True)
def switch_faults(call: Call) -> dict[str, Any]:
    """Switch faults on and off; one that lies in the seeded objects can only be there from the start."""
    body = call.bind(_FAULTS, 'expected {"on": [names], "off": [names]}')
    on, off = set(body["on"] or []), set(body["off"] or [])
    for name in sorted(on | off):
        errors.refuse(name not in FAULTS, f"unknown fault {name}; GET /_emulator/faults lists them")
    for name in sorted((on - call.world.faults) | (off & call.world.faults)):
        if FAULTS[name].seeded:
            raise errors.invalid_operation(f"fault {name} lies in what is seeded: name it when the server is started")
    call.world.faults = (call.world.faults | on) - off
    return _faults(call.world)


@route("GET", "/_emulator/requests", public=True)
def read_requests(call: Call) -> dict[str, Any]:
    """The requests so far, oldest first, those of seeding and of these routes left out; keys are masked."""
    return {"requests": list(call.world.requests)}


@route("GET", "/_emulator/state", public=True)
def read_state(call: Call) -> dict[str, Any]:
    """How much there is: rows of each table, environments, keys."""
    access = access_of(call.world)
    return {
        **_clock(call.world),
        "tables": call.world.tables(),
        "environments": [row.public() for row in access.environments.values()],
        "keys": len(access.keys),
        "faults": sorted(call.world.faults),
    }


_EXPECTED = 'expected {"release": number, "stage": "raw" | "metered"}'
_RELEASE = Schema("Release", field("release", integer), field("stage"))
_STAGES: dict[str | None, tuple[Stage, ...]] = {None: ("raw", "metered"), "raw": ("raw",), "metered": ("metered",)}


def _state(call: Call) -> dict[str, Any]:
    """How many events are stored and how many wait, by consumer."""
    events = pipeline(call.world)
    return {"stored": events.store.counts(), "waiting": events.waiting()}


route("GET", "/_emulator/events", public=True)(_state)


@route("POST", "/_emulator/events", public=True)
def release_events(call: Call) -> dict[str, Any]:
    """Process waiting events now."""
    body = call.bind(_RELEASE, _EXPECTED)
    errors.refuse(body["stage"] not in _STAGES or (body["release"] or 0) < 0, _EXPECTED)
    pipeline(call.world).release(body["release"], _STAGES[body["stage"]])
    return _state(call)
