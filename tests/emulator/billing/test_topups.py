"""Credits that are bought: on an invoice, or by themselves when a wallet runs low (by the API's description)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from .conftest import Company

TOP_UP = {"credits_to_add": "20", "transaction_reason": "PURCHASED_CREDIT_INVOICED"}


def wallet(company: Company, **fields: Any) -> dict[str, Any]:
    """A new customer's wallet in dollars, two of which are a credit."""
    body = {"external_customer_id": company.customer(), "currency": "usd", "conversion_rate": "2", **fields}
    made: dict[str, Any] = company.api.make("/v1/wallets", body)
    return made


def read(company: Company, made: dict[str, Any]) -> tuple[str, list[str]]:
    """Its credits, and the status of each transaction, newest first."""
    rows = company.api.get(f"/v1/wallets/{made['id']}/transactions")["items"]
    return company.api.get(f"/v1/wallets/{made['id']}")["credit_balance"], [row["transaction_status"] for row in rows]


@pytest.mark.parametrize("way", ["by hand", "by a payment"])
def test_credits_arrive_when_their_invoice_is_paid(company: Company, way: str) -> None:
    made = wallet(company)
    asked = company.api.make(f"/v1/wallets/{made['id']}/top-up", TOP_UP)
    assert asked["wallet"]["credit_balance"] == "0"
    assert read(company, made) == ("0", ["pending"])
    invoice = company.api.get(f"/v1/invoices/{asked['invoice_id']}")
    assert (invoice["total"], invoice["invoice_status"], invoice["payment_status"]) == ("40", "FINALIZED", "PENDING")
    if way == "by hand":
        company.api.call("PUT", f"/v1/invoices/{invoice['id']}/payment", {"payment_status": "SUCCEEDED"})
    else:
        payment = {"destination_type": "INVOICE", "destination_id": invoice["id"], "payment_method_type": "OFFLINE"}
        company.api.make("/v1/payments", {**payment, "amount": "40", "currency": "usd", "process_payment": True})
    assert read(company, made) == ("20", ["completed"])
    assert company.api.get(f"/v1/wallets/{made['id']}")["balance"] == "40"


def test_a_part_payment_brings_none_and_a_void_one_never_does(company: Company) -> None:
    made = wallet(company)
    asked = company.api.make(f"/v1/wallets/{made['id']}/top-up", TOP_UP)
    path = f"/v1/invoices/{asked['invoice_id']}"
    company.api.call("PUT", f"{path}/payment", {"payment_status": "PENDING", "amount": "5"})
    assert read(company, made) == ("0", ["pending"])
    company.api.call("POST", f"{path}/void", {})
    assert read(company, made)[1][-1] == "failed"


@pytest.mark.parametrize(("invoicing", "credits"), [(False, "50"), (True, "0")])
def test_a_wallet_refills_itself_when_an_invoice_empties_it(company: Company, invoicing: bool, credits: str) -> None:
    company.price("1")
    made = company.subscribe(company.now - timedelta(days=2))
    rule = {"enabled": True, "threshold": "3", "amount": "50", "invoicing": invoicing}
    rule["cooldown"] = {"value": 1, "unit": "hour"}
    body = {"customer_id": made["customer_id"], "currency": "usd", "conversion_rate": "2", "auto_topup": rule}
    held = company.api.make("/v1/wallets", {**body, "initial_credits_to_load": "5"})
    company.use(made["external_id"], 30, company.now - timedelta(hours=1))
    bill = {"cancellation_type": "immediate", "cancel_immediately_inovice_policy": "generate_invoice"}
    company.api.make(f"/v1/subscriptions/{made['id']}/cancel", bill)
    assert read(company, held)[0] == credits
    reasons = [row["billing_reason"] for row in company.api.get("/v1/invoices?invoice_type=CREDIT")["items"]]
    assert reasons == (["WALLET_AUTO_TOPUP"] if invoicing else [])


@pytest.mark.parametrize(
    "rule",
    [
        {"enabled": True, "threshold": "3"},
        {"enabled": True, "threshold": "-1", "amount": "5"},
        {"enabled": True, "threshold": "3", "amount": "0"},
        {"enabled": True, "threshold": "3", "amount": "1", "cooldown": {"value": 1, "unit": "month"}},
        {"enabled": "yes"},
    ],
)
def test_a_rule_that_could_not_be_followed_is_refused(company: Company, rule: dict[str, Any]) -> None:
    made = wallet(company)
    assert company.api.call("PUT", f"/v1/wallets/{made['id']}", {"auto_topup": rule}).status_code == 400
    assert "auto_topup" not in company.api.get(f"/v1/wallets/{made['id']}")


def test_a_rule_is_changed_by_what_is_given(company: Company) -> None:
    rule = {"enabled": True, "threshold": "3", "amount": "50", "invoicing": False}
    made = wallet(company, auto_topup=rule)
    changed = company.api.call("PUT", f"/v1/wallets/{made['id']}", {"auto_topup": {"amount": "7"}}).get_json()
    assert changed["auto_topup"] == {**rule, "amount": "7", "cooldown": None}


def test_the_balance_of_this_moment_knows_what_was_used(company: Company) -> None:
    company.price("1.5")
    made = company.subscribe(company.now - timedelta(days=2))
    body = {"customer_id": made["customer_id"], "currency": "usd", "initial_credits_to_load": "10"}
    path = f"/v1/wallets/{company.api.make('/v1/wallets', body)['id']}"
    bought = {"credits_to_add": "5", "transaction_reason": "PURCHASED_CREDIT_DIRECT"}
    company.api.make(f"{path}/top-up", bought)
    company.use(made["external_id"], 4, company.now - timedelta(hours=1))
    found = company.api.get(f"{path}/balance/real-time?expand=credits_available_breakdown")
    assert (found["balance"], found["current_period_usage"], found["real_time_balance"]) == ("15", "6", "9")
    assert found["credits_available_breakdown"] == {"purchased": "5", "free": "10"}
    (listed,) = company.api.get(f"/v1/customers/wallets?id={made['customer_id']}&include_real_time_balance=true")
    assert (listed["real_time_balance"], "current_period_usage" in listed) == ("9", False)
    (plain,) = company.api.get(f"/v1/customers/wallets?lookup_key={made['external_id']}")
    assert "real_time_balance" not in plain


def test_a_debit_by_hand_takes_the_largest_credits_first_and_never_too_many(company: Company) -> None:
    made = wallet(company)
    for credits_to_add in ("5", "20"):
        body = {"credits_to_add": credits_to_add, "transaction_reason": "FREE_CREDIT_GRANT"}
        body["idempotency_key"] = credits_to_add
        company.api.make(f"/v1/wallets/{made['id']}/top-up", body)
    assert company.api.call("POST", f"/v1/wallets/{made['id']}/top-up", body).status_code == 409
    path, body = f"/v1/wallets/{made['id']}/debit", {"transaction_reason": "MANUAL_BALANCE_DEBIT"}
    assert company.api.make(path, {**body, "credits": "7", "idempotency_key": "a"})["credit_balance"] == "18"
    moved = company.api.get(f"/v1/wallets/{made['id']}/transactions")["items"]
    assert [row["credits_available"] for row in moved] == ["0", "13", "5"]
    asked = {"credits": "18.5", "idempotency_key": "b"}
    for change, status in (({}, 400), ({"credits": "0"}, 400), ({"credits": "1", "idempotency_key": "a"}, 409)):
        assert company.api.call("POST", path, {**body, **asked, **change}).status_code == status
    assert company.api.get(f"/v1/wallets/{made['id']}")["credit_balance"] == "18"
