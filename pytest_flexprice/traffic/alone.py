"""What the log shows of single events by itself: those that count 0, and those outside of their customer's line (checklist 3.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from pytest_flexprice.model.decimals import ZERO
from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.model.times import Window
from pytest_flexprice.oracle.metering.attribution import why_zero
from pytest_flexprice.traffic.causes import EXAMPLES, Cause, Difference, Tally
from pytest_flexprice.traffic.known import Known
from pytest_flexprice.traffic.log import Log

_READS_NUMBERS = ("SUM", "MAX", "AVG", "LATEST", "SUM_WITH_MULTIPLIER", "WEIGHTED_SUM")


def worthless_ones(log: Log, known: Known, window: Window) -> Iterator[Tally]:
    """Events that count 0 because they hold no number; one that several meters read counts once."""
    tally = Tally(Cause.WORTHLESS)
    for meter in _reading_numbers(known):
        count, events = log.worthless(meter, window, EXAMPLES)
        tally.events += count
        for event in events[: EXAMPLES - len(tally.examples)]:
            tally.examples.append(_example(Cause.WORTHLESS, event, why_zero(meter, event)))
    if tally.events:
        yield tally


def _reading_numbers(known: Known) -> list[Meter]:
    """For each event name and property one meter that reads numbers there: the one that takes most events."""
    found: dict[tuple[str, str], Meter] = {}
    for one in known.metered:
        spec = one.meter.aggregation
        if spec.type in _READS_NUMBERS and spec.field:
            key = (one.meter.event_name, spec.field)
            if key not in found or len(one.meter.filters) < len(found[key].filters):
                found[key] = one.meter
    return list(found.values())


def outside(log: Log, known: Known, window: Window) -> Iterator[Tally]:
    """Events before the start of their customer's line, and after its end, with what they would have counted.

    Grave are those that lie before a line and within a subscription of the customer: its bill should hold them.
    """
    for cause, ends, cut in ((Cause.EARLY, known.starts, _before), (Cause.AFTER, known.ends, _after)):
        tally = Tally(cause)
        for name, meters in known.by_name.items():
            windows = {meter: cut(ends.get(meter.id, {}), window) for meter in meters}
            either = _spanned(windows.values())
            events = log.within(name, either, EXAMPLES) if either else []
            if not events:
                continue  # whatever a meter makes of none
            tally.events += _count(log, windows, tally)
            if cause is Cause.EARLY:
                tally.grave += _count(log, {meter: _within(meter, own, known) for meter, own in windows.items()})
            tally.examples += [_example(cause, each) for each in events[: EXAMPLES - len(tally.examples)]]
        if tally.events:
            yield tally


def _before(starts: Mapping[str, datetime], window: Window) -> dict[str, Window]:
    """Of each customer whose line starts in the window what lies before it."""
    return {
        customer: Window(window.start, min(start, window.end))
        for customer, start in starts.items()
        if start > window.start
    }


def _after(ends: Mapping[str, datetime], window: Window) -> dict[str, Window]:
    """Of each customer whose last line ends before the window does what lies behind it."""
    return {customer: Window(max(end, window.start), window.end) for customer, end in ends.items() if end < window.end}


def _spanned(windows: Iterable[Mapping[str, Window]]) -> dict[str, Window]:
    """For each customer the time from the first of its windows to the last."""
    found: dict[str, Window] = {}
    for own in windows:
        for customer, each in own.items():
            known = found.get(customer, each)
            found[customer] = Window(min(known.start, each.start), max(known.end, each.end))
    return found


def _within(meter: Meter, windows: Mapping[str, Window], known: Known) -> dict[str, Window]:
    began = known.began
    return {
        customer: Window(max(each.start, began[customer]), each.end)
        for customer, each in windows.items()
        if customer in began and began[customer] < each.end and (meter.id, customer) not in known.added
    }


def _count(log: Log, windows: Mapping[Meter, Mapping[str, Window]], tally: Tally | None = None) -> int:
    """How many events there are, each counted once whatever the number of meters; their quantities are put into the tally."""
    counts: dict[str, int] = {}
    for meter, own in windows.items():
        for customer, usage in log.usages(meter, own).items() if own else ():
            counts[customer] = max(counts.get(customer, 0), usage.event_count)
            if tally is not None and usage.value:
                tally.quantities[meter.id] = tally.quantities.get(meter.id, ZERO) + usage.value
                tally.by_customer[customer, meter.id] = usage.value
    return sum(counts.values())


def _example(cause: Cause, event: Event, why: str = "") -> Difference:
    return Difference(cause, event.id, event.name, event.external_customer_id, event.timestamp, why)
