"""Metering: from accepted events to billed quantities.

Billing asks :func:`usage` and :func:`bucketed`; all windows are ``[start, end)``, cut to whole seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .reads import BucketValue, Customers, Selection, Usage, buckets, points, total

if TYPE_CHECKING:
    from ..kernel.world import World

__all__ = ["BucketValue", "Customers", "Usage", "bucketed", "usage"]


def usage(  # noqa: PLR0917 -- whose usage, of what, when: the same six everywhere
    world: World,
    environment: str,
    customers: Customers,
    meter: Mapping[str, Any],
    start: datetime,
    end: datetime,
    aggregation: str | None = None,
) -> Usage:
    """The metered quantity of a meter for one or several customers by the meter's own aggregation (or the given one).

    A ``bucket_size`` is not looked at; see :func:`bucketed`.
    """
    selection = Selection(environment, customers, (meter["id"],), start, end)
    return total(world, selection, aggregation or meter["aggregation"]["type"])


def bucketed(  # noqa: PLR0917 -- whose usage, of what, when: the same six everywhere
    world: World,
    environment: str,
    customers: Customers,
    meter: Mapping[str, Any],
    start: datetime,
    end: datetime,
    anchor: datetime | None = None,
) -> list[BucketValue]:
    """One value per bucket (and per group, where the meter has ``group_by``), oldest first; only buckets with events.

    ``anchor`` gives the day on which months begin where the bucket is a MONTH. The billed quantity of a bucketed meter
    is the sum of these, its price applies to each of them (contract 2.4, vectors bucket-*).
    """
    own = meter["aggregation"]
    selection = Selection(environment, customers, (meter["id"],), start, end)
    kind = "SUM" if own["type"] == "SUM" else "MAX"
    if own.get("group_by"):
        return buckets(world, selection, kind, own["bucket_size"], own["group_by"], anchor=anchor)
    return points(world, selection, kind, own["bucket_size"], anchor=anchor)
