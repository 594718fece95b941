"""The faults of previews, drafts and cancels change what they should, and nothing else (checklist 5.3, 7.3)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from .conftest import Company

D = Decimal


@pytest.fixture
def used(company: Company) -> dict[str, Any]:
    """A subscription to a tiered price that used 15, five beyond the first tier."""
    tiers = [{"up_to": 10, "unit_amount": "1"}, {"up_to": None, "unit_amount": "0.5"}]
    company.price("0", billing_model="TIERED", tier_mode="SLAB", tiers=tiers)
    made = company.subscribe(company.now - timedelta(days=1))
    company.use(made["external_id"], 15, company.now - timedelta(hours=1))
    return made


def switch(company: Company, name: str) -> None:
    assert company.api.call("POST", "/_emulator/faults", {"on": [name]}).status_code == 200


def preview(company: Company, made: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = company.api.make("/v1/invoices/preview", {"subscription_id": made["id"]})
    return found


def draft(company: Company, made: dict[str, Any]) -> list[dict[str, Any]]:
    company.api.make(f"/v1/subscriptions/temporal/{made['id']}/draft-and-compute", {})
    return company.invoices(made, "DRAFT")


def test_the_healthy_preview(company: Company, used: dict[str, Any]) -> None:
    shown = preview(company, used)
    assert (shown["total"], shown["line_items"][0]["amount"]) == ("12.5", "12.5")


def test_a_line_is_missing_and_the_rest_adds_up(company: Company, used: dict[str, Any]) -> None:
    switch(company, "F106")
    shown = preview(company, used)
    assert (shown["total"], shown["line_items"]) == ("0", [])


@pytest.mark.parametrize(("name", "amount"), [("F107", "125"), ("F108", "12")])
def test_an_amount_is_wrong_and_the_total_follows(
    company: Company, used: dict[str, Any], name: str, amount: str
) -> None:
    switch(company, name)
    shown = preview(company, used)
    assert (shown["total"], shown["subtotal"], shown["line_items"][0]["amount"]) == (amount, amount, amount)
    assert shown["line_items"][0]["quantity"] == "15"


def test_the_total_does_not_follow(company: Company, used: dict[str, Any]) -> None:
    switch(company, "F110")
    shown = preview(company, used)
    assert D(shown["total"]) - D(shown["subtotal"]) == 1


def test_the_draft_never_appears(company: Company, used: dict[str, Any]) -> None:
    switch(company, "F134")
    assert draft(company, used) == []
    company.advance(minutes=5)
    assert company.invoices(used) == []


def test_the_draft_is_skipped_and_finalizing_says_success(company: Company, used: dict[str, Any]) -> None:
    switch(company, "F135")
    assert draft(company, used) == []
    skipped = company.invoices(used, "SKIPPED")[-1]
    assert skipped["billing_reason"] == "SUBSCRIPTION_CYCLE"
    answer = company.api.make(f"/v1/invoices/{skipped['id']}/finalize", {})
    assert answer == {"message": "invoice finalized successfully"}
    assert company.invoices(used) == []


def test_finalizing_does_nothing(company: Company, used: dict[str, Any]) -> None:
    switch(company, "F136")
    (made,) = draft(company, used)
    answer = company.api.make(f"/v1/invoices/{made['id']}/finalize", {})
    assert answer == {"message": "invoice finalized successfully"}
    assert company.api.get(f"/v1/invoices/{made['id']}")["invoice_status"] == "DRAFT"


def test_a_cancel_does_nothing_unless_it_bills(company: Company, used: dict[str, Any]) -> None:
    switch(company, "F145")
    path = f"/v1/subscriptions/{used['id']}/cancel"
    assert company.api.make(path, {"cancellation_type": "immediate"})["status"] == "cancelled"
    assert company.read(used)["subscription_status"] == "active"
    company.api.make(path, {"cancellation_type": "immediate", "cancel_immediately_inovice_policy": "generate_invoice"})
    assert company.read(used)["subscription_status"] == "cancelled"
