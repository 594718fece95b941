"""An event that went to another customer is found by a count of that customer's events, and what was not counted is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from pytest_flexprice.model.meters import Aggregation, Event, Meter
from pytest_flexprice.model.times import Window
from pytest_flexprice.traffic.causes import Cause
from pytest_flexprice.traffic.known import Known
from pytest_flexprice.traffic.metered import Metered
from pytest_flexprice.traffic.reconcile import explain, reconcile
from pytest_flexprice.traffic.search import Search
from pytest_flexprice.traffic.spread import MOST_COUNTS, chosen, probability, unequal
from tests.traffic.doubles import ListFlexprice, ListLog

START = datetime(2026, 11, 2, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(days=2))
METER = Meter("m", "count", "call", Aggregation("COUNT"))
SENT = [Event(f"e{n}", "call", START + timedelta(minutes=n), {}, f"acct-{n % 7}") for n in range(700)]
MOVED = SENT[100]
ARRIVED = [*(one for one in SENT if one is not MOVED), replace(MOVED, external_customer_id="acct-0")]


def _looked_into(arrived, **given):
    known = Known([Metered(METER, "feat_m", "count")], frozenset(f"acct-{n}" for n in range(7)), {})
    flexprice = ListFlexprice(arrived, [METER])
    search = Search(ListLog(SENT), flexprice, known.metered, **given)
    result = reconcile(search, known, WINDOW, WINDOW.end)
    asked = len(flexprice.requests)
    found = unequal(search, known, result, date(2026, 11, 4))
    return search, known, result, found, len(flexprice.requests) - asked


def test_one_event_for_somebody_else_is_found_by_counting_both_customers():
    search, known, result, found, asked = _looked_into(ARRIVED)
    assert (set(found), asked) == ({"acct-2", "acct-0"}, 7)
    explain(search, known, result, found, WINDOW.end)
    assert [(one.cause, one.event_id) for one in result.differences] == [(Cause.CUSTOMER, MOVED.id)]


def test_what_was_counted_is_said_with_the_probability():
    *_, result, found, _ = _looked_into(SENT)
    assert found == []
    (note,) = result.notes
    assert "those of 7 of 7 customers, who have 100.0% of all, were counted" in note
    assert "a probability of at least 100.0%" in note


def test_without_time_nothing_is_counted_and_the_probability_is_none():
    *_, result, found, asked = _looked_into(ARRIVED, is_over=lambda: True)
    assert (found, asked) == ([], 0)
    assert "those of 0 of 7 customers" in result.notes[-1]
    assert "at least 0.0%" in result.notes[-1]


def test_a_log_that_was_compared_one_by_one_needs_no_counts():
    search, known, result, *_ = _looked_into(SENT)
    result.notes.clear()
    result.sampled = result.events
    assert unequal(search, known, result, date(2026, 11, 4)) == []
    assert result.notes == []


def test_a_customer_with_known_differences_is_not_counted_again():
    assert "acct-2" not in _looked_into([one for one in SENT if one is not MOVED])[3]


def test_the_largest_are_counted_each_day_and_all_others_in_turn():
    customers = {f"acct-{n}": 10_000 - n for n in range(1_000)}
    days = [chosen(customers, date(2026, 11, 1) + timedelta(days=n)) for n in range(9)]
    assert all(len(set(each)) == MOST_COUNTS for each in days)
    assert all({f"acct-{n}" for n in range(MOST_COUNTS // 2)} <= set(each) for each in days)
    assert set().union(*days) == set(customers)
    assert chosen({"a": 1}, date(2026, 11, 1)) == ["a"]
    assert chosen({}, date(2026, 11, 1)) == []


@pytest.mark.parametrize(("counted", "compared", "expected"), [(0, 0, 0), (1, 0, 1), (0.5, 0, 0.5), (0.5, 0.5, 0.75)])
def test_the_probability_is_that_of_either(counted, compared, expected):
    assert probability(counted, compared) == expected
