"""Credits of a subscription: its plan's, its own from the start, one more while it runs (contract 2.3, 11.2)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pytest_flexprice.emulator.kernel.render import gotime

from .conftest import BEGIN, Company

ONCE = {"name": "Gift", "credits": "5", "cadence": "ONETIME"}
MONTHLY = {"name": "Allowance", "credits": "3", "cadence": "RECURRING", "period": "MONTHLY", "period_count": 1}


@pytest.fixture(autouse=True)
def usage_price(company: Company) -> None:
    """A plan needs a price to be subscribed to."""
    company.price("0.5")


def balance(company: Company, made: dict[str, Any]) -> str | None:
    wallets = company.api.get(f"/v1/customers/{made['customer_id']}/wallets")
    return wallets[0]["credit_balance"] if wallets else None


def of_plan(company: Company) -> None:
    company.api.make("/v1/creditgrants", {**ONCE, "scope": "PLAN", "plan_id": company.plan})


def grant(company: Company, made: dict[str, Any], **fields: Any) -> tuple[int, Any]:
    body = {**ONCE, "scope": "SUBSCRIPTION", "subscription_id": made["id"], "start_date": gotime(company.now), **fields}
    answer = company.api.call("POST", "/v1/creditgrants", body)
    return answer.status_code, answer.get_json()


def test_a_subscription_gets_its_plans_credits(company: Company) -> None:
    of_plan(company)
    assert balance(company, company.subscribe()) == "5"
    shown = company.api.get(f"/v1/plans/{company.plan}?expand=credit_grants")
    assert len(shown.get("credit_grants") or company.api.get("/v1/creditgrants?scope=PLAN")["items"]) == 1


def test_its_own_credits_take_the_place_of_the_plans(company: Company) -> None:
    of_plan(company)
    own = [{**ONCE, "credits": "7", "scope": "SUBSCRIPTION"}]
    assert balance(company, company.subscribe(credit_grants=own)) == "7"
    assert balance(company, company.subscribe(credit_grants=[])) is None


def test_a_grant_of_a_running_subscription_is_paid_at_once(company: Company) -> None:
    made = company.subscribe()
    status, row = grant(company, made)
    assert (status, balance(company, made)) == (201, "5")
    listed = company.api.get(f"/v1/creditgrants?subscription_ids={made['id']}")["items"]
    assert [one["id"] for one in listed] == [row["id"]]


def test_a_recurring_grant_is_paid_month_by_month(company: Company) -> None:
    made = company.subscribe()
    assert grant(company, made, **MONTHLY)[0] == 201
    company.advance(days=70)
    assert balance(company, made) == "9"


def test_a_grant_that_begins_later_waits(company: Company) -> None:
    made = company.subscribe()
    grant(company, made, start_date=gotime(BEGIN + timedelta(days=10)))
    assert balance(company, made) is None
    company.advance(days=11)
    assert balance(company, made) == "5"


@pytest.mark.parametrize(
    "fields", [{"start_date": None}, {"start_date": gotime(BEGIN - timedelta(days=1))}, {"subscription_id": None}]
)
def test_a_grant_outside_of_the_subscription_is_refused(company: Company, fields: dict[str, Any]) -> None:
    made = company.subscribe()
    assert grant(company, made, **fields)[0] == 400
    assert balance(company, made) is None


def test_a_cancelled_subscription_gets_no_more(company: Company) -> None:
    made = company.subscribe()
    company.api.make(f"/v1/subscriptions/{made['id']}/cancel", {"cancellation_type": "immediate"})
    assert grant(company, made)[0] == 400


def spent_by(company: Company, made: dict[str, Any]) -> list[tuple[str, str]]:
    (wallet,) = company.api.get(f"/v1/customers/{made['customer_id']}/wallets")
    rows = company.api.get(f"/v1/wallets/{wallet['id']}/transactions?order=asc")["items"]
    return [(row["transaction_reason"], row["credit_amount"]) for row in rows]


@pytest.mark.parametrize(
    ("terms", "days"),
    [
        ({"expiration_type": "DURATION", "expiration_duration": 2, "expiration_duration_unit": "DAY"}, 2),
        ({"expiration_type": "BILLING_CYCLE"}, 31),
    ],
)
def test_credits_expire_when_their_time_is_over(company: Company, terms: dict[str, Any], days: int) -> None:
    company.api.make("/v1/creditgrants", {**ONCE, "scope": "PLAN", "plan_id": company.plan, **terms})
    made = company.subscribe()
    company.world.advance(timedelta(days=days) - timedelta(minutes=20))
    assert balance(company, made) == "5"
    company.world.advance(timedelta(minutes=40))
    assert balance(company, made) == "0"
    assert spent_by(company, made) == [("SUBSCRIPTION_CREDIT_GRANT", "5"), ("CREDIT_EXPIRED", "5")]


def test_what_goes_first_by_priority_does_not_expire(company: Company) -> None:
    made = company.subscribe()
    until = gotime(company.now + timedelta(days=40))
    wallet = company.api.make("/v1/wallets", {"customer_id": made["customer_id"], "currency": "usd"})["id"]
    top_up = {"transaction_reason": "FREE_CREDIT_GRANT"}
    company.api.make(f"/v1/wallets/{wallet}/top-up", {**top_up, "credits_to_add": "4"})
    company.api.make(
        f"/v1/wallets/{wallet}/top-up", {**top_up, "credits_to_add": "6", "priority": 1, "expiry_date_utc": until}
    )
    company.use(made["external_id"], 10, company.now)  # 5 usd
    company.world.advance(timedelta(days=41))
    assert spent_by(company, made)[2:] == [("INVOICE_PAYMENT", "5"), ("CREDIT_EXPIRED", "1")]
    assert balance(company, made) == "4"


def test_an_addon_brings_its_credits_and_takes_the_next_with_it(company: Company) -> None:
    addon = company.api.make("/v1/addons", {"name": "More", "lookup_key": "more"})["id"]
    price = {"entity_type": "ADDON", "entity_id": addon}
    company.fee("1", **price)
    company.api.make("/v1/creditgrants", {**MONTHLY, "scope": "ADDON", "addon_id": addon})
    assert len(company.api.get(f"/v1/addons/{addon}/creditgrants")["items"]) == 1
    made = company.subscribe()
    added = company.api.make("/v1/subscriptions/addon", {"subscription_id": made["id"], "addon_id": addon})
    assert balance(company, made) == "3"
    body = {"addon_association_id": added["id"]}
    assert company.api.call("DELETE", "/v1/subscriptions/addon", body).status_code == 200
    company.world.advance(timedelta(days=80))
    assert [amount for reason, amount in spent_by(company, made) if reason == "SUBSCRIPTION_CREDIT_GRANT"] == ["3"]
