"""Credit notes: less to pay of an open invoice, something back of a paid one."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Company


@pytest.fixture
def invoice(company: Company) -> dict[str, Any]:
    """A finalized invoice of 10 usd."""
    company.fee("10")
    (found,) = company.invoices(company.subscribe())
    return found


def note(company: Company, invoice: dict[str, Any], amount: str, **fields: Any) -> tuple[int, Any]:
    line = {"invoice_line_item_id": invoice["line_items"][0]["id"], "amount": amount}
    body = {"invoice_id": invoice["id"], "reason": "BILLING_ERROR", "line_items": [line], **fields}
    answer = company.api.call("POST", "/v1/creditnotes", body)
    return answer.status_code, answer.get_json()


def read(company: Company, invoice: dict[str, Any], *names: str) -> list[Any]:
    found = company.api.get(f"/v1/invoices/{invoice['id']}")
    return [found[name] for name in names]


def finalize(company: Company, made: dict[str, Any]) -> Any:
    return company.api.make(f"/v1/creditnotes/{made['id']}/finalize", {})


def test_a_draft_changes_nothing_until_it_is_final(company: Company, invoice: dict[str, Any]) -> None:
    status, made = note(company, invoice, "4")
    assert (status, made["credit_note_status"], made["credit_note_type"]) == (201, "DRAFT", "ADJUSTMENT")
    assert read(company, invoice, "amount_due", "amount_remaining") == ["10", "10"]
    final = finalize(company, made)
    assert (final["credit_note_status"], final["total_amount"]) == ("FINALIZED", "4")
    assert read(company, invoice, "amount_due", "amount_remaining", "adjustment_amount") == ["6", "6", "4"]
    assert company.events()[-2:] == ["credit_note.created", "credit_note.updated"]


def test_what_is_taken_off_in_full_counts_as_paid(company: Company, invoice: dict[str, Any]) -> None:
    note(company, invoice, "10", process_credit_note=True)
    assert read(company, invoice, "amount_remaining", "payment_status") == ["0", "SUCCEEDED"]


def test_what_was_paid_goes_to_the_wallet(company: Company, invoice: dict[str, Any]) -> None:
    company.api.call("PUT", f"/v1/invoices/{invoice['id']}/payment", {"payment_status": "SUCCEEDED"})
    status, made = note(company, invoice, "3", process_credit_note=True)
    assert (status, made["credit_note_type"], made["refund_status"]) == (201, "REFUND", "SUCCEEDED")
    assert read(company, invoice, "refunded_amount", "payment_status") == ["3", "PARTIALLY_REFUNDED"]
    (wallet,) = company.api.get(f"/v1/customers/{invoice['customer_id']}/wallets")
    assert wallet["credit_balance"] == "3"
    company.api.make(f"/v1/invoices/{invoice['id']}/void", {})
    assert company.api.get(f"/v1/wallets/{wallet['id']}")["credit_balance"] == "10"


@pytest.mark.parametrize("fields", [{"reason": "WHIM"}, {"line_items": []}, {"invoice_id": ""}])
def test_a_note_that_cannot_be_meant_is_refused(
    company: Company, invoice: dict[str, Any], fields: dict[str, Any]
) -> None:
    assert note(company, invoice, "1", **fields)[0] == 400


@pytest.mark.parametrize("amount", ["0", "-1", "10.01"])
def test_no_more_than_was_billed_is_taken_off(company: Company, invoice: dict[str, Any], amount: str) -> None:
    assert note(company, invoice, amount)[0] == 400


def test_drafts_count_against_what_is_left(company: Company, invoice: dict[str, Any]) -> None:
    _status, made = note(company, invoice, "8")
    assert note(company, invoice, "3")[0] == 400
    assert company.api.make(f"/v1/creditnotes/{made['id']}/void", {})["credit_note_status"] == "VOIDED"
    assert note(company, invoice, "3")[0] == 201
    assert company.api.call("POST", f"/v1/creditnotes/{made['id']}/finalize", {}).status_code == 400
    assert len(company.api.get(f"/v1/creditnotes?invoice_id={invoice['id']}")["items"]) == 2
