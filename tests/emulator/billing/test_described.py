"""What only the API's own description tells: filters, upcoming credits, payments by hand, invoices made anew."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pytest_flexprice.emulator.kernel.render import gotime

from .conftest import Company


def _found(company: Company, path: str, **asked: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = company.api.make(path, asked)["items"]
    return items


def test_subscriptions_are_found_by_what_they_belong_to(company: Company) -> None:
    company.fee("10")
    child, parent = company.customer(), company.customer()
    heirs = {"external_customer_ids_to_inherit_subscription": [child]}
    made = company.subscribe(external_customer_id=parent, inheritance=heirs)
    path = "/v1/subscriptions/search"
    assert [row["id"] for row in _found(company, path, subscription_type=["parent"])] == [made["id"]]
    assert [row["subscription_type"] for row in _found(company, path, parent_subscription_ids=[made["id"]])] == [
        "inherited"
    ]
    assert len(_found(company, path, subscription_type=[])) == 2
    assert _found(company, path, trial_end_due_lte=gotime(company.now)) == []


def test_wallets_are_listed_by_their_own_status(company: Company) -> None:
    made = [
        company.api.make("/v1/wallets", {"external_customer_id": company.customer(), "currency": "usd"})["id"]
        for _ in range(2)
    ]
    company.api.call("POST", f"/v1/wallets/{made[0]}/terminate")
    assert [row["id"] for row in _found(company, "/v1/wallets/search", status="active")] == [made[1]]
    assert {row["id"] for row in _found(company, "/v1/wallets/search")} == set(made)


def test_first_credits_expire_on_a_day(company: Company) -> None:
    day = {"initial_credits_to_load": "5", "initial_credits_to_load_expiry_date": 20310401}
    wallet = company.api.make("/v1/wallets", {"external_customer_id": company.customer(), "currency": "usd", **day})
    moved = company.api.get(f"/v1/wallets/{wallet['id']}/transactions")["items"]
    assert [entry["expiry_date"] for entry in moved] == ["2031-04-01T00:00:00Z"]
    bad = {
        "external_customer_id": company.customer(),
        "currency": "usd",
        "initial_credits_to_load_expiry_date": 20311301,
    }
    assert company.api.call("POST", "/v1/wallets", bad).status_code == 400
    assert len(company.api.get("/v1/wallets")["items"]) == 1


@pytest.mark.parametrize("field", [{"coupons": ["coupon_x"]}, {"tax_rates": ["taxrate_x"]}, {
    "tax_rate_overrides": [{"tax_rate_code": "x", "currency": "usd"}]}], ids=lambda one: next(iter(one)))  # fmt: skip
def test_a_refused_invoice_leaves_none(company: Company, field: dict[str, Any]) -> None:
    body = {"customer_id": "c", "invoice_type": "ONE_OFF", "currency": "usd", "subtotal": "10", **field}
    assert company.api.call("POST", "/v1/invoices", body).status_code == 404
    assert company.api.get("/v1/invoices")["items"] == []


@pytest.mark.parametrize("amount", ["1e400", "-1e390"])
def test_an_amount_beyond_all_digits_is_refused(company: Company, amount: str | int) -> None:
    line = {"display_name": "Setup", "amount": amount, "quantity": "1"}
    body = {"customer_id": "c", "invoice_type": "ONE_OFF", "currency": "usd", "line_items": [line]}
    assert company.api.call("POST", "/v1/invoices", body).status_code == 400
    assert company.api.get("/v1/invoices")["items"] == []


def test_a_customers_taxes_are_taken_over_by_its_subscription(company: Company) -> None:
    company.fee("100")
    company.api.make("/v1/taxes/rates", {"name": "VAT", "code": "vat", "percentage_value": "20"})
    taxed = {"tax_rate_code": "vat", "currency": "usd", "auto_apply": True}
    who = {"external_id": "taxed", "name": "Taxed", "tax_rate_overrides": [taxed]}
    company.api.make("/v1/customers", who)
    made = company.subscribe(external_customer_id="taxed")
    assert made["latest_invoice"]["total"] == "120"
    listed = company.api.get("/v1/taxes/associations?external_customer_id=taxed")["items"]
    assert [row["entity_type"] for row in listed] == ["customer"]
    assert company.api.call("GET", "/v1/taxes/associations?external_customer_id=none").status_code == 404
    unknown = {**who, "external_id": "other", "tax_rate_overrides": [{**taxed, "tax_rate_code": "none"}]}
    assert company.api.call("POST", "/v1/customers", unknown).status_code == 404
    assert company.api.call("GET", "/v1/customers/external/other").status_code == 404


def test_a_tax_counts_from_its_start_on(company: Company) -> None:
    company.fee("100")
    company.api.make("/v1/taxes/rates", {"name": "VAT", "code": "vat", "percentage_value": "20"})
    made = company.subscribe()
    later = {"tax_rate_code": "vat", "entity_type": "subscription", "entity_id": made["id"], "auto_apply": True}
    dates = {"currency": "usd", "start_date": gotime(company.now + timedelta(days=1))}
    company.api.make("/v1/taxes/associations", {**later, **dates})
    assert company.api.make("/v1/invoices/preview", {"subscription_id": made["id"]})["total_tax"] == "0"
    company.world.clock.shift(timedelta(days=2))
    assert company.api.make("/v1/invoices/preview", {"subscription_id": made["id"]})["total_tax"] == "20"
    backwards = {**later, **dates, "end_date": gotime(company.now - timedelta(days=9))}
    assert company.api.call("POST", "/v1/taxes/associations", backwards).status_code == 400


def test_a_voided_invoice_is_replaced_once(company: Company) -> None:
    company.fee("10")
    made = company.subscribe()["latest_invoice"]["id"]
    path = f"/v1/invoices/{made}/recalculate"
    assert company.api.call("POST", path).status_code == 400  # not voided
    company.api.call("POST", f"/v1/invoices/{made}/void", {})
    assert company.api.call("POST", path).status_code == 202
    fresh = company.api.get(f"/v1/invoices/{made}")["recalculated_invoice_id"]
    company.api.call("POST", "/_emulator/clock", {"advance": 2})
    again = company.api.get(f"/v1/invoices/{fresh}")
    assert (again["invoice_status"], again["total"], again["billing_reason"]) == ("DRAFT", "10", "SUBSCRIPTION_CREATE")
    assert company.api.call("POST", path).status_code == 400


def test_a_draft_is_computed_anew_and_finalized_unless_told_otherwise(company: Company) -> None:
    company.price("1")
    made = company.subscribe(company.now - timedelta(days=3))
    company.api.call("POST", f"/v1/subscriptions/temporal/{made['id']}/draft-and-compute")
    company.api.call("POST", "/_emulator/clock", {"advance": 2})
    skipped = company.api.make("/v1/invoices/search", {"subscription_id": made["id"], "invoice_status": ["SKIPPED"]})
    assert company.api.call("POST", f"/v1/invoices/{skipped['items'][0]['id']}/recalculate-v2").status_code == 400
    company.fee("7", cadence="ARREAR")
    other = company.subscribe(company.now - timedelta(days=3))
    company.api.call("POST", f"/v1/subscriptions/temporal/{other['id']}/draft-and-compute")
    company.api.call("POST", "/_emulator/clock", {"advance": 2})
    asked = {"subscription_id": other["id"], "invoice_status": ["DRAFT"]}
    draft = company.api.make("/v1/invoices/search", asked)["items"][0]["id"]
    path = f"/v1/invoices/{draft}/recalculate-v2"
    assert company.api.make(f"{path}?finalize=false", {})["invoice_status"] == "DRAFT"
    assert company.api.make(path, {})["invoice_status"] == "FINALIZED"
    assert company.api.call("POST", path).status_code == 400


def test_a_payment_is_changed_by_hand_and_taken_out_of_the_lists(company: Company) -> None:
    company.fee("10")
    invoice = company.subscribe()["latest_invoice"]["id"]
    body = {
        "destination_type": "INVOICE", "destination_id": invoice, "payment_method_type": "OFFLINE", "amount": "4",
        "currency": "usd",
    }  # fmt: skip
    made = company.api.make("/v1/payments", body)["id"]
    path = f"/v1/payments/{made}"
    assert company.api.call("PUT", path, {"payment_status": "LATE"}).status_code == 400
    changed = company.api.call("PUT", path, {"gateway_payment_id": "pi_1", "metadata": {"a": "b"}}).get_json()
    assert (changed["gateway_payment_id"], changed["payment_status"]) == ("pi_1", "PENDING")
    assert [row["id"] for row in company.api.get(f"/v1/payments?payment_ids={made},x")["items"]] == [made]
    assert company.api.call("DELETE", path).status_code == 200
    assert company.api.call("GET", path).status_code == 404
    assert company.api.get("/v1/payments")["items"] == []
    assert company.api.make("/v1/payments", body)["id"] != made


def test_upcoming_credits(company: Company) -> None:
    company.fee("10")
    grant = {"name": "Credits", "scope": "PLAN", "plan_id": company.plan, "credits": "5"}
    monthly = {**grant, "cadence": "RECURRING", "period": "MONTHLY", "period_count": 1}
    company.api.make("/v1/creditgrants", monthly)
    company.api.make("/v1/creditgrants", {**grant, "cadence": "ONETIME"})
    made = company.subscribe()
    (coming,) = company.api.get(f"/v1/subscriptions/{made['id']}/grants/upcoming")["items"]
    assert (coming["scheduled_for"][:19], coming["credits"]) == (made["current_period_end"][:19], "5")
    assert coming["application_reason"] == "recurring_credit_grant"
    assert len(company.api.get(f"/v1/customers/{made['customer_id']}/grants/upcoming")["items"]) == 1
    assert company.api.call("GET", "/v1/customers/x/grants/upcoming").status_code == 404


def test_lists_of_what_cannot_be_here_are_empty(company: Company) -> None:
    assert company.api.make("/v1/usage-records/search", {"synced": True})["items"] == []
    assert company.api.call("POST", "/v1/usage-records/search", {"synced": "x"}).status_code == 400
    unknown = {"filters": [{"field": "status", "operator": "like", "value": {"string": "x"}}]}
    assert company.api.call("POST", "/v1/usage-records/search", unknown).status_code == 400
