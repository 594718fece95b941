"""A catalog made up from a plan is one: every event, every plan that customers have, every fee that their deals name."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer
from pytest_flexprice.emulator.seeding.planned import catalog_of, customers_of, fill, why_made_up
from pytest_flexprice.model.golive_plan import GoLivePlan
from pytest_flexprice.model.plan_file import parse

PLAN = {
    "company": {"name": "Acme"},
    "environments": {
        "live": {"base_url": "https://x.example", "type": "production", "test_plan": "pro", "test_currency": "EUR"},
        "sandbox": {"base_url": "https://x.example", "type": "development"},
    },
    "catalog": {"signed_off": "sandbox"},
    "events": [
        {"name": "job.done", "properties": {"region": "string", "minutes": "number"}},
        {"name": "login"},
        {"name": "audit", "unbilled": "told to nobody"},
    ],
    "customers": {
        "declared": [
            {"external_id": "a", "plan": "pro"},
            {"external_id": "b", "plan": "gold", "currency": "jpy", "billing_period": "ANNUAL"},
            {
                "external_id": "c",
                "plan": "pro",
                "price_overrides": "login=0.5; Seats=3",
                "quantity": "Seats=7",
                "coupon": "A; B",
            },
            {"external_id": "d", "plan": "pro", "parent": "a"},
        ]
    },
}


@pytest.fixture
def plan(tmp_path: Path) -> GoLivePlan:
    return parse(PLAN, tmp_path / "golive.toml")


def test_it_sells_every_event_and_fee_in_every_currency_and_period_that_somebody_has(plan: GoLivePlan) -> None:
    catalog = catalog_of(plan, plan.environments["live"])
    assert list(catalog["features"]) == ["job.done", "login"]
    assert catalog["features"]["job.done"]["meter"]["field"] == "minutes"
    sold = {
        key: {
            (price["currency"], price["billing_period"], price.get("event_name") or price["display_name"])
            for price in one["prices"]
        }
        for key, one in catalog["plans"].items()
    }
    assert list(catalog["extras"]["coupons"]) == ["a", "b"]
    assert sold == {
        "pro": {("eur", "MONTHLY", name) for name in ("job.done", "login", "Seats")},
        "gold": {("jpy", "ANNUAL", name) for name in ("job.done", "login")},
    }


def test_it_can_be_rehearsed(plan: GoLivePlan) -> None:
    with FlexpriceServer(EmulatorOptions()) as server:
        live, _ = fill(server, plan, plan.environments["live"])
        live.customers(customers_of(plan))
        assert set(live.seeded.customers) == {"a", "b", "c", "d"}
        assert len(live.call("POST", "/v1/subscriptions/search", {})["items"]) >= 3


def test_a_file_is_never_made_up(plan: GoLivePlan) -> None:
    assert plan.catalog is not None
    named = plan.model_copy(update={"catalog": plan.catalog.model_copy(update={"signed_off": "catalog.json"})})
    assert why_made_up(named) == ""
    assert why_made_up(plan) == "the signed-off one is the live environment 'sandbox'"
    assert why_made_up(plan.model_copy(update={"catalog": None})) == "the plan names no signed-off catalog"
