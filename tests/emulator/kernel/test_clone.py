"""What a clone of an environment carries, and what it leaves behind (contract 2.6)."""

from __future__ import annotations

from typing import Any

from pytest_flexprice.emulator.kernel.options import PRODUCTION, SANDBOX

from .conftest import Api

PRICE = {
    "entity_type": "PLAN",
    "currency": "usd",
    "billing_period": "MONTHLY",
    "billing_period_count": 1,
    "billing_model": "FLAT_FEE",
}


def feature(api: Api, key: str, event_name: str, environment: str = SANDBOX) -> dict[str, Any]:
    meter = {
        "name": key,
        "event_name": event_name,
        "aggregation": {"type": "COUNT"},
        "reset_usage": "BILLING_PERIOD",
    }
    body = {"name": key, "lookup_key": key, "type": "metered", "meter": meter}
    made: dict[str, Any] = api.make("/v1/features", body, x_environment_id=environment)
    return made


def plan(api: Api, key: str, meter_id: str | None = None) -> str:
    body = {"name": key, "lookup_key": key} if key else {"name": "keyless"}
    identifier: str = api.make("/v1/plans", body)["id"]
    fixed = {"entity_id": identifier, "type": "FIXED", "invoice_cadence": "ADVANCE", "amount": "9", "lookup_key": key}
    api.make("/v1/prices", {**PRICE, **fixed})
    if meter_id:
        usage = {"type": "USAGE", "invoice_cadence": "ARREAR", "amount": "0.5", "meter_id": meter_id}
        api.make("/v1/prices", {**PRICE, "entity_id": identifier, **usage})
    return identifier


def clone(api: Api) -> None:
    api.make(f"/v1/environments/{SANDBOX}/clone", {"target_environment_id": PRODUCTION})


def there(api: Api) -> dict[str, list[dict[str, Any]]]:
    body = {"expand": "prices,meters,entitlements,features,credit_grant"}
    plans = api.make("/v1/plans/search", body, x_environment_id=PRODUCTION)["items"]
    found: dict[str, list[dict[str, Any]]] = {}
    for one in plans:
        found.setdefault(one["lookup_key"], []).append(one)
    return found


def test_plans_travel_with_what_they_hold_and_lose_their_price_keys(api: Api) -> None:
    calls = feature(api, "calls", "api.call")
    pro = plan(api, "pro", calls["meter_id"])
    entitlement = {"plan_id": pro, "feature_id": calls["id"], "feature_type": "metered", "usage_limit": 5}
    api.make("/v1/entitlements", entitlement)
    grant = {"name": "welcome", "scope": "PLAN", "plan_id": pro, "credits": "5", "cadence": "ONETIME"}
    api.make("/v1/creditgrants", grant)
    clone(api)
    (copy,) = there(api)["pro"]
    assert copy["metadata"] == {"source_environment_plan_id": pro, "source_environment_id": SANDBOX}
    assert {price["lookup_key"] for price in copy["prices"]} == {""}
    assert {price["amount"] for price in copy["prices"]} == {"9", "0.5"}
    (usage,) = [price for price in copy["prices"] if price["type"] == "USAGE"]
    assert usage["meter"]["event_name"] == "api.call"
    assert usage["meter_id"] != calls["meter_id"]
    assert [one["usage_limit"] for one in copy["entitlements"]] == [5]
    assert [one["credits"] for one in copy["credit_grants"]] == ["5"]


def test_cloning_again_doubles_only_plans_without_a_key(api: Api) -> None:
    plan(api, "pro")
    plan(api, "")
    clone(api)
    clone(api)
    assert {key: len(plans) for key, plans in there(api).items()} == {"pro": 1, "": 2}


def test_a_feature_of_the_same_key_is_kept_as_it_is_and_carries_the_cloned_prices(api: Api) -> None:
    other = feature(api, "calls", "Api.Call", PRODUCTION)
    calls = feature(api, "calls", "api.call")
    plan(api, "pro", calls["meter_id"])
    clone(api)
    (copy,) = there(api)["pro"]
    (usage,) = [price for price in copy["prices"] if price["type"] == "USAGE"]
    assert usage["meter_id"] == other["meter_id"]
    assert usage["meter"]["event_name"] == "Api.Call"


def test_a_plan_on_a_meter_without_a_feature_is_lost_without_a_sign(api: Api) -> None:
    body = {"name": "m", "event_name": "e", "aggregation": {"type": "COUNT"}, "reset_usage": "NEVER"}
    plan(api, "loose", api.make("/v1/meters", body)["id"])
    plan(api, "pro")
    clone(api)
    assert set(there(api)) == {"pro"}


def test_archived_and_ended_things_settings_and_customers_stay(api: Api) -> None:
    gone = feature(api, "gone", "gone")
    assert api.call("DELETE", f"/v1/features/{gone['id']}").status_code == 200
    pro = plan(api, "pro")
    body = {**PRICE, "entity_id": pro, "type": "FIXED", "invoice_cadence": "ARREAR", "amount": "1"}
    price = api.make("/v1/prices", body)
    assert api.call("DELETE", f"/v1/prices/{price['id']}", {}).status_code == 200
    api.make("/v1/customers", {"external_id": "c", "name": "C"})
    api.make("/v1/addons", {"name": "a", "lookup_key": "a"})
    value = {"grace_period_days": 9}
    assert api.call("PUT", "/v1/settings/subscription_config", {"value": value}).status_code == 200
    clone(api)
    (copy,) = there(api)["pro"]
    assert [one["amount"] for one in copy["prices"]] == ["9"]
    live = {"x_environment_id": PRODUCTION}
    assert api.get("/v1/features", **live)["items"] == []
    assert api.get("/v1/customers", **live)["items"] == []
    assert api.get("/v1/addons", **live)["items"] == []
    assert api.get("/v1/settings/subscription_config", **live)["id"] == ""


def test_every_limit_of_environments_is_kept(api: Api) -> None:
    refused = api.call("POST", f"/v1/environments/{SANDBOX}/clone", {"name": "P2", "type": "production"})
    assert "maximum limit of 0 production" in refused.get_json()["message"]
    api.allow_environments()
    assert (
        api.call("POST", f"/v1/environments/{SANDBOX}/clone", {"name": "P2", "type": "production"}).status_code == 202
    )
