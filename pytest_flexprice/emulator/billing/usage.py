"""Metered quantities as billing reads them: whole seconds at both ends of a window (contract 4.4, 5.4)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from ..kernel.tables import Row
from ..metering import reads
from ..metering.reads import BucketValue, Customers
from .rounding import ZERO
from .scope import Scope

Window = tuple[datetime, datetime]


def second(moment: datetime) -> datetime:
    """``moment`` cut to its second, which is what usage is stored by."""
    return moment.replace(microsecond=0)


def quantity(scope: Scope, customers: Customers, meter: Row, start: datetime, end: datetime) -> Decimal:
    """What a meter counted for a customer, or for several together, in ``[start, end)``."""
    start, end = second(start), second(end)
    if end <= start:
        return ZERO
    selection = reads.Selection(scope.environment, customers, (meter["id"],), start, end)
    return reads.total(scope.world, selection, meter["aggregation"]["type"]).value


def buckets(scope: Scope, customers: Customers, meter: Row, window: Window, anchor: datetime) -> list[Decimal] | None:
    """The quantities of the buckets of a bucketed meter (per group, where it groups); ``None`` for other meters."""
    if not (meter["aggregation"] or {}).get("bucket_size"):
        return None
    return [bucket.value for bucket in _buckets(scope, customers, meter, window, anchor)]


def _buckets(scope: Scope, customers: Customers, meter: Row, window: Window, anchor: datetime) -> list[BucketValue]:
    """One value per bucket, and per group of it, that has events; ``anchor`` gives the day on which months begin.

    What a bucketed meter bills is the sum of these; its price applies to each (contract 2.4, vectors bucket-*).
    """
    start, end = (second(moment) for moment in window)
    if end <= start:
        return []
    own = meter["aggregation"]
    selection = reads.Selection(scope.environment, customers, (meter["id"],), start, end)
    kind = "SUM" if own["type"] == "SUM" else "MAX"
    return reads.points(scope.world, selection, kind, own["bucket_size"], own.get("group_by"), anchor=anchor)


def windows(
    scope: Scope, customers: Customers, meter: Row, window: Window, anchor: datetime
) -> dict[datetime, Decimal]:
    """The quantity of each bucket with usage, by its start; groups of one bucket count as the bucket's."""
    largest = meter["aggregation"]["type"] == "MAX"
    found: dict[datetime, Decimal] = {}
    for bucket in _buckets(scope, customers, meter, window, anchor):
        known = found.get(bucket.start, ZERO)
        found[bucket.start] = max(known, bucket.value) if largest else known + bucket.value
    return found
