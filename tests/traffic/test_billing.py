"""The third way: previews bill what the log holds, customer by customer, and what cannot be compared is left out with its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.model.finding import Kind
from pytest_flexprice.model.meters import Aggregation, Event, Meter
from pytest_flexprice.model.prices import Price
from pytest_flexprice.model.times import Window
from pytest_flexprice.oracle.invoicing.subscription import BilledLine, BilledSubscription
from pytest_flexprice.oracle.metering.meters import expected_usage
from pytest_flexprice.traffic.billing import Asked, begun, chosen, compare, read, uncompared
from pytest_flexprice.traffic.search import Search
from pytest_flexprice.traffic.usage import LoggedUsage
from tests.traffic.doubles import ListFlexprice, ListLog

START = datetime(2026, 11, 1, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(days=20))
TODAY = date(2026, 11, 21)
METER = Meter("m", "sum", "use", Aggregation("SUM", "n"))
BUCKETED = replace(METER, aggregation=Aggregation("MAX", "n", bucket_size="DAY"))
SENT = [Event(f"e{n}", "use", START + timedelta(hours=7 * n), {"n": n}, "acct") for n in range(1, 5)]
PRICE = {"id": "price", "type": "USAGE", "currency": "usd", "billing_model": "FLAT_FEE", "amount": "2", "meter_id": "m"}
LINE = {"id": "line", "price_id": "price", "price": PRICE, "meter_id": "m", "display_name": "use", "quantity": "0"}
SUBSCRIPTION = {
    "id": "subs", "plan_id": "plan", "currency": "usd", "billing_period": "MONTHLY", "start_date": "2026-11-01T00:00:00Z",
    "current_period_start": "2026-11-01T00:00:00Z", "current_period_end": "2026-12-01T00:00:00Z", "line_items": [LINE],
}  # fmt: skip


def _flexprice(quantity, amount, **subscription):
    line = {"id": "i", "subscription_line_item_id": "line", "price_id": "price", "meter_id": "m", "display_name": "use"}
    lines = [{**line, "price_type": "usage", "quantity": quantity, "amount": amount}]
    preview = {"currency": "usd", "subtotal": amount, "total": amount, "amount_due": amount, "line_items": lines}
    answers = {"/v1/subscriptions/subs": {**SUBSCRIPTION, **subscription}, "/v1/invoices/preview": preview}
    return ListFlexprice([], [], answers)


def _billed(flexprice, meter=METER, sent=SENT):
    search = Search(ListLog(sent), flexprice, [])
    (one,) = compare(search, [read(search, ("acct",), "subs", WINDOW)], {"m": meter})
    return one


@pytest.mark.parametrize(
    ("meter", "quantity", "amount"), [(METER, "10", "20"), (BUCKETED, "7", "14")], ids=["sum", "bucketed"]
)
def test_a_preview_that_bills_the_log_is_right(meter, quantity, amount):
    one = _billed(_flexprice(quantity, amount), meter)
    assert (one.findings, one.skipped) == ([], "")
    assert [each["quantity"] for each in one.expected] == [quantity]
    assert one.observed[0]["amount"] == amount


@pytest.mark.parametrize(("quantity", "amount"), [("9", "18"), ("0", "0"), ("10", "21"), ("20", "40")])
def test_a_preview_that_bills_anything_else_is_told(quantity, amount):
    findings = _billed(_flexprice(quantity, amount)).findings
    assert findings
    assert all("customer 'acct'" in each.problem for each in findings)


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [
        ("2026-10-20T00:00:00Z", "2026-11-30T00:00:00Z", "began before"),
        ("2026-11-21T00:00:00Z", "2026-12-21T00:00:00Z", "began only after"),
    ],
)
def test_a_period_that_the_log_does_not_cover_is_left_out(start, end, reason):
    flexprice = _flexprice("0", "0", current_period_start=start, current_period_end=end)
    one = _billed(flexprice)
    assert reason in one.skipped
    assert one.findings == []
    assert "/v1/invoices/preview" not in flexprice.requests


CUSTOMERS = {f"acct-{n:02}": n for n in range(30)}


def test_those_that_differ_come_first_and_all_may_be_wanted():
    assert chosen(CUSTOMERS, ["acct-07", "nobody", "acct-07"], 0, TODAY) == ["acct-07"]
    assert chosen(CUSTOMERS, ["acct-07"], "all", TODAY)[0] == "acct-07"
    assert sorted(chosen(CUSTOMERS, ["acct-07"], "all", TODAY)) == sorted(CUSTOMERS)


@given(st.integers(1, 40), st.integers(1, 30))
def test_every_customer_has_its_day(most, count):
    customers = dict.fromkeys(list(CUSTOMERS)[:count], 1)
    days = [chosen(customers, (), most, TODAY + timedelta(days=day)) for day in range(-(-count // min(most, count)))]
    assert {name for each in days for name in each} == set(customers)
    assert all(len(each) == len(set(each)) == min(most, count) for each in days)


def test_the_earliest_running_period_begins_the_comparison():
    rows = [
        {"subscription_status": status, "current_period_start": f"2026-{start}T00:00:00Z"}
        for status, start in (("active", "11-05"), ("cancelled", "10-30"), ("active", "11-02"), ("active", "01-01"))
    ]
    now = datetime(2026, 11, 21, tzinfo=UTC)
    assert begun(rows, now) == datetime(2026, 11, 2, tzinfo=UTC)
    assert begun(rows[1:2], now) is None


def _search(is_over=lambda: False):
    return Search(ListLog(SENT), _flexprice("10", "20"), [], is_over=is_over)


def test_without_time_no_invoice_is_read_and_that_is_not_verified():
    search = _search(lambda: True)
    (one,) = compare(search, [read(search, ("acct",), "subs", WINDOW)], {"m": METER})
    assert search.flexprice.requests == []
    (finding,) = uncompared([one])
    assert finding.kind is Kind.NOT_VERIFIED
    assert "1 of 1 subscriptions were not compared" in finding.problem
    assert "no time left" in finding.problem


def test_what_was_compared_counts_and_only_the_rest_is_not_verified():
    good = _billed(_flexprice("10", "20"))
    left = good._replace(customer="late", skipped="answered 503", unseen=True)
    outside = good._replace(customer="other", skipped="its period began before the days that are compared")
    assert list(uncompared([good, outside])) == []
    (finding,) = uncompared([good, outside, left])
    assert "1 of 3 subscriptions" in finding.problem
    assert "'late': answered 503" in finding.problem
    (nothing,) = uncompared([outside])
    assert "began before" in nothing.problem


def _asked(identifier, customers, start, end):
    line = BilledLine(f"line of {identifier}", Price.from_api(PRICE), "m", "use", Decimal(0))
    subscription = replace(BilledSubscription.from_api(SUBSCRIPTION), id=identifier, lines=(line,))
    return Asked(
        customers, identifier, subscription, {}, Window(START + timedelta(hours=start), START + timedelta(hours=end))
    )


def test_two_subscriptions_on_one_meter_are_counted_each_in_its_own_time():
    asked = [_asked("one", ("acct",), 0, 10), _asked("two", ("acct",), 10, 480), _asked("three", ("acct",), 0, 480)]
    known = LoggedUsage(ListLog(SENT), asked, {"m": METER})
    assert [known.of(one)[f"line of {one.id}"].total for one in asked] == [1, 9, 10]


@pytest.mark.parametrize("meter", [METER, BUCKETED], ids=["sum", "bucketed"])
def test_a_parent_bills_the_usage_of_its_children(meter):
    of_child = [replace(one, id=f"child of {one.id}", external_customer_id="child") for one in SENT]
    alone, both = _asked("alone", ("child",), 0, 480), _asked("both", ("acct", "child"), 0, 480)
    known = LoggedUsage(ListLog([*SENT, *of_child]), [alone, both], {"m": meter})
    own, whole = known.of(alone)["line of alone"], known.of(both)["line of both"]
    assert own.total == expected_usage(meter, of_child, alone.period).total
    assert whole.total == expected_usage(meter, [*SENT, *of_child], both.period).total
    assert (own.event_count, whole.event_count) == (4, 8)
