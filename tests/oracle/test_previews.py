"""What a plan prices and a preview leaves out, and how many previews there were."""

from datetime import UTC, datetime, timedelta

import pytest

from pytest_flexprice.model.meters import Meter
from pytest_flexprice.model.prices import Price
from pytest_flexprice.oracle.invoicing.previews import coverage, unbilled_meters
from pytest_flexprice.oracle.invoicing.sampling import Sample

NOW = datetime(2026, 11, 22, tzinfo=UTC)
METER = Meter.from_api({"id": "meter_1", "name": "hits", "event_name": "hit", "aggregation": {"type": "COUNT"}})


def price(**fields):
    return Price.from_api(
        {"id": "price_1", "type": "USAGE", "meter_id": "meter_1", "billing_model": "FLAT_FEE", **fields}
    )


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


def test_how_many_of_how_many_is_said():
    sample = Sample(chosen=["a"] * 200, active=12345, groups=7)
    sample.left["billed with its parent"] = 3
    assert coverage(sample, 198) == (
        "198 of 12,345 active subscriptions were previewed, a sample of 200 that covers 7 kinds of plan and deal and changes every day"
        " (besides: 3 billed with its parent)"
    )
    assert coverage(Sample(chosen=["a"], active=1, groups=1), 1) == "1 of 1 active subscriptions were previewed"
