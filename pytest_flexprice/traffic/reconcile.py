"""The company's log against what Flexprice holds and counted: which events differ, and why (checklist 3.1, contract 11.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pytest_flexprice.api import Flexprice
from pytest_flexprice.api.traffic import read_ids_by_name
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.model.near_miss import NearMisses
from pytest_flexprice.model.times import Window
from pytest_flexprice.traffic.alone import outside, worthless_ones
from pytest_flexprice.traffic.causes import Cause, Difference, Tally, tallied
from pytest_flexprice.traffic.known import Known
from pytest_flexprice.traffic.log import DAY, Log
from pytest_flexprice.traffic.looking import by_id, looked_up, of_a_sample, of_stretches, sampled
from pytest_flexprice.traffic.search import MOST_EVENTS, Search, Side
from pytest_flexprice.traffic.traits import told
from pytest_flexprice.traffic.uncounted import uncounted

MOST_NAMES = 500


@dataclass
class Reconciled:
    """What a comparison found: both sides by day, and every difference with its cause.

    ``tallies`` hold the causes of ``differences`` and those ``apart``, which are only counted; ``windows`` are the stretches looked into,
    ``customers`` those of the log with their number of events, ``sampled`` how many events were compared one by one where nothing differs.
    """

    window: Window
    ours: Side = field(default_factory=Side)
    theirs: Side = field(default_factory=Side)
    windows: list[Window] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    tallies: list[Tally] = field(default_factory=list)
    apart: list[Tally] = field(default_factory=list)
    customers: dict[str, int] = field(default_factory=dict)
    sampled: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def events(self) -> int:
        """How many events of the log were compared, by their ids and days."""
        return sum(self.ours.ids.values())


def reconcile(search: Search, known: Known, window: Window, now: datetime) -> Reconciled:
    """Compare the whole window, look into what differs, and name the causes."""
    log, result = search.log, Reconciled(window)
    names = sorted({*known.by_name, *(name for name, _ in log.counts(window, DAY))} - known.unbilled)
    if len(names) > MOST_NAMES:
        result.notes.append(f"only the first {MOST_NAMES} of {len(names):,} event names were compared")
    differing = search.days(window, names[:MOST_NAMES], result.ours, result.theirs)
    if search.state:
        result.notes += search.state.begin(
            window=window, log=(sorted(result.ours.ids.items()), sorted(result.ours.points.items()))
        )
    billed = [each for each in differing if each[0] not in known.unbilled]
    stretches = search.stretches(billed, result.ours, result.theirs)
    result.windows = [each.window for each in stretches]
    result.customers = log.customers(window)
    unseen, result.differences = of_stretches(search, known, stretches, result.notes, now)
    aside = [each.window for each in stretches] if unseen else []
    odd, notes = uncounted(search, window, result.ours, result.theirs, billed, aside)
    result.notes += notes
    result.differences += _of_the_log(known, result)
    result.apart = [*unseen, *odd, *worthless_ones(log, known, window), *outside(log, known, window)]
    try:
        result.apart += _late(log, search.flexprice, Window(window.end, now), names[:MOST_NAMES])
    except NotVerified as reason:
        result.notes.append(f"what is inside the settling margin was not counted: {reason.findings[0].problem}")
    _tally(search, result)
    return result


def sample(search: Search, known: Known, result: Reconciled, now: datetime) -> None:
    """Compare some events one by one, of a small log all: what went to somebody else changes no number."""
    stretch = None if search.is_over() else sampled(search.log.hours(result.window), now.date())
    if stretch is not None:
        differences = of_a_sample(search, known, stretch, result.notes, now)
        if differences is not None:
            result.sampled = stretch.events
            _add(search, result, differences)


def explain(search: Search, known: Known, result: Reconciled, customers: Iterable[str], now: datetime) -> None:
    """Look into all events of customers whose bills differ although every count agrees: what went to somebody else."""
    for customer in customers:
        if search.is_over():
            break
        search.progress(f"looking into the events of '{customer}'")
        ours = by_id(known, search.log.events_of(customer, result.window, MOST_EVENTS))
        try:
            theirs = by_id(known, search.arrived(result.window, external_customer_id=customer))
        except NotVerified as reason:
            result.notes.append(f"the events of '{customer}' were not looked into: {reason.findings[0].problem}")
            continue
        _add(search, result, looked_up(search, known, (ours, theirs), result.notes, now))


def _add(search: Search, result: Reconciled, differences: Iterable[Difference]) -> None:
    """Take in what is not known yet."""
    known = {(one.event_id, one.name, one.customer) for one in result.differences}
    result.differences += [one for one in differences if (one.event_id, one.name, one.customer) not in known]
    _tally(search, result)


def _tally(search: Search, result: Reconciled) -> None:
    order = list(Cause)
    result.tallies = sorted([*tallied(result.differences), *result.apart], key=lambda each: order.index(each.cause))
    for tally in result.tallies:
        own = [one for one in result.differences if one.cause is tally.cause and one.event_id]
        tally.spread = told(own, search.traits.get(tally.cause, {}))


def _of_the_log(known: Known, result: Reconciled) -> Iterator[Difference]:
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
        if known.is_test_customer(customer):
            continue
        if customer not in known.customers:
            yield _whole(Cause.UNKNOWN_CUSTOMER, "", customer, result, f"{count:,} events{near.hint(customer)}")
        elif known.subscribed is not None and customer not in known.subscribed:
            yield _whole(Cause.UNSUBSCRIBED, "", customer, result, f"{count:,} events")


def _whole(cause: Cause, name: str, customer: str, result: Reconciled, detail: str) -> Difference:
    return Difference(cause, "", name, customer, result.window.start, detail)


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
