"""What is refused, with which words, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from ..kernel.conftest import Api

_FIXED = {"name": "Off", "type": "fixed", "cadence": "once", "amount_off": "5", "currency": "usd"}
_PART = {"name": "Off", "type": "percentage", "cadence": "once", "percentage_off": "10"}
_EARLY, _LATE = "2030-01-01T00:00:00Z", "2031-01-01T00:00:00Z"


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({**_FIXED, "type": "odd"}, "Request validation failed"),
        ({**_FIXED, "cadence": "yearly"}, "Request validation failed"),
        ({**_FIXED, "amount_off": "0"}, "Please provide a valid discount amount"),
        ({**_PART, "percentage_off": None}, "Please provide a valid discount percentage"),
        ({**_PART, "percentage_off": "100.01"}, "Please provide a valid percentage between 0 and 100"),
        ({**_PART, "redeem_after": _LATE, "redeem_before": _EARLY}, "Please provide valid date range"),
        ({**_PART, "max_redemptions": 0}, "Please provide a valid maximum redemption count"),
        (
            {**_PART, "cadence": "repeated"},
            "Please specify how many billing periods this coupon should apply to",
        ),
        (
            {**_PART, "cadence": "repeated", "duration_in_periods": 0},
            "Please provide a valid number of billing periods",
        ),
        (
            {**_PART, "duration_in_periods": 3},
            "Duration in periods is only applicable for repeated cadence",
        ),
    ],
)
def test_coupon_refused(api: Api, body: dict[str, Any], message: str) -> None:
    answer = api.call("POST", "/v1/coupons", body)
    assert answer.status_code == 400
    assert answer.get_json()["message"] == message


@pytest.mark.parametrize("body", [_FIXED, _PART, {**_PART, "percentage_off": "100"}])
def test_coupon_taken(api: Api, body: dict[str, Any]) -> None:
    made = api.make("/v1/coupons", body)
    assert api.get(f"/v1/coupons/{made['id']}") == made


def test_fixed_coupon_without_currency(api: Api) -> None:
    made = api.make("/v1/coupons", {key: value for key, value in _FIXED.items() if key != "currency"})
    assert made["currency"] == ""


def test_negative_amount_is_looked_at_last(api: Api) -> None:
    customer = api.make("/v1/customers", {"external_id": "acme", "name": "Acme"})["id"]
    invoice = api.make(
        "/v1/invoices",
        {
            "customer_id": customer,
            "currency": "usd",
            "invoice_type": "ONE_OFF",
            "billing_reason": "MANUAL",
            "amount_due": "7",
            "total": "7",
            "subtotal": "7",
            "line_items": [{"display_name": "Work", "amount": "7", "quantity": "1"}],
        },
    )["id"]
    path = f"/v1/invoices/{invoice}/payment"

    def said(**body: str) -> Any:
        return api.call("PUT", path, body).get_json()["message"]

    refused = said(payment_status="SUCCEEDED", amount="-1")
    assert refused == "amount must be non-negative"
    assert api.call("POST", f"/v1/invoices/{invoice}/void", {}).status_code == 200
    assert said(payment_status="SUCCEEDED", amount="-1") != refused


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        (
            "POST",
            "/v1/subscriptions",
            {"plan_id": "p", "currency": "usd", "billing_period": "MONTHLY", "customer_id": "c"},
        ),
        ("POST", "/v1/subscriptions/s/lineitems", {"price_id": "p"}),
        ("DELETE", "/v1/subscriptions/lineitems/l", {}),
        ("POST", "/v1/subscriptions/s/change/v2/preview", {"target_plan_id": "p"}),
        ("DELETE", "/v1/subscriptions/addon", {"addon_association_id": "a"}),
    ],
)
def test_a_proration_that_is_none_is_refused_in_the_same_words_everywhere(
    api: Api, method: str, path: str, body: dict[str, Any]
) -> None:
    answer = api.call(method, path, {**body, "proration_behavior": "some"})
    details = {"allowed_values": ["create_prorations", "none"], "proration_behavior": "some"}
    assert (answer.status_code, answer.get_json()["details"]) == (400, details)
