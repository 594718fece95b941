"""A whole comparison finds every planted difference under its cause, invents none, and asks for no more than the differences need."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_flexprice.model.meters import Aggregation, Event, Meter
from pytest_flexprice.model.times import Window
from pytest_flexprice.oracle.metering.meters import expected_usage
from pytest_flexprice.traffic.causes import Cause
from pytest_flexprice.traffic.known import Known
from pytest_flexprice.traffic.looking import MOST_LOOKUPS
from pytest_flexprice.traffic.metered import Metered
from pytest_flexprice.traffic.reconcile import compared_window, explain, reconcile, sample
from pytest_flexprice.traffic.search import Search
from tests.traffic.doubles import ListFlexprice, ListLog

START = datetime(2026, 11, 2, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(days=3))
NOW = WINDOW.end + timedelta(hours=6)
METERS = [
    Meter("m_sum", "sum", "use", Aggregation("SUM", "n")),
    Meter("m_count", "count", "call", Aggregation("COUNT")),
]
CUSTOMERS = frozenset({"acct-0", "acct-1", "acct-2"})
SENT = [
    Event(f"e{n}", ("use", "call")[n % 2], START + timedelta(minutes=47 * n), {"n": n}, f"acct-{n % 3}")
    for n in range(90)
]
ODD = next(one for one in SENT if one.name == "use" and one.timestamp > START + timedelta(days=1))


def _known(**given):
    metered = [Metered(each, f"feat_{each.id}", each.name) for each in METERS]
    return Known(metered, CUSTOMERS, given.pop("starts", {}), **given)


def _compared(logged, arrived, known=None):
    flexprice = ListFlexprice(arrived, METERS)
    known = known or _known()
    search = Search(ListLog(logged), flexprice, known.metered)
    return reconcile(search, known, WINDOW, NOW), flexprice, search


def _causes(result):
    return [(tally.cause, tally.events) for tally in result.tallies]


def _with(one, *instead):
    return [*(each for each in SENT if each is not one), *instead]


def test_a_healthy_log_differs_in_nothing_and_costs_three_requests():
    result, flexprice, _ = _compared(SENT, SENT)
    assert _causes(result) == []
    assert result.windows == []
    assert result.notes == []
    assert result.events == len(SENT)
    assert result.customers == dict.fromkeys(sorted(CUSTOMERS), 30)
    assert flexprice.requests == ["/v1/events/usage", "/v1/events/usage", "/v1/events/analytics"]


ARRIVED = {
    Cause.LOST: _with(ODD),
    Cause.TWICE: [*SENT, replace(ODD, timestamp=ODD.timestamp + timedelta(seconds=90))],
    Cause.MOVED: _with(ODD, replace(ODD, timestamp=ODD.timestamp + timedelta(days=300))),
    Cause.NAME: _with(ODD, replace(ODD, name="usage")),
    Cause.PROPERTY: _with(ODD, replace(ODD, properties={"N": 5})),
    Cause.VALUE: _with(ODD, replace(ODD, properties={"n": 5})),
    Cause.WORTHLESS: _with(ODD, replace(ODD, properties={"n": "5 GB"})),
    Cause.FOREIGN: [*SENT, replace(ODD, id="foreign")],
}


@pytest.mark.parametrize(("cause", "arrived"), ARRIVED.items(), ids=ARRIVED)
def test_what_arrived_otherwise_is_found_by_its_id_alone(cause, arrived):
    result, flexprice, _ = _compared(SENT, arrived)
    assert [(one.cause, one.event_id) for one in result.differences] == [
        (cause, "foreign" if cause is Cause.FOREIGN else ODD.id)
    ]
    assert _causes(result) == [(cause, 1)]
    assert len(flexprice.requests) <= 10


def _planted(cause, one):
    """What arrives of an event where it is altered so."""
    properties = {
        Cause.PROPERTY: {"N": one.properties["n"]},
        Cause.VALUE: {"n": one.properties["n"] + 3},
        Cause.WORTHLESS: {"n": "5 GB"},
    }
    other = {
        Cause.TWICE: [one, replace(one, timestamp=one.timestamp + timedelta(seconds=90))],
        Cause.MOVED: [replace(one, timestamp=one.timestamp + timedelta(days=300))],
        Cause.NAME: [replace(one, name="usage")],
        Cause.CUSTOMER: [replace(one, external_customer_id="acct-9")],
        Cause.FOREIGN: [one, replace(one, id=f"foreign {one.id}")],
        Cause.LOST: [],
    }
    return [replace(one, properties=properties[cause])] if cause in properties else other[cause]


KINDS = [*ARRIVED, Cause.CUSTOMER]


@pytest.mark.parametrize("first", KINDS)
@pytest.mark.parametrize("apart", [2, 30], ids=["the same day", "another day"])
def test_two_kinds_in_one_log_are_both_found_with_what_every_customers_bill_lacks(first, apart):
    for second in KINDS:
        one = ODD
        two = SENT[SENT.index(one) + apart]
        arrived = [*_with(one, *_planted(first, one))]
        arrived = [*(each for each in arrived if each is not two), *_planted(second, two)]
        result, _, search = _compared(SENT, arrived)
        sample(search, _known(), result, NOW)
        expected = [(first, one.id), (second, two.id)]
        expected = [(cause, f"foreign {each}" if cause is Cause.FOREIGN else each) for cause, each in expected]
        assert sorted((each.cause, each.event_id) for each in result.differences) == sorted(expected)
        for meter in METERS:
            for customer in CUSTOMERS:
                lacking = sum(
                    (
                        each.quantity
                        for each in result.differences
                        if (each.meter, each.customer) == (meter.id, customer)
                    ),
                    Decimal(0),
                )
                assert lacking == _used(meter, customer, SENT) - _used(meter, customer, arrived), (first, second)


def _used(meter, customer, events):
    return expected_usage(meter, [one for one in events if one.external_customer_id == customer], WINDOW).total


def test_an_event_for_another_customer_is_found_where_that_bill_is_looked_into():
    result, _, search = _compared(SENT, _with(ODD, replace(ODD, external_customer_id="acct-9")))
    assert _causes(result) == []
    explain(search, _known(), result, [ODD.external_customer_id], NOW)
    assert [(one.cause, one.event_id) for one in result.differences] == [(Cause.CUSTOMER, ODD.id)]


def _told(result):
    return [(tally.cause, tally.events, [one.event_id for one in tally.examples]) for tally in result.tallies]


@pytest.mark.parametrize("changed", [1, 5, len(SENT)])
def test_events_under_other_ids_are_told_as_such_and_neither_as_lost_nor_as_foreign(changed):
    own = SENT[:changed]
    arrived = [*(replace(one, id=f"new {one.id}") for one in own), *SENT[changed:]]
    result, _, search = _compared(SENT, arrived)
    sample(search, _known(), result, NOW)
    assert _causes(result) == [(Cause.ID, changed)]
    assert {one.event_id: one.detail for one in result.differences} == {
        one.id: f"arrived as 'new {one.id}'" for one in own
    }
    assert not any(one.quantity for one in result.differences)


def test_what_is_lost_and_what_nobody_logged_stay_apart_where_they_are_unlike():
    later = replace(ODD, id="later", timestamp=ODD.timestamp + timedelta(seconds=1))
    other = replace(ODD, id="other", properties={"n": 1})
    for foreign in (later, other, replace(ODD, id="whose", external_customer_id="acct-0")):
        result, _, search = _compared(SENT, _with(ODD, foreign))
        sample(search, _known(), result, NOW)
        assert {one.event_id: one.cause for one in result.differences} == {
            ODD.id: Cause.LOST, foreign.id: Cause.FOREIGN
        }  # fmt: skip


def test_what_the_log_shows_by_itself_is_told_though_it_all_arrived():
    worthless = replace(ODD, id="text", properties={"n": "many"})
    sent = [
        *SENT,
        worthless,
        replace(ODD, id="new", name="uses"),
        replace(ODD, id="who", external_customer_id="acct-7"),
    ]
    early = {"m_count": {"acct-1": START + timedelta(hours=1)}}
    result, _, _ = _compared(sent, sent, _known(starts=early))
    assert _told(result) == [
        (Cause.WORTHLESS, 1, ["text"]),
        (Cause.EARLY, 1, ["e1"]),
        (Cause.UNKNOWN_NAME, 1, [""]),
        (Cause.UNKNOWN_CUSTOMER, 1, [""]),
    ]
    assert [(one.name, one.customer) for one in result.differences] == [("uses", ""), ("", "acct-7")]


def test_what_is_still_on_its_way_is_told_as_late_and_not_as_lost():
    late = [replace(ODD, id=f"late{n}", timestamp=WINDOW.end + timedelta(hours=1)) for n in range(4)]
    result, _, _ = _compared([*SENT, *late], [*SENT, late[0]])
    assert _causes(result) == [(Cause.LATE, 3)]
    assert result.differences == []


def test_names_that_are_not_billed_and_events_of_test_runs_are_left_alone():
    extra = [replace(ODD, id="t1"), replace(ODD, id="x1", name="ping")]
    known = _known(unbilled=frozenset({"ping"}), is_test=lambda event: event["event_id"] == "t1")
    assert _causes(_compared([*SENT, extra[1]], [*SENT, extra[0]], known)[0]) == []


def test_all_causes_at_once_are_told_apart():
    own = [one for one in SENT if one.name == "use"]
    arrived = [one for one in SENT if one not in own[:4]]
    arrived += [
        replace(own[1], name="usage"),
        replace(own[2], properties={"n": "x"}),
        replace(own[3], properties={"n": 1}),
    ]
    arrived += [replace(own[5], timestamp=own[5].timestamp + timedelta(seconds=70)), replace(ODD, id="foreign")]
    result, _, _ = _compared(SENT, arrived)
    assert {one.event_id: one.cause for one in result.differences} == {
        own[0].id: Cause.LOST, own[1].id: Cause.NAME, own[2].id: Cause.WORTHLESS, own[3].id: Cause.VALUE, own[5].id: Cause.TWICE,
        "foreign": Cause.FOREIGN,
    }  # fmt: skip


def test_too_many_differences_are_read_as_they_are_and_that_is_said():
    many = [replace(ODD, id=f"many{n}", timestamp=START + timedelta(seconds=30 * n)) for n in range(MOST_LOOKUPS + 5)]
    result, flexprice, _ = _compared([*SENT, *many], SENT)
    assert _causes(result) == [(Cause.LOST, len(many))]
    assert result.notes == [
        f"{len(many):,} events differ, of which {MOST_LOOKUPS} were looked for one by one elsewhere"
    ]
    assert flexprice.requests.count("/v1/events/query") <= MOST_LOOKUPS + len(result.windows)


@pytest.mark.parametrize(
    ("last", "hours", "now", "end"),
    [
        (None, 6, START + timedelta(hours=30), START + timedelta(days=1)),
        (None, 6, START + timedelta(hours=29), START),
        (None, 6, START + timedelta(hours=53), START + timedelta(days=1)),
        (START, 0, START + timedelta(days=9), START + timedelta(days=1)),
        (START + timedelta(days=30), 0, START + timedelta(days=9), START + timedelta(days=9)),
    ],
)
def test_whole_settled_days_are_compared(last, hours, now, end):
    assert compared_window(START + timedelta(hours=3), last, hours, now) == Window(START, end)


def test_quantities_of_what_differs_are_those_of_the_meter():
    result, _, _ = _compared(SENT, ARRIVED[Cause.LOST])
    assert [tally.quantities for tally in result.tallies] == [{"m_sum": Decimal(ODD.properties["n"])}]


ALTERATIONS = {
    Cause.LOST: lambda one: [],
    Cause.TWICE: lambda one: [one, replace(one, timestamp=one.timestamp + timedelta(seconds=61))],
    Cause.MOVED: lambda one: [replace(one, timestamp=one.timestamp + timedelta(days=300))],
    Cause.NAME: lambda one: [replace(one, name="Use")],
    Cause.PROPERTY: lambda one: [replace(one, properties={"N": one.properties["n"]})],
    Cause.VALUE: lambda one: [replace(one, properties={"n": 0.5})],
    Cause.WORTHLESS: lambda one: [replace(one, properties={"n": "5 GB"})],
    Cause.FOREIGN: lambda one: [one, replace(one, id=f"foreign of {one.id}")],
}
APART = [replace(one, properties={"n": 2**n}) for n, one in enumerate(each for each in SENT if each.name == "use")]
"""No sum of some of them is the sum of others, so that no differences of a day cancel each other."""


@given(st.dictionaries(st.sampled_from(range(len(APART))), st.sampled_from(list(ALTERATIONS)), max_size=12))
@settings(max_examples=25)
def test_any_differences_are_all_found_and_none_is_invented(planted):
    arrived = [
        each for n, one in enumerate(APART) for each in (ALTERATIONS[planted[n]](one) if n in planted else [one])
    ]
    result, _, _ = _compared(APART, arrived)
    expected = {
        (f"foreign of {APART[n].id}" if cause is Cause.FOREIGN else APART[n].id): cause for n, cause in planted.items()
    }
    assert {one.event_id: one.cause for one in result.differences} == expected
    assert len(result.differences) == len(planted)
