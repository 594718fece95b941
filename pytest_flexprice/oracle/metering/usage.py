"""Three readers of usage against the expected one: the usage query, the subscription's usage, the preview or analytics.

They read different tables by different routes (contract 3.9), so their agreement means something (checklist 7.2, 5.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from pytest_flexprice.model.decimals import (
    QUANTITY_TOLERANCE,
    ZERO,
    decimal,
    difference,
    product,
    quotient,
    tidy,
    total,
    words,
)
from pytest_flexprice.model.finding import Finding
from pytest_flexprice.model.meters import Event
from pytest_flexprice.model.suspicion import as_if
from pytest_flexprice.oracle.metering.attribution import Attribution
from pytest_flexprice.oracle.metering.meters import Usage, quantity
from pytest_flexprice.oracle.metering.miscounting import miscounted, mistaken, unfiltered

_SHOWN = 8
_DOUBLE = Decimal("1e-15")


class ReaderAnswer(NamedTuple):
    """What one reader says of one meter.

    ``bucketed`` readers add up a bucketed meter's buckets; ``present`` is false where there is no line for the meter; the
    numbers of ``double`` readers are doubles, which lose digits beyond the fifteenth (contract 4.5).
    """

    reader: str
    value: Decimal
    event_count: int | None = None
    bucketed: bool = False
    present: bool = True
    double: bool = False


def from_query(answer: Mapping[str, Any]) -> ReaderAnswer:
    """The reading in an answer of ``POST /v1/meter-usage/query`` without a window size."""
    return ReaderAnswer(
        "the usage query", decimal(answer.get("total_value"), ZERO), int(answer.get("event_count") or 0)
    )


def from_subscription(answer: Mapping[str, Any], meter_id: str) -> ReaderAnswer:
    """The reading of a meter in an answer of ``POST /v1/subscriptions/usage``; overage counts too."""
    charges = [each for each in answer.get("charges") or () if each.get("meter_id") == meter_id]
    value = total(decimal(each.get("quantity"), ZERO) for each in charges)
    return ReaderAnswer("the subscription's usage", value, bucketed=True, present=bool(charges), double=True)


def from_invoice(invoice: Mapping[str, Any], meter_id: str, reader: str = "the invoice preview") -> ReaderAnswer:
    """The reading of a meter in an invoice or preview: what its lines bill and what the allowance took off."""
    lines = [each for each in invoice.get("line_items") or () if each.get("meter_id") == meter_id]
    used = total(
        total((decimal(each.get("quantity"), ZERO), decimal(each.get("adjusted_entitlement_quantity"), ZERO)))
        for each in lines
    )
    return ReaderAnswer(reader, used, bucketed=True, present=bool(lines))


def compare_usage(
    expected: Usage,
    readings: Iterable[ReaderAnswer],
    events: Sequence[Event] = (),
    attributions: Sequence[Attribution] = (),
    anchor: datetime | None = None,
) -> list[Finding]:
    """Every reader that does not say what is expected, with the difference, its factor and the events behind it.

    ``attributions`` say how far each event got, where the Event Debugger was asked; else events whose quantity is the
    difference are named.
    """
    found = []
    for reading in readings:
        wanted = _wanted(expected, reading, anchor)
        if not reading.present:
            found.append(_nothing(expected, reading, wanted))
        elif abs(difference(wanted, reading.value)) > _tolerance(reading, wanted):
            found.append(_difference(expected, reading, wanted, events, attributions))
        elif reading.event_count is not None and reading.event_count != expected.event_count:
            found.append(
                Finding(
                    "",
                    f"usage.{expected.meter.event_name}",
                    f"{reading.reader} counts {reading.event_count} events of '{expected.meter.event_name}' where"
                    f" {expected.event_count} were sent, although the value agrees",
                    expected=expected.event_count,
                    observed=reading.event_count,
                    consequence="something else is counted, and only by chance it costs nothing",
                    remedy="look for events sent again under other ids, and for lost ones",
                )
            )
    return found


def _wanted(expected: Usage, reading: ReaderAnswer, anchor: datetime | None) -> Decimal:
    size = expected.meter.aggregation.bucket_size
    return total(expected.per(size, anchor)) if reading.bucketed and size else expected.total


def _tolerance(reading: ReaderAnswer, wanted: Decimal) -> Decimal:
    return max(QUANTITY_TOLERANCE, product(abs(wanted), _DOUBLE)) if reading.double else QUANTITY_TOLERANCE


def _nothing(expected: Usage, reading: ReaderAnswer, wanted: Decimal) -> Finding:
    name = expected.meter.event_name
    return Finding(
        "",
        f"usage.{name}",
        f"{reading.reader} has no line for the event '{name}', of which {words(wanted)} were sent",
        consequence="it is never billed",
        remedy="look whether the subscription has a line on its price, in this currency and billing period",
    )


def _difference(
    expected: Usage,
    reading: ReaderAnswer,
    wanted: Decimal,
    events: Sequence[Event],
    attributions: Sequence[Attribution],
) -> Finding:
    name, value, delta = expected.meter.event_name, reading.value, difference(reading.value, wanted)
    size = words(abs(delta))
    problem = f"{reading.reader} says {words(value)} for '{name}' where {words(wanted)} were sent: "
    factor = quotient(value, wanted) if wanted else ZERO
    loose = unfiltered(expected, value, events)
    doubled = not loose and delta > 0 and wanted > 0 and factor == factor.to_integral_value() and factor > 1
    if doubled:
        problem += f"{words(factor)} times too much"
        consequence = "every unit is billed more than once"
        remedy = "look for two meters on the event name, and for ids sent again with another timestamp"
    elif delta < 0:
        problem += f"{size} too little{_behind(expected, abs(delta), events, attributions)}"
        consequence, remedy = "this usage is never billed", "look at these events in the Event Debugger"
    else:
        problem += f"{size} too much{'' if loose else _behind(expected, delta, events, ())}"
        consequence, remedy = (
            "customers pay for what they did not use",
            "look for ids sent again and for foreign events",
        )
    problem += as_if([*loose, *mistaken(expected, value, events), *miscounted(expected, value)])
    return Finding(
        "",
        f"usage.{name}",
        problem,
        expected=tidy(wanted),
        observed=tidy(value),
        consequence=consequence,
        remedy=remedy,
    )


def _behind(expected: Usage, delta: Decimal, events: Sequence[Event], attributions: Sequence[Attribution]) -> str:
    lost = list(dict.fromkeys(each.event_id for each in attributions if not each.counted))
    if lost:
        return f" (not counted: {_some(lost)})"
    accepted = [event for event in events if expected.meter.accepts(event) and event.id in expected.event_ids]
    alike = list(dict.fromkeys(event.id for event in accepted if quantity(expected.meter, event) == delta))
    if not alike or len(alike) > _SHOWN:
        return ""
    return f" ({'one of these counts' if len(alike) > 1 else 'this event counts'} that much: {_some(alike)})"


def _some(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
    return ", ".join(ids[:_SHOWN]) + more
