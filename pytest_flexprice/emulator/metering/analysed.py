"""One item of ``events/analytics`` while it is worked out: what was counted, in which windows, for which line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from ..kernel.tables import Row
from .reads import ZERO, BucketValue

PROPERTY = "properties."


@dataclass(frozen=True)
class Question:
    """What is asked for; empty sequences do not restrict, ``customer`` ``None`` asks for the whole environment.

    ``meters`` ``None`` does not restrict either; an empty set finds nothing.
    """

    customer: str | None
    meters: frozenset[str] | None
    start: datetime
    end: datetime
    group_by: Sequence[str] = ()
    sources: Sequence[str] = ()
    properties: Mapping[str, Sequence[str]] = field(default_factory=dict)
    window_size: str = ""
    expand: Sequence[str] = ()
    include_children: bool = False

    def of(self, customer: str) -> Question:
        """The same of one customer."""
        return replace(self, customer=customer)

    @property
    def groups(self) -> list[str]:
        """The dimensions that split items: ``source`` and properties."""
        return [name for name in dict.fromkeys(self.group_by) if name == "source" or name.startswith(PROPERTY)]

    @property
    def filtered(self) -> bool:
        """Whether only a part of the events is looked at."""
        return bool(self.sources or self.properties)


@dataclass
class Point:
    """One window: when it begins, what was counted in it, and what that costs."""

    start: datetime
    usage: Decimal
    event_count: int = 0
    cost: Decimal = ZERO
    discount: Decimal = ZERO
    utilized: Decimal = ZERO
    overage: Decimal = ZERO
    true_up: Decimal = ZERO

    @classmethod
    def of(cls, bucket: BucketValue) -> Point:
        """A counted window, not yet priced."""
        return cls(bucket.start, bucket.value, bucket.event_count)


@dataclass
class Item:
    """One item: a meter, the line and subscription it is read for (or none), and its group's values."""

    meter: Row
    usage: Decimal = ZERO
    event_count: int = 0
    points: list[Point] = field(default_factory=list)
    line: Row | None = None
    subscription: Row | None = None
    group: Mapping[str, str] = field(default_factory=dict)
    sources: Sequence[str] | None = None
    cost: Decimal = ZERO
    discount: Decimal = ZERO
    commitment: dict[str, Any] | None = None

    @property
    def bucketed(self) -> bool:
        """Whether the meter counts by buckets."""
        return bool(self.meter["aggregation"].get("bucket_size"))
