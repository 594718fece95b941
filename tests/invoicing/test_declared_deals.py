"""Deals that the customers file declares: a rehearsal makes them, item 4.2 finds them as agreed, and tells each that is not."""

from datetime import UTC, datetime

import pytest

from pytest_flexprice.api.catalog import read_catalog
from pytest_flexprice.api.client import Flexprice
from pytest_flexprice.api.customers import (
    read_coupon_codes,
    read_customers,
    read_own_prices,
    read_plan_prices,
    read_prepaid,
    read_subscriptions,
)
from pytest_flexprice.api.guard import WriteGuard
from pytest_flexprice.api.transport import Transport
from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer
from pytest_flexprice.emulator.kernel.options import PRODUCTION
from pytest_flexprice.emulator.seeding.seed import Seeder, SeedError
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.customer_columns import BY_NAME, DEALS
from pytest_flexprice.model.declared_customers import DeclaredRow
from pytest_flexprice.model.finding import Severity
from pytest_flexprice.oracle.customers import subscriptions
from pytest_flexprice.oracle.customers.deals import Agreed
from pytest_flexprice.oracle.customers.register import Register

METER = {"event_name": "hit", "aggregation": "COUNT", "reset_usage": "BILLING_PERIOD", "status": "published"}
BASE = {"billing_model": "FLAT_FEE", "billing_period": "MONTHLY", "billing_period_count": 1, "currency": "usd"}
CATALOG = {
    "features": {"hits": {"name": "Hits", "type": "metered", "meter": METER}},
    "plans": {
        "pro": {
            "name": "Pro",
            "prices": [
                {
                    **BASE,
                    "type": "USAGE",
                    "feature": "hits",
                    "event_name": "hit",
                    "amount": "0.05",
                    "invoice_cadence": "ARREAR",
                },
                {**BASE, "type": "FIXED", "display_name": "Seats", "amount": "12", "invoice_cadence": "ADVANCE"},
                {**BASE, "type": "FIXED", "display_name": "Support", "amount": "30", "invoice_cadence": "ADVANCE"},
            ],
        }
    },
}
DECLARED = {
    "plain": {},
    "cheap": {"price_overrides": "hit=0.02; Support=15"},
    "seats": {"quantity": "Seats=25"},
    "both": {"price_overrides": "Seats=9.5", "quantity": "Seats=3"},
    "discounted": {"coupon": "tenth"},
    "committed": {"commitment": "5000", "overage_factor": "2"},
    "child": {"parent": "plain"},
}


@pytest.fixture(scope="module")
def server():
    server = FlexpriceServer(EmulatorOptions(lag=0, jobs=False)).start()
    seeder = Seeder(server, PRODUCTION)
    seeder.catalog(CATALOG)
    seeder.customers({"external_id": name, "plan": "pro", **deal} for name, deal in DECLARED.items())
    yield server
    server.stop()


@pytest.fixture(scope="module")
def flexprice(server):
    headers = {"x-api-key": server.api_key, "x-environment-id": PRODUCTION}
    client = Flexprice(Transport(server.url, headers), WriteGuard(Level.READ, production=True))
    yield client
    client.close()


def told(flexprice, changes=None):
    """What 4.2 says when the file declares the deals, with changes by customer."""
    now = datetime.now(UTC)
    rows = {name: {**deal, **(changes or {}).get(name, {})} for name, deal in DECLARED.items()}
    with Register() as register:
        kept = {name: {key: value for key, value in deal.items() if value} for name, deal in rows.items()}
        register.declare(DeclaredRow("customers.csv", name, {"plan": "pro", **deal}) for name, deal in kept.items())
        register.add_customers(read_customers(flexprice))
        register.add_subscriptions(read_subscriptions(flexprice))
        agreed = Agreed(
            frozenset(DEALS),
            lambda: read_own_prices(flexprice),
            lambda: read_coupon_codes(flexprice),
            register.owner_of,
        )
        found = subscriptions.compare(
            register, read_catalog(flexprice, now), now, past=lambda: read_plan_prices(flexprice), agreed=agreed
        )
        return {
            one.subject: one.finding.sentence
            for one in found
            if one.finding.severity in (Severity.ERROR, Severity.WARNING)
        }


def test_prepaid_credits_are_read_where_there_are_any_left(flexprice, server):
    seeder = Seeder(server, PRODUCTION)
    customer = seeder.call("GET", "/v1/customers/external/plain")["id"]
    assert read_prepaid(flexprice) == {}
    for name, currency, credits in (("Gift", "usd", "12.50"), ("Empty", "eur", "0")):
        body = {"customer_id": customer, "currency": currency, "name": name, "initial_credits_to_load": credits}
        seeder.call("POST", "/v1/wallets", body)
    assert read_prepaid(flexprice) == {customer: [("usd", "prepaid credits of 12.5 usd in wallet 'Gift'")]}


def test_deals_as_declared_are_as_agreed(flexprice):
    assert told(flexprice) == {}


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("cheap", {"price_overrides": "hit=0.03; Support=15"}, "price of 'hit' .* (expected 0.03, found 0.02)"),
        ("cheap", {"price_overrides": "Support=15"}, "price of 'hit' .* (expected 'the plan's', found 0.02)"),
        ("plain", {"price_overrides": "hit=0.02"}, "price of 'hit' .* (expected 0.02, found 0.05)"),
        ("plain", {"price_overrides": "hot=0.02"}, "price of 'hot' .* (expected 0.02, found nothing)"),
        ("seats", {"quantity": "Seats=24"}, "quantity of 'Seats' .* (expected 24, found 25)"),
        ("seats", {"quantity": ""}, "quantity of 'Seats' .* (expected 1, found 25)"),
        ("seats", {"quantity": "20"}, "quantity of 'Seats' .* (expected 20, found 25)"),
        ("plain", {"quantity": "Seats=2"}, "quantity of 'Seats' .* (expected 2, found 1)"),
        ("discounted", {"coupon": "fifth"}, "coupon of .* (expected 'fifth', found 'tenth')"),
        ("discounted", {"coupon": ""}, "coupon of .* (expected nothing, found 'tenth')"),
        ("plain", {"coupon": "tenth"}, "coupon of .* (expected 'tenth', found nothing)"),
        ("committed", {"commitment": "6000"}, "commitment of .* (expected 6000, found 5000)"),
        ("committed", {"commitment": ""}, "commitment of .* (expected nothing, found 5000)"),
        ("committed", {"overage_factor": "3"}, "overage factor of .* (expected 3, found 2)"),
        ("child", {"parent": "cheap"}, "parent of .* (expected 'cheap', found 'plain')"),
        ("child", {"parent": ""}, "parent of .* (expected nothing, found 'plain')"),
        ("plain", {"parent": "cheap"}, "parent of .* (expected 'cheap', found nothing)"),
    ],
)
def test_what_is_not_as_agreed_is_told_with_both_values(flexprice, name, change, words):
    found = told(flexprice, {name: change})
    assert set(found) == {name}
    first, _, last = words.partition(" .* ")
    assert first in found[name], found
    assert last in found[name], found
    assert f"customer '{name}' is not what was agreed (customers.csv)" in found[name]


@pytest.mark.parametrize(
    ("column", "cell", "read"),
    [
        ("price_overrides", "hit = 0.020 ;Support=39", "hit=0.02; Support=39"),
        ("price_overrides", "a=b=1", "a=b=1"),
        ("quantity", " 25 ", "25"),
        ("quantity", "Seats=25", "Seats=25"),
        ("coupon", "TENTH; five;five", "five; tenth"),
        ("commitment", "5000.00", "5000"),
        ("overage_factor", "1.50", "1.5"),
    ],
)
def test_cells_are_read_into_one_text(column, cell, read):
    assert BY_NAME[column].read(cell) == read
    assert BY_NAME[column].read(read) == read


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("price_overrides", "0.02"),
        ("price_overrides", "hit=cheap"),
        ("price_overrides", "hit=1;hit=2"),
        ("quantity", "-1"),
        ("commitment", "5,000"),
        ("overage_factor", "1"),
    ],
)
def test_cells_that_nobody_can_read_are_refused(column, cell):
    with pytest.raises(ValueError, match=r".+"):
        BY_NAME[column].read(cell)


def test_a_deal_on_a_price_that_the_plan_has_not_is_refused_by_name(server):
    seeder = Seeder(server, PRODUCTION)
    seeder.seeded.plans["pro"] = next(iter(server.world.table("plans").all(PRODUCTION)))["id"]
    with pytest.raises(
        SeedError, match=r"price_overrides = 'hot=1' cannot be rehearsed; write names of the plan's prices: Seats"
    ):
        seeder.customers([{"external_id": "new", "plan": "pro", "price_overrides": "hot=1"}])
