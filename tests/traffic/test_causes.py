"""Two logs of one event id differ under the one cause that is true, with the quantity that is billed too little or too much."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.model.meters import Aggregation, Event, Filter, Meter
from pytest_flexprice.model.times import Window
from pytest_flexprice.traffic.causes import EXAMPLES, Cause, Difference, classified, copied, tallied
from pytest_flexprice.traffic.traits import learn

AT = datetime(2026, 11, 20, 8, tzinfo=UTC)
SUM = Meter("m_sum", "sum", "use", Aggregation("SUM", "n"), (Filter("kind", ("a", "b")),))
COUNT = Meter("m_count", "count", "call", Aggregation("COUNT"))
METERS = {"use": [SUM], "call": [COUNT]}
ONE = Event("e1", "use", AT, {"n": 5, "kind": "a"}, "acct")
CALL = Event("e2", "call", AT, {}, "acct")
LATER = timedelta(seconds=1)
ELSE, CALL_OF_ONE = replace(ONE, external_customer_id="another"), replace(ONE, name="call")


def _altered(**properties):
    return replace(
        ONE, properties={key: value for key, value in {**ONE.properties, **properties}.items() if value != ...}
    )


CASES = {
    "lost": ([ONE], [], Cause.LOST, 5),
    "a lost event of a counter": ([CALL], [], Cause.LOST, 1),
    "sent again a second later": ([ONE], [ONE, replace(ONE, timestamp=AT + LATER)], Cause.TWICE, -5),
    "an id counts once": ([CALL], [CALL, replace(CALL, timestamp=AT + LATER)], Cause.TWICE, 0),
    "moved to the next month": ([ONE], [replace(ONE, timestamp=AT + timedelta(days=20))], Cause.MOVED, 0),
    "renamed": ([ONE], [replace(ONE, name="usage")], Cause.NAME, 5),
    "another customer": ([ONE], [replace(ONE, external_customer_id="acct2")], Cause.CUSTOMER, 5),
    "a property renamed": ([ONE], [_altered(n=..., N=5)], Cause.PROPERTY, 5),
    "a property left out": ([ONE], [_altered(n=...)], Cause.PROPERTY, 5),
    "a filter's property left out": ([ONE], [_altered(kind=...)], Cause.PROPERTY, 5),
    "a filter's value that is not taken": ([ONE], [_altered(kind="c")], Cause.VALUE, 5),
    "less": ([ONE], [_altered(n=3)], Cause.VALUE, 2),
    "more": ([ONE], [_altered(n="7.5")], Cause.VALUE, "-2.5"),
    "text for a number": ([ONE], [_altered(n="5,0")], Cause.WORTHLESS, 5),
    "nobody logged it": ([], [ONE], Cause.FOREIGN, -5),
    "lost of an id that another customer has too": ([ONE, ELSE], [ELSE], Cause.LOST, 5),
    "lost of an id that another name has too": ([ONE, CALL_OF_ONE], [CALL_OF_ONE], Cause.LOST, 5),
    "renamed beside another of its id": ([ONE, CALL_OF_ONE], [CALL_OF_ONE, replace(ONE, name="usage")], Cause.NAME, 5),
    "moved beside another of its id": ([ONE, ELSE], [ELSE, replace(ONE, timestamp=AT + LATER)], Cause.MOVED, 0),
}  # fmt: skip


@pytest.mark.parametrize(("logged", "arrived", "cause", "quantity"), CASES.values(), ids=CASES)
def test_what_differs_has_its_cause_and_quantity(logged, arrived, cause, quantity):
    (found,) = classified(logged, arrived, METERS)
    assert (found.cause, found.quantity) == (cause, Decimal(quantity))
    assert (found.event_id, found.customer) == ((logged or arrived)[0].id, "acct")


SAME = {
    "nothing at all": ([], []),
    "byte for byte": ([ONE, CALL], [CALL, ONE]),
    "a retry within the second": ([ONE], [ONE, replace(ONE, timestamp=AT + LATER / 4)]),
    "a number as text": ([ONE], [_altered(n="5.0")]),
    "a property that nobody reads": ([ONE], [_altered(region="eu")]),
    "another value that the filter takes too": ([ONE], [_altered(kind="b")]),
    "one id for two customers and two names": ([ONE, ELSE, CALL_OF_ONE], [CALL_OF_ONE, ELSE, ONE]),
    "sent again and logged again": ([ONE, replace(ONE, timestamp=AT + LATER)],) * 2,
}


@pytest.mark.parametrize(("logged", "arrived"), SAME.values(), ids=SAME)
def test_what_bills_the_same_is_no_difference(logged, arrived):
    assert list(classified(logged, arrived, METERS)) == []


def test_an_event_that_moved_and_changed_is_told_as_both():
    found = classified([ONE], [replace(_altered(n=4), timestamp=AT + LATER)], METERS)
    assert [(one.cause, one.quantity) for one in found] == [(Cause.MOVED, 0), (Cause.VALUE, 1)]


@pytest.mark.parametrize(
    ("logged", "arrived", "quantities"),
    [
        (ONE, replace(ONE, timestamp=AT + timedelta(days=20)), [5]),
        (ONE, replace(_altered(n=4), timestamp=AT + timedelta(days=20)), [5, 0]),
        (replace(ONE, timestamp=AT - timedelta(days=20)), ONE, [-5]),
        (replace(ONE, timestamp=AT - timedelta(days=20)), _altered(n=4), [-5, 1]),
        (ONE, replace(ONE, timestamp=AT + LATER), [0]),
    ],
    ids=["out of the days", "out and changed", "into the days", "into and changed", "within the days"],
)
def test_what_moved_out_of_the_days_is_missing_in_them(logged, arrived, quantities):
    window = Window(AT.replace(hour=0), AT.replace(hour=0) + timedelta(days=1))
    assert [one.quantity for one in classified([logged], [arrived], METERS, window)] == quantities


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 9)), max_size=20))
def test_a_log_against_itself_differs_in_nothing(rows):
    events = [Event(f"e{n}", "use", AT + second * LATER, {"n": n, "kind": "a"}, "acct") for n, second, _ in rows]
    assert list(classified(events, events, METERS)) == []


@given(st.integers(1, 9))
def test_a_tally_counts_all_and_shows_few(lost):
    events = [replace(ONE, id=f"e{n}") for n in range(lost)]
    (tally,) = tallied(classified(events, [], METERS))
    assert (tally.events, tally.quantities) == (lost, {"m_sum": Decimal(5 * lost)})
    assert len(tally.examples) == min(lost, EXAMPLES)


def test_a_retry_under_a_new_id_is_said_to_be_a_copy():
    again, other = replace(ONE, id="e1-again"), replace(_altered(n=4), id="other")
    arrived = [ONE, again, other]
    found = copied(classified([ONE], arrived, METERS), [ONE], arrived)
    assert [(one.event_id, one.detail) for one in found] == [("e1-again", "the same as 'e1'"), ("other", "")]


def test_a_lost_event_is_that_of_the_meter_that_takes_it():
    other = Meter("m_other", "other", "use", Aggregation("SUM", "n"), (Filter("kind", ("c",)),))
    for one, meter in ((ONE, "m_sum"), (_altered(kind="c"), "m_other"), (_altered(kind="d"), "")):
        (found,) = classified([one], [], {"use": [SUM, other]})
        assert (found.meter, found.quantity) == (meter, 5 if meter else 0)


def test_what_only_some_events_of_a_cause_share_is_none_of_what_it_shares():
    known = {}
    for at, other in ((0, {"version": "1", "region": "eu"}), (50, {"version": "1", "region": "us"})):
        ours = {f"e{n}": [replace(ONE, id=f"e{n}", properties=other if n < at + 5 else {})] for n in range(at, at + 10)}
        learn(known, [_lost_of(events[0]) for events in ours.values() if events[0].properties], ours, {})
    assert known == {Cause.LOST: {("version", "1"): 0.0}}


def _lost_of(event):
    return Difference(Cause.LOST, event.id, event.name, event.external_customer_id, event.timestamp)
