"""Named faults: a mistake of a company, or of Flexprice, that the emulator shows on demand.

``@fault("F23", "…")`` registers a :class:`Fault`; its hooks see every request while the fault is on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .call import Call, Reply

if TYPE_CHECKING:
    from .world import World

Before = Callable[[Call], "Reply | None"]
After = Callable[[Call, Reply], Reply]


@dataclass
class Fault:
    """One fault. ``before`` may answer in place of the handler, ``after`` may change its answer."""

    name: str
    meaning: str
    before: Before | None = None
    after: After | None = None


FAULTS: dict[str, Fault] = {}


def before(world: World, call: Call) -> Reply | None:
    """The answer of the first active fault that answers by itself."""
    for name in sorted(world.faults):
        hook = FAULTS[name].before if name in FAULTS else None
        reply = hook(call) if hook else None
        if reply is not None:
            return reply
    return None


def after(world: World, call: Call, reply: Reply) -> Reply:
    """The answer after every active fault changed it."""
    for name in sorted(world.faults):
        hook = FAULTS[name].after if name in FAULTS else None
        if hook:
            reply = hook(call, reply)
    return reply
