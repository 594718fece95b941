"""Which subscriptions are previewed: each plan and each kind of deal, within the bound, others on other days."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.oracle.invoicing.sampling import choose, kinds

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def subscription(number, **fields):
    base = {"id": f"subs_{number:04d}", "plan_id": "plan_1", "currency": "usd", "billing_period": "MONTHLY"}
    return {**base, "start_date": "2026-11-01T00:00:00Z", "subscription_status": "active", **fields}


DEALS = {
    "parent": {"subscription_type": "parent"},
    "grouped_invoicing": {"subscription_type": "grouped_invoicing"},
    "delegated payer": {"invoicing_customer_id": "cust_2"},
    "ending": {"cancel_at_period_end": True},
    "commitment": {"commitment_amount": "100"},
    "coupon": {"coupon_associations": [{"coupon_id": "c"}]},
    "phases": {"line_items": [{"subscription_phase_id": "phase_1"}]},
    "addon": {"line_items": [{"entity_type": "addon"}]},
    "seats": {"line_items": [{"price_type": "FIXED", "quantity": "5"}]},
    "line commitment": {"line_items": [{"commitment_quantity": "60"}]},
    "own price": {"line_items": [{"price_id": "price_own", "quantity": "0"}]},
}


def own(subscription, line):
    return line.get("price_id") == "price_own"


@pytest.mark.parametrize("name", sorted(DEALS))
def test_each_kind_of_deal_is_known(name):
    assert kinds(subscription(1, **DEALS[name]), own) == (name,)


def test_an_ordinary_subscription_is_no_deal():
    lines = [
        {"price_type": "FIXED", "quantity": "1", "commitment_amount": "0"},
        {"price_type": "USAGE", "quantity": "0"},
    ]
    assert kinds(subscription(1, subscription_type="standalone", line_items=lines)) == ()


@given(seed=st.text(max_size=10), most=st.integers(12, 30))
def test_each_plan_and_each_kind_of_deal_is_in_the_sample(seed, most):
    rows = [subscription(number) for number in range(100)]
    rows += [subscription(200 + number, **fields) for number, fields in enumerate(DEALS.values())]
    rows.append(subscription(300, plan_id="plan_2"))
    rows = [row for row in rows if row["id"] not in ("subs_0202", "subs_0201")]
    sample = choose(rows, most, NOW, seed, own)
    assert len(sample.chosen) == len(set(sample.chosen)) == most
    assert {row["id"] for row in rows if row["id"] >= "subs_02"} <= set(sample.chosen)
    assert (sample.active, sample.groups) == (len(rows), len(DEALS))


@given(st.integers(0, 40), st.integers(0, 40), st.text(max_size=5))
def test_the_bound_holds_and_all_means_all(count, most, seed):
    rows = [subscription(number, currency="usd" if number % 3 else "eur") for number in range(count)]
    assert len(choose(rows, most, NOW, seed).chosen) == min(count, most)
    assert sorted(choose(rows, None, NOW, seed).chosen) == [row["id"] for row in rows]


def test_the_sample_is_the_same_on_a_day_and_another_on_the_next():
    rows = [subscription(number) for number in range(200)]
    days = [choose(rows, 10, NOW, day).chosen for day in ("2026-11-22", "2026-11-22", "2026-11-23")]
    assert days[0] == days[1] == choose(reversed(rows), 10, NOW, "2026-11-22").chosen
    assert set(days[0]) != set(days[2])


def test_every_subscription_has_its_turn_within_some_days():
    rows = [subscription(number) for number in range(20)]
    seen = {one for day in range(60) for one in choose(rows, 5, NOW, f"day {day}").chosen}
    assert seen == {row["id"] for row in rows}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"subscription_status": "trialing"}, "trialing, so nothing of it is billed"),
        ({"subscription_status": "paused"}, "paused, so nothing of it is billed"),
        ({"start_date": "2999-01-01T00:00:00Z"}, "not begun"),
    ],
)
def test_what_has_nothing_to_preview_is_counted_and_left_out(fields, reason):
    sample = choose([subscription(1), subscription(2, **fields)], None, NOW, "")
    assert (sample.chosen, dict(sample.left)) == (["subs_0001"], {reason: 1})
