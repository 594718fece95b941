"""Prices in a unit of the company's own: what they are in money, what they bill, how they change."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import LONG_AGO, Company

TOKENS = {"name": "Tokens", "code": "tok", "symbol": "T", "base_currency": "USD", "conversion_rate": "0.01"}


@pytest.fixture
def unit(company: Company) -> dict[str, Any]:
    """A hundredth of a dollar."""
    made: dict[str, Any] = company.api.make("/v1/prices/units", TOKENS)
    return made


def price(company: Company, config: dict[str, Any] | None, **fields: Any) -> tuple[int, Any]:
    body = {
        "entity_type": "PLAN",
        "entity_id": company.plan,
        "type": "USAGE",
        "meter_id": company.feature["meter_id"],
        "currency": "usd",
        "billing_period": "MONTHLY",
        "billing_period_count": 1,
        "billing_model": "FLAT_FEE",
        "invoice_cadence": "ARREAR",
        "start_date": LONG_AGO,
        "price_unit_type": "CUSTOM",
        "price_unit_config": config,
        **fields,
    }
    answer = company.api.call("POST", "/v1/prices", body)
    return answer.status_code, answer.get_json()


def test_a_price_in_tokens_bills_their_money(company: Company, unit: dict[str, Any]) -> None:
    status, made = price(company, {"price_unit": "tok", "amount": "50"})
    assert (status, made["amount"], made["price_unit_amount"], made["price_unit_id"]) == (201, "0.5", "50", unit["id"])
    subscription = company.subscribe()
    company.use(subscription["external_id"], 3, company.now)
    preview = company.api.make("/v1/invoices/preview", {"subscription_id": subscription["id"]})
    assert preview["total"] == "1.5"
    assert [line["price_unit"] for line in company.read(subscription)["line_items"]] == ["tok"]


def test_tiers_in_tokens_bill_their_money(company: Company, unit: dict[str, Any]) -> None:
    tiers = [{"up_to": 2, "unit_amount": "100"}, {"up_to": None, "unit_amount": "10", "flat_amount": "5"}]
    fields = {"billing_model": "TIERED", "tier_mode": "SLAB"}
    status, made = price(company, {"price_unit": unit["code"], "price_unit_tiers": tiers}, **fields)
    assert (status, [tier["unit_amount"] for tier in made["tiers"]]) == (201, ["1", "0.1"])


def test_a_changed_price_stays_in_its_unit(company: Company, unit: dict[str, Any]) -> None:
    _status, made = price(company, {"price_unit": unit["code"], "amount": "50"})
    answer = company.api.call("PUT", f"/v1/prices/{made['id']}", {"price_unit_amount": "70"}).get_json()
    assert (answer["amount"], answer["price_unit_amount"], answer["price_unit"]) == ("0.7", "70", "tok")
    assert company.api.call("PUT", f"/v1/prices/{answer['id']}", {"amount": "1"}).status_code == 400
    assert company.api.call("PUT", f"/v1/prices/{company.price('1')}", {"price_unit_amount": "1"}).status_code == 400


@pytest.mark.parametrize(
    ("config", "fields", "status"),
    [
        (None, {}, 400),
        ({"price_unit": "none", "amount": "1"}, {}, 404),
        ({"price_unit": "tok", "amount": "1"}, {"currency": "eur"}, 400),
        ({"price_unit": "tok", "amount": "1"}, {"amount": "1"}, 400),
        ({"price_unit": "tok", "amount": "-1"}, {}, 400),
        ({"price_unit": "tok"}, {}, 400),
    ],
)
def test_a_price_in_no_such_unit_is_refused(
    company: Company, unit: dict[str, Any], config: dict[str, Any] | None, fields: dict[str, Any], status: int
) -> None:
    assert unit["base_currency"] == "usd"
    assert price(company, config, **fields)[0] == status


def test_a_units_code_is_its_own_and_it_lives_as_long_as_its_prices(company: Company, unit: dict[str, Any]) -> None:
    path = f"/v1/prices/units/{unit['id']}"
    assert company.api.call("POST", "/v1/prices/units", TOKENS).status_code == 409
    assert company.api.call("POST", "/v1/prices/units", {**TOKENS, "conversion_rate": "0"}).status_code == 400
    assert company.api.get("/v1/prices/units/code/tok")["id"] == unit["id"]
    assert company.api.call("PUT", path, {"name": "Coins"}).get_json()["name"] == "Coins"
    price(company, {"price_unit": "tok", "amount": "1"})
    assert company.api.call("DELETE", path).status_code == 400
    assert [one["name"] for one in company.api.get("/v1/prices/units")["items"]] == ["Coins"]


def test_an_override_of_a_price_in_tokens_is_in_tokens(company: Company, unit: dict[str, Any]) -> None:
    _status, made = price(company, {"price_unit": unit["code"], "amount": "50"})
    override = {"price_id": made["id"], "price_unit_amount": "70"}
    subscription = company.subscribe(override_line_items=[override])
    own = company.api.get(f"/v1/prices/{company.read(subscription)['line_items'][0]['price_id']}")
    assert (own["amount"], own["price_unit_amount"], own["price_unit"], own["entity_type"]) == (
        "0.7", "70", "tok", "SUBSCRIPTION",
    )  # fmt: skip
    asked = {
        "external_customer_id": company.customer(),
        "plan_id": company.plan,
        "currency": "usd",
        "billing_period": "MONTHLY",
    }
    for wrong in ({"amount": "1"}, {"price_unit_amount": "-1"}, {"billing_model": "PACKAGE"}):
        body = {**asked, "override_line_items": [{"price_id": made["id"], **wrong}]}
        assert company.api.call("POST", "/v1/subscriptions", body).status_code == 400


def test_a_line_may_have_its_own_price_in_tokens(company: Company, unit: dict[str, Any]) -> None:
    company.price("1")
    subscription = company.subscribe()
    own = {
        "type": "USAGE", "meter_id": company.feature["meter_id"], "billing_period": "MONTHLY",
        "billing_model": "FLAT_FEE", "invoice_cadence": "ARREAR", "price_unit_type": "CUSTOM",
        "price_unit_config": {"price_unit": unit["code"], "amount": "30"},
    }  # fmt: skip
    line = company.api.make(f"/v1/subscriptions/{subscription['id']}/lineitems", {"price": own})
    assert (line["price_unit"], company.api.get(f"/v1/prices/{line['price_id']}")["amount"]) == ("tok", "0.3")


def test_a_wallet_in_tokens_has_their_currency_and_rate(company: Company, unit: dict[str, Any]) -> None:
    body = {"external_customer_id": company.customer(), "currency": "eur", "price_unit": unit["code"]}
    answer = company.api.call("POST", "/v1/wallets", body).get_json()
    assert (answer["currency"], answer["conversion_rate"]) == ("usd", "0.01")
    assert company.api.call("POST", "/v1/wallets", {**body, "price_unit": "none"}).status_code == 404
