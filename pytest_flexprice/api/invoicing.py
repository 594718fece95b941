"""Reading what decides about invoices, and what a preview bills (contract 4.6–4.8, 5.3, 5.4)."""

from __future__ import annotations

from typing import Any

from pytest_flexprice.api.client import Flexprice
from pytest_flexprice.api.paths import path_of
from pytest_flexprice.model.subscriptions import Subscription


def read_setting(flexprice: Flexprice, key: str) -> dict[str, Any]:
    """A setting; never saved ones have the id "" and Flexprice's defaults (contract 4.6)."""
    return dict(flexprice.get(path_of("settings", key)))


def read_active_subscriptions(flexprice: Flexprice) -> list[Subscription]:
    """Every active subscription with its customer, all pages."""
    body = {"subscription_status": ["active"], "expand": "customer"}
    return [Subscription.from_api(row) for row in flexprice.search("/v1/subscriptions/search", body)]


def read_unpaid_invoices(flexprice: Flexprice) -> list[dict[str, Any]]:
    """Every finalized invoice that waits for its payment, of whatever type, without lines, all pages."""
    body = {
        "invoice_status": ["FINALIZED"],
        "payment_status": ["PENDING", "FAILED"],
        "skip_line_items": True,
    }
    return list(flexprice.search("/v1/invoices/search", body))


def read_connections(flexprice: Flexprice) -> list[dict[str, Any]]:
    """The connected vendors, all pages; their list has a shape of its own (contract 1.10)."""
    return list(flexprice.list("/v1/connections", rows="connections"))
