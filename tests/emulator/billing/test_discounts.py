"""Coupons and taxes that a subscription is created with, invoice by invoice (contract 5.4, 11.2)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from .conftest import Company


@pytest.fixture(autouse=True)
def fee(company: Company) -> str:
    return company.fee("100", display_name="Base")


def coupon(company: Company, code: str, **fields: Any) -> str:
    kind = "fixed" if "amount_off" in fields else "percentage"
    body = {"name": code, "coupon_code": code, "type": kind, "cadence": "forever", **fields}
    if kind == "fixed":
        body.setdefault("currency", "usd")
    made: str = company.api.make("/v1/coupons", body)["id"]
    return made


def with_codes(company: Company, *codes: str, **fields: Any) -> dict[str, Any]:
    coupons = [{"coupon_code": code} for code in codes]
    return company.subscribe(subscription_coupons=coupons, **fields)


def refused(company: Company, **fields: Any) -> int:
    body = {"external_customer_id": company.customer(), "plan_id": company.plan, "currency": "usd"}
    return company.api.call("POST", "/v1/subscriptions", {**body, "billing_period": "MONTHLY", **fields}).status_code


def discounts(company: Company, made: dict[str, Any]) -> list[str]:
    return [invoice["total_discount"] for invoice in company.invoices(made)]


@pytest.mark.parametrize("codes", [("ten", "FIVE"), ("FIVE", "TEN")])
def test_several_coupons_take_off_what_the_others_left_percentages_first(
    company: Company, codes: tuple[str, str]
) -> None:
    coupon(company, "TEN", percentage_off="10")
    coupon(company, "FIVE", amount_off="5")
    made = with_codes(company, *codes)
    assert discounts(company, made) == ["15"]


def test_a_coupon_for_once_is_taken_twice(company: Company) -> None:
    coupon(company, "ONCE", percentage_off="10", cadence="once")
    made = with_codes(company, "ONCE")
    company.advance(days=100)
    assert discounts(company, made) == ["10", "10", "0", "0"]


def test_a_repeated_coupon_ends_with_its_last_period(company: Company) -> None:
    coupon(company, "THRICE", percentage_off="10", cadence="repeated", duration_in_periods=2)
    made = with_codes(company, "THRICE")
    found = company.api.get(f"/v1/coupons/associations?subscription_ids={made['id']}")["items"]
    assert [one["end_date"] for one in found] == ["2031-05-05T09:16:00Z"]
    company.advance(days=130)
    assert discounts(company, made)[0] == "10"
    assert discounts(company, made)[-1] == "0"


def test_who_takes_the_last_redemption_gets_nothing(company: Company) -> None:
    coupon(company, "TWO", percentage_off="10", max_redemptions=2)
    assert discounts(company, with_codes(company, "TWO")) == ["10"]
    assert discounts(company, with_codes(company, "TWO")) == ["0"]
    assert refused(company, subscription_coupons=[{"coupon_code": "TWO"}]) == 400


def test_a_coupon_of_a_line_stays_on_that_line(company: Company, fee: str) -> None:
    company.fee("50", display_name="Support")
    coupon(company, "LINE", percentage_off="10")
    made = company.subscribe(subscription_coupons=[{"coupon_code": "LINE", "price_id": fee}])
    opening = company.invoices(made)[0]
    assert {line["display_name"]: line["line_item_discount"] for line in opening["line_items"]} == {
        "Base": "10",
        "Support": "0",
    }
    assert opening["total"] == "140"


def test_a_coupon_of_the_whole_is_shared_among_the_lines_of_a_stored_invoice(company: Company) -> None:
    company.fee("50", display_name="Support")
    coupon(company, "ALL", amount_off="15")
    opening = company.invoices(with_codes(company, "ALL"))[0]
    shares = {line["display_name"]: line["invoice_level_discount"] for line in opening["line_items"]}
    assert shares == {"Base": "10", "Support": "5"}


def test_a_coupon_never_takes_more_than_there_is(company: Company) -> None:
    coupon(company, "MUCH", amount_off="500")
    opening = company.invoices(with_codes(company, "MUCH"))[0]
    assert (opening["total_discount"], opening["total"]) == ("100", "0")


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"subscription_coupons": [{"coupon_code": "NONE"}]}, 404),
        ({"coupons": ["coupon_x"]}, 404),
        ({"line_item_coupons": {"price_x": ["KNOWN"]}}, 400),
        ({"subscription_coupons": [{"coupon_code": "EURO"}]}, 400),
        ({"tax_rate_overrides": [{"tax_rate_code": "none", "currency": "usd"}]}, 404),
    ],
)
def test_what_does_not_exist_or_fit_is_refused(company: Company, fields: dict[str, Any], status: int) -> None:
    identifier = coupon(company, "KNOWN", percentage_off="10")
    coupon(company, "EURO", amount_off="5", currency="eur")
    given = {
        name: {"price_x": [identifier]} if name == "line_item_coupons" else value for name, value in fields.items()
    }
    assert refused(company, **given) == status


def rate(company: Company, code: str, percentage: str) -> str:
    body = {"name": code, "code": code, "tax_rate_type": "percentage", "percentage_value": percentage}
    made: str = company.api.make("/v1/taxes/rates", body)["id"]
    return made


def test_a_tax_is_on_what_the_coupons_left(company: Company) -> None:
    rate(company, "vat", "20")
    coupon(company, "TEN", percentage_off="10")
    made = with_codes(
        company, "TEN", tax_rate_overrides=[{"tax_rate_code": "vat", "currency": "usd", "auto_apply": True}]
    )
    opening = company.invoices(made)[0]
    assert (opening["total_tax"], opening["total"]) == ("18", "108")


def test_a_customers_tax_counts_for_its_new_subscriptions(company: Company) -> None:
    rate(company, "vat", "20")
    external_id = company.customer()
    owner = company.api.get(f"/v1/customers/external/{external_id}")["id"]
    tax = {"tax_rate_code": "vat", "entity_type": "customer", "entity_id": owner, "auto_apply": True, "currency": "usd"}
    company.api.make("/v1/taxes/associations", tax)
    made = company.subscribe(external_customer_id=external_id)
    assert company.invoices(made)[0]["total"] == "120"
    bare = company.subscribe(external_customer_id=external_id, tax_rate_overrides=[])
    assert company.invoices(bare)[0]["total"] == "100", "an empty list of overrides means none at all"


def test_a_tax_that_counts_for_somebody_cannot_be_deleted(company: Company) -> None:
    used, unused = rate(company, "vat", "20"), rate(company, "free", "10")
    company.subscribe(tax_rate_overrides=[{"tax_rate_code": "vat", "currency": "usd"}])
    assert company.api.call("DELETE", f"/v1/taxes/rates/{used}").status_code == 400
    assert company.api.call("DELETE", f"/v1/taxes/rates/{unused}").status_code == 204


def test_a_deleted_coupon_is_not_given_any_more(company: Company) -> None:
    identifier = coupon(company, "GONE", percentage_off="10")
    company.api.call("DELETE", f"/v1/coupons/{identifier}")
    assert refused(company, subscription_coupons=[{"coupon_code": "GONE"}]) == 404


def test_a_coupon_begins_and_ends_on_its_dates(company: Company) -> None:
    coupon(company, "LATER", percentage_off="10")
    start, end = company.now + timedelta(days=40), company.now + timedelta(days=70)
    given = {"coupon_code": "LATER", "start_date": start.isoformat(), "end_date": end.isoformat()}
    made = company.subscribe(subscription_coupons=[given])
    company.advance(days=140)
    found = discounts(company, made)
    assert (found[0], found[-1]) == ("0", "0")
    assert "10" in found
