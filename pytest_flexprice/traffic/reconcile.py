"""The company's log against what Flexprice holds and counted: which events differ, and why (checklist 3.1, contract 11.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from pytest_flexprice.api import Flexprice
from pytest_flexprice.api.traffic import read_ids_by_name
from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.model.near_miss import NearMisses
from pytest_flexprice.model.times import Window
from pytest_flexprice.oracle.metering.attribution import why_zero
from pytest_flexprice.traffic.causes import EXAMPLES, Cause, Difference, Tally, classified, tallied
from pytest_flexprice.traffic.log import DAY, Log
from pytest_flexprice.traffic.search import Metered, Search, Side

MOST_NAMES = 500
MOST_LOOKUPS = 200
MOST_EVENTS = 500_000
_FOREVER = timedelta(days=800)
_READS_NUMBERS = ("SUM", "MAX", "AVG", "LATEST", "SUM_WITH_MULTIPLIER", "WEIGHTED_SUM")


@dataclass(frozen=True)
class Known:
    """What the environment and the plan know beside the log.

    Attributes:
        metered: the published meters with their features.
        customers: the external ids of all customers.
        starts: by meter, the start of each customer's first line on it, by external id.
        unbilled: event names that the plan says are not billed.
        is_test: whether an event (``event_id``, ``external_customer_id``) is one that a run like this sent.
        by_others: event names, and external ids, that other items of the checklist judge already.
    """

    metered: Sequence[Metered]
    customers: frozenset[str]
    starts: Mapping[str, Mapping[str, datetime]]
    unbilled: frozenset[str] = frozenset()
    is_test: Callable[[Mapping[str, str]], bool] = lambda event: False
    by_others: frozenset[str] = frozenset()

    @property
    def by_name(self) -> dict[str, list[Meter]]:
        """The meters by the event name that they count."""
        found: dict[str, list[Meter]] = {}
        for one in self.metered:
            found.setdefault(one.meter.event_name, []).append(one.meter)
        return found


@dataclass
class Result:
    """What a comparison found: both sides by day, and every difference with its cause.

    ``tallies`` hold the causes of ``differences`` and those ``apart``, which are only counted; ``windows`` are the stretches looked into,
    ``customers`` those of the log with their number of events.
    """

    window: Window
    ours: Side = field(default_factory=Side)
    theirs: Side = field(default_factory=Side)
    windows: list[Window] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    tallies: list[Tally] = field(default_factory=list)
    apart: list[Tally] = field(default_factory=list)
    customers: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def events(self) -> int:
        """How many events of the log were compared, by their ids and days."""
        return sum(self.ours.ids.values())


def reconcile(search: Search, known: Known, window: Window, now: datetime) -> Result:
    """Compare the whole window, look into what differs, and name the causes."""
    log, result = search.log, Result(window)
    names = sorted({*known.by_name, *(name for name, _ in log.counts(window, DAY))} - known.unbilled)
    if len(names) > MOST_NAMES:
        result.notes.append(f"only the first {MOST_NAMES} of {len(names):,} event names were compared")
    differing = search.days(window, names[:MOST_NAMES], result.ours, result.theirs)
    result.windows = search.windows(each for each in differing if each[0] not in known.unbilled)
    result.customers = log.customers(window)
    result.differences = [*_of_windows(search, known, result, now), *_of_the_log(known, result)]
    result.apart = [*_counted_ones(log, known, window)]
    result.apart += _late(log, search.flexprice, Window(window.end, now), names[:MOST_NAMES])
    _tally(result)
    return result


def explain(search: Search, known: Known, result: Result, customers: Iterable[str], now: datetime) -> None:
    """Look into all events of customers whose bills differ although every count agrees: what went to somebody else."""
    for customer in customers:
        ours = _by_id(known, search.log.events_of(customer, result.window, MOST_EVENTS))
        theirs = _by_id(known, search.arrived(result.window, external_customer_id=customer))
        result.differences += _looked_up(search, known, (ours, theirs), result.notes, now)
    _tally(result)


def _tally(result: Result) -> None:
    order = list(Cause)
    result.tallies = sorted([*tallied(result.differences), *result.apart], key=lambda each: order.index(each.cause))


Ids = dict[str, list[Event]]


def _by_id(known: Known, events: Iterable[Event]) -> Ids:
    found: Ids = {}
    for event in events:
        if event.name not in known.unbilled and not _is_test(known, event):
            found.setdefault(event.id, []).append(event)
    return found


def _of_windows(search: Search, known: Known, result: Result, now: datetime) -> Iterator[Difference]:
    """The single events that differ in the windows that do."""
    logged: list[Event] = []
    arrived: list[Event] = []
    for window in result.windows:
        left = MOST_EVENTS - len(logged) - len(arrived)
        if left <= 0:
            until = f"{window.start:%Y-%m-%d %H:%M}"
            result.notes.append(
                f"{MOST_EVENTS:,} single events were read; what differs from {until} on was not looked into"
            )
            break
        logged += search.log.events(window, left)
        arrived += search.arrived(window)
    return _looked_up(search, known, (_by_id(known, logged), _by_id(known, arrived)), result.notes, now)


def _looked_up(
    search: Search, known: Known, sides: tuple[Ids, Ids], notes: list[str], now: datetime
) -> Iterator[Difference]:
    """The differences of events, of which those that are on one side only are looked for wherever else they may be."""
    ours, theirs = sides
    odd = [each for each in {**ours, **theirs} if _seconds(ours.get(each, ())) != _seconds(theirs.get(each, ()))]
    if len(odd) > MOST_LOOKUPS:
        notes.append(f"{len(odd):,} events differ, of which {MOST_LOOKUPS} were looked for one by one elsewhere")
    everywhere = Window(now - _FOREVER, now + _FOREVER)
    for identifier in odd[:MOST_LOOKUPS]:
        theirs[identifier] = search.arrived(everywhere, event_id=identifier)
    for event in search.log.events_by_id(odd[:MOST_LOOKUPS], MOST_EVENTS):
        ours.setdefault(event.id, []).append(event)
    return classified(list(_flat(ours)), list(_flat(theirs)), known.by_name)


def _is_test(known: Known, event: Event) -> bool:
    return known.is_test({"event_id": event.id, "external_customer_id": event.external_customer_id})


def _seconds(events: Iterable[Event]) -> set[datetime]:
    return {event.timestamp.replace(microsecond=0) for event in events}


def _flat(side: Mapping[str, Sequence[Event]]) -> Iterator[Event]:
    for events in side.values():
        yield from events


def _of_the_log(known: Known, result: Result) -> Iterator[Difference]:
    """What the log shows by itself, one for each name and customer: names that no meter has, customers who do not exist."""
    names: dict[str, int] = {}
    for (name, _), count in result.ours.ids.items():
        names[name] = names.get(name, 0) + count
    near = NearMisses(known.by_name)
    for name, count in sorted(names.items()):
        if name not in known.by_name and name not in known.unbilled:
            yield _whole(Cause.UNKNOWN_NAME, name, "", result, f"{count:,} events{near.hint(name)}")
    near = NearMisses(known.customers)
    for customer, count in sorted(result.customers.items()):
        if customer not in known.customers and not _is_test_customer(known, customer):
            yield _whole(Cause.UNKNOWN_CUSTOMER, "", customer, result, f"{count:,} events{near.hint(customer)}")


def _is_test_customer(known: Known, customer: str) -> bool:
    return known.is_test({"event_id": "", "external_customer_id": customer})


def _whole(cause: Cause, name: str, customer: str, result: Result, detail: str) -> Difference:
    return Difference(cause, "", name, customer, result.window.start, detail)


def _counted_ones(log: Log, known: Known, window: Window) -> Iterator[Tally]:
    """What the log shows of single events: before the start of a line, and worth nothing; counted, with three examples."""
    early, idle = Tally(Cause.EARLY), Tally(Cause.WORTHLESS)
    seen: set[str] = set()
    for one in known.metered:
        meter = one.meter
        starts = {customer: start for customer, start in known.starts.get(meter.id, {}).items() if start > window.start}
        if starts and meter.event_name not in seen:
            seen.add(meter.event_name)
            _add(early, *log.early(meter.event_name, starts, window, EXAMPLES), _no_reason)
        if meter.aggregation.type in _READS_NUMBERS and meter.aggregation.field:
            _add(idle, *log.worthless(meter, window, EXAMPLES), partial(why_zero, meter))
    yield from (each for each in (early, idle) if each.events)


def _no_reason(_event: Event) -> str:
    return ""


def _add(tally: Tally, count: int, events: Sequence[Event], why: Callable[[Event], str]) -> None:
    tally.events += count
    for event in events[: EXAMPLES - len(tally.examples)]:
        tally.examples.append(
            Difference(tally.cause, event.id, event.name, event.external_customer_id, event.timestamp, why(event))
        )


def _late(log: Log, flexprice: Flexprice, margin: Window, names: Sequence[str]) -> list[Tally]:
    """Events inside the settling margin that have not arrived yet; they are told and not judged."""
    logged: dict[str, int] = {}
    for (name, _), count in log.counts(margin, DAY).items() if margin.start < margin.end else ():
        logged[name] = logged.get(name, 0) + count
    tally = Tally(Cause.LATE)
    for name in names:
        if logged.get(name):
            arrived = sum(read_ids_by_name(flexprice, name, margin, "DAY").values())
            missing = max(logged[name] - arrived, 0)
            if missing:
                tally.events += missing
                tally.examples.append(
                    Difference(Cause.LATE, "", name, "", margin.start, f"{missing:,} of {logged[name]:,}")
                )
    return [tally] if tally.events else []


def compared_window(first: datetime, last: datetime | None, settling_hours: int, now: datetime) -> Window:
    """The whole UTC days to compare: from ``first``'s day to ``last`` (included), but never what may still arrive."""
    settled = now - timedelta(hours=settling_hours)
    end = _midnight(settled)
    if last is not None:
        end = min(end, _midnight(last) + timedelta(days=1))
    return Window(_midnight(first), end)


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
