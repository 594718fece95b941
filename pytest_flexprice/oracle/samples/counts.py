"""What is counted of sample files: broken rules, names, repeated ids, batches (checklist 3.1)."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_flexprice.oracle.samples.rules import Rule


@dataclass(frozen=True)
class RuleCount:
    """How often one rule is broken in one file: the first event's number there, and its value."""

    rule: Rule
    file: str
    count: int
    first: int
    example: str


@dataclass(frozen=True)
class NameCount:
    """How many events a file has of one name (or of one customer, or with one value); the number of the first, 0 if not asked."""

    file: str
    value: str
    count: int
    first: int = 0


@dataclass(frozen=True)
class Repeated:
    """One event id that comes more than once: how often, in how many seconds, for how many customers, with how many contents."""

    event_id: str
    count: int
    seconds: int
    customers: int
    contents: int
    file: str
    first: int


@dataclass(frozen=True)
class Copied:
    """Events that are alike to the millisecond but for their ids: how many there are, how many stand alone, the first pair."""

    count: int
    contents: int
    file: str
    first: int
    event_id: str
    other: int


@dataclass(frozen=True)
class Batch:
    """The largest request body among a file's bulk requests: events and bytes."""

    file: str
    events: int
    size: int
