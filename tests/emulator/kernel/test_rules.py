"""What each object's fields are held to, and what its lists filter and sort by."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.emulator.kernel.resource import among, containing, equal, metadata

from .conftest import Api

CUSTOMER = {"external_id": "acme", "name": "Acme"}
FEATURE = {"name": "SSO", "type": "boolean", "lookup_key": "sso"}
UNIT = {"unit_singular": "minute", "unit_plural": "minutes", "conversion_rate": "0.0166"}


def _price(api: Api, **fields: Any) -> Any:
    plan = api.make("/v1/plans", {"name": "Pro"})
    body = {
        "entity_type": "PLAN",
        "entity_id": plan["id"],
        "type": "FIXED",
        "currency": "usd",
        "billing_period": "MONTHLY",
        "billing_period_count": 1,
        "billing_model": "FLAT_FEE",
        "invoice_cadence": "ARREAR",
        "amount": "1",
    }
    return api.call("POST", "/v1/prices", {**body, **fields})


@pytest.mark.parametrize(
    ("field", "value", "tag"),
    [
        ("name", "x" * 256, "max"),
        ("contact", "1" * 21, "max"),
        ("address_line1", "x" * 256, "max"),
        ("address_city", "x" * 101, "max"),
        ("address_state", "x" * 101, "max"),
        ("address_postal_code", "1" * 21, "max"),
        ("address_country", "USA", "len"),
        ("address_country", "us", "iso3166_1_alpha2"),
        ("address_country", "ZZ", "iso3166_1_alpha2"),
        ("email", "nobody", "email"),
        ("timezone", "Mars/Olympus", "timezone"),
    ],
)
def test_a_field_of_a_customer_has_its_rule(api: Api, field: str, value: str, tag: str) -> None:
    answer = api.call("POST", "/v1/customers", {**CUSTOMER, field: value})
    assert answer.status_code == 400
    assert f"'{tag}' tag" in "".join(answer.get_json()["details"].values())


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", "x" * 255), ("contact", "1" * 20), ("address_city", "é" * 100), ("address_country", "DE"), ("email", "")],
)
def test_the_longest_and_the_empty_are_taken(api: Api, field: str, value: str) -> None:
    assert api.call("POST", "/v1/customers", {**CUSTOMER, field: value}).status_code == 201


@pytest.mark.parametrize("field", ["external_id", "name"])
def test_what_the_database_cannot_hold_is_500(api: Api, field: str) -> None:
    made = api.make("/v1/customers", {**CUSTOMER, "metadata": {"a": "b"}})
    answer = api.call("PUT", f"/v1/customers/{made['id']}", {field: "x" * 256})
    assert (answer.status_code, answer.get_json()["code"]) == (500, "database_error")


def test_an_archived_customer_can_be_read_and_not_subscribed(api: Api) -> None:
    made = api.make("/v1/customers", CUSTOMER)
    api.call("DELETE", f"/v1/customers/{made['id']}")
    shown = api.get(f"/v1/customers/{made['id']}/entitlements")
    assert shown == {"customer_id": made["id"], "subscriptions": [], "features": []}
    assert api.get(f"/v1/customers/{made['id']}/wallets") == []
    body = {"customer_id": made["id"], "plan_id": "plan_x", "currency": "usd", "billing_period": "MONTHLY"}
    answer = api.call("POST", "/v1/subscriptions", body)
    assert (answer.status_code, answer.get_json()["details"]["status"]) == (400, "archived")


@pytest.mark.parametrize(
    "fields",
    [
        {"min_quantity": -1},
        {"trial_period_days": -1},
        {"start_date": "2026-02-01T00:00:00Z", "end_date": "2026-01-01T00:00:00Z"},
        {"billing_model": "PACKAGE", "transform_quantity": {"divide_by": 0}},
        {"billing_model": "PACKAGE", "transform_quantity": {"divide_by": 2, "round": "sideways"}},
        {"billing_model": "TIERED", "tier_mode": "SLAB", "tiers": [{"unit_amount": "-1"}]},
        {"billing_model": "TIERED", "tier_mode": "SLAB", "tiers": [{"unit_amount": "1", "flat_amount": "-1"}]},
        {"billing_model": "TIERED", "tier_mode": "SLAB", "tiers": [{"up_to": 3}]},
        {"amount": "-0.01"},
        {"billing_period_count": 0},
        {"group_id": "group_none"},
    ],
)
def test_a_price_that_cannot_be_is_refused(api: Api, fields: dict[str, Any]) -> None:
    assert _price(api, **fields).status_code in (400, 404)


def test_a_least_quantity_of_zero_is_shown(api: Api) -> None:
    assert _price(api, min_quantity=0).get_json()["min_quantity"] == "0"


@pytest.mark.parametrize(
    "fields",
    [
        {"reporting_unit": {"unit_singular": "minute"}},
        {"reporting_unit": {**UNIT, "conversion_rate": "0"}},
        {"alert_settings": {"critical": {"threshold": "1", "condition": "beside"}}},
        {"unit_singular": "x"},
        {"group_id": "group_none"},
    ],
)
def test_a_feature_that_cannot_be_is_refused(api: Api, fields: dict[str, Any]) -> None:
    assert api.call("POST", "/v1/features", {**FEATURE, **fields}).status_code in (400, 404)


def test_a_reporting_unit_is_shown_with_the_fields_it_has(api: Api) -> None:
    made = api.make("/v1/features", {**FEATURE, "reporting_unit": {**UNIT, "nonsense": 1}})
    assert made["reporting_unit"] == UNIT
    alerts = {"alert_enabled": True, "critical": {"threshold": "5", "condition": "above"}}
    changed = api.call("PUT", f"/v1/features/{made['id']}", {"alert_settings": alerts}).get_json()
    assert changed["alert_settings"] == {**alerts, "warning": None, "info": None}


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ({}, "at least one threshold (critical, warning, or info) is required when alert_enabled is true"),
        ({"warning": "10"}, "critical threshold is required when warning threshold is provided"),
        (
            {"critical": "20", "warning": "10", "info": "0"},
            "info threshold must be greater than warning threshold for 'below' condition",
        ),
        (
            {"critical": "20", "info": "9"},
            "info threshold must be greater than critical threshold for 'below' condition",
        ),
        ({"critical": "0", "warning": "10", "info": "20"}, ""),
    ],
)
def test_thresholds_come_one_after_the_other(api: Api, levels: dict[str, str], message: str) -> None:
    alerts: dict[str, Any] = {name: {"threshold": value, "condition": "below"} for name, value in levels.items()}
    alerts["alert_enabled"] = True
    for method, path, body in (
        ("POST", "/v1/features", {**FEATURE, "alert_settings": alerts}),
        ("PUT", "/v1/settings/wallet_balance_alert_config", {"value": alerts}),
    ):
        assert api.call(method, path, body).get_json().get("message", "") == message


def test_a_clone_needs_a_name_of_its_own(api: Api) -> None:
    made = api.make("/v1/features", FEATURE)
    assert api.call("POST", f"/v1/features/{made['id']}/clone", {"lookup_key": "two"}).status_code == 400


def test_lists_filter_sort_and_count_all_that_pass(api: Api) -> None:
    for name in ("Beta", "alpha", "Gamma"):
        api.make("/v1/features", {"name": name, "type": "boolean"})
    body = {"name_contains": "A", "sort": [{"field": "name", "direction": "asc"}], "limit": 1, "offset": 1}
    answer = api.call("POST", "/v1/features/search", body).get_json()
    assert [item["name"] for item in answer["items"]] == ["Gamma"]
    assert answer["pagination"] == {"total": 3, "limit": 1, "offset": 2}
    nobody = api.call("POST", "/v1/features/search", {"lookup_keys": [], "feature_ids": [], "name_contains": ""})
    assert nobody.get_json()["pagination"]["total"] == 3


@pytest.mark.parametrize(
    "body",
    [
        {"customer_ids": ["x", ""]},
        {"external_ids": [None]},
        {"start_time": "2026-02-01T00:00:00Z", "end_time": "2026-01-01T00:00:00Z"},
    ],
)
def test_a_filter_that_cannot_be_meant_is_refused(api: Api, body: dict[str, Any]) -> None:
    answer = api.call("POST", "/v1/customers/search", body)
    assert (answer.status_code, answer.get_json()["message"]) == (400, "Invalid filter parameters")


def test_a_sort_by_name_orders_lists_that_take_one(api: Api) -> None:
    plan = _price(api, amount="2").get_json()["entity_id"]
    for amount in ("10", "1"):
        _price(api, entity_id=plan, amount=amount)
    answer = api.get(f"/v1/prices?entity_ids={plan}&sort=amount&order=asc")
    assert [item["amount"] for item in answer["items"]] == ["1", "2", "10"]
    assert api.call("POST", "/v1/prices/search", {"sort": [{"field": "amount"}]}).status_code == 400


def test_entitlements_asked_for_with_an_offset_come_whole(api: Api) -> None:
    plan = api.make("/v1/plans", {"name": "Pro"})["id"]
    for key in ("a", "b"):
        feature = api.make("/v1/features", {"name": key, "type": "boolean"})["id"]
        api.make("/v1/entitlements", {"plan_id": plan, "feature_id": feature, "feature_type": "boolean"})
    assert api.get("/v1/entitlements?offset=1")["pagination"] == {"total": 2, "limit": 0, "offset": 1}
    assert api.get("/v1/entitlements?limit=1")["pagination"] == {"total": 2, "limit": 1, "offset": 1}


def test_groups_hold_features(api: Api) -> None:
    body = {"name": "Compute", "lookup_key": "compute", "entity_type": "feature"}
    group = api.make("/v1/groups", body)
    assert api.call("POST", "/v1/groups", body).status_code == 409
    feature = api.make("/v1/features", {**FEATURE, "group_id": group["id"]})
    assert api.get(f"/v1/groups/{group['id']}")["entity_ids"] == [feature["id"]]
    asked = {"filters": [{"field": "group_id", "operator": "eq", "value": {"string": group["id"]}}]}
    (found,) = api.call("POST", "/v1/features/search", asked).get_json()["items"]
    assert [each["group"]["name"] for each in (feature, found)] == ["Compute", "Compute"]
    assert _price(api, group_id=group["id"]).status_code == 400
    assert api.call("DELETE", f"/v1/groups/{group['id']}").status_code == 204
    assert not {"group", "group_id"} & api.get(f"/v1/features/{feature['id']}").keys()
    assert api.call("GET", f"/v1/groups/{group['id']}").status_code == 404


def test_a_price_shows_its_group_where_that_is_asked_for(api: Api) -> None:
    group = api.make("/v1/groups", {"name": "Fees", "lookup_key": "fees", "entity_type": "price"})
    price = _price(api, group_id=group["id"]).get_json()
    path = f"/v1/prices/{price['id']}"
    assert "group" not in api.get(path)
    listed = api.call("POST", "/v1/prices/search", {"price_ids": [price["id"]], "expand": "groups"}).get_json()["items"]
    assert [shown["group"]["entity_ids"] for shown in (api.get(f"{path}?expand=groups"), *listed)] == [
        [price["id"]]
    ] * 2
    assert "group_id" not in api.call("PUT", path, {"group_id": ""}).get_json()


def test_a_tenant_is_the_callers_own(api: Api) -> None:
    own = api.get("/v1/users/me")["tenant"]
    assert api.get(f"/v1/tenants/{own['id']}") == own
    assert api.call("GET", "/v1/tenants/tenant_none").status_code == 404
    details = {"email": "pay@acme.example", "address": {"address_city": "Oslo", "address_country": "NO"}}
    changed = api.call("PUT", "/v1/tenants/update", {"name": "Acme", "billing_details": details}).get_json()
    assert changed["name"] == "Acme"
    assert changed["billing_details"]["email"] == "pay@acme.example"
    assert changed["billing_details"]["address"]["address_line1"] == ""
    bad = {"billing_details": {"address": {"address_country": "NOR"}}}
    assert api.call("PUT", "/v1/tenants/update", bad).status_code == 400


def test_accounts_are_renamed_and_found_by_role(api: Api) -> None:
    body = {"type": "service_account", "name": "Ingestor", "roles": ["event_ingestor"]}
    account = api.make("/v1/users", body)
    renamed = api.call("PUT", f"/v1/users/{account['id']}", {"name": "Sender"}).get_json()
    assert renamed["name"] == "Sender"
    found = api.call("POST", "/v1/users/search", {"roles": ["event_ingestor"]}).get_json()
    assert [item["id"] for item in found["items"]] == [account["id"]]
    assert api.call("POST", "/v1/users/search", {"roles": ["event_reader"]}).get_json()["items"] == []
    assert api.call("PUT", "/v1/users/me", {"name": "Me", "metadata": {"a": "b"}}).get_json()["name"] == "Me"
    me = api.get("/v1/users/me")
    assert (me["name"], me["metadata"]) == ("Me", {"a": "b"})
    assert api.call("PUT", f"/v1/users/{me['id']}", {"name": "x"}).status_code == 400


def test_roles_change_for_other_people_without_keys(api: Api) -> None:
    person = api.make("/v1/users", {"type": "user", "email": "a@acme.example", "roles": ["all_reader"]})
    machine = api.make("/v1/users", {"type": "service_account", "name": "M", "roles": ["event_reader"]})
    me = api.get("/v1/users/me")
    roles = {"roles": ["all_writer"]}
    assert api.call("PUT", f"/v1/users/{person['id']}/roles", roles).get_json()["roles"] == ["all_writer"]
    for who, asked, message in (
        (machine, ["event_reader"], "Service account roles are fixed at creation and cannot be changed"),
        (me, ["all_writer"], "Ask another super_admin to change your roles"),
        (person, [], "Request validation failed"),
    ):
        assert api.call("PUT", f"/v1/users/{who['id']}/roles", {"roles": asked}).get_json()["message"] == message
    key = {"name": "k", "type": "private_key", "service_account_id": person["id"]}
    dead = api.make("/v1/secrets/api/keys", {**key, "expires_at": "2020-01-01T00:00:00Z"})
    assert dead
    assert api.call("PUT", f"/v1/users/{person['id']}/roles", roles).status_code == 200
    made = api.make("/v1/secrets/api/keys", key)["secret"]["id"]
    refused = api.call("PUT", f"/v1/users/{person['id']}/roles", roles)
    shown = {api.environment: {"env_name": "Sandbox", "api_keys": [{"id": made, "key_name": "k"}]}}
    details = {"id": person["id"], "active_api_key_count": 1, "active_api_keys": shown}
    assert (refused.status_code, refused.get_json()["details"]) == (400, details)


def test_a_customer_is_changed_by_id_or_external_id(api: Api) -> None:
    made = api.make("/v1/customers", CUSTOMER)
    for query in (f"id={made['id']}", "external_customer_id=acme"):
        assert api.call("PUT", f"/v1/customers?{query}", {"name": query}).get_json()["name"] == query
    assert api.call("PUT", "/v1/customers", {"name": "x"}).status_code == 400


def test_roles_are_those_of_a_kind_of_account(api: Api) -> None:
    roles = api.get("/v1/rbac/roles?user_type=service_account")["roles"]
    assert [role["id"] for role in roles] == ["event_ingestor", "event_reader", "super_admin"]
    assert api.call("GET", "/v1/rbac/roles?user_type=robot").status_code == 400


@given(st.lists(st.text(max_size=5), max_size=5), st.text(max_size=5))
def test_filters_let_pass_what_they_say(texts: list[str], wanted: str) -> None:
    for text in texts:
        row: Any = {"name": text, "metadata": {"k": text}}
        tests = {kind: kind.test for kind in (equal("name"), among("names", "name"), containing("part", "name"))}
        answers = [test(row, [wanted] if kind.name == "names" else wanted) for kind, test in tests.items() if test]
        assert answers == [text == wanted, text == wanted, wanted.lower() in text.lower()]
        pairs = metadata().test
        assert pairs is not None
        assert pairs(row, {"k": wanted}) is (text == wanted)


def test_a_list_filters_by_an_address_only(api: Api) -> None:
    api.make("/v1/customers", {"external_id": "a", "name": "A", "email": "pay@acme.example"})
    assert len(api.make("/v1/customers/search", {"email": "pay@acme.example"})["items"]) == 1
    assert len(api.get("/v1/customers?email=")["items"]) == 1
    for answer in (
        api.call("POST", "/v1/customers/search", {"email": "acme"}),
        api.call("GET", "/v1/customers?email=acme"),
    ):
        assert (answer.status_code, answer.get_json()["message"]) == (400, "Invalid filter parameters")


LONG = "x" * 256
OBJECTS: dict[str, tuple[str, dict[str, Any]]] = {
    "feature": ("/v1/features", FEATURE),
    "plan": ("/v1/plans", {"name": "Pro", "lookup_key": "pro"}),
    "addon": ("/v1/addons", {"name": "More", "lookup_key": "more"}),
    "group": ("/v1/groups", {"name": "Group", "lookup_key": "group", "entity_type": "price"}),
    "meter": (
        "/v1/meters",
        {"name": "M", "event_name": "m", "aggregation": {"type": "COUNT"}, "reset_usage": "BILLING_PERIOD"},
    ),
    "coupon": ("/v1/coupons", {"name": "C", "type": "percentage", "percentage_off": "10", "cadence": "forever"}),
}


@pytest.mark.parametrize("noun", OBJECTS)
def test_a_text_longer_than_its_column_cannot_be_kept(api: Api, noun: str) -> None:
    path, body = OBJECTS[noun]
    answer = api.call("POST", path, {**body, "name": LONG})
    assert (answer.status_code, answer.get_json()["message"]) == (500, f"Failed to create {noun}")
    made = api.make(path, body)
    if noun in ("feature", "plan", "addon"):
        answer = api.call("PUT", f"{path}/{made['id']}", {"name": LONG})
        assert (answer.status_code, answer.get_json()["message"]) == (500, f"Failed to update {noun}")
    assert _price(api, lookup_key=LONG).status_code == 500


def test_an_archived_plan_is_found_by_its_id(api: Api) -> None:
    """As an archived feature is where an entitlement names it (recording entitlements)."""
    plan = api.make("/v1/plans", {"name": "Gone"})["id"]
    feature = api.make("/v1/features", {"name": "SSO", "type": "boolean"})["id"]
    api.call("DELETE", f"/v1/plans/{plan}")
    price = {"type": "FIXED", "currency": "usd", "billing_period": "MONTHLY", "billing_period_count": 1, "amount": "1"}
    price |= {"billing_model": "FLAT_FEE", "invoice_cadence": "ADVANCE", "entity_type": "PLAN", "entity_id": plan}
    api.make("/v1/prices", price)
    api.make("/v1/entitlements", {"plan_id": plan, "feature_id": feature, "feature_type": "boolean"})
    grant = {"name": "g", "scope": "PLAN", "plan_id": plan, "credits": "1", "cadence": "ONETIME"}
    api.make("/v1/creditgrants", grant)
    assert api.call("POST", "/v1/creditgrants", {**grant, "plan_id": "plan_x"}).status_code == 404
