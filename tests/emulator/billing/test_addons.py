"""Addons of a subscription: their lines, their end, and what stands in the way of deleting one (contract 11.2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from pytest_flexprice.emulator.kernel.render import gotime

from .conftest import Company

NEVER = "0001-01-01T00:00:00Z"


@pytest.fixture(autouse=True)
def usage_price(company: Company) -> None:
    """A plan needs a price to be subscribed to."""
    company.price("0.5")


def addon(company: Company, *amounts: str, **fields: Any) -> str:
    """An addon with a monthly fee in advance for each amount."""
    company.told.clear()
    number = len(company.api.get("/v1/addons")["items"])
    made: str = company.api.make("/v1/addons", {"name": f"Extra {number}", "lookup_key": f"extra{number}"})["id"]
    for amount in amounts:
        company.fee(amount, entity_type="ADDON", entity_id=made, **fields)
    return made


def add(company: Company, subscription: dict[str, Any], identifier: str, **fields: Any) -> dict[str, Any]:
    body = {"subscription_id": subscription["id"], "addon_id": identifier, **fields}
    made: dict[str, Any] = company.api.make("/v1/subscriptions/addon", body)
    return made


def remove(company: Company, association: dict[str, Any], at: datetime | None = None) -> tuple[int, Any]:
    body = {"addon_association_id": association["id"], **({"effective_date": gotime(at)} if at else {})}
    answer = company.api.call("DELETE", "/v1/subscriptions/addon", body)
    return answer.status_code, answer.get_json()


def lines(company: Company, subscription: dict[str, Any]) -> list[dict[str, Any]]:
    return [line for line in company.read(subscription)["line_items"] if line["entity_type"] == "addon"]


def associations(company: Company, subscription: dict[str, Any]) -> list[str]:
    found = company.api.get(f"/v1/subscriptions/{subscription['id']}/addons/associations")["items"]
    return [one["id"] for one in found]


def test_an_addon_at_creation_is_on_the_opening_invoice(company: Company) -> None:
    company.fee("10")
    made = company.subscribe(addons=[{"addon_id": addon(company, "4", "3"), "start_date": gotime(company.now)}])
    assert company.invoices(made)[0]["total"] == "17"


def test_the_same_addon_again_is_charged_again(company: Company) -> None:
    extra = addon(company, "4")
    made = company.subscribe()
    add(company, made, extra)
    add(company, made, extra)
    assert len(lines(company, made)) == 2
    shown = company.api.make("/v1/invoices/preview", {"subscription_id": made["id"]})
    assert shown["total"] == "8"


def test_an_addon_for_once_ends_with_the_period(company: Company) -> None:
    made = company.subscribe()
    end = company.read(made)["current_period_end"]
    association = add(company, made, addon(company, "4"), cadence="onetime")
    assert association["end_date"] == end
    assert [line["end_date"] for line in lines(company, made)] == [end]


def test_a_recurring_addon_has_no_end_until_it_is_removed(company: Company) -> None:
    made = company.subscribe()
    association = add(company, made, addon(company, "4"), cadence="recurring")
    assert lines(company, made)[0].get("end_date", NEVER) == NEVER
    assert remove(company, association)[0] == 200
    assert [line["end_date"] for line in lines(company, made)] == [company.read(made)["current_period_end"]]


def test_a_removal_on_a_date_ends_the_lines_then(company: Company) -> None:
    made = company.subscribe()
    association = add(company, made, addon(company, "4"))
    moment = company.now + timedelta(days=3)
    assert remove(company, association, moment)[0] == 200
    assert [line["end_date"] for line in lines(company, made)] == [gotime(moment)]
    assert associations(company, made) == []


def test_a_removal_outside_of_the_period_or_again_is_refused(company: Company) -> None:
    made = company.subscribe()
    association = add(company, made, addon(company, "4"))
    status, answer = remove(company, association, company.now + timedelta(days=40))
    assert (status, answer["message"].split(" must")[0]) == (400, "effective_date")
    remove(company, association)
    status, answer = remove(company, association)
    assert (status, answer["message"]) == (400, "This addon is already marked for removal")


def test_associations_are_those_of_the_running_period(company: Company) -> None:
    made = company.subscribe(company.now - timedelta(days=2))
    kept = add(company, made, addon(company, "1"))
    once = add(company, made, addon(company, "1"), cadence="onetime")
    assert associations(company, made) == [once["id"], kept["id"]]
    company.advance(days=70)
    assert associations(company, made) == [kept["id"]]
    assert company.api.call("GET", "/v1/subscriptions/subs_x/addons/associations").status_code == 404


def test_an_addon_that_was_in_use_cannot_be_deleted(company: Company) -> None:
    made = company.subscribe()
    extra, unused = addon(company, "4"), addon(company, "4")
    association = add(company, made, extra)
    add(company, made, extra)
    answer = company.api.call("DELETE", f"/v1/addons/{extra}")
    details = answer.get_json()["details"]
    assert answer.status_code == 400
    assert (details["active_subscriptions_count"], details["active_line_items_count"]) == (1, 1)
    remove(company, association)
    assert company.api.call("DELETE", f"/v1/addons/{extra}").status_code == 400
    assert company.api.call("DELETE", f"/v1/addons/{unused}").status_code == 200


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"addon_id": "addon_x"}, 404), ({"cadence": "sometimes"}, 400), ({"proration_behavior": "maybe"}, 400)],
)
def test_an_addon_that_cannot_be_added_leaves_nothing(company: Company, fields: dict[str, str], status: int) -> None:
    made = company.subscribe()
    body = {"subscription_id": made["id"], "addon_id": addon(company, "4"), **fields}
    assert company.api.call("POST", "/v1/subscriptions/addon", body).status_code == status
    assert (lines(company, made), associations(company, made)) == ([], [])


def test_an_addon_without_prices_for_the_subscription_is_refused(company: Company) -> None:
    made = company.subscribe()
    foreign = addon(company, "4", currency="eur")
    body = {"subscription_id": made["id"], "addon_id": foreign}
    assert company.api.call("POST", "/v1/subscriptions/addon", body).status_code == 400


def test_an_addon_and_the_plan_on_one_event_bill_all_of_it_each(company: Company) -> None:
    extra = addon(company)
    company.price("0.1", entity_type="ADDON", entity_id=extra)
    start = company.now - timedelta(days=2)
    made = company.subscribe(start, addons=[{"addon_id": extra, "start_date": gotime(start)}])
    company.use(made["external_id"], 10, company.now - timedelta(days=1))
    shown = company.api.make("/v1/invoices/preview", {"subscription_id": made["id"]})
    assert sorted(line["amount"] for line in shown["line_items"]) == ["1", "5"]
