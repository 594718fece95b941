"""The 42 recorded cases of the auto-cancel job, and what is said when it is off."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pytest_flexprice.model.subscriptions import Subscription
from pytest_flexprice.oracle.invoicing.auto_cancel import CancelPolicy, cancellations, overlooked

CASES = json.loads((Path(__file__).parents[1] / "vectors" / "auto_cancel_cases.json").read_text(encoding="utf-8"))[
    "cases"
]
NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)


def invoice(spec, subscription_id="subs_case"):
    due = NOW + timedelta(hours=spec["due_offset_hours"])
    return {
        "id": "inv_case",
        "subscription_id": subscription_id,
        "invoice_type": spec["type"],
        "invoice_status": spec["status"],
        "payment_status": spec["payment_status"],
        "amount_remaining": spec["amount_remaining"],
        "currency": "usd",
        "due_date": due.isoformat(),
    }


def cancelled_now(policy, subscriptions, invoices):
    """What a run of the job at that instant cancels."""
    return [one for one in cancellations(policy, subscriptions, invoices, NOW) if policy.acts and one.this_run]


def world(case):
    spec = case["subscription"]
    own = "subs_case" if spec.get("invoice_has_subscription_id", True) else ""
    subscriptions = [Subscription("subs_case", spec["status"], created_at=datetime(2026, 10, 1, tzinfo=UTC))]
    invoices = [invoice(each, own) for each in [case["invoice"], *case.get("other_invoices", [])]]
    for newer in range(spec.get("rank_newest_first", 1) - 1):
        subscriptions.append(
            Subscription(f"subs_{newer}", "active", created_at=datetime(2026, 10, 2, 0, 0, newer, tzinfo=UTC))
        )
        invoices.append(invoice({**case["invoice"]}, f"subs_{newer}"))
    return subscriptions, invoices


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_case(case):
    settings = case["settings"]
    policy = CancelPolicy(settings["grace_period_days"], settings["auto_cancellation_enabled"], settings["saved"])
    subscriptions, invoices = world(case)
    found = {each.subscription.id for each in cancelled_now(policy, subscriptions, invoices)}
    assert ("subs_case" in found) is case["cancelled"]


def test_there_are_all_cases():
    assert len(CASES) == 42


def test_says_who_would_be_cancelled_although_the_switch_is_off():
    subscriptions = [Subscription("subs_1", "active", external_customer_id="acme")]
    unpaid = {
        **invoice(
            {
                "type": "SUBSCRIPTION",
                "status": "FINALIZED",
                "payment_status": "PENDING",
                "amount_remaining": "49",
                "due_offset_hours": -80,
            },
            "subs_1",
        ),
        "invoice_number": "INV-7",
    }
    off = CancelPolicy(3, enabled=False)
    assert cancelled_now(off, subscriptions, [unpaid]) == []
    (one,) = cancellations(off, subscriptions, [unpaid], NOW)
    assert one.due
    assert one.at == NOW - timedelta(hours=8)
    assert one.sentence == (
        "subscription subs_1 of acme: invoice INV-7 over 49 usd was due 19 November 2026, cancelled since 22 November 2026"
    )


def test_the_earliest_unpaid_invoice_decides():
    spec = {"type": "SUBSCRIPTION", "status": "FINALIZED", "payment_status": "FAILED", "amount_remaining": "1"}
    invoices = [invoice({**spec, "due_offset_hours": hours}, "subs_1") for hours in (24, -12, 48)]
    (one,) = cancellations(CancelPolicy(1, True), [Subscription("subs_1", "active")], invoices, NOW)
    assert (one.at, one.due) == (NOW + timedelta(hours=12), False)


def test_policy_that_was_never_saved_does_not_act():
    setting = {"id": "", "value": {"grace_period_days": 3, "auto_cancellation_enabled": True}}
    assert not CancelPolicy.from_api(setting).acts
    assert CancelPolicy.from_api({**setting, "id": "setting_1"}).acts


ALONE = {"type": "ONE_OFF", "status": "FINALIZED", "payment_status": "PENDING", "amount_remaining": "12.50"}


def overdue(**changes):
    spec = {**ALONE, "due_offset_hours": -24 * 15, **changes}
    return [finding.sentence for finding in overlooked(CancelPolicy(14, False), [invoice(spec)], NOW)]


def test_an_old_unpaid_invoice_of_no_billing_period_is_told_as_nothing_acts_on_it():
    (said,) = overdue()
    assert "inv_case over 12.5 usd, due 7 November 2026" in said
    assert "auto-cancel looks at invoices of subscriptions only" in said
    assert overdue(type="CREDIT")


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "SUBSCRIPTION"},
        {"status": "VOIDED"},
        {"payment_status": "SUCCEEDED"},
        {"amount_remaining": "0"},
        {"due_offset_hours": -24 * 14},
    ],
)
def test_what_is_paid_void_in_time_or_of_a_subscription_is_not_overlooked(changes):
    assert overdue(**changes) == []
