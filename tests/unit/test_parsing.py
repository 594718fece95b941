"""Whatever a server answers becomes a record, or one refusal that says of which object and why."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.model.parsing import Unparsed
from pytest_flexprice.model.prices import Price
from pytest_flexprice.model.subscriptions import Subscription
from pytest_flexprice.oracle.catalog.objects import Entitlement
from pytest_flexprice.oracle.invoicing.auto_cancel import CancelPolicy, OpenInvoice
from pytest_flexprice.oracle.invoicing.coupons import AttachedCoupon
from pytest_flexprice.oracle.invoicing.subscription import BilledSubscription
from pytest_flexprice.oracle.pricing.allowances import Allowance
from pytest_flexprice.oracle.pricing.commitments import Commitment, LineCommitment
from pytest_flexprice.oracle.pricing.deductions import Coupon, Tax

READERS = {
    "event": Event.from_api,
    "meter": Meter.from_api,
    "stored meter": Meter.stored,
    "price": Price.from_api,
    "entitlement": Entitlement.from_api,
    "allowance": Allowance.from_api,
    "coupon": Coupon.from_api,
    "attached coupon": AttachedCoupon.from_api,
    "tax": Tax.from_api,
    "commitment": Commitment.from_api,
    "line commitment": LineCommitment.from_api,
    "invoice": OpenInvoice.from_api,
    "policy": CancelPolicy.from_api,
    "billed subscription": BilledSubscription.from_api,
    "subscription": Subscription.from_api,
}
_OF_OBJECTS = """id name type currency amount tiers meter aggregation filters transform_quantity price_unit_amount min_quantity
    start_date end_date billing_period_count event_name timestamp event_id properties usage_limit feature coupon amount_off
    percentage_off tax_rate_type fixed_value commitment_amount overage_factor due_date amount_remaining subscription_id value
    grace_period_days line_items plan price current_period_start current_period_end billing_period up_to unit_amount key values
    multiplier"""
KEYS = st.sampled_from(_OF_OBJECTS.split())
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("2026-11-01T00:00:00Z"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=8,
)


@pytest.mark.parametrize("kind", READERS)
@settings(max_examples=50)
@given(data=st.dictionaries(KEYS, ANY, max_size=8) | ANY)
def test_any_answer_is_read_or_refused(kind: str, data: object) -> None:
    try:
        READERS[kind](data)
    except Unparsed as refusal:
        (finding,) = refusal.findings
        assert "so nothing can be concluded from it" in finding.sentence


@pytest.mark.parametrize(
    ("kind", "data", "sentence"),
    [
        ("price", {"id": "price_1", "amount": "1,50"}, "price 'price_1': '1,50' is not a number"),
        ("price", {"display_name": "Tokens", "tiers": 7}, "price 'Tokens': 'int' object is not iterable"),
        ("event", {"event_name": "use"}, "event 'use': it has no 'timestamp'"),
        (
            "event",
            {"id": "e1", "event_name": "use", "timestamp": "2026-11-01T00:00:00Z", "properties": [1]},
            "event 'use': its",
        ),
        ("meter", {"name": "m", "aggregation": {}}, "meter 'm': '' is no aggregation type"),
        ("meter", [], "meter 'list': "),
        ("billed subscription", {"id": "subs_1"}, "subscription 'subs_1': it has no 'start_date'"),
    ],
)
def test_a_refusal_names_the_object_and_what_is_wrong_with_it(kind: str, data: object, sentence: str) -> None:
    with pytest.raises(NotVerified) as caught:
        READERS[kind](data)
    assert str(caught.value).startswith(sentence)


def test_a_meter_that_nobody_can_calculate_with_can_still_be_compared() -> None:
    assert Meter.stored({"name": "m", "aggregation": {"type": "MEDIAN"}}).aggregation.type == "MEDIAN"


def test_what_is_absent_or_null_is_empty() -> None:
    meter = Meter.stored({"id": None, "name": None, "event_name": None, "aggregation": {"expression": None}})
    assert (meter.id, meter.name, meter.event_name, meter.aggregation.expression, meter.changed) == ("",) * 5
    assert Meter.stored({"updated_at": "2026-11-01T00:00:00Z"}).changed == "2026-11-01T00:00:00Z"
    assert Event.from_api({"event_name": "use", "timestamp": "2026-11-01T00:00:00Z"}).id == ""
