"""Recorded conversations as companies: the real server's answers are read for what they are, and no cause is invented from them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pytest_flexprice.api.traffic import read_arrived, read_ids_by_name, read_points
from pytest_flexprice.model.finding import NotVerified, Severity
from pytest_flexprice.model.times import Window, instant
from pytest_flexprice.traffic import telling
from pytest_flexprice.traffic.causes import Cause
from tests.traffic.recorded import told


def _causes(found):
    return {tally.cause: tally.events for tally in found.result.tallies}


def _tally(found, cause):
    return next(each for each in found.result.tallies if each.cause is cause)


@pytest.fixture(scope="module")
def totals():
    """Every aggregation, negatives, texts, an id in two hours, and what no bill contains."""
    with told("reconcile_totals") as played:
        yield played


@pytest.fixture(scope="module")
def readers():
    """An event sent again in its millisecond, and one with other milliseconds of its second."""
    with told("reconcile_readers") as played:
        yield played


@pytest.fixture(scope="module")
def customers():
    """Customers with two subscriptions on one meter, paused, cancelled, archived ones, and some who have none."""
    with told("reconcile_customers") as played:
        yield played


@pytest.mark.parametrize("play", ["totals", "readers"])
def test_what_no_bill_contains_is_told_once_and_nothing_is_invented(play, request, tmp_path):
    played = request.getfixturevalue(play)
    found = played.compared(tmp_path)
    assert _causes(found) == {
        Cause.WORTHLESS: 3,
        Cause.EARLY: 1,
        Cause.UNKNOWN_NAME: 2,
        Cause.UNKNOWN_CUSTOMER: 1,
        Cause.UNSUBSCRIBED: 1,
    }
    assert found.result.windows == []
    assert {one.customer for one in found.result.differences} == {"", played.name("{ghost}"), played.name("{b}")}
    assert [one.customer for one in found.billed] == [played.name("{a}")]
    assert found.invoices == []


def test_what_lies_before_the_subscription_is_a_warning_with_its_worth(totals, tmp_path):
    found = totals.compared(tmp_path)
    early = _tally(found, Cause.EARLY)
    assert early.money == {"usd": Decimal(1250)}
    severities = {each.path: each.severity for each in telling.findings(found.result, found.known)}
    assert severities["traffic.early"] is severities["traffic.unsubscribed"] is Severity.WARNING
    assert severities["traffic.worthless"] is severities["traffic.unknown_customer"] is Severity.ERROR


def test_subscriptions_of_every_kind_invent_nothing(customers, tmp_path):
    found = customers.compared(tmp_path)
    assert _causes(found) == {Cause.EARLY: 5, Cause.UNKNOWN_CUSTOMER: 2, Cause.UNSUBSCRIBED: 1}
    billed = [one.customer for one in found.billed]
    assert billed == [customers.name(each) for each in ("{a}", "{ind}", "{two}", "{two}")]
    assert found.invoices == []


def test_no_customers_totals_are_asked_for_as_they_look_at_fifty_subscriptions_only(customers, tmp_path):
    before = len(customers.asked)
    customers.compared(tmp_path)
    asked = [row for row in customers.asked[before:] if row["path"] == "/v1/events/analytics"]
    assert asked
    assert {key for row in asked for key in row["request"]} <= {"window_size", "start_time", "end_time", "feature_ids"}


def test_many_events_of_one_hour_and_a_paused_time_are_whole(tmp_path):
    with told("reconcile_limits") as played:
        found = played.compared(tmp_path)
    assert _causes(found) == {}
    assert found.invoices == []
    assert len(found.billed) == 2


DEALS = {
    "deals_inheritance": ("cancel a child", {"p", "s"}, {}),
    "deals_phases": ("", {"a", "d", "e"}, {}),
    "deals_price_sync": ("", {"b"}, {Cause.AFTER: 1}),  # of the price that ended a day before
    "deals_overrides": ("", {"a", "b"}, {}),
    "deals_addons_coupons_tax": ("", {"a", "b"}, {Cause.EARLY: 12}),  # before the addon was added
}


@pytest.mark.parametrize("topic", DEALS)
def test_every_kind_of_deal_bills_what_the_log_holds(tmp_path, topic):
    until, customers, causes = DEALS[topic]
    with told(topic, until) as played:
        found = played.compared(tmp_path)
        named = {played.name(f"{{{each}}}") for each in customers}
    assert found.invoices == []
    assert {one.customer for one in found.billed} >= named
    assert not [one.skipped for one in found.billed if one.skipped]
    assert _causes(found) == causes
    assert not [each for each in telling.findings(found.result, found.known) if each.severity is Severity.ERROR]


def test_a_parent_without_events_of_its_own_is_billed_its_childrens(tmp_path):
    with told("deals_inheritance", "cancel a child") as played:
        parent = played.name("{p}")
        found = played.compared(tmp_path, [row for row in played.sent if row["external_customer_id"] != parent])
        billed = next(one for one in found.billed if one.customer == parent)
    assert any("does not bill what the company's log holds" in each.problem for each in billed.findings)
    assert {one.cause for one in found.result.differences} == {Cause.FOREIGN}


def test_lines_end_with_their_subscription(tmp_path):
    with told("reconcile_customers") as played:
        known = played.compared(tmp_path).known
        ended = known.ends[played.name("{m_sum}")]
    assert played.name("{gone}") in ended
    assert not ended.keys() & {played.name("{a}"), played.name("{two}")}


ALTERED = {
    Cause.LOST: lambda rows: [*rows, {**rows[0], "event_id": "lost"}],
    Cause.VALUE: lambda rows: [{**rows[0], "properties": {**rows[0]["properties"], "n": 77}}, *rows[1:]],
    Cause.CUSTOMER: lambda rows: [{**rows[0], "external_customer_id": "acct-else"}, *rows[1:]],
    Cause.NAME: lambda rows: [{**rows[0], "event_name": "usage"}, *rows[1:]],
    Cause.FOREIGN: lambda rows: rows[1:],
    Cause.MOVED: lambda rows: [{**rows[0], "timestamp": rows[1]["timestamp"]}, *rows[1:]],
}


@pytest.mark.parametrize("cause", ALTERED)
def test_what_a_log_has_otherwise_is_found_in_the_same_answers(readers, tmp_path, cause):
    events = ALTERED[cause](readers.sent)
    found = readers.compared(tmp_path, events, customers=0)
    own = {one.event_id for one in found.result.differences if one.cause is cause}
    assert own == {"lost" if cause is Cause.LOST else readers.sent[0]["event_id"]}
    others = set(_causes(found)) - {cause}
    assert others <= {Cause.WORTHLESS, Cause.EARLY, Cause.UNKNOWN_NAME, Cause.UNKNOWN_CUSTOMER, Cause.UNSUBSCRIBED}


@pytest.mark.parametrize("kept", ["first", "last"])
def test_a_log_that_notes_each_event_once_differs_in_nothing_that_was_sent_again_in_its_second(readers, tmp_path, kept):
    once = {}
    for row in readers.sent:
        key = row["event_id"], row["timestamp"][:19]
        if key not in once or kept == "last":
            once[key] = row
    assert len(once) < len(readers.sent)
    assert not {one.cause for one in readers.compared(tmp_path, list(once.values())).result.differences} & {
        Cause.TWICE,
        Cause.LOST,
        Cause.VALUE,
        Cause.FOREIGN,
    }


def test_readers_count_what_they_count(readers):
    window = Window(instant(readers.name("{day-7d}")), instant(readers.name("{day}")))
    ids = read_ids_by_name(readers.flexprice, readers.name("{ev}"), window, "DAY")
    points = read_points(readers.flexprice, window, "DAY")[readers.name("{m_count}")]
    assert {start: point.event_count for start, point in points.items()} == ids
    multiplied = read_points(readers.flexprice, window, "DAY")[readers.name("{m_mult}")]
    assert {point.usage for point in multiplied.values()} == {Decimal(0)}


def test_events_that_were_not_asked_for_are_not_believed(readers):
    class Deaf:
        def post(self, path, body):
            return readers.flexprice.post(path, {key: value for key, value in body.items() if key != "event_id"})

    window = Window(instant(readers.name("{day-7d}")), instant(readers.name("{day}")))
    with pytest.raises(NotVerified, match="answered with events of another event_id than 'nobody'"):
        list(read_arrived(Deaf(), window, event_id="nobody"))
