"""Who the auto-cancel job ends: the 42 real cases, and what it leaves (contract 4.7)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pytest_flexprice.emulator.kernel.binding import instant
from pytest_flexprice.emulator.kernel.tables import Row

from .conftest import Company

CASES = json.loads((Path(__file__).parents[2] / "vectors" / "auto_cancel_cases.json").read_text())["cases"]
QUARTER = 900


def next_run(now: datetime) -> datetime:
    """The next quarter of an hour."""
    return datetime.fromtimestamp((now.timestamp() // QUARTER + 1) * QUARTER, UTC)


def shape(invoice: Row, wanted: dict[str, Any], run: datetime) -> None:
    """Make an invoice look like the one of a case."""
    total, left = Decimal(wanted["total"]), Decimal(wanted["amount_remaining"])
    invoice.update(
        invoice_type=wanted["type"],
        invoice_status=wanted["status"],
        payment_status=wanted["payment_status"],
        billing_reason=wanted["billing_reason"],
        total=total,
        amount_due=total,
        amount_paid=total - left,
        amount_remaining=left,
        due_date=run + timedelta(hours=wanted["due_offset_hours"]),
    )


def build(company: Company, case: dict[str, Any], run: datetime) -> Row:
    """A subscription with the case's invoices; its row."""
    made = company.subscribe(collection_method=case["subscription"]["collection_method"])
    tables = company.world.table
    row = tables("subscriptions").get(made["id"], made["environment_id"])
    invoice = tables("invoices").first(made["environment_id"], subscription_id=made["id"])
    assert row is not None
    assert invoice is not None
    for more in case.get("other_invoices", []):
        copy = tables("invoices").insert({**invoice, "id": company.world.new_id("inv")}, made["environment_id"])
        shape(copy, more, run)
    shape(invoice, case["invoice"], run)
    given = case["subscription"]
    row["subscription_status"] = given["status"]
    if not given.get("invoice_has_subscription_id", True):
        invoice["subscription_id"] = None
    if given.get("cancel_at_period_end"):
        row.update(cancel_at_period_end=True, cancel_at=row["current_period_end"])
    return row


def save(company: Company, settings: dict[str, Any]) -> None:
    """The case's settings."""
    if settings["saved"]:
        company.setting("subscription_config", {k: v for k, v in settings.items() if k != "saved"})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_real_case_ends_as_it_did(company: Company, case: dict[str, Any]) -> None:
    company.fee("49")
    run = next_run(company.now)
    save(company, case["settings"])
    overdue = case["subscription"].get("overdue_subscriptions_in_environment", 1)
    newer = case["subscription"].get("rank_newest_first", 1) - 1
    for _ in range(overdue - newer - 1):
        build(company, case, run)
    row = build(company, case, run)
    for _ in range(newer):
        build(company, case, run)
    before = row["subscription_status"]
    company.until(run)
    assert row["subscription_status"] == ("cancelled" if case["cancelled"] else before)


def test_all_real_cases_are_here() -> None:
    assert len(CASES) == 42


@pytest.fixture
def unpaid(company: Company) -> dict[str, Any]:
    """A subscription that started so long ago that its first invoice is overdue at once."""
    company.fee("49")
    company.setting("subscription_config", {"grace_period_days": 1, "auto_cancellation_enabled": True})
    return company.subscribe(company.now - timedelta(days=33, hours=1))


def test_only_the_missing_editor_tells_it_from_a_cancel_by_hand(company: Company, unpaid: dict[str, Any]) -> None:
    company.events()
    company.until(next_run(company.now) + timedelta(seconds=1))
    found = company.read(unpaid)
    assert found["subscription_status"] == "cancelled"
    assert found["updated_by"] == ""
    assert found["cancel_at"] == found["end_date"] == found["line_items"][0]["end_date"]
    assert instant(found["cancelled_at"]) - instant(found["cancel_at"]) < timedelta(seconds=1)
    assert found["metadata"] | {"effective_date": ""} == {
        "cancellation_type": "immediate",
        "cancellation_reason": "",
        "effective_date": "",
    }
    events = company.events()
    assert events[-2:] == ["subscription.updated", "subscription.cancelled"]


def test_the_finished_period_is_billed_afterwards_with_the_next_fee(company: Company) -> None:
    company.fee("49")
    company.price("0.5")
    company.setting("subscription_config", {"grace_period_days": 1, "auto_cancellation_enabled": True})
    start = company.now - timedelta(days=33, hours=1)
    made = company.subscribe(start)
    company.use(made["external_id"], 10, start + timedelta(days=2))
    company.until(next_run(company.now) + timedelta(minutes=30))
    assert company.read(made)["subscription_status"] == "cancelled"
    drafts = company.invoices(made, "DRAFT")
    assert [(draft["total"], draft["billing_reason"]) for draft in drafts] == [("54", "SUBSCRIPTION_CYCLE")]
    fee = next(line for line in drafts[0]["line_items"] if line["price_type"] == "FIXED")
    assert (fee["amount"], fee["period_end"]) == ("49", company.read(made)["end_date"])


def test_nothing_happens_before_a_setting_is_saved(company: Company) -> None:
    company.fee("49")
    made = company.subscribe(company.now - timedelta(days=40))
    company.advance(hours=1)
    assert company.read(made)["subscription_status"] == "active"
