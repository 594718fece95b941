"""What meters make of events: the expected usage, without asking Flexprice (contract 2.1, 3.3, 3.5).

Only what meters count is decided here; prices and allowances are applied in ``pricing``, ``allowances`` and ``invoice``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from pytest_flexprice.model.decimals import ZERO, cut, decimal, product
from pytest_flexprice.model.finding import not_verified
from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.model.times import Window, second
from pytest_flexprice.model.values import DEADLY_QUANTITY, number_of, printed
from pytest_flexprice.oracle.metering.aggregation import CountedEvent, aggregated
from pytest_flexprice.oracle.metering.buckets import bucket_start
from pytest_flexprice.oracle.metering.expressions import ExpressionError, quantity_by_expression


@dataclass(frozen=True)
class Usage:
    """What a meter counts in a window.

    Attributes:
        total: the value as a usage query gives it: without buckets and without allowances.
        event_count: how many different event ids were counted.
        rows: the counted events; ``None`` when only a total is known, as when it was read from Flexprice.
        points: values per window size, where they are known without rows.
        before: usage since the subscription began, before this window (for allowances that never reset).
        otherwise: what other aggregations come to, by type, where that was asked for.
        window: the time in which it counts, where that is known.
    """

    meter: Meter
    total: Decimal
    event_count: int
    rows: tuple[CountedEvent, ...] | None = ()
    points: Mapping[str, tuple[Decimal, ...]] | None = None
    before: Decimal = ZERO
    otherwise: Mapping[str, Decimal] | None = None
    window: Window | None = None

    @property
    def event_ids(self) -> frozenset[str]:
        """The ids of the counted events."""
        return frozenset(row.event_id for row in self.rows or ())

    def per(self, size: str, anchor: datetime | None = None) -> tuple[Decimal, ...]:
        """The values per window of that size (and per group, for meters that group), in order of time.

        Raises:
            NotVerified: only the total is known.
        """
        if self.rows is None:
            if self.points is not None and size in self.points and not self.meter.aggregation.group_by:
                return self.points[size]
            raise not_verified(
                "", f"meters.{self.meter.name}", f"not verified: usage of '{self.meter.name}' per {size} is not known"
            )
        buckets: dict[tuple[datetime, str], list[CountedEvent]] = {}
        for row in self.rows:
            buckets.setdefault((bucket_start(row.second, size, anchor), row.group), []).append(row)
        return tuple(aggregated(self.meter.aggregation.type, buckets[key], self.meter.name) for key in sorted(buckets))


def quantity(meter: Meter, event: Event) -> Decimal:
    """What one accepted event counts: never negative, 15 decimals, the rest cut off (contract 3.5).

    Raises:
        ExpressionError: the meter's expression has no value for it, so it is never metered.
        NotVerified: the quantity is beyond about 1.7e23, which Flexprice cannot store.
    """
    spec = meter.aggregation
    if spec.type == "COUNT":
        return Decimal(1)
    if spec.type == "COUNT_UNIQUE":
        return Decimal(1) if spec.field in event.properties else ZERO
    if spec.expression:
        number: Decimal | None = quantity_by_expression(spec.expression, event.properties)
    else:
        number = number_of(event.properties.get(spec.field))
    if number is None:
        return ZERO
    if spec.type == "SUM_WITH_MULTIPLIER" and spec.multiplier is not None:
        number = product(number, spec.multiplier)
    if number > DEADLY_QUANTITY:
        raise not_verified(
            "",
            f"events.{event.id}",
            f"not verified: event '{event.id}' counts {number:e}, which is beyond what Flexprice can store",
            consequence="one such event stops metering and billing for every tenant of the server",
            remedy="never send it",
        )
    return cut(max(number, ZERO))


def metered_rows(meter: Meter, events: Iterable[Event]) -> list[CountedEvent]:
    """The rows a meter keeps, one per event id and second: of equal ones the later sent stays (contract 3.3)."""
    rows: dict[tuple[str, datetime], CountedEvent] = {}
    for event in events:
        if not meter.accepts(event):
            continue
        try:
            worth = quantity(meter, event)
        except ExpressionError:
            continue
        rows[event.id, second(event.timestamp)] = _row(meter, event, worth)
    unique = meter.aggregation.type == "COUNT_UNIQUE"
    return [row for row in rows.values() if not unique or row.unique is not None]


def _row(meter: Meter, event: Event, worth: Decimal) -> CountedEvent:
    spec, group = meter.aggregation, ""
    if spec.group_by:
        value = event.properties.get(spec.group_by)
        if not isinstance(value, str):
            raise not_verified(
                "",
                f"meters.{meter.name}.group_by",
                f"not verified: event '{event.id}' has no text in '{spec.group_by}', by which meter '{meter.name}' groups",
            )
        group = value
    unique = printed(event.properties[spec.field]) if spec.field in event.properties else None
    return CountedEvent(event.id, second(event.timestamp), worth, unique, group)


def expected_usage(meter: Meter, events: Sequence[Event], window: Window, since: datetime | None = None) -> Usage:
    """What a meter must count for the events of one customer in a window (start in it, end not).

    ``events`` are in the order in which they were sent; ``since`` is the subscription's start, if it lies before the window.

    Raises:
        NotVerified: the value depends on something unknown, such as which of two latest events counts.
    """
    kept = metered_rows(meter, events)
    rows = tuple(sorted((row for row in kept if window.holds(row.second)), key=lambda row: (row.second, row.event_id)))
    kind = meter.aggregation.type
    value = aggregated(kind, rows, meter.name)
    before = ZERO
    if since is not None and since < window.start:
        earlier = Window(since, window.start)
        before = aggregated(kind, [row for row in kept if earlier.holds(row.second)], meter.name)
    return Usage(meter, value, len({row.event_id for row in rows}), rows, before=before, window=window)


def usage_of_total(meter: Meter, total_value: Any, event_count: int = 0, **points: Sequence[Decimal]) -> Usage:
    """The usage that Flexprice itself reports, for checking the prices alone; ``points`` are values per window size."""
    known = {size: tuple(values) for size, values in points.items()}
    return Usage(meter, decimal(total_value, ZERO), event_count, rows=None, points=known)


def usage_of_family(meter: Meter, billing_model: str, total_value: Any) -> Usage:
    """A parent's usage with its children's: of a bucketed meter the sum of the buckets is known, which a flat price needs."""
    size = meter.aggregation.bucket_size
    known = {size: [decimal(total_value, ZERO)]} if size and billing_model == "FLAT_FEE" else {}
    plain = replace(meter, aggregation=replace(meter.aggregation, group_by=""))
    return usage_of_total(plain, total_value, 0, **known)
