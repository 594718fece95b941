"""Designing test events: few, with quantities that cannot coincide by accident, and enough usage to cost something.

Every meter of the test subscription gets events that pass its filters; how much each of them counts is worked out from the meters, never
assumed (checklist 3.2, 7.1, 7.2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from pytest_flexprice.oracle.invoicing.invoice import expected_invoice, line_usages
from pytest_flexprice.oracle.invoicing.subscription import BilledSubscription
from pytest_flexprice.oracle.metering.expressions import variables
from pytest_flexprice.oracle.metering.meters import Event, Meter
from pytest_flexprice.oracle.pricing.allowances import Allowance

#: Sums of different events of these differ, so a lost one can be named.
BASE = (Decimal(17), Decimal("29.5"), Decimal("3.25"))
MOST_SCALE = 9
MOST_COUNTED = 40
Stamp = Callable[[int], datetime]


def design(
    subscription: BilledSubscription,
    meters: Sequence[Meter],
    allowances: Mapping[str, Allowance],
    *,
    external_id: str,
    prefix: str,
    stamp: Stamp,
) -> list[dict[str, Any]]:
    """The events to send, as bodies of ingest requests.

    Args:
        prefix: what event ids start with, unique to the run.
        stamp: the timestamp of the n-th event, in UTC, whole seconds apart where there is room.
    """
    bodies: list[dict[str, Any]] = []
    for meter in meters:
        for properties in _enough(subscription, meter, allowances, stamp):
            number = len(bodies)
            bodies.append(
                {
                    "event_name": meter.event_name,
                    "external_customer_id": external_id,
                    "event_id": f"{prefix}-{number:03d}",
                    "timestamp": stamp(number),
                    "properties": properties,
                }
            )
    return bodies


def _enough(
    subscription: BilledSubscription, meter: Meter, allowances: Mapping[str, Allowance], stamp: Stamp
) -> list[dict[str, Any]]:
    """Properties of the fewest events of a meter that cost something, or of the most that are sensible."""
    sizes = range(MOST_SCALE + 1) if _scales(meter) else range(0, MOST_COUNTED, 5)
    chosen: list[dict[str, Any]] = []
    for size in sizes:
        chosen = list(_properties(meter, size))
        if _costs(subscription, meter, allowances, chosen, stamp):
            break
    else:
        # More would not make it cost anything either: the line is free, which is worth proving with the fewest events.
        chosen = list(_properties(meter, 0))
    return chosen


def _scales(meter: Meter) -> bool:
    return meter.aggregation.type not in ("COUNT", "COUNT_UNIQUE")


def _properties(meter: Meter, size: int) -> Iterable[dict[str, Any]]:
    aggregation = meter.aggregation
    number = len(BASE) if _scales(meter) else 3 + size
    for index in range(number):
        properties: dict[str, Any] = {one.key: one.values[index % len(one.values)] for one in meter.filters}
        if aggregation.group_by:
            properties.setdefault(aggregation.group_by, f"golive-{index % 2}")
        if aggregation.type == "COUNT_UNIQUE":
            properties[aggregation.field] = f"golive-{index}"
        elif _scales(meter):
            value = BASE[index] * 10**size
            for name in variables(aggregation.expression) if aggregation.expression else (aggregation.field,):
                properties.setdefault(name, _number(value))
        yield properties


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _costs(
    subscription: BilledSubscription,
    meter: Meter,
    allowances: Mapping[str, Allowance],
    properties: Sequence[Mapping[str, Any]],
    stamp: Stamp,
) -> bool:
    events = [Event(str(number), meter.event_name, stamp(number), each) for number, each in enumerate(properties)]
    usages = line_usages(subscription, [meter], events)
    invoice = expected_invoice(subscription, usages, allowances)
    return any(line.amount > 0 for line in invoice.lines if line.meter_id == meter.id and line.kind == "usage")


def stamper(first: datetime, last: datetime) -> Stamp:
    """Timestamps from ``first`` on, a second apart where that stays before ``last``, else closer together."""
    room = max(last - first, timedelta(milliseconds=1))
    step = min(timedelta(seconds=1), room / 200)

    def stamp(number: int) -> datetime:
        moment = first + step * number
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    return stamp


def near_miss_name(name: str, taken: Iterable[str]) -> str:
    """A name that people mistake for another, but no meter has (checklist 3.3)."""
    known = set(taken)
    candidates = (name.swapcase(), name.replace(".", "_"), name.replace("_", "-"), name + "s", f"{name}.golive")
    return next(each for each in candidates if each != name and each not in known)
