"""Which subscriptions are previewed, and what a plan prices and a preview leaves out."""

from datetime import UTC, datetime, timedelta

import pytest

from pytest_flexprice.oracle.invoicing.previews import representatives, unbilled_meters
from pytest_flexprice.oracle.metering.meters import Meter
from pytest_flexprice.oracle.pricing.prices import Price

NOW = datetime(2026, 11, 22, tzinfo=UTC)
METER = Meter.from_api({"id": "meter_1", "name": "hits", "event_name": "hit", "aggregation": {"type": "COUNT"}})


def subscription(number, **fields):
    base = {"id": f"subs_{number:02d}", "plan_id": "plan_1", "currency": "usd", "billing_period": "MONTHLY"}
    return {**base, "start_date": "2026-11-01T00:00:00Z", **fields}


def price(**fields):
    return Price.from_api(
        {"id": "price_1", "type": "USAGE", "meter_id": "meter_1", "billing_model": "FLAT_FEE", **fields}
    )


def test_one_for_each_plan_currency_and_period():
    many = [subscription(2), subscription(1), subscription(3, currency="eur"), subscription(4, plan_id="plan_2")]
    assert [each["id"] for each in representatives(many, NOW)] == ["subs_01", "subs_03", "subs_04"]


@pytest.mark.parametrize(
    "fields",
    [
        {"cancel_at_period_end": True},
        {"cancel_at": "2026-12-01T00:00:00Z"},
        {"end_date": "2027-01-01T00:00:00Z"},
        {"start_date": "2026-11-23T00:00:00Z"},
    ],
)
def test_those_that_end_or_have_not_begun_are_passed_over(fields):
    assert representatives([subscription(1, **fields)], NOW) == []


def test_never_more_than_twenty():
    assert len(representatives([subscription(number, plan_id=f"plan_{number}") for number in range(30)], NOW)) == 20


@pytest.mark.parametrize(
    ("fields", "missed"),
    [
        ({}, True),
        ({"currency": "eur"}, True),
        ({"type": "FIXED"}, False),
        ({"end_date": (NOW - timedelta(days=1)).isoformat()}, False),
        ({"start_date": (NOW + timedelta(days=1)).isoformat()}, False),
    ],
)
def test_priced_meter_without_a_line_is_missed(fields, missed):
    found = unbilled_meters([price(**fields)], {"line_items": []}, {"meter_1": METER}, NOW)
    assert bool(found) is missed
    assert all("no line for the event 'hit', although the plan has a price for it" in each.sentence for each in found)
    assert unbilled_meters([price(**fields)], {"line_items": [{"meter_id": "meter_1"}]}, {"meter_1": METER}, NOW) == []
