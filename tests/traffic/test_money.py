"""What differences cost, at the price of each customer's first line."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from pytest_flexprice.model.meters import Aggregation, Meter
from pytest_flexprice.oracle.invoicing.subscription import BilledSubscription
from pytest_flexprice.oracle.metering.meters import usage_of_total
from pytest_flexprice.oracle.pricing.allowances import Allowance
from pytest_flexprice.traffic.causes import Cause, Difference, tallied
from pytest_flexprice.traffic.money import PriceList, valued
from pytest_flexprice.traffic.repricing import Bill

AT = datetime(2026, 11, 20, 8, tzinfo=UTC)
FLAT = {"id": "price_flat", "type": "USAGE", "currency": "usd", "billing_model": "FLAT_FEE", "amount": "0.10"}
PACKS = {
    "id": "price_packs", "type": "USAGE", "currency": "eur", "billing_model": "PACKAGE", "amount": "3",
    "transform_quantity": {"divide_by": 10, "round": "up"},
}  # fmt: skip
SLABS = {
    "id": "price_slabs", "type": "USAGE", "currency": "usd", "billing_model": "TIERED", "tier_mode": "SLAB",
    "tiers": [{"up_to": 10, "unit_amount": "1"}, {"up_to": None, "unit_amount": "0.5"}],
}  # fmt: skip


def _line(price, meter="m", start="2026-11-01T00:00:00Z"):
    return {"meter_id": meter, "price_id": price["id"], "start_date": start}


@pytest.fixture
def prices():
    found = PriceList([FLAT, PACKS, SLABS])
    for customer, price in (("flat", FLAT), ("packs", PACKS), ("slabs", SLABS), ("gone", {"id": "price_unknown"})):
        found.add(customer, _line(price))
    return found


def test_a_line_that_goes_on_has_no_end_and_an_addons_line_is_known_as_one():
    prices, ends = PriceList([FLAT]), ["2026-11-10T00:00:00Z", "2026-11-20T00:00:00Z"]
    for customer, own in (("ended", ends), ("goes on", [ends[0], None])):
        for end in own:
            prices.add(customer, {**_line(FLAT), "end_date": end, "entity_type": "plan"})
    prices.add("more", {**_line(FLAT), "entity_type": "addon"})
    assert prices.ends == {"m": {"ended": datetime(2026, 11, 20, tzinfo=UTC)}}
    assert prices.added == {("m", "more")}


@pytest.mark.parametrize(
    ("customer", "quantity", "amount"),
    [
        ("flat", 25, ("usd", Decimal("2.5"))),
        ("flat", -25, ("usd", Decimal("-2.5"))),
        ("flat", "0.5", ("usd", Decimal("0.05"))),
        ("packs", 21, ("eur", Decimal(9))),
        ("slabs", 12, ("usd", Decimal(11))),
        ("gone", 12, None),
        ("nobody", 12, None),
    ],
)
def test_a_quantity_costs_what_its_customer_pays(prices, customer, quantity, amount):
    assert prices.amount(customer, "m", Decimal(quantity)) == amount


def test_the_first_line_prices_and_the_earliest_starts():
    prices = PriceList([FLAT, SLABS])
    for price, start in ((FLAT, "2026-11-05T00:00:00Z"), (SLABS, "2026-11-02T00:00:00Z")):
        prices.add("acct", _line(price, start=start))
    prices.add("acct", {"meter_id": "", "price_id": "a fee", "start_date": "2026-10-01T00:00:00Z"})
    assert prices.amount("acct", "m", Decimal(10)) == ("usd", Decimal(1))
    assert prices.starts == {"m": {"acct": datetime(2026, 11, 2, tzinfo=UTC)}}


def _lost(customer, quantity, cause=Cause.LOST):
    return Difference(cause, f"e-{customer}-{quantity}", "use", customer, AT, "", Decimal(quantity), "m")


def test_a_cause_costs_the_sum_over_its_customers_in_each_currency(prices):
    found = [
        _lost("flat", 10),
        _lost("flat", 15),
        _lost("packs", 1),
        _lost("nobody", 5),
        _lost("flat", -7, Cause.TWICE),
    ]
    tallies = tallied(found)
    valued(tallies, found, prices)
    assert {each.cause: each.money for each in tallies} == {
        Cause.LOST: {"usd": Decimal("2.5"), "eur": Decimal(3)},
        Cause.TWICE: {"usd": Decimal("-0.7")},
    }


DEALS = {
    "tiers": (SLABS, 0, [("LOST", 4, 3)]),
    "two causes of one bill cost what both change": (SLABS, 0, [("LOST", 4, 3), ("VALUE", 3, 3)]),
    "what is billed too much": (SLABS, 0, [("TWICE", -4, -2)]),
    "within the allowance": (FLAT, 20, [("LOST", 4, 0)]),
    "partly within the allowance": (FLAT, 10, [("LOST", 4, "0.2")]),
    "an open package": (PACKS, 0, [("LOST", 1, 0)]),
    "a whole package": (PACKS, 0, [("LOST", 2, 3)]),
}


@pytest.mark.parametrize(("price", "free", "causes"), DEALS.values(), ids=DEALS)
def test_what_differs_costs_what_it_changes_in_a_known_bill(prices, price, free, causes):
    bill = _bill(price, free)
    found = [_lost("acct", quantity, Cause[cause]) for cause, quantity, _ in causes]
    tallies = tallied(found)
    valued(tallies, found, prices, [bill])
    assert [(each.cause.name, each.money, each.about) for each in tallies] == [
        (cause, {price["currency"]: Decimal(amount)}, False) for cause, _, amount in causes
    ]


@pytest.mark.parametrize(
    ("changed", "time"),
    [({"aggregation": Aggregation("MAX", "n")}, AT), ({}, AT + timedelta(days=30))],
    ids=["a maximum", "another period"],
)
def test_what_cannot_be_exact_is_about_what_the_quantity_costs(prices, changed, time):
    prices.add("acct", _line(SLABS))
    found = [_lost("acct", 4)._replace(time=time)]
    tallies = tallied(found)
    valued(tallies, found, prices, [_bill(SLABS, 0, **changed)])
    assert [(each.money, each.about) for each in tallies] == [({"usd": Decimal(4)}, True)]


def _bill(price, free, **changed):
    """Twelve of a meter, of which so many are free."""
    line = {
        "id": "line",
        "price_id": price["id"],
        "price": {**price, "meter_id": "m"},
        "meter_id": "m",
        "display_name": "use",
    }
    subscription = BilledSubscription.from_api(
        {
            "id": "subs", "plan_id": "plan", "currency": price["currency"], "billing_period": "MONTHLY",
            "start_date": "2026-11-01T00:00:00Z", "current_period_start": "2026-11-01T00:00:00Z",
            "current_period_end": "2026-12-01T00:00:00Z", "line_items": [line],
        }
    )  # fmt: skip
    usage = usage_of_total(replace(Meter("m", "sum", "use", Aggregation("SUM", "n")), **changed), 12)
    allowances = {"m": Allowance("m", Decimal(free))} if free else {}
    return Bill(("acct",), subscription, subscription.period, {"line": usage}, allowances)
