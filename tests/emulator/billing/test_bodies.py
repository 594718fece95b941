"""What webhooks say about invoices and subscriptions has the fields of real deliveries, in their order (contract 6.3)."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pytest_flexprice.emulator.billing.bodies import full_invoice, subscription_event
from pytest_flexprice.emulator.delivery.publishing import invoice_in_order
from pytest_flexprice.emulator.kernel.render import plain

from .conftest import Company

DELIVERIES = Path(__file__).parents[2] / "deliveries"


def delivered(name: str) -> dict[str, Any]:
    """The object of a real delivery."""
    recorded = json.loads((DELIVERIES / f"{name}.json").read_text())
    body = json.loads(recorded["request"]["body"])
    found: dict[str, Any] = body[recorded["event_type"].split(".", 1)[0]]
    return found


def fields(value: Any) -> Any:
    """The field names of an object and of what it holds, without their order."""
    if isinstance(value, dict):
        return {key: fields(item) for key, item in value.items() if key != "metadata"}
    return [fields(item) for item in value] if isinstance(value, list) else None


def order(value: dict[str, Any]) -> list[str]:
    return list(value)


@pytest.fixture
def one_off(company: Company) -> dict[str, Any]:
    external_id = company.customer()
    customer = company.api.get(f"/v1/customers/external/{external_id}")["id"]
    line = {"display_name": "Setup", "amount": "30", "quantity": "1"}
    body = {"customer_id": customer, "invoice_type": "ONE_OFF", "currency": "usd", "subtotal": "30",
            "billing_reason": "MANUAL", "line_items": [line]}  # fmt: skip
    made: dict[str, Any] = company.api.make("/v1/invoices", body)
    return made


def invoice(company: Company, made: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = plain(
        invoice_in_order(full_invoice(company.world, made["environment_id"], made["id"]) or {})
    )
    return found


def test_a_paid_one_off_invoice_in_the_order_of_the_native_sender(company: Company, one_off: dict[str, Any]) -> None:
    company.api.call("PUT", f"/v1/invoices/{one_off['id']}/payment", {"payment_status": "SUCCEEDED"})
    shown = invoice(company, one_off)
    for name in ("native.invoice.update.payment", "native.invoice.update.finalized"):
        real = delivered(name)
        assert fields(shown) == fields(real)
        assert order(shown) == order(real)
        assert order(shown["line_items"][0]) == order(real["line_items"][0])


def test_a_voided_invoice(company: Company, one_off: dict[str, Any]) -> None:
    company.api.make(f"/v1/invoices/{one_off['id']}/void", {})
    assert fields(invoice(company, one_off)) | {"due_date": None} == fields(delivered("invoice.update.voided"))


def test_an_invoice_with_its_whole_subscription(company: Company) -> None:
    company.price("0.25")
    made = company.subscribe(company.now - timedelta(days=3))
    company.use(made["external_id"], 9, company.now - timedelta(days=1))
    cancel = {"cancellation_type": "immediate", "cancel_immediately_inovice_policy": "generate_invoice"}
    company.api.make(f"/v1/subscriptions/{made['id']}/cancel", cancel)
    found = company.invoices(made)[0]
    real = delivered("usage.invoice.update.finalized")
    assert fields(invoice(company, found)) == fields(real)
    assert plain(full_invoice(company.world, made["environment_id"], found["id"]))["line_items"][0]["amount"] == "2.25"


@pytest.mark.parametrize("name", ["created", "updated", "cancelled"])
def test_a_subscription_in_short(company: Company, name: str) -> None:
    company.price("0.25")
    made = company.subscribe(company.now - timedelta(days=3))
    real = delivered(f"native.subscription.{name}")
    if "cancelled_at" in real:
        company.api.make(f"/v1/subscriptions/{made['id']}/cancel", {"cancellation_type": "immediate"})
    shown = plain(subscription_event(company.world, made["environment_id"], made["id"]))
    assert order(shown) == order(real)
    assert order(shown["customer"]) == order(real["customer"])


def test_there_is_no_body_of_what_is_not_there(company: Company) -> None:
    assert full_invoice(company.world, company.api.environment, "inv_none") is None
    assert subscription_event(company.world, company.api.environment, "subs_none") is None
