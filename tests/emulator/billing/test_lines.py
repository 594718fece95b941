"""Commitments, allowances and coupons on the lines of real previews (contract 2.4, 2.5, 5.4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from .conftest import Company


def preview(company: Company, made: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = company.api.make("/v1/invoices/preview", {"subscription_id": made["id"]})
    return found


def used(company: Company, quantity: float, **fields: Any) -> dict[str, Any]:
    made = company.subscribe(company.now - timedelta(days=2), **fields)
    company.use(made["external_id"], quantity, company.now - timedelta(days=1))
    return made


def test_a_true_up_belongs_to_the_plan(company: Company) -> None:
    price = company.price("0.5")
    made = used(company, 4, commitment_amount="10", overage_factor="1.5", enable_true_up=True)
    lines = {line["display_name"]: line for line in preview(company, made)["line_items"]}
    line = lines["Pro True Up"]
    assert (line["amount"], line["quantity"], line["price_type"]) == ("8", "1", "FIXED")
    assert line["price_id"] != price
    assert not {"meter_id", "subscription_line_item_id"} & line.keys()
    assert (line["metadata"]["commitment_amount"], line["metadata"]["commitment_utilized"]) == ("10", "2")


def test_overage_is_a_line_of_its_own(company: Company) -> None:
    company.price("0.5")
    made = used(company, 50, commitment_amount="10", overage_factor="1.5", enable_true_up=True)
    shown = preview(company, made)
    within, above = sorted(shown["line_items"], key=lambda line: line["display_name"])
    assert (within["quantity"], within["amount"], above["quantity"], above["amount"]) == ("20", "10", "30", "22.5")
    assert above["metadata"] == {"description": "Calls (Overage Charge)", "is_overage": "true", "overage_factor": "1.5"}
    usage = company.api.make("/v1/subscriptions/usage", {"subscription_id": made["id"]})
    assert (usage["amount"], usage["commitment_utilized"], usage["overage_amount"]) == (32.5, 10, 22.5)
    assert sorted(charge["is_overage"] for charge in usage["charges"]) == [False, True]


@pytest.mark.parametrize("factor", ["1", None])
def test_a_commitment_without_a_dearer_overage_is_ignored(company: Company, factor: str | None) -> None:
    company.price("0.5")
    made = used(company, 4, commitment_amount="10", enable_true_up=True, overage_factor=factor)
    assert preview(company, made)["total"] == "2"


def test_an_allowance_comes_off_what_the_commitment_covers(company: Company) -> None:
    company.price("0.5")
    entitlement = {
        "entity_type": "PLAN",
        "entity_id": company.plan,
        "feature_id": company.feature["id"],
        "feature_type": "metered",
        "usage_limit": 5,
        "usage_reset_period": "MONTHLY",
        "is_soft_limit": True,
    }
    company.api.make("/v1/entitlements", entitlement)
    made = used(company, 50, commitment_amount="10", overage_factor="2")
    within, above = sorted(preview(company, made)["line_items"], key=lambda line: line["display_name"])
    assert (within["quantity"], within["adjusted_entitlement_quantity"], within["amount"]) == ("15", "5", "7.5")
    assert (above["quantity"], above["amount"]) == ("30", "30")


def test_a_commitment_of_a_quantity_is_priced_by_its_line(company: Company) -> None:
    price = company.price("0.5")
    promise = {"commitment_type": "quantity", "commitment_quantity": 20, "overage_factor": 2, "enable_true_up": True}
    made = used(company, 4, line_item_commitments={price: promise})
    line = preview(company, made)["line_items"][0]
    assert (line["amount"], line["commitment_info"]["amount"], line["commitment_info"]["quantity"]) == (
        "10",
        "10",
        "20",
    )


def test_a_coupon_of_one_price_and_one_of_the_invoice(company: Company) -> None:
    price = company.price("0.5")
    company.fee("10", "ARREAR")
    for code, percent in (("line", "50"), ("all", "10")):
        coupon = {
            "name": code,
            "coupon_code": code,
            "type": "percentage",
            "percentage_off": percent,
            "cadence": "forever",
        }
        company.api.make("/v1/coupons", coupon)
    coupons = [{"coupon_code": "LINE", "price_id": price}, {"coupon_code": "All"}]
    made = used(company, 20, subscription_coupons=coupons)
    company.api.make(f"/v1/subscriptions/temporal/{made['id']}/draft-and-compute", {})
    draft = company.invoices(made, "DRAFT")[0]
    assert (draft["subtotal"], draft["total_discount"], draft["total"]) == ("20", "6.5", "13.5")
    discounts = {
        line["price_type"]: (line["line_item_discount"], line["invoice_level_discount"]) for line in draft["line_items"]
    }
    assert discounts["USAGE"][0] == "5"
    assert sum(float(share) for _own, share in discounts.values()) == 1.5
    applied = {entry["coupon_snapshot"]["applied_to"]: entry for entry in draft["coupon_applications"]}
    assert (applied["line_item"]["discounted_amount"], applied["invoice"]["original_price"]) == ("5", "15")


def test_a_commitment_of_a_quarter_counts_what_its_months_used(company: Company) -> None:
    company.price("0.5")
    terms = {"commitment_amount": "10", "overage_factor": "2", "enable_true_up": True}
    made = company.subscribe(commitment_duration="QUARTERLY", **terms)
    short = company.subscribe(commitment_duration="QUARTERLY", **terms)
    bills: dict[str, list[list[tuple[str, str]]]] = {made["id"]: [], short["id"]: []}
    for quantity in (12, 12, 1):
        company.use(made["external_id"], quantity, company.now)
        company.use(short["external_id"], 1, company.now)
        company.advance(days=32)
    for each in (made, short):
        for invoice in company.invoices(each, "FINALIZED"):
            lines = [(line["display_name"].split()[-1], line["amount"]) for line in invoice["line_items"]]
            bills[each["id"]].append(sorted(lines))
    first, second, third = bills[made["id"]]
    assert (first, second, third) == ([("Calls", "6")], [("(Overage)", "4"), ("Calls", "4")], [("(Overage)", "1")])
    assert bills[short["id"]] == [[("Calls", "0.5")], [("Calls", "0.5")], [("Calls", "0.5"), ("Up", "8.5")]]


def test_a_commitment_lasts_a_known_period(company: Company) -> None:
    company.price("0.5")
    body = {
        "external_customer_id": company.customer(),
        "plan_id": company.plan,
        "currency": "usd",
        "billing_period": "MONTHLY",
        "commitment_duration": "FORTNIGHTLY",
    }
    answer = company.api.call("POST", "/v1/subscriptions", body)
    assert (answer.status_code, answer.get_json()["message"]) == (400, "Invalid billing period")
