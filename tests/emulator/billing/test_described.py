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


def test_lists_show_what_they_are_asked_to_expand(company: Company) -> None:
    company.fee("10")
    company.api.make(
        "/v1/coupons",
        {"name": "c", "type": "percentage", "percentage_off": "10", "cadence": "forever", "coupon_code": "c"},
    )
    rate = {"name": "t", "code": "t", "percentage_value": "20"}
    company.api.make("/v1/taxes/rates", rate)
    entitled = {
        "plan_id": company.plan,
        "feature_id": company.feature["id"],
        "feature_type": "metered",
        "usage_limit": 5,
    }
    company.api.make("/v1/entitlements", entitled)
    agreed: dict[str, Any] = {"subscription_coupons": [{"coupon_code": "c"}]}
    agreed["tax_rate_overrides"] = [{"tax_rate_code": "t", "currency": "usd", "auto_apply": True}]
    made = company.subscribe(**agreed)
    path, parts = "/v1/subscriptions/search", {"line_items", "coupon_associations", "entitlements"}
    (bare,) = _found(company, path)
    (full,) = _found(company, path, expand="subscription_line_items,entitlements", with_coupon_associations=True)
    assert (parts & bare.keys(), full.keys() - bare.keys()) == (set(), parts)
    (invoice,) = company.invoices(made, "FINALIZED")
    (tax,) = company.api.get(f"/v1/invoices/{invoice['id']}?expand=tax_applied.tax_rate")["taxes"]
    assert (tax["tax_rate"]["code"], tax["tax_amount"]) == ("t", "1.8")
    own = f"/v1/customers/external/{company.read(made)['customer']['external_id']}/subscriptions"
    (bare,) = company.api.get(own)["items"]
    (full,) = company.api.get(f"{own}?expand=subscription_line_items,entitlements,plan,customer")["items"]
    assert (bare["plan"], full.keys() - bare.keys()) == (None, {"line_items", "entitlements"})
    assert (full["plan"]["id"], full["customer"]["id"]) == (company.plan, made["customer_id"])
    usage = f"/v1/customers/usage?customer_id={made['customer_id']}&subscription_ids="
    assert [len(company.api.get(usage + one)["features"]) for one in (made["id"], "subs_x")] == [1, 0]


def test_a_parent_is_linked_and_unlinked_by_an_update(company: Company) -> None:
    company.fee("10")
    parent, child = company.subscribe(), company.subscribe()
    for given, status, known in (
        ("subs_x", 404, None),
        (child["id"], 400, None),
        (parent["id"], 200, parent["id"]),
        ("", 200, None),
    ):
        answer = company.api.call("PUT", f"/v1/subscriptions/{child['id']}", {"parent_subscription_id": given})
        row = company.read(child)
        assert (answer.status_code, row.get("parent_subscription_id"), row["subscription_type"]) == (
            status,
            known,
            "standalone",
        )
    heirs = {"external_customer_ids_to_inherit_subscription": [company.customer()]}
    company.subscribe(inheritance=heirs)
    (own,) = _found(company, "/v1/subscriptions/search", subscription_type=["inherited"])
    assert company.api.call("PUT", f"/v1/subscriptions/{own['id']}", {"parent_subscription_id": ""}).status_code == 400


def test_a_job_is_started_by_hand(company: Company) -> None:
    company.fee("10")
    made = company.subscribe()
    company.world.clock.shift(timedelta(days=32))
    company.api.call("POST", "/v1/tasks/scheduled/schedule-update-billing-period", {})
    assert company.read(made)["current_period_start"] == made["current_period_end"]


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


def test_a_line_of_ones_own_keeps_what_it_is_given(company: Company) -> None:
    given = {"meter_display_name": "Calls", "subscription_line_item_id": "line", "adjusted_entitlement_quantity": "2",
             "line_item_discount": "1", "price_unit": "tok", "price_unit_amount": "7"}  # fmt: skip
    line = {"display_name": "Setup", "amount": "10", "quantity": "1", **given}
    body = {"customer_id": "c", "invoice_type": "ONE_OFF", "currency": "usd", "subtotal": "10", "line_items": [line]}
    (kept,) = company.api.make("/v1/invoices", body)["line_items"]
    assert {name: kept[name] for name in given} == given


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
        "currency": "usd", "payment_gateway": "stripe", "save_card_and_make_default": True,
    }  # fmt: skip
    unknown = company.api.call("POST", "/v1/payments", {**body, "payment_gateway": "purse"})
    assert unknown.get_json()["message"] == "Invalid payment gateway type"
    stored = company.api.make("/v1/payments", body)
    assert (stored["payment_gateway"], stored["save_card_and_make_default"]) == ("stripe", True)
    made = stored["id"]
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


def test_of_several_entitlements_one_bad_refuses_all_and_is_named_by_its_place(company: Company) -> None:
    good = {"plan_id": company.plan, "feature_id": company.feature["id"], "feature_type": "metered", "usage_limit": 5}
    for bad in ({**good, "feature_id": "feat_x"}, good):
        answer = company.api.call("POST", "/v1/entitlements/bulk", {"items": [good, bad]})
        assert answer.get_json()["details"]["index"] == 1
        assert company.api.get("/v1/entitlements")["items"] == []
    made = company.api.make("/v1/entitlements/bulk", {"items": [good]})["items"][0]["id"]
    assert company.api.call("PUT", f"/v1/entitlements/{made}", {"aggregation_mode": "any"}).status_code == 400
    assert company.api.call("PUT", f"/v1/entitlements/{made}", {"grant_quota": "5"}).status_code == 501


def test_a_key_that_another_has_is_refused_in_an_update_and_twice_in_one_request(company: Company) -> None:
    kept = company.fee("10", lookup_key="kept")
    other = company.fee("20", lookup_key="other")
    assert company.api.call("PUT", f"/v1/prices/{other}", {"lookup_key": "kept"}).status_code == 409
    assert company.api.call("PUT", f"/v1/prices/{kept}", {"lookup_key": "kept", "amount": "11"}).status_code == 200
    price = {
        "entity_type": "PLAN", "entity_id": company.plan, "type": "FIXED", "currency": "usd", "billing_period": "MONTHLY",
        "billing_period_count": 1, "billing_model": "FLAT_FEE", "invoice_cadence": "ADVANCE", "amount": "1", "lookup_key": "new",
    }  # fmt: skip
    answer = company.api.call("POST", "/v1/prices/bulk", {"items": [price, price]})
    assert (answer.status_code, answer.get_json()["details"]["index"]) == (409, 1)
    for code in ("a", "b"):
        company.api.make("/v1/taxes/rates", {"name": code, "code": code, "percentage_value": "20"})
    rate = company.api.get("/v1/taxes/rates?taxrate_codes=b")["items"]
    assert [one["code"] for one in rate] == ["b"]
    path = f"/v1/taxes/rates/{rate[0]['id']}"
    assert company.api.call("PUT", path, {"code": "a"}).status_code == 409
    assert company.api.call("PUT", path, {"tax_rate_status": "OFF"}).status_code == 400
    assert company.api.call("PUT", path, {"code": "b", "tax_rate_status": "INACTIVE"}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/customers", {"external_id": "x", "name": "x", "skip_onboarding_workflow": "yes"}),
        ("POST", "/v1/invoices", {"invoice_status": 7}),
        ("POST", "/v1/prices", {"filter_values": ["x"]}),
        ("POST", "/v1/subscriptions", {"timezone": 1}),
        ("POST", "/v1/subscriptions/search", {"effective_date_for_update": "soon"}),
        ("POST", "/v1/wallets/search", {"alert_enabled": "x"}),
        ("POST", "/v1/events/usage", {"event_name": "a", "aggregation_type": "SUM", "group_by": "source"}),
        ("PUT", "/v1/invoices/x", {"apply_discount": 1}),
        ("DELETE", "/v1/creditgrants/x", {"effective_date": "soon"}),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_value_of_the_wrong_type_is_refused_before_anything_is_looked_up(
    company: Company, method: str, path: str, body: dict[str, Any]
) -> None:
    answer = company.api.call(method, path, body)
    assert (answer.status_code, answer.get_json().get("details")) == (400, None)


def test_rules_of_the_description(company: Company) -> None:
    call = company.api.call
    once = {
        "entity_type": "PLAN", "entity_id": company.plan, "type": "FIXED", "currency": "usd", "billing_period": "ONETIME",
        "billing_period_count": 1, "billing_model": "FLAT_FEE", "invoice_cadence": "ADVANCE", "amount": "1",
    }  # fmt: skip
    assert call("POST", "/v1/prices", {**once, "trial_period_days": 7}).status_code == 400
    assert call("POST", "/v1/prices", {**once, "trial_period_days": 0}).status_code == 201
    company.price("1")
    payer = company.customer()
    asked = {
        "external_customer_id": company.customer(),
        "plan_id": company.plan,
        "currency": "usd",
        "billing_period": "MONTHLY",
    }
    belongs = {"auto_invoice_threshold": "5", "inheritance": {"invoicing_customer_external_id": payer}}
    assert call("POST", "/v1/subscriptions", {**asked, **belongs}).status_code == 400
    wallet = company.api.make("/v1/wallets", {"external_customer_id": payer, "currency": "usd"})["id"]
    top_up = {"credits_to_add": "5", "transaction_reason": "FREE_CREDIT_GRANT", "bonus_credits_to_add": "0"}
    assert call("POST", f"/v1/wallets/{wallet}/top-up", top_up).status_code == 400
    assert call("PUT", f"/v1/wallets/{wallet}", {"config": {"allowed_price_types": ["METERED"]}}).status_code == 400
    assert company.api.get(f"/v1/wallets/{wallet}")["balance"] == "0"


@pytest.mark.parametrize("kind", ["plan", "feature"])
def test_a_copy_has_a_name_and_a_key_of_its_own(company: Company, kind: str) -> None:
    source = {"plan": ("Pro", "pro", company.plan), "feature": ("Calls", "calls", company.feature["id"])}
    name, key, identifier = source[kind]
    path = f"/v1/{kind}s/{identifier}/clone"
    refused = [{"name": name, "lookup_key": "copy"}, {"lookup_key": "copy"}, {"name": "Copy"}]
    assert [company.api.call("POST", path, body).status_code for body in refused] == [400] * 3
    taken = company.api.call("POST", path, {"name": "Copy", "lookup_key": key})
    assert (taken.status_code, taken.get_json()["details"]) == (409, {"lookup_key": key})
    assert company.api.call("POST", path, {"name": "Copy", "lookup_key": "copy"}).status_code == 201


@pytest.mark.parametrize(
    ("path", "body", "change"),
    [
        ("/v1/coupons", {"name": "A", "type": "percentage", "cadence": "once", "percentage_off": "5"}, {"name": "B"}),
        ("/v1/taxes/associations", {"tax_rate_code": "vat", "entity_type": "tenant"}, {"priority": 2}),
        ("/v1/prices/units", {"name": "A", "code": "tok", "symbol": "T", "base_currency": "usd", "conversion_rate": "1"},
         {"name": "B"}),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)  # fmt: skip
def test_one_is_read_changed_and_archived(
    company: Company, path: str, body: dict[str, Any], change: dict[str, Any]
) -> None:
    company.api.make("/v1/taxes/rates", {"name": "VAT", "code": "vat", "percentage_value": "20"})
    made = company.api.make(path, body)
    place = f"{path}/{made['id']}"
    assert company.api.get(place)["id"] == made["id"]
    changed = company.api.call("PUT", place, change).get_json()
    assert change.items() <= changed.items()
    assert company.api.get(place).items() >= change.items()
    assert company.api.call("PUT", f"{path}/x", change).status_code == 404
    assert company.api.call("DELETE", place).status_code == 200
    assert (company.api.get(place)["status"], company.api.get(path)["items"]) == ("archived", [])


def test_costsheets(company: Company) -> None:
    assert company.api.call("GET", "/v1/costs/active").status_code == 404
    body = {"name": "Costs", "lookup_key": "costs"}
    made = company.api.make("/v1/costs", body)["costsheet"]["id"]
    assert company.api.call("POST", "/v1/costs", body).status_code == 409
    assert company.api.call("POST", "/v1/costs", {"name": ""}).status_code == 400
    company.price("0.1", entity_type="COSTSHEET", entity_id=made)
    assert [one["amount"] for one in company.api.get("/v1/costs/active")["prices"]] == ["0.1"]
    assert "prices" not in company.api.get(f"/v1/costs/{made}")["costsheet"]
    other = company.api.make("/v1/costs", {"name": "Other"})["costsheet"]["id"]
    assert company.api.call("PUT", f"/v1/costs/{other}", {"lookup_key": "costs"}).status_code == 409
    assert company.api.call("PUT", f"/v1/costs/{other}", {"name": "Others"}).get_json()["costsheet"]["name"] == "Others"
    assert company.api.call("DELETE", f"/v1/costs/{other}").get_json()["id"] == other
    assert [one["id"] for one in _found(company, "/v1/costs/search", lookupKey="costs")] == [made]
    assert [one["id"] for one in _found(company, "/v1/costs/search", status="deleted")] == [other]
    missing = {"entity_type": "COSTSHEET", "entity_id": "x", "type": "FIXED", "currency": "usd", "billing_period": "MONTHLY",
               "billing_period_count": 1, "billing_model": "FLAT_FEE", "invoice_cadence": "ARREAR", "amount": "1"}  # fmt: skip
    assert company.api.call("POST", "/v1/prices", missing).status_code == 404


def test_features_are_asked_for_by_id_and_by_key(company: Company) -> None:
    company.price("1")
    sso = company.api.make("/v1/features", {"name": "SSO", "type": "boolean", "lookup_key": "sso"})["id"]
    for feature, kind in ((sso, "boolean"), (company.feature["id"], "metered")):
        entitled = {"plan_id": company.plan, "feature_id": feature, "feature_type": kind, "is_enabled": True}
        company.api.make("/v1/entitlements", entitled)
    made = company.subscribe()

    def keys(path: str) -> list[str]:
        return sorted(one["feature"]["lookup_key"] for one in company.api.get(path)["features"])

    path, usage = (
        f"/v1/subscriptions/{made['id']}/entitlements",
        f"/v1/customers/usage?customer_id={made['customer_id']}",
    )
    assert (keys(path), keys(f"{path}?feature_ids={sso}")) == (["calls", "sso"], ["sso"])
    assert keys(f"{usage}&feature_lookup_keys=calls") == ["calls"]
    assert keys(f"{usage}&feature_ids=x") == []
