"""Planned cancellations: taken back, refused, and what a cancelled fee leaves to its payer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pytest_flexprice.emulator.kernel.render import gotime

from .conftest import BEGIN, Company

START = BEGIN - timedelta(days=4)


def cancel(company: Company, made: dict[str, Any], kind: str, **fields: Any) -> tuple[int, Any]:
    body = {"cancellation_type": kind, **fields}
    answer = company.api.call("POST", f"/v1/subscriptions/{made['id']}/cancel", body)
    return answer.status_code, answer.get_json()


@pytest.mark.parametrize("kind", ["end_of_period", "scheduled_date"])
def test_a_planned_cancellation_is_taken_back(company: Company, kind: str) -> None:
    company.price("1")
    made = company.subscribe(START)
    before = company.read(made)
    moment = {"cancel_at": gotime(BEGIN + timedelta(days=3, hours=1))} if kind == "scheduled_date" else {}
    assert cancel(company, made, kind, **moment)[0] == 200
    listed = company.api.get(f"/v1/subscriptions/{made['id']}/schedules")
    schedule = listed["schedules"][0]
    assert (listed["count"], schedule["status"], schedule["can_be_cancelled"]) == (1, "pending", True)
    assert company.api.get(f"/v1/subscriptions/schedules/{schedule['id']}") == schedule
    assert cancel(company, made, kind, **moment)[0] == 400
    path = f"/v1/subscriptions/schedules/{schedule['id']}/cancel"
    assert company.api.call("POST", path, {}).get_json()["status"] == "cancelled"
    after = company.read(made)
    kept = (
        "subscription_status",
        "cancel_at",
        "cancel_at_period_end",
        "cancelled_at",
        "end_date",
        "current_period_end",
    )
    assert [after.get(name) for name in kept] == [before.get(name) for name in kept]
    again = company.api.call("POST", path, {})
    assert (again.status_code, list(again.get_json())) == (400, ["error"])
    assert cancel(company, made, kind, **moment)[0] == 200
    named = {"subscription_id": made["id"], "schedule_type": "cancellation"}
    assert company.api.call("POST", "/v1/subscriptions/schedules/cancel", named).status_code == 200


def test_an_unknown_schedule_is_no_envelope(company: Company) -> None:
    answer = company.api.call("GET", "/v1/subscriptions/schedules/sched_none")
    assert (answer.status_code, answer.get_json()) == (404, {"error": "Schedule not found"})
    assert company.api.get("/v1/subscriptions/subs_none/schedules") == {"schedules": [], "count": 0}


def test_nothing_is_cancelled_before_its_period(company: Company) -> None:
    company.price("1")
    made = company.subscribe(START)
    status, answer = cancel(company, made, "immediate", cancel_at=gotime(START))
    assert (status, answer["details"]["cancel_at"]) == (400, gotime(START.replace(microsecond=0)))
    assert cancel(company, made, "immediate", cancel_at=gotime(START + timedelta(seconds=1)))[0] == 200


def test_the_rest_of_a_fee_goes_to_a_wallet(company: Company) -> None:
    company.price("31", type="FIXED", meter_id="", invoice_cadence="ADVANCE")
    made = company.subscribe(START)
    status, answer = cancel(company, made, "immediate", proration_behavior="create_prorations")
    wallets = company.api.get(f"/v1/customers/{made['customer_id']}/wallets")
    assert (status, [wallet["balance"] for wallet in wallets]) == (200, [answer["total_credit_amount"]])
    other = company.subscribe(START)
    cancel(company, other, "immediate", proration_behavior="whatever")
    assert company.api.get(f"/v1/customers/{other['customer_id']}/wallets") == []


def test_a_payment_becomes_what_it_may(company: Company) -> None:
    company.price("31", type="FIXED", meter_id="", invoice_cadence="ADVANCE")
    invoice = company.subscribe(START)["latest_invoice"]["id"]
    body = {"destination_type": "INVOICE", "destination_id": invoice, "amount": "5", "currency": "usd"}
    made = company.api.make("/v1/payments", {**body, "payment_method_type": "OFFLINE"})
    path = f"/v1/payments/{made['id']}"
    assert company.api.call("DELETE", path).status_code == 400
    refused = company.api.call("PUT", path, {"payment_status": "REFUNDED"}).get_json()["details"]
    assert refused["allowed_statuses"][:2] == ["PENDING", "PROCESSING"]
    failed = {"payment_status": "FAILED", "error_message": "no funds"}
    assert company.api.call("PUT", path, failed).get_json()["error_message"] == "no funds"
    assert company.api.call("DELETE", path).status_code == 200
    assert company.api.get("/v1/payments")["items"] == []
