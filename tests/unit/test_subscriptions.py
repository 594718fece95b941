"""A subscription, read once: every field, what is absent, and what is kept of a large answer."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from pytest_flexprice.model.customer_columns import COLUMNS
from pytest_flexprice.model.parsing import Unparsed
from pytest_flexprice.model.subscriptions import Subscription, SubscriptionLine, kept

LINE = {
    "price_id": "price_1",
    "meter_id": "meter_1",
    "billing_period": "MONTHLY",
    "start_date": "2026-11-03T00:00:00Z",
    "end_date": "2026-11-04T00:00:00Z",
    "entity_type": "addon",
    "subscription_phase_id": "phase_1",
    "quantity": "25",
    "display_name": "Seats",
}
ANSWER = {
    "id": "subs_1",
    "subscription_status": "trialing",
    "customer_id": "cust_1",
    "subscription_type": "inherited",
    "parent_subscription_id": "subs_0",
    "plan_id": "plan_1",
    "plan": {"lookup_key": "pro", "name": "Pro", "status": "archived"},
    "currency": "usd",
    "billing_period": "MONTHLY",
    "billing_period_count": 3,
    "billing_cycle": "calendar",
    "collection_method": "send_invoice",
    "payment_terms": "30 NET",
    "start_date": "2026-11-01T00:00:00Z",
    "billing_anchor": "2026-11-02T00:00:00Z",
    "trial_end": "2026-11-05T00:00:00Z",
    "end_date": "2026-11-06T00:00:00Z",
    "cancel_at": "2026-11-07T00:00:00Z",
    "cancelled_at": "2026-11-08T00:00:00Z",
    "created_at": "2026-11-09T00:00:00.5Z",
    "commitment_amount": "5000",
    "overage_factor": "1.5",
    "line_items": [LINE],
}
READ = Subscription(
    id="subs_1",
    status="trialing",
    customer_id="cust_1",
    kind="inherited",
    parent_id="subs_0",
    plan_id="plan_1",
    plan_key="pro",
    plan_name="Pro",
    plan_status="archived",
    currency="usd",
    billing_period="MONTHLY",
    billing_period_count=3,
    billing_cycle="calendar",
    collection_method="send_invoice",
    payment_terms="30 NET",
    start_date=datetime(2026, 11, 1, tzinfo=UTC),
    billing_anchor=datetime(2026, 11, 2, tzinfo=UTC),
    trial_end=datetime(2026, 11, 5, tzinfo=UTC),
    end_date=datetime(2026, 11, 6, tzinfo=UTC),
    cancel_at=datetime(2026, 11, 7, tzinfo=UTC),
    cancelled_at=datetime(2026, 11, 8, tzinfo=UTC),
    created_at=datetime(2026, 11, 9, 0, 0, 0, 500000, tzinfo=UTC),
    commitment=Decimal(5000),
    overage_factor=Decimal("1.5"),
    lines=(
        SubscriptionLine(
            price_id="price_1",
            meter_id="meter_1",
            billing_period="MONTHLY",
            start=datetime(2026, 11, 3, tzinfo=UTC),
            end=datetime(2026, 11, 4, tzinfo=UTC),
            of="addon",
            phase="phase_1",
            quantity=Decimal(25),
            display_name="Seats",
        ),
    ),
)


def test_every_field_is_read_and_kept() -> None:
    assert Subscription.from_api(ANSWER) == READ
    large = {
        **ANSWER,
        "phases": [{}] * 9,
        "plan": {**ANSWER["plan"], "prices": [{}] * 9},
        "line_items": [{**LINE, "price": {}}],
    }
    assert Subscription.from_api(kept(large)) == READ
    assert kept(large) == ANSWER


def test_what_is_absent_is_empty() -> None:
    nothing: dict[str, Any] = {
        "id": "subs_1",
        "plan": None,
        "customer": None,
        "metadata": None,
        "end_date": "0001-01-01T00:00:00Z",
    }
    assert Subscription.from_api(nothing) == Subscription("subs_1")
    assert Subscription("subs_1").kind == "standalone"
    assert Subscription.from_api(kept({"id": "subs_1"})).lines is None
    assert Subscription.from_api(kept({"id": "subs_1", "line_items": []})).lines == ()
    assert SubscriptionLine.from_api({"quantity": "0"}) == SubscriptionLine("", of="plan", quantity=Decimal(0))
    assert SubscriptionLine.from_api({}).quantity is None


def test_whose_it_is_and_who_made_it() -> None:
    known = {**ANSWER, "customer": {"external_id": "acme"}, "metadata": {"managed_by": "us"}}
    assert (Subscription.from_api(known).who, Subscription.from_api(known).managed_by) == ("acme", "us")
    assert Subscription.from_api({**ANSWER, "external_customer_id": "acme"}).external_customer_id == "acme"
    assert READ.who == "cust_1"


@pytest.mark.parametrize(
    ("plan", "name"), [({"lookup_key": "pro", "name": "Pro"}, "pro"), ({"name": "Pro"}, "Pro"), ({}, "plan_1")]
)
def test_a_plan_is_called_by_what_people_know(plan: dict[str, str], name: str) -> None:
    assert Subscription.from_api({**ANSWER, "plan": plan}).plan == name


def test_values_are_those_of_the_customers_file() -> None:
    told = {column.name: READ.value(column.name) for column in COLUMNS if column.about == "subscription"}
    assert told == {
        "plan": "pro",
        "currency": "usd",
        "billing_period": "MONTHLY",
        "billing_period_count": "3",
        "billing_cycle": "calendar",
        "collection_method": "send_invoice",
        "status": "trialing",
        "start_date": "2026-11-01T00:00:00Z",
        "billing_anchor": "2026-11-02T00:00:00Z",
        "trial_end": "2026-11-05T00:00:00Z",
        "end_date": "2026-11-06T00:00:00Z",
        "payment_terms": "30 NET",
    }
    assert all(column.read(told[column.name]) for column in COLUMNS if column.name in told)
    assert [
        Subscription("subs_1").value(name) for name in ("currency", "end_date", "billing_period_count", "coupon")
    ] == [""] * 4


@pytest.mark.parametrize(
    "wrong", [{"id": None, "start_date": 7}, {"start_date": "soon"}, {"commitment_amount": "1,5"}, {"line_items": 3}]
)
def test_what_is_none_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Unparsed, match="so nothing can be concluded from it"):
        Subscription.from_api({**ANSWER, **wrong})
