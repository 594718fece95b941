"""Designing test events: few, with quantities that cannot coincide by accident, and enough usage to cost something.

Every meter of the test subscription gets events that pass its filters; how much each of them counts is worked out from the meters, never
assumed (checklist 3.2, 7.1, 7.2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from pytest_flexprice.model.decimals import ZERO, difference, rounded
from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.oracle.invoicing.invoice import expected_invoice, line_usages
from pytest_flexprice.oracle.invoicing.subscription import BilledSubscription
from pytest_flexprice.oracle.metering.expressions import variables
from pytest_flexprice.oracle.metering.reaching import counts, number_for_json, plain_properties, properties_worth, zeros
from pytest_flexprice.oracle.pricing.allowances import Allowance
from pytest_flexprice.oracle.pricing.prices import cost

#: Sums of different events of these differ, so a lost one can be named.
BASE = (Decimal(17), Decimal("29.5"), Decimal("3.25"))
MOST_SCALE = 9
FEWEST_COUNTED = 3
_STAMPS = 200
_VALUES = ("golive-0", "Golive-0", "golive-2")
"""Different values that a careless count takes for the same; the first is sent again, and counts once."""
Stamp = Callable[[int], datetime]


def design(
    subscription: BilledSubscription,
    meters: Sequence[Meter],
    allowances: Mapping[str, Allowance],
    *,
    external_id: str,
    prefix: str,
    stamp: Stamp,
    most: int = 1000,
) -> list[dict[str, Any]]:
    """The events to send, as bodies of ingest requests: two by two in one second, as that is no reason to count one of them only.

    Those of a latest value come in the reverse order of their times, each in a second of its own.

    Args:
        prefix: what event ids start with, unique to the run.
        stamp: the timestamp of the n-th event, in UTC, whole seconds apart where there is room.
        most: how many events a meter that counts them may get, where fewer cost nothing.
    """
    bodies: list[dict[str, Any]] = []
    latest = {meter.event_name for meter in meters if meter.aggregation.type == "LATEST"}
    for meter in meters:
        chosen = _enough(subscription, meter, allowances, stamp, most)
        for place, properties in enumerate(chosen):
            number = len(bodies)
            later = len(chosen) - 1 - 2 * place if meter.aggregation.type == "LATEST" else 0
            paired = 0 if meter.event_name in latest else place % 2
            bodies.append(
                {
                    "event_name": meter.event_name,
                    "external_customer_id": external_id,
                    "event_id": f"{prefix}-{number:03d}",
                    "timestamp": stamp(number + later - paired),
                    "properties": {**zeros(meter.event_name, meters), **properties},
                }
            )
    return bodies


def _enough(
    subscription: BilledSubscription, meter: Meter, allowances: Mapping[str, Allowance], stamp: Stamp, most: int
) -> list[dict[str, Any]]:
    """Properties of the fewest events of a meter that cost something, or of the fewest where none would."""
    if counts(meter):
        return list(_counted(meter, _fewest(subscription, meter, allowances.get(meter.id), most)))
    for size in range(MOST_SCALE + 1):
        chosen = list(_scaled(meter, size))
        if _costs(subscription, meter, allowances, chosen, stamp):
            return chosen
    # More would not make it cost anything either: the line is free, which is worth proving with the fewest events.
    return list(_scaled(meter, 0))


def _fewest(subscription: BilledSubscription, meter: Meter, allowance: Allowance | None, most: int) -> int:
    """How many events cost something: fewer never cost more, so that halving finds the least."""
    if not _count_costs(subscription, meter, allowance, most):
        return FEWEST_COUNTED
    low, high = FEWEST_COUNTED - 1, max(most, FEWEST_COUNTED)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _count_costs(subscription, meter, allowance, middle) else (middle, high)
    return high


def _count_costs(subscription: BilledSubscription, meter: Meter, allowance: Allowance | None, number: int) -> bool:
    if allowance is not None and allowance.limit is None:
        return False
    left = max(difference(Decimal(number), (allowance.limit if allowance else None) or ZERO), ZERO)
    lines = [line for line in subscription.lines if line.is_usage and line.meter_id == meter.id]
    return any(rounded(cost(line.price, left), subscription.currency) > 0 for line in lines)


def _counted(meter: Meter, number: int) -> Iterable[dict[str, Any]]:
    for index in range(number):
        properties = _grouped(meter, index)
        if meter.aggregation.type == "COUNT_UNIQUE":
            properties[meter.aggregation.field] = _VALUES[index] if index < len(_VALUES) else f"golive-{index}"
        yield properties
    if meter.aggregation.type == "COUNT_UNIQUE" and number:
        yield {**_grouped(meter, 0), meter.aggregation.field: _VALUES[0]}


def _scaled(meter: Meter, size: int) -> Iterable[dict[str, Any]]:
    for index, base in enumerate(BASE):
        value, spec = base * 10**size, meter.aggregation
        if spec.expression:
            found = properties_worth(meter, value, index)
            properties = (
                found if found is not None else dict.fromkeys(variables(spec.expression), number_for_json(value))
            )
            yield {**properties, **_grouped(meter, index)}
        else:
            yield {spec.field: number_for_json(value), **_grouped(meter, index)}


def _grouped(meter: Meter, index: int) -> dict[str, Any]:
    properties = plain_properties(meter, index)
    if meter.aggregation.group_by and meter.aggregation.group_by not in {one.key for one in meter.filters}:
        properties[meter.aggregation.group_by] = f"golive-{index % 2}"
    return properties


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
    """Timestamps from ``first`` on, a second apart where that stays before ``last``, else closer together; 200 different ones."""
    room = max(last - first, timedelta(milliseconds=1))
    step = min(timedelta(seconds=1), room / _STAMPS)

    def stamp(number: int) -> datetime:
        moment = first + step * (number % _STAMPS)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    return stamp


def near_miss_name(name: str, taken: Iterable[str]) -> str:
    """A name that people mistake for another, but no meter has (checklist 3.3)."""
    known = set(taken)
    candidates = (name.swapcase(), name.replace(".", "_"), name.replace("_", "-"), name + "s", f"{name}.golive")
    return next(each for each in candidates if each != name and each not in known)
