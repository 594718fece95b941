"""What is published, and how its body is built when it is sent.

A part of the emulator that owns a kind of object registers its body::

    @webhook_body("invoice")
    def body(world, environment, id): ...

The builder runs at delivery, so a late webhook shows the object's later state (contract 6.3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..kernel import render
from ..kernel.world import World
from .key_order import invoice_in_order, maps_sorted

Builder = Callable[["World", str, str], "Mapping[str, Any] | None"]
"""``(world, environment, id)`` to the object's fields in the server's own order; ``None`` when it is not there."""

BODIES: dict[str, Builder] = {}
_KEYS = {"wallet.transaction.created": "transaction", "wallet.transaction.updated": "updated_transaction"}
"""The object's key in the body, where it is not the kind."""


def webhook_body(kind: str) -> Callable[[Builder], Builder]:
    """Register the builder for objects of ``kind``, which is also their key in the body."""

    def register(builder: Builder) -> Builder:
        BODIES[kind] = builder
        return builder

    return register


@dataclass
class Event:
    """One thing that happened to an object and has to be told; the real server keeps it as a system event."""

    id: str
    tenant: str
    environment: str
    name: str
    kind: str
    object_id: str
    at: datetime
    done: bool = False
    failures: int = 0
    queued: bool = False


def body_of(world: World, event: Event) -> bytes | None:
    """The body as the server writes it, ``{"event_type": …, kind: {…}}``; ``None`` while the object is not there."""
    builder = BODIES.get(event.kind)
    fields = builder(world, event.environment, event.object_id) if builder else None
    if fields is None:
        return None
    shown = invoice_in_order(fields) if event.kind == "invoice" else dict(fields)
    return render.to_json({"event_type": event.name, _KEYS.get(event.name, event.kind): maps_sorted(shown)})
