"""Previews and invoices of an embedded Flexprice against the oracle, through the readers that section 5 uses."""

import copy
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pytest_flexprice.api.client import Flexprice
from pytest_flexprice.api.guard import WriteGuard
from pytest_flexprice.api.invoicing import (
    read_active_subscriptions,
    read_connections,
    read_setting,
    read_unpaid_invoices,
)
from pytest_flexprice.api.previews import PreviewReader, read_running_subscriptions
from pytest_flexprice.api.transport import Transport
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.meters import Event
from pytest_flexprice.oracle.invoicing import previews
from pytest_flexprice.oracle.invoicing.auto_cancel import CancelPolicy, cancellations
from pytest_flexprice.oracle.invoicing.findings import compare_invoice
from pytest_flexprice.oracle.invoicing.invoice import expected_invoice, line_usages

from .world import CHARGES, World


def reader(world):
    return Flexprice(Transport(world.server.url, world.headers), WriteGuard(Level.READ, production=True))


@pytest.fixture(scope="module")
def world():
    made = World(datetime.now(UTC))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def flexprice(world):
    client = reader(world)
    yield client
    client.close()


@pytest.fixture(scope="module")
def read(world, flexprice):
    return PreviewReader(flexprice).read(world.subscription["id"])


def findings(read, invoice=None):
    return previews.preview_findings(replace(read, invoice=invoice or read.invoice), datetime.now(UTC))


def test_preview_follows_from_the_usage_that_was_read(read):
    assert len(read.usages) == len(CHARGES)
    assert findings(read) == []
    assert sum(1 for line in read.invoice["line_items"] if line["amount"] != "0") >= len(CHARGES)


def test_preview_follows_from_the_events_that_were_sent(world, read):
    events = [Event.from_api(each) for each in world.events]
    usages = line_usages(read.subscription, read.meters.values(), events)
    expected = expected_invoice(read.subscription, usages, read.allowances)
    assert [line.unverified for line in expected.lines if line.unverified] == []
    assert compare_invoice(expected, read.invoice) == []


@pytest.mark.parametrize("name", sorted(CHARGES))
def test_any_line_that_is_dropped_is_missed_by_its_event_name(world, read, name):
    invoice = copy.deepcopy(dict(read.invoice))
    invoice["line_items"] = [each for each in invoice["line_items"] if each.get("meter_id") != world.meters[name]]
    found = findings(read, invoice)
    missing = [each for each in found if previews.is_missing_line(each)]
    assert [f"no line for the event 'use.{name}'" in each.sentence for each in missing] == [True]
    again = previews.unbilled_meters(read.plan_prices, invoice, read.meters, datetime.now(UTC))
    assert [f"'use.{name}'" in each.sentence for each in again] == [True]


@pytest.mark.parametrize("name", sorted(CHARGES))
def test_any_wrong_amount_shows_its_formula(world, read, name):
    invoice = copy.deepcopy(dict(read.invoice))
    for line in invoice["line_items"]:
        if line.get("meter_id") == world.meters[name]:
            line["amount"] = "1234.56"
    found = [each.sentence for each in findings(read, invoice)]
    assert any(f"'use.{name}' has the right quantity and the wrong price" in each for each in found)
    assert any("does not add up" in each for each in found)


def test_no_meter_of_the_plan_is_left_out(read):
    assert previews.unbilled_meters(read.plan_prices, read.invoice, read.meters, datetime.now(UTC)) == []


def test_cancelled_and_billed_invoice_follows_from_the_events():
    other = World(datetime.now(UTC))
    client = reader(other)
    try:
        before = PreviewReader(client).read(other.subscription["id"])
        other.call(
            "POST",
            f"/v1/subscriptions/{other.subscription['id']}/cancel",
            {"cancellation_type": "immediate", "cancel_immediately_inovice_policy": "generate_invoice"},
        )
        body = {"subscription_id": other.subscription["id"], "invoice_status": ["FINALIZED"]}
        found = [each for each in client.search("/v1/invoices/search", body) if each["billing_reason"] == "PRORATION"]
        invoice = client.get(f"/v1/invoices/{found[0]['id']}")
    finally:
        client.close()
        other.stop()
    usages = line_usages(before.subscription, before.meters.values(), [Event.from_api(each) for each in other.events])
    expected = expected_invoice(before.subscription, usages, before.allowances, stage="finalized", closing=True)
    assert compare_invoice(expected, invoice) == []


def test_active_subscriptions_come_with_their_customer(world, flexprice):
    (one,) = read_active_subscriptions(flexprice)
    assert one.id == world.subscription["id"]
    assert one.external_customer_id == "acct_1"
    assert one.collection_method == "send_invoice"


def test_unpaid_advance_fee_is_found_and_dated(flexprice):
    policy = CancelPolicy.from_api(read_setting(flexprice, "subscription_config"))
    assert not policy.saved
    (one,) = cancellations(
        policy, read_active_subscriptions(flexprice), read_unpaid_invoices(flexprice), datetime.now(UTC)
    )
    assert not one.due
    assert "over 20 usd" in one.sentence


def test_no_connections(flexprice):
    assert read_connections(flexprice) == []


def test_every_finding_names_customer_and_plan(read):
    invoice = copy.deepcopy(dict(read.invoice))
    invoice["line_items"][0]["amount"] = "1234.56"
    told = list(previews.told(read, findings(read, invoice)))
    assert told
    for one in told:
        assert one.subject == "acct_1"
        assert one.finding.problem.startswith("customer 'acct_1' on plan 'pro': ")
        assert "acct_1" not in one.kind


def test_a_preview_costs_few_requests(world):
    asked = []
    guard = WriteGuard(Level.READ, production=True)
    client = Flexprice(Transport(world.server.url, world.headers), guard, asked.append)
    reader = PreviewReader(client)
    try:
        reader.read(world.subscription["id"])
        first = len(asked)
        reader.read(world.subscription["id"])
    finally:
        client.close()
    usage_queries = len(CHARGES) + 3  # one for each line, and one more for each bucketed or reset one
    assert len(asked) - first == 2 + usage_queries
    assert not any(path.startswith("/v1/meters/") for path in (row["path"] for row in asked))


def test_running_subscriptions_come_with_their_lines(world, flexprice):
    (one,) = read_running_subscriptions(flexprice)
    assert one["id"] == world.subscription["id"]
    assert len(one["line_items"]) == len(CHARGES) + 1
    own = PreviewReader(flexprice)
    assert not any(own.has_own_price(one, line) for line in one["line_items"])
    assert own.has_own_price(one, {"price_id": "price_of_nobody"})
