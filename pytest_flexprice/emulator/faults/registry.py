"""Named faults and where they act: on requests, on what is seeded, or in a part of the emulator that asks for them.

A rule is one small function: ``@fault("F23", "a price amount differs", "catalog")``. One fault may have several.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from ..kernel.call import Call, Reply
from ..kernel.world import World

Place = Literal["front", "before", "after", "charges", "key", "catalog", "customers", "setting", "seeded"]
SEEDED_PLACES = ("key", "catalog", "customers", "setting", "seeded")
Rule = TypeVar("Rule", bound=Callable[..., Any])


@dataclass
class Fault:
    """One fault with its rules by place.

    ``front(path) -> Reply | None`` may answer in place of the whole server, before anything else is looked at;
    ``before(call) -> Reply | None`` may answer in place of the handler; ``after(call, reply) -> Reply`` may change its
    answer; ``charges(scope, subscription, lines) -> lines`` may change the lines that an invoice or preview is about to
    get; ``key(body)``, ``catalog(catalog)``, ``customers(rows)`` and ``setting(key, value)`` change what is about to
    be seeded into the environment that goes live; ``seeded(seeder)`` acts by requests once the customers are there.
    A fault without rules is looked for by name in the part that it belongs to.
    """

    name: str
    meaning: str
    rules: dict[str, Callable[..., Any]] = field(default_factory=dict)

    @property
    def seeded(self) -> bool:
        """Whether the fault lies in the seeded objects, so that switching it needs a new seed."""
        return any(place in self.rules for place in SEEDED_PLACES)


FAULTS: dict[str, Fault] = {}


def declare(name: str, meaning: str) -> Fault:
    """Register a fault whose effect lives elsewhere; again is fine."""
    return FAULTS.setdefault(name, Fault(name, meaning))


def fault(name: str, meaning: str, place: Place) -> Callable[[Rule], Rule]:
    """Register a rule of a fault."""

    def register(rule: Rule) -> Rule:
        declare(name, meaning).rules[place] = rule
        return rule

    return register


def hooking(hooks: dict[str, Rule]) -> Callable[[str, str], Callable[[Rule], Rule]]:
    """What registers ``(name, meaning)`` faults whose rules a part of the emulator looks up by name."""

    def named(name: str, meaning: str) -> Callable[[Rule], Rule]:
        def register(rule: Rule) -> Rule:
            declare(name, meaning)
            hooks[name] = rule
            return rule

        return register

    return named


def rules(world: World, place: Place) -> list[Callable[..., Any]]:
    """The rules of the active faults at a place, in order of the faults' names."""
    active = (FAULTS[name] for name in sorted(world.faults) if name in FAULTS)
    return [each.rules[place] for each in active if place in each.rules]


def front(world: World, path: str) -> Reply | None:
    """The answer of the first active fault that stands in front of the server."""
    return next((reply for rule in rules(world, "front") if (reply := rule(path)) is not None), None)


def before(world: World, call: Call) -> Reply | None:
    """The answer of the first active fault that answers by itself."""
    return next((reply for rule in rules(world, "before") if (reply := rule(call)) is not None), None)


def after(world: World, call: Call, reply: Reply) -> Reply:
    """The answer after every active fault changed it."""
    for rule in rules(world, "after"):
        reply = rule(call, reply)
    return reply
