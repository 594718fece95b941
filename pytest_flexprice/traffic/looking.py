"""Looking at single events: those of the stretches that differ, wherever else they may be, and a few that do not differ (checklist 3.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from pytest_flexprice.api.traffic import PAGE
from pytest_flexprice.model.decimals import ZERO
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.model.meters import Event
from pytest_flexprice.model.times import Window
from pytest_flexprice.traffic.causes import Cause, Difference, Tally, by_other_ids, classified, copied, identity
from pytest_flexprice.traffic.known import Known
from pytest_flexprice.traffic.search import MOST_EVENTS, Search, Stretch
from pytest_flexprice.traffic.traits import learn

MOST_LOOKUPS = 200
SAMPLED = 10 * PAGE
"""So many events are compared one by one in each run although nothing differs: everything in a small log, elsewhere others each day."""
_FOREVER, _HOUR = timedelta(days=800), timedelta(hours=1)
Ids = dict[str, list[Event]]


def of_stretches(
    search: Search, known: Known, stretches: Sequence[Stretch], notes: list[str], now: datetime
) -> tuple[list[Tally], list[Difference]]:
    """What was not looked into, and the single events that differ in the other stretches."""
    logged: list[Event] = []
    arrived: list[Event] = []
    unseen = Tally(Cause.UNSEEN)
    for each in stretches:
        left = MOST_EVENTS - max(len(logged), len(arrived))
        reason = "there was no time left" if search.is_over() else "there are too many" if each.events > left else ""
        reason = reason or _read(search, known, each.window, logged, arrived)
        if reason:
            _put_aside(unseen, each, reason)
    for side in (logged, arrived):
        search.note_repeats(side)
    for one in (*logged, *arrived):
        if known.is_of_a_test(one):
            search.touch([one])
    sides = by_id(known, logged), by_id(known, arrived)
    return [unseen] if unseen.events else [], looked_up(search, known, sides, notes, now)


def of_a_sample(
    search: Search, known: Known, stretch: Stretch, notes: list[str], now: datetime
) -> list[Difference] | None:
    """What differs of single events where no number does: events that arrived for somebody else, or that cancel each other.

    None where they could not be compared.
    """
    logged: list[Event] = []
    arrived: list[Event] = []
    reason = _read(search, known, stretch.window, logged, arrived, 2 * stretch.events + PAGE)
    if reason:
        notes.append(f"no sample of single events was compared: {reason}")
        return None
    return looked_up(search, known, (by_id(known, logged), by_id(known, arrived)), notes, now)


def _read(  # noqa: PLR0917 - both sides of one stretch
    search: Search, known: Known, window: Window, logged: list[Event], arrived: list[Event], most: int = MOST_EVENTS
) -> str:
    """Put the events of both sides into the lists, or say why that was not possible."""
    search.progress(f"reading single events of {window.start:%Y-%m-%d %H:%M}")
    kept = search.state.kept(window, search.counts_of(window)) if search.state else None
    try:
        theirs = search.arrived(window, most) if kept is None else kept[1]
    except NotVerified as reason:
        return reason.findings[0].problem
    ours = search.log.events(window, 2 * MOST_EVENTS)
    if kept is not None:
        theirs = [*theirs, *(one for one in ours if one.id not in kept[0])]
    elif search.state:
        odd = _odd(known, ours, theirs)
        search.state.keep(window, search.counts_of(window), sorted(odd), [one for one in theirs if one.id in odd])
    arrived += theirs
    logged += ours
    return ""


def _odd(known: Known, ours: Iterable[Event], theirs: Iterable[Event]) -> set[str]:
    """The ids whose events are not the same on both sides."""
    mine, seen = _all_by_id(ours), _all_by_id(theirs)
    return {
        each
        for each in {**mine, **seen}
        if any(classified(mine.get(each, ()), seen.get(each, ()), known.by_name))
        or _seconds(mine.get(each, ())) != _seconds(seen.get(each, ()))
        or len(seen.get(each, ())) > 1  # sums may hold it twice
    }


def _all_by_id(events: Iterable[Event]) -> Ids:
    found: Ids = {}
    for event in events:
        found.setdefault(event.id, []).append(event)
    return found


def _put_aside(tally: Tally, one: Stretch, reason: str) -> None:
    tally.events += one.differing
    if len(tally.examples) < 3:
        span = f"from {one.window.start:%Y-%m-%d %H:%M} to {one.window.end:%Y-%m-%d %H:%M}: {reason}"
        tally.examples.append(Difference(Cause.UNSEEN, "", "", "", one.window.start, span))


def by_id(known: Known, events: Iterable[Event]) -> Ids:
    """The events by id, without those that are not billed and those of runs like this."""
    found: Ids = {}
    for event in events:
        if event.name not in known.unbilled and not known.is_of_a_test(event):
            found.setdefault(event.id, []).append(event)
    return found


def looked_up(
    search: Search, known: Known, sides: tuple[Ids, Ids], notes: list[str], now: datetime
) -> list[Difference]:
    """The differences of events, of which those that are on one side only are looked for wherever else they may be."""
    ours, theirs = sides
    odd = [each for each in {**ours, **theirs} if _seconds(ours.get(each, ())) != _seconds(theirs.get(each, ()))]
    unshown = {each: _seconds(ours.get(each, ())) - _seconds(theirs.get(each, ())) for each in odd}
    for event in search.log.events_by_id(odd, 2 * MOST_EVENTS):
        ours.setdefault(event.id, []).append(event)
    missing = [each for each in odd if _seconds(ours.get(each, ())) - _seconds(theirs.get(each, ()))]
    wanted = _spread(missing, MOST_LOOKUPS)
    done = _found_elsewhere(search, theirs, wanted, now)
    if done < len(missing):
        note = f"{len(missing):,} events differ, of which {done} were looked for one by one elsewhere"
        notes += [note] if note not in notes else []
    found = list(classified(list(_flat(ours)), list(_flat(theirs)), known.by_name, search.window))
    if any(unshown[each] & _seconds(theirs[each]) for each in wanted[:done]):
        known_well = set(wanted[:done])
        found = [_doubted(one) if one.cause is Cause.LOST and one.event_id not in known_well else one for one in found]
    for each in {one.event_id for one in found}:
        search.touch((*ours.get(each, ()), *theirs.get(each, ())))
    found = copied(by_other_ids(found), _flat(ours), _flat(theirs))
    learn(search.traits, found, ours, theirs)
    return found


def _doubted(one: Difference) -> Difference:
    """An event that was not shown in its stretch, where others were not either and are there when they are asked for by id."""
    return one._replace(
        cause=Cause.UNSEEN, detail="not shown among the events of its time, as others that are there", quantity=ZERO
    )


def _found_elsewhere(search: Search, theirs: Ids, wanted: Sequence[str], now: datetime) -> int:
    """Read all that Flexprice holds of some ids; how many of them were read."""
    everywhere = Window(now - _FOREVER, now + _FOREVER)
    for number, identifier in enumerate(wanted):
        if search.is_over():
            return number
        search.progress(f"looking for event {number + 1} of {len(wanted)}")
        try:
            theirs[identifier] = search.arrived(everywhere, event_id=identifier)
        except NotVerified:
            return number  # the same reader would be asked for the others too
    return len(wanted)


def _spread(ids: Sequence[str], most: int) -> list[str]:
    """Some ids of all: those of the beginning, the middle and the end alike."""
    step = max(len(ids) / most, 1) if most else 1
    return [ids[int(number * step)] for number in range(min(len(ids), most))]


def _seconds(events: Iterable[Event]) -> Counter[datetime]:
    """How many events of one id lie in each second; one that was renamed there need not be looked for elsewhere."""
    return Counter(second for second, *_ in {identity(event) for event in events})


def _flat(side: Mapping[str, Sequence[Event]]) -> Iterator[Event]:
    for events in side.values():
        yield from events


def sampled(hours: Mapping[datetime, int], today: date, most: int = SAMPLED) -> Stretch | None:
    """The stretch of the log to compare one by one: all of a small one, of a large one other hours each day.

    ``hours`` tells how many events there are in each.
    """
    order = sorted(hours)
    if not order:
        return None
    if sum(hours.values()) <= most:
        return Stretch(Window(order[0], order[-1] + _HOUR), 0, sum(hours.values()))
    each = max(len(order) * most // sum(hours.values()), 1)
    first = today.toordinal() * each % len(order)
    last, events = order[first], hours[order[first]]
    for begin in order[first + 1 :]:
        if events + hours[begin] > most:
            break
        last, events = begin, events + hours[begin]
    return Stretch(Window(order[first], last + _HOUR), 0, events)
