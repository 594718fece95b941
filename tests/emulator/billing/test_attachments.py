"""``modify`` of a running subscription: addons, coupons, tax rates and the end of its trial."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pytest_flexprice.emulator.kernel.render import gotime

from .conftest import Company


@pytest.fixture(autouse=True)
def prices(company: Company) -> None:
    """Half a dollar a call, ten dollars in advance."""
    company.price("0.5")
    company.fee("10")


def modify(company: Company, made: dict[str, Any], kind: str, how: str = "execute", **params: Any) -> tuple[int, Any]:
    body = {"type": kind, f"{kind}_params": params}
    answer = company.api.call("POST", f"/v1/subscriptions/{made['id']}/modify/{how}", body)
    return answer.status_code, answer.get_json()


def total(company: Company, made: dict[str, Any]) -> str:
    found: str = company.api.make("/v1/invoices/preview", {"subscription_id": made["id"]})["total"]
    return found


def test_an_addon_is_put_on_and_taken_off(company: Company) -> None:
    addon = company.api.make("/v1/addons", {"name": "More", "lookup_key": "more"})["id"]
    company.fee("3", entity_type="ADDON", entity_id=addon)
    made = company.subscribe()
    assert modify(company, made, "addon", "preview", action="add", add={"addon_id": addon})[0] == 200
    assert len(company.read(made)["line_items"]) == 2
    status, answer = modify(company, made, "addon", action="add", add={"addon_id": addon})
    assert (status, [line["change_action"] for line in answer["changed_resources"]["line_items"]]) == (200, ["created"])
    assert total(company, made) == "13"
    (association,) = company.api.get(f"/v1/subscriptions/{made['id']}/addons/associations")["items"]
    removal = {"addon_association_id": association["id"]}
    status, answer = modify(company, made, "addon", action="remove", remove=removal)
    assert [line["change_action"] for line in answer["changed_resources"]["line_items"]] == ["ended"]
    assert total(company, made) == "10"


def test_a_coupon_is_put_on_and_taken_off(company: Company) -> None:
    company.api.make(
        "/v1/coupons",
        {"name": "C", "coupon_code": "ten", "type": "percentage", "percentage_off": "10", "cadence": "forever"},
    )
    made = company.subscribe()
    assert modify(company, made, "coupon", action="add", coupon_code="TEN")[0] == 200
    assert total(company, made) == "9"
    (association,) = company.api.get(f"/v1/coupons/associations?subscription_ids={made['id']}")["items"]
    assert modify(company, made, "coupon", action="remove", coupon_association_id=association["id"])[0] == 200
    assert total(company, made) == "10"


def test_a_tax_is_put_on_and_taken_off(company: Company) -> None:
    rate = company.api.make(
        "/v1/taxes/rates", {"name": "VAT", "code": "vat", "tax_rate_type": "percentage", "percentage_value": "20"}
    )["id"]
    made = company.subscribe()
    assert modify(company, made, "tax", action="add", tax_rate_id=rate)[0] == 200
    assert total(company, made) == "12"
    (association,) = company.api.get(f"/v1/taxes/associations?entity_id={made['id']}")["items"]
    assert modify(company, made, "tax", action="remove", tax_association_id=association["id"])[0] == 200
    assert total(company, made) == "10"


def test_a_trial_ends_now_and_is_billed(company: Company) -> None:
    made = company.subscribe(trial_period_days=14)
    assert modify(company, made, "trial_end", "preview", action="immediate")[0] == 200
    assert company.read(made)["subscription_status"] == "trialing"
    status, _answer = modify(company, made, "trial_end", action="immediate")
    assert (status, company.read(made)["subscription_status"]) == (200, "active")
    assert company.invoices(made)[-1]["amount_due"] == "10"


def test_a_trial_ends_on_another_day(company: Company) -> None:
    made = company.subscribe(trial_period_days=14)
    later = company.now + timedelta(days=20)
    assert modify(company, made, "trial_end", action="scheduled_date", new_trial_end=gotime(later))[0] == 200
    company.advance(days=19)
    assert company.read(made)["subscription_status"] == "trialing"
    company.advance(days=2)
    assert company.read(made)["subscription_status"] == "active"


@pytest.mark.parametrize(
    ("kind", "params", "status"),
    [
        ("addon", {"action": "swap"}, 400),
        ("addon", {"action": "add"}, 400),
        ("addon", {"action": "add", "add": {"addon_id": "none"}}, 404),
        ("coupon", {"action": "add"}, 400),
        ("coupon", {"action": "add", "coupon_code": "none"}, 404),
        ("coupon", {"action": "remove", "coupon_association_id": "none"}, 404),
        ("tax", {"action": "add", "tax_rate_id": "none"}, 404),
        ("tax", {"action": "remove"}, 400),
        ("trial_end", {"action": "immediate"}, 400),
        ("trial_end", {"action": "someday"}, 400),
    ],
)
def test_what_cannot_be_is_refused(company: Company, kind: str, params: dict[str, Any], status: int) -> None:
    assert modify(company, company.subscribe(), kind, **params)[0] == status


def test_an_addons_fee_is_billed_and_credited_for_the_rest_of_the_period(company: Company) -> None:
    addon = company.api.make("/v1/addons", {"name": "More", "lookup_key": "more"})["id"]
    company.fee("30", entity_type="ADDON", entity_id=addon)
    made = company.subscribe()
    company.advance(days=15, hours=12)
    body = {"subscription_id": made["id"], "addon_id": addon, "proration_behavior": "create_prorations"}
    added = company.api.make("/v1/subscriptions/addon", body)
    assert company.invoices(made)[-1]["subtotal"] == "15"
    company.advance(days=10)
    removal = {
        "addon_association_id": added["id"],
        "effective_date": gotime(company.now),
        "proration_behavior": "create_prorations",
    }
    assert company.api.call("DELETE", "/v1/subscriptions/addon", removal).status_code == 200
    (wallet,) = company.api.get(f"/v1/customers/{made['customer_id']}/wallets")
    assert wallet["credit_balance"] == "5.32"


def test_an_addon_without_prorations_bills_nothing_until_the_next_period(company: Company) -> None:
    addon = company.api.make("/v1/addons", {"name": "More", "lookup_key": "more"})["id"]
    company.fee("30", entity_type="ADDON", entity_id=addon)
    made = company.subscribe()
    before = len(company.invoices(made))
    company.api.make("/v1/subscriptions/addon", {"subscription_id": made["id"], "addon_id": addon})
    assert len(company.invoices(made)) == before


def test_a_fee_of_its_own_is_billed_and_credited_for_the_rest_of_the_period(company: Company) -> None:
    price = company.fee("30")
    made = company.subscribe()
    company.advance(days=15, hours=12)
    terms = {"proration_behavior": "create_prorations"}
    body = {"price_id": price, "start_date": gotime(company.now), **terms}
    line = company.api.make(f"/v1/subscriptions/{made['id']}/lineitems", body)
    assert company.invoices(made)[-1]["subtotal"] == "15"
    company.advance(days=10)
    assert company.api.call("DELETE", f"/v1/subscriptions/lineitems/{line['id']}", terms).status_code == 200
    (wallet,) = company.api.get(f"/v1/customers/{made['customer_id']}/wallets")
    assert wallet["credit_balance"] == "5.32"
