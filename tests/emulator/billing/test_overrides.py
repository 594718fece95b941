"""Prices of a subscription's own, and what a refused deal leaves behind (contract 11.2)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from .conftest import Company

STEPS = [{"up_to": 10, "unit_amount": "1"}, {"up_to": None, "unit_amount": "0.5"}]


def previewed(company: Company, made: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Quantity and amount of each line of the preview, by its name."""
    shown = company.api.make("/v1/invoices/preview", {"subscription_id": made["id"]})
    return {line["display_name"]: (line["quantity"], line["amount"]) for line in shown.get("line_items", [])}


def used(company: Company, quantity: float, *overrides: dict[str, Any], **fields: Any) -> dict[str, Any]:
    given = {"override_line_items": list(overrides)} if overrides else {}
    made = company.subscribe(company.now - timedelta(days=2), **given, **fields)
    company.use(made["external_id"], quantity, company.now - timedelta(days=1))
    return made


def refused(company: Company, *overrides: dict[str, Any]) -> tuple[int, str]:
    """Status and sentence of a subscription that must not come about."""
    body = {"external_customer_id": company.customer(), "plan_id": company.plan, "currency": "usd"}
    asked = {**body, "billing_period": "MONTHLY", "override_line_items": list(overrides)}
    answer = company.api.call("POST", "/v1/subscriptions", asked)
    return answer.status_code, answer.get_json()["message"]


@pytest.mark.parametrize(
    ("override", "amount"),
    [
        ({"amount": "0.1"}, "2.5"),
        ({"billing_model": "FLAT_FEE", "amount": "2"}, "50"),
        ({"billing_model": "TIERED", "tier_mode": "SLAB", "tiers": STEPS}, "17.5"),
        ({"billing_model": "TIERED", "tier_mode": "VOLUME", "tiers": STEPS}, "12.5"),
        ({"billing_model": "PACKAGE", "amount": "3", "transform_quantity": {"divide_by": 10, "round": "up"}}, "9"),
        ({"billing_model": "PACKAGE", "amount": "3", "transform_quantity": {"divide_by": 10, "round": "down"}}, "6"),
        ({"tiers": STEPS}, "12.5"),  # tiers alone count for nothing
    ],
)
def test_usage_is_charged_by_the_override(company: Company, override: dict[str, Any], amount: str) -> None:
    price = company.price("0.5")
    made = used(company, 25, {"price_id": price, **override})
    assert previewed(company, made) == {"Calls": ("25", amount)}
    plain = used(company, 25)
    assert previewed(company, plain) == {"Calls": ("25", "12.5")}, "the plan's price stays what it is"


def test_an_override_makes_a_price_that_follows_the_plans(company: Company) -> None:
    price = company.price("0.5")
    made = used(company, 1, {"price_id": price, "amount": "0.1"})
    line = company.read(made)["line_items"][0]
    assert line["price_id"] != price
    assert (line["price"]["entity_type"], line["price"]["parent_price_id"]) == ("SUBSCRIPTION", price)


@pytest.mark.parametrize(("quantity", "amount"), [("3", "30"), ("1", "10")])
def test_seats_multiply_a_fee_on_the_opening_invoice(company: Company, quantity: str, amount: str) -> None:
    fee = company.fee("10", display_name="Seat")
    made = company.subscribe(override_line_items=[{"price_id": fee, "quantity": quantity}])
    opening = company.invoices(made)[0]
    assert [(line["quantity"], line["amount"]) for line in opening["line_items"]] == [(quantity, amount)]


def test_no_seats_mean_the_least_number_of_the_price(company: Company) -> None:
    fee = company.fee("10", min_quantity=4)
    made = company.subscribe(override_line_items=[{"price_id": fee, "quantity": "0"}])
    assert company.invoices(made)[0]["total"] == "40"


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ({}, "Specify at least one of"),
        ({"amount": "-1"}, "Override amount cannot be negative"),
        ({"quantity": "2"}, "Quantity overrides are only allowed for fixed prices"),
        ({"billing_model": "TIERED"}, "Price tiers are required"),
        ({"billing_model": "PACKAGE", "amount": "1"}, "Please provide the number of units"),
        ({"billing_model": "FLAT_FEE"}, "Amount is required to set up flat fee pricing"),
        ({"billing_model": "BARTER", "amount": "1"}, "Invalid billing model"),
    ],
)
def test_an_override_that_cannot_be_meant_is_refused(company: Company, override: dict[str, Any], sentence: str) -> None:
    price = company.price("0.5")
    status, message = refused(company, {"price_id": price, **override})
    assert status == 400
    assert message.startswith(sentence)


def test_a_price_of_another_plan_cannot_be_overridden(company: Company) -> None:
    company.price("0.5")
    status, message = refused(company, {"price_id": "price_unknown", "amount": "1"})
    assert (status, message.split(".")[0]) == (400, "Could not find the original price for the specified price ID")


def test_a_refused_deal_leaves_nothing(company: Company) -> None:
    price, customer = company.price("0.5"), company.customer()
    coupon = company.api.make("/v1/coupons", {"name": "x", "coupon_code": "X", "type": "fixed", "amount_off": "1",
                                              "cadence": "once", "currency": "usd"})  # fmt: skip
    company.told.clear()
    body = {
        "external_customer_id": customer,
        "plan_id": company.plan,
        "currency": "usd",
        "billing_period": "MONTHLY",
        "override_line_items": [{"price_id": price, "amount": "1"}],
        "coupons": [coupon["id"]],
        "inheritance": {"subscriptions_ids_for_grouped_invoicing": ["subs_unknown"]},
    }
    assert company.api.call("POST", "/v1/subscriptions", body).status_code == 404
    search = {"external_customer_id": customer, "subscription_status": ["active", "draft"]}
    assert company.api.make("/v1/subscriptions/search", search)["items"] == []
    assert company.api.make("/v1/invoices/search", {"external_customer_id": customer})["items"] == []
    assert company.api.get(f"/v1/coupons/{coupon['id']}")["total_redemptions"] == 0
    assert company.events() == []
