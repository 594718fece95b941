"""Metered quantities as billing reads them: whole seconds at both ends of a window (contract 4.4, 5.4)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from .. import metering
from ..kernel.tables import Row
from .rounding import ZERO
from .scope import Scope


def second(moment: datetime) -> datetime:
    """``moment`` cut to its second, which is what usage is stored by."""
    return moment.replace(microsecond=0)


def quantity(scope: Scope, external_id: str, meter: Row, start: datetime, end: datetime) -> Decimal:
    """What a meter counted for a customer in ``[start, end)``."""
    start, end = second(start), second(end)
    if end <= start:
        return ZERO
    return metering.usage(scope.world, scope.environment, external_id, meter, start, end).value


def buckets(
    scope: Scope, external_id: str, meter: Row, window: tuple[datetime, datetime], anchor: datetime
) -> list[Decimal] | None:
    """The quantities of the buckets of a bucketed meter (per group, where it groups); ``None`` for other meters."""
    if not (meter["aggregation"] or {}).get("bucket_size"):
        return None
    start, end = (second(moment) for moment in window)
    if end <= start:
        return []
    found = metering.bucketed(scope.world, scope.environment, external_id, meter, start, end, anchor)
    return [bucket.value for bucket in found]
