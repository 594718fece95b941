"""What the events of one cause share, so that a sentence names the sender's fault: a customer, a stretch of time, a version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from pytest_flexprice.model.meters import Event
from pytest_flexprice.traffic.causes import Cause, Difference

LEAST = 3
"""So many events say nothing yet about what they share."""
CHANCE = 0.001
"""What so few of all would share by chance is told."""
LONGEST, MOST = 40, 2
Trait = tuple[str, str]
Traits = dict[Cause, dict[Trait, float]]
"""By cause what every event of it holds, and which share of the others of the same names does too."""
Ids = Mapping[str, Sequence[Event]]


def learn(known: Traits, found: Iterable[Difference], ours: Ids, theirs: Ids) -> None:
    """Take in what the events of some differences share; ``ours`` and ``theirs`` hold them, and others beside them."""
    by_cause: dict[Cause, dict[str, Event]] = {}
    for one in found:
        events = ours.get(one.event_id) or theirs.get(one.event_id)
        if events:
            by_cause.setdefault(one.cause, {})[one.event_id] = events[0]
    odd = {each for own in by_cause.values() for each in own}
    for cause, own in by_cause.items():
        names = {one.name for one in own.values()}
        beside = (one for each, events in ours.items() if each not in odd for one in events[:1])
        others = [_traits(one) for one in beside if one.name in names]
        traits = set.intersection(*(_traits(one) for one in own.values()))
        shares = {each: sum(each in has for has in others) / len(others) for each in traits if others}
        before = known.get(cause, shares)
        known[cause] = {each: max(share, before[each]) for each, share in shares.items() if each in before}


def _traits(event: Event) -> set[Trait]:
    return {
        (key, str(value))
        for key, value in event.properties.items()
        if isinstance(value, str | int | float) and len(f"{key}{value}") <= LONGEST
    }


def told(own: Sequence[Difference], shares: Mapping[Trait, float]) -> str:
    """Of which customers, with what, and from when to when the events of one cause are; "" where there is only one."""
    if len(own) < 2:
        return ""
    customers = sorted({one.customer for one in own})
    whose = f"all of '{customers[0]}'" if len(customers) == 1 else f"of {len(customers):,} customers"
    rare = sorted((share, each) for each, share in shares.items() if len(own) > LEAST and share ** len(own) < CHANCE)
    held = " and ".join(f"{key} '{value}'" for _, (key, value) in rare[:MOST])
    times = [one.time for one in own]
    return ", ".join(filter(None, [whose, held and f"all with {held}", _span(min(times), max(times))]))


def _span(first: datetime, last: datetime) -> str:
    end = f"{last:%H:%M:%S}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M:%S}"
    return f"from {first:%Y-%m-%d %H:%M:%S} to {end} UTC"
