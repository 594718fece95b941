"""Subscriptions that belong together: heirs, grouped invoices, somebody else who pays (contract 11.2)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from .conftest import BEGIN, Company

GROUPED = "subscriptions_ids_for_grouped_invoicing"
INHERIT = "external_customer_ids_to_inherit_subscription"


def subscribe(company: Company, **inheritance: Any) -> dict[str, Any]:
    given = {"inheritance": inheritance} if inheritance else {}
    return company.subscribe(BEGIN - timedelta(days=2), **given)


def previewed(company: Company, made: dict[str, Any]) -> list[dict[str, Any]]:
    shown = company.api.make("/v1/invoices/preview", {"subscription_id": made["id"]})
    found: list[dict[str, Any]] = shown.get("line_items", [])
    return found


def modify(company: Company, made: dict[str, Any], kind: str, **params: Any) -> tuple[int, Any]:
    body = {"type": kind, f"{kind}_params": params}
    answer = company.api.call("POST", f"/v1/subscriptions/{made['id']}/modify/execute", body)
    return answer.status_code, answer.get_json()


def child_of(company: Company, external_id: str) -> dict[str, Any]:
    found: dict[str, Any] = company.api.make("/v1/subscriptions/search", {"external_customer_id": external_id})
    made: dict[str, Any] = found["items"][0]
    return made


@pytest.fixture(autouse=True)
def prices(company: Company) -> None:
    company.price("0.5")
    company.fee("10", display_name="Base")


def test_a_parent_pays_for_what_its_heirs_use(company: Company) -> None:
    heir = company.customer()
    parent = subscribe(company, **{INHERIT: [heir]})
    company.use(heir, 4, company.now - timedelta(days=1))
    company.use(parent["external_id"], 2, company.now - timedelta(days=1))
    usage = [line for line in previewed(company, parent) if line["price_type"] == "USAGE"]
    assert [(line["quantity"], line["amount"]) for line in usage] == [("6", "3")]
    child = child_of(company, heir)
    assert (child["subscription_type"], child["parent_subscription_id"]) == ("inherited", parent["id"])
    assert previewed(company, child) == []


def test_an_heir_added_later_brings_its_earlier_usage(company: Company) -> None:
    parent, heir = subscribe(company), company.customer()
    company.use(heir, 4, company.now - timedelta(days=1))
    assert modify(company, parent, "inheritance", **{INHERIT: [heir]})[0] == 200
    assert company.read(parent)["subscription_type"] == "parent"
    assert [line["amount"] for line in previewed(company, parent) if line["price_type"] == "USAGE"] == ["2"]
    status, answer = modify(company, parent, "inheritance", **{INHERIT: [heir]})
    assert (status, answer["message"].split(" for")[0]) == (
        400,
        "A child customer already has an inherited subscription",
    )


def test_an_heir_ends_with_its_parent_and_not_alone(company: Company) -> None:
    heir = company.customer()
    parent = subscribe(company, **{INHERIT: [heir]})
    child = child_of(company, heir)
    cancel = {"cancellation_type": "immediate"}
    assert company.api.call("POST", f"/v1/subscriptions/{child['id']}/cancel", cancel).status_code == 400
    company.api.make(f"/v1/subscriptions/{parent['id']}/cancel", cancel)
    assert company.read(child)["subscription_status"] == "cancelled"


def test_a_customer_with_a_subscription_cannot_inherit(company: Company) -> None:
    own = subscribe(company)
    body = {
        "external_customer_id": company.customer(),
        "plan_id": company.plan,
        "currency": "usd",
        "billing_period": "MONTHLY",
        "inheritance": {INHERIT: [own["external_id"]]},
    }
    answer = company.api.call("POST", "/v1/subscriptions", body)
    assert answer.status_code == 400
    assert answer.get_json()["message"] == "The child customer cannot have standalone or parent subscriptions"


def test_somebody_else_gets_the_invoices(company: Company) -> None:
    payer = company.customer()
    made = subscribe(company, invoicing_customer_external_id=payer)
    owner = company.api.get(f"/v1/customers/external/{payer}")["id"]
    opening = company.invoices(made)[0]
    assert (opening["customer_id"], opening["subscription_customer_id"]) == (owner, made["customer_id"])
    assert {line["customer_id"] for line in opening["line_items"]} == {owner}


def test_a_grouped_subscription_is_billed_on_its_parents_invoices(company: Company) -> None:
    child = subscribe(company)
    parent = subscribe(company, **{GROUPED: [child["id"]]})
    company.use(child["external_id"], 4, company.now - timedelta(days=1))
    company.use(parent["external_id"], 2, company.now - timedelta(days=1))
    assert company.read(child)["subscription_type"] == "grouped_invoicing"
    own = {(line["subscription_id"], line["amount"]) for line in previewed(company, child)}
    assert own == {(child["id"], "10"), (child["id"], "2")}, "its own preview still shows its lines"
    company.advance(days=40)
    cycle = company.invoices(parent)[-1]
    lines = {(line["subscription_id"], line["amount"]): line for line in cycle["line_items"]}
    assert lines.keys() == {(parent["id"], "1"), (parent["id"], "10"), *own}
    theirs = [line for (owner, _), line in lines.items() if owner == child["id"]]
    assert {line["metadata"]["child_customer_id"] for line in theirs} == {child["customer_id"]}
    assert (cycle["subtotal"], {line["customer_id"] for line in cycle["line_items"]}) == ("23", {parent["customer_id"]})
    assert len(company.invoices(child)) == 1, "only its opening invoice is its own"


def test_a_grouped_subscription_moves_on_with_its_parent(company: Company) -> None:
    child = subscribe(company)
    parent = subscribe(company, **{GROUPED: [child["id"]]})
    company.advance(days=40)
    one, other = company.read(child), company.read(parent)
    assert one["current_period_end"] == other["current_period_end"]
    assert one["current_period_start"] == other["current_period_start"] != child["current_period_start"]


def test_only_coupons_of_single_lines_come_along(company: Company) -> None:
    for code, off in (("WHOLE", "50"), ("LINE", "10")):
        company.api.make("/v1/coupons", {"name": code, "coupon_code": code, "type": "percentage",
                                         "percentage_off": off, "cadence": "forever"})  # fmt: skip
    base = next(line["price_id"] for line in company.read(subscribe(company))["line_items"] if not line.get("meter_id"))
    coupons = [{"coupon_code": "whole"}, {"coupon_code": "line", "price_id": base}]
    child = company.subscribe(BEGIN - timedelta(days=2), subscription_coupons=coupons)
    parent = subscribe(company, **{GROUPED: [child["id"]]})
    shown = company.api.make("/v1/invoices/preview", {"subscription_id": parent["id"]})
    assert (shown["subtotal"], shown["total_discount"], shown["total"]) == ("20", "1", "19")


def test_a_subscription_leaves_its_group(company: Company) -> None:
    child, parent = subscribe(company), subscribe(company)
    params = {"parent_subscription_id": parent["id"], "child_subscription_ids": [child["id"]]}
    assert modify(company, parent, "grouped_invoicing", action="add", **params)[0] == 200
    assert len(previewed(company, parent)) == 4
    assert modify(company, parent, "grouped_invoicing", action="remove", **params)[0] == 200
    assert len(previewed(company, parent)) == 2
    assert company.read(child)["subscription_type"] == "standalone"


def test_a_group_with_one_that_does_not_fit_changes_nothing(company: Company) -> None:
    child, parent = subscribe(company), subscribe(company)
    other = company.subscribe(company.now - timedelta(days=5))
    identifiers = [child["id"], other["id"]]
    status, _ = modify(company, parent, "grouped_invoicing", action="add", parent_subscription_id=parent["id"],
                       child_subscription_ids=identifiers)  # fmt: skip
    assert status == 400
    assert company.read(child)["subscription_type"] == "standalone"
    assert company.read(parent)["subscription_type"] == "standalone"


@pytest.mark.parametrize("other", [GROUPED, "parent_subscription_id", "invoicing_customer_external_id"])
def test_kinds_of_belonging_exclude_each_other(company: Company, other: str) -> None:
    heir = company.customer()
    value: Any = ["subs_x"] if other == GROUPED else heir
    body = {
        "external_customer_id": company.customer(),
        "plan_id": company.plan,
        "currency": "usd",
        "billing_period": "MONTHLY",
        "inheritance": {INHERIT: [heir], other: value},
    }
    answer = company.api.call("POST", "/v1/subscriptions", body)
    assert answer.status_code == 400
    assert answer.get_json()["message"].startswith("Use either")


def test_an_heir_leaves_at_the_end_of_its_parents_period(company: Company) -> None:
    heir = company.customer()
    parent = subscribe(company, **{INHERIT: [heir]})
    child = child_of(company, heir)
    params = {"action": "remove", "external_customer_ids_to_remove": [heir]}
    assert modify(company, parent, "inheritance", **params)[0] == 200
    assert company.read(child)["cancel_at"] == company.read(parent)["current_period_end"]
    assert modify(company, parent, "inheritance", **params)[0] == 400
    company.advance(days=40)
    assert company.read(child)["subscription_status"] == "cancelled"
    company.use(heir, 4, company.now - timedelta(hours=1))
    usage = [line for line in previewed(company, parent) if line["price_type"] == "USAGE"]
    assert [line["quantity"] for line in usage] == ["0"]


@pytest.mark.parametrize(("given", "status"), [([], 400), ([" "], 400), (["nobody"], 404), (["own"], 404)])
def test_only_heirs_can_leave(company: Company, given: list[str], status: int) -> None:
    parent = subscribe(company, **{INHERIT: [company.customer()]})
    wanted = [parent["external_id"] if name == "own" else name for name in given]
    params = {"action": "remove", "external_customer_ids_to_remove": wanted}
    assert modify(company, parent, "inheritance", **params)[0] == status


def test_a_parent_brings_grouped_subscriptions_along(company: Company) -> None:
    customer = company.customer()
    base = next(line["price_id"] for line in company.read(subscribe(company))["line_items"] if not line.get("meter_id"))
    seats = [{"price_id": base, "quantity": "2"}]
    new = {"external_customer_id": customer, "plan_id": company.plan, "override_line_items": seats}
    company.told.clear()
    parent = subscribe(company, grouped_invoicing_children_to_create=[new])
    assert company.events().count("subscription.created") == 1
    child = child_of(company, customer)
    assert (child["subscription_type"], child["parent_subscription_id"]) == ("grouped_invoicing", parent["id"])
    assert child["current_period_end"] == parent["current_period_end"]
    opening = company.invoices(parent)[0]
    assert {(line["subscription_id"], line["amount"]) for line in opening["line_items"]} == {
        (parent["id"], "10"),
        (child["id"], "20"),
    }
    assert company.invoices(child, "DRAFT", "SKIPPED", "FINALIZED") == []


def test_one_that_cannot_be_brought_along_leaves_nothing(company: Company) -> None:
    customer = company.customer()
    body = {
        "external_customer_id": company.customer(),
        "plan_id": company.plan,
        "currency": "usd",
        "billing_period": "MONTHLY",
        "inheritance": {
            "grouped_invoicing_children_to_create": [
                {"external_customer_id": customer, "plan_id": company.plan},
                {"external_customer_id": "nobody", "plan_id": company.plan},
            ]
        },
    }
    assert company.api.call("POST", "/v1/subscriptions", body).status_code == 404
    assert company.api.make("/v1/subscriptions/search", {"plan_id": company.plan})["items"] == []


def test_an_heir_by_its_parents_id_gets_no_invoice(company: Company) -> None:
    parent = subscribe(company)
    child = subscribe(company, parent_subscription_id=parent["id"])
    assert (child["subscription_type"], child.get("latest_invoice")) == ("inherited", None)
    company.advance(days=40)
    assert company.invoices(child, "FINALIZED", "SKIPPED") == []


def attempt(company: Company, made: dict[str, Any], kind: str, **params: Any) -> dict[str, Any]:
    body = {"type": kind, f"{kind}_params": params}
    found: dict[str, Any] = company.api.make(f"/v1/subscriptions/{made['id']}/modify/preview", body)
    return found


def test_a_preview_of_belonging_changes_nothing(company: Company) -> None:
    parent, child, heir = subscribe(company), subscribe(company), company.customer()
    before = company.read(parent), company.read(child)
    company.told.clear()
    found = attempt(company, parent, "inheritance", **{INHERIT: [heir]})
    assert [(one["id"], one["action"]) for one in found["changed_resources"]["subscriptions"]] == [
        (parent["id"], "updated"),
        ("(preview-created)", "created"),
    ]
    members = {"parent_subscription_id": parent["id"], "child_subscription_ids": [child["id"]]}
    grouped = attempt(company, parent, "grouped_invoicing", action="add", **members)
    assert grouped["subscription"] is None
    assert [one["id"] for one in grouped["changed_resources"]["subscriptions"]] == [child["id"]]
    assert (company.read(parent), company.read(child)) == before
    assert company.events() == []


def test_each_member_of_a_group_is_announced_and_a_new_parent_too(company: Company) -> None:
    child, other, parent = subscribe(company), subscribe(company), subscribe(company)
    company.told.clear()
    members = {"parent_subscription_id": parent["id"], "child_subscription_ids": [child["id"]]}
    assert modify(company, parent, "grouped_invoicing", action="add", **members)[1]["subscription"] is None
    assert [identifier for name, identifier in company.told] == [child["id"], parent["id"]]
    company.told.clear()
    modify(company, parent, "grouped_invoicing", action="add", **{**members, "child_subscription_ids": [other["id"]]})
    assert [identifier for name, identifier in company.told] == [other["id"]]
