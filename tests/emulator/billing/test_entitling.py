"""What a subscription may use for nothing, where that was agreed otherwise than its plan says."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Company


@pytest.fixture
def entitlement(company: Company) -> str:
    """Ten calls of half a dollar are free."""
    company.price("0.5")
    body = {
        "plan_id": company.plan,
        "feature_id": company.feature["id"],
        "feature_type": "metered",
        "usage_limit": 10,
        "usage_reset_period": "MONTHLY",
    }
    made: str = company.api.make("/v1/entitlements", body)["id"]
    return made


def total(company: Company, made: dict[str, Any]) -> str:
    company.use(made["external_id"], 30, company.now)
    found: str = company.api.make("/v1/invoices/preview", {"subscription_id": made["id"]})["total"]
    return found


@pytest.mark.parametrize(
    ("agreed", "wanted"),
    [({"usage_limit": 20}, "5"), ({"usage_limit": 0}, "15"), ({}, "0")],
    ids=["more", "none", "without a limit"],
)
def test_an_agreed_limit_takes_the_place_of_the_plans(
    company: Company, entitlement: str, agreed: dict[str, Any], wanted: str
) -> None:
    own = company.subscribe(override_entitlements=[{"entitlement_id": entitlement, **agreed}])
    assert total(company, own) == wanted
    assert total(company, company.subscribe()) == "10"


def test_it_is_read_as_the_subscriptions_own(company: Company, entitlement: str) -> None:
    made = company.subscribe(override_entitlements=[{"entitlement_id": entitlement, "usage_limit": 20}])
    query = f"/v1/entitlements?entity_type=SUBSCRIPTION&entity_ids={made['id']}"
    (row,) = company.api.get(query)["items"]
    assert (row["parent_entitlement_id"], row["usage_limit"]) == (entitlement, 20)
    (feature,) = company.api.get(f"/v1/subscriptions/{made['id']}/entitlements")["features"]
    assert feature["entitlement"]["usage_limit"] == 20


@pytest.mark.parametrize("ids", [["none"], ["{}", "{}"], [""]], ids=["unknown", "twice", "empty"])
def test_what_is_not_of_the_plan_is_refused(company: Company, entitlement: str, ids: list[str]) -> None:
    body = {
        "external_customer_id": company.customer(),
        "plan_id": company.plan,
        "currency": "usd",
        "billing_period": "MONTHLY",
        "override_entitlements": [{"entitlement_id": one.format(entitlement)} for one in ids],
    }
    assert company.api.call("POST", "/v1/subscriptions", body).status_code == 400
    assert company.api.get("/v1/subscriptions")["items"] == []
