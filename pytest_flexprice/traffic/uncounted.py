"""Totals that differ although every single event is the same: counted wrongly, not counted, or answered from stale tables (contract 11.1).

Who of them is right is not known, so nobody is accused; but what was not explained is not verified.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pytest_flexprice.api.traffic import read_ids_by_name, read_points
from pytest_flexprice.model.decimals import words
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.model.times import Window
from pytest_flexprice.traffic.causes import EXAMPLES, Cause, Difference, Tally
from pytest_flexprice.traffic.log import DAY
from pytest_flexprice.traffic.metered import Metered
from pytest_flexprice.traffic.search import Search, Side, day_of, equal, summed

Key = tuple[str, datetime]


class _Odd(NamedTuple):
    """A total that nothing explains: by how many events (at least one), and both values in words."""

    name: str
    day: datetime
    events: int
    detail: str


def uncounted(  # noqa: PLR0917 - both sides and what is known to differ
    search: Search, window: Window, ours: Side, theirs: Side, differing: Collection[Key], unseen: Iterable[Window]
) -> tuple[list[Tally], list[str]]:
    """What is left of the days that differ once every single event was looked at, and was still so when it was read again."""
    aside = list(unseen)
    asked = {key for key in differing if not any(_overlap(key[1], each) for each in aside)}
    odd = list(_odd(search, asked, ours, theirs))
    if not odd or search.is_over():
        return _tallied(odd), []
    try:
        again = _again(search, window, {each.name for each in odd}, theirs)
    except NotVerified:
        return _tallied(odd), []
    left = list(_odd(search, {(each.name, each.day) for each in odd}, ours, again))
    note = "totals that differed from the log although no event did were those of the log when they were read again"
    return _tallied(left), [] if left else [note]


def _overlap(day: datetime, window: Window) -> bool:
    return window.start < day + timedelta(seconds=DAY) and day < window.end


def _again(search: Search, window: Window, names: Iterable[str], theirs: Side) -> Side:
    ids = dict(theirs.ids)
    for name in names:
        ids = {key: count for key, count in ids.items() if key[0] != name}
        ids.update(
            {(name, start): each for start, each in read_ids_by_name(search.flexprice, name, window, "DAY").items()}
        )
    return Side(ids, dict(read_points(search.flexprice, window, "DAY")))


def _odd(search: Search, keys: Iterable[Key], ours: Side, theirs: Side) -> Iterator[_Odd]:
    for name, day in sorted(keys):
        found = [
            *_more(
                search, name, day, ours.ids.get((name, day), 0), theirs.ids.get((name, day), 0), "arrived by the count"
            ),
            *(
                odd
                for one in search.metered
                if one.meter.event_name == name
                for odd in _of_meter(search, one, day, ours, theirs)
            ),
        ]
        yield from found[:1]


def _of_meter(search: Search, one: Metered, day: datetime, ours: Side, theirs: Side) -> Iterator[_Odd]:
    mine, seen = (_of_day(one, day, side) for side in (ours, theirs))
    name = one.meter.event_name
    if not one.is_long:
        counts = sum(each[1] for each in mine), sum(each[1] for each in seen)
        yield from _more(search, name, day, *counts, f"counted by '{one.title}'")
    explained = search.touched.get((name, day)) or (name, day) in search.repeated
    if one.is_long:
        explained = any(key[0] == name for key in (*search.touched, *search.repeated))
    if one.adds_up and not explained and not equal(summed(mine), summed(seen)):
        yield _Odd(name, day, 1, f"{words(summed(mine))} logged, {words(summed(seen))} counted by '{one.title}'")


def _of_day(one: Metered, day: datetime, side: Side) -> list[Any]:
    return [point for start, point in side.points.get(one.meter.id, {}).items() if one.is_long or day_of(start) == day]


def _more(search: Search, name: str, day: datetime, mine: int, seen: int, where: str) -> Iterator[_Odd]:  # noqa: PLR0917 - as above
    """More events differ than were found to."""
    more = abs(mine - seen) - search.touched.get((name, day), 0)
    if more > 0:
        yield _Odd(name, day, more, f"{mine:,} events logged, {seen:,} {where}")


def _tallied(odd: Iterable[_Odd]) -> list[Tally]:
    tally = Tally(Cause.UNCOUNTED)
    for each in odd:
        tally.events += each.events
        if len(tally.examples) < EXAMPLES:
            detail = f"{each.day:%Y-%m-%d}: {each.detail}"
            tally.examples.append(Difference(Cause.UNCOUNTED, "", each.name, "", each.day, detail))
    return [tally] if tally.events else []
