"""Which webhooks each action sends, in which order (contract 6.4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pytest_flexprice.emulator.kernel.render import gotime

from .conftest import Company

DRAFTED_AND_FINALIZED = ["invoice.update", "invoice.update.finalized"]
ENDED = ["subscription.updated", "subscription.cancelled"]


@pytest.fixture
def billed(company: Company) -> Company:
    company.price("0.5")
    company.fee("49")
    return company


def cancel(company: Company, made: dict[str, Any], **body: Any) -> None:
    company.events()
    answer = company.api.call("POST", f"/v1/subscriptions/{made['id']}/cancel", body)
    assert answer.status_code == 200, answer.get_json()


def test_a_subscription_with_a_fee(billed: Company) -> None:
    billed.subscribe()
    assert billed.events()[-3:] == [*DRAFTED_AND_FINALIZED, "subscription.created"]


def test_a_subscription_with_usage_only(company: Company) -> None:
    company.price("0.5")
    company.subscribe()
    assert company.events()[-1:] == ["subscription.created"]
    assert "invoice.update" not in company.events()


def test_a_trial(billed: Company) -> None:
    billed.subscribe(trial_period_days=3)
    assert billed.events()[-4:] == [*DRAFTED_AND_FINALIZED, "invoice.update.payment", "subscription.created"]
    billed.subscribe(trial_period_days=3, collection_method="send_invoice")
    assert "invoice.update.payment" not in billed.events()


def test_a_draft_and_its_activation(billed: Company) -> None:
    made = billed.subscribe(subscription_status="draft")
    assert billed.events()[-1:] == ["subscription.draft.created"]
    billed.api.make(f"/v1/subscriptions/{made['id']}/activate", {"start_date": gotime(billed.now)})
    assert billed.events() == [*DRAFTED_AND_FINALIZED, "subscription.activated"]


def test_cancel_and_bill(billed: Company) -> None:
    made = billed.subscribe(billed.now - timedelta(hours=3))
    billed.use(made["external_id"], 3, billed.now - timedelta(hours=1))
    cancel(billed, made, cancellation_type="immediate", cancel_immediately_inovice_policy="generate_invoice")
    assert billed.events() == [*DRAFTED_AND_FINALIZED, *ENDED]


def test_cancel_and_bill_with_nothing_used(billed: Company) -> None:
    made = billed.subscribe(billed.now - timedelta(hours=3))
    cancel(billed, made, cancellation_type="immediate", cancel_immediately_inovice_policy="generate_invoice")
    assert billed.events() == ENDED


def test_a_plain_cancel_and_a_planned_one(billed: Company) -> None:
    cancel(billed, billed.subscribe(), cancellation_type="immediate")
    assert billed.events() == ENDED
    cancel(billed, billed.subscribe(), cancellation_type="end_of_period")
    assert billed.events() == ["subscription.updated"]


def test_a_cancelled_parent_is_announced_for_each_heir_too(billed: Company) -> None:
    heirs = {"external_customer_ids_to_inherit_subscription": [billed.customer(), billed.customer()]}
    cancel(billed, billed.subscribe(inheritance=heirs), cancellation_type="immediate")
    assert billed.events() == [*ENDED, "subscription.cancelled", "subscription.cancelled"]


def test_paying_by_hand_and_by_a_payment(billed: Company) -> None:
    invoice = billed.subscribe()["latest_invoice"]
    billed.events()
    payment = {
        "destination_type": "INVOICE",
        "destination_id": invoice["id"],
        "payment_method_type": "OFFLINE",
        "amount": "49",
        "currency": "usd",
        "process_payment": True,
    }
    billed.api.make("/v1/payments", payment)
    assert billed.events() == ["payment.created", "payment.pending", "payment.success"]
    other = billed.subscribe()["latest_invoice"]
    billed.events()
    billed.api.call("PUT", f"/v1/invoices/{other['id']}/payment", {"payment_status": "FAILED"})
    billed.api.make(f"/v1/invoices/{other['id']}/void", {})
    assert billed.events() == ["invoice.update.payment", "invoice.update.voided"]


def test_computing_and_editing_a_draft(company: Company) -> None:
    company.fee("9", "ARREAR")
    made = company.subscribe(company.now - timedelta(days=1))
    company.api.make(f"/v1/subscriptions/temporal/{made['id']}/draft-and-compute", {})
    draft = company.invoices(made, "DRAFT")[0]
    company.events()
    company.api.make(f"/v1/invoices/{draft['id']}/compute?sync=true", {})
    company.api.call("PUT", f"/v1/invoices/{draft['id']}", {"metadata": {"a": "b"}})
    assert company.events() == ["invoice.update", "invoice.update"]


def test_the_summary_tells_overdue_invoices_on_every_call(billed: Company) -> None:
    made = billed.subscribe(billed.now - timedelta(days=20), payment_terms="15 NET")
    billed.advance(days=30)
    open_ones = billed.invoices(made, "FINALIZED")
    assert len({invoice["due_date"] for invoice in open_ones}) == 1  # the first fee and the renewal are due together
    billed.events()
    for _ in range(2):
        billed.api.get(f"/v1/customers/{made['customer_id']}/invoices/summary")
        assert billed.events() == ["invoice.payment.overdue"] * len(open_ones)
