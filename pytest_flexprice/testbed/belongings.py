"""What belongs to a customer of a run, as Flexprice's lists show it: each row compared, none believed where one does not fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_flexprice.api import Flexprice, path_of
from pytest_flexprice.testbed.ownership import Owner, belonging

#: Statuses of subscriptions that still bill or may start to; the other one is ``cancelled``.
LIVING = ("active", "paused", "incomplete", "trialing", "draft")
UNVOIDED = ("DRAFT", "FINALIZED", "SKIPPED")

Rows = list[Mapping[str, Any]]


def invoices_of(flexprice: Flexprice, owner: Owner, statuses: Iterable[str] = UNVOIDED) -> Rows:
    """The customer's invoices in these statuses.

    Raises (all three):
        NotOurs: a row belongs to somebody else. ApiError, NotVerified: as the client.
    """
    body = {"customer_id": owner.id, "invoice_status": [*statuses], "skip_line_items": True}
    return belonging(flexprice.search("/v1/invoices/search", body), owner, "POST /v1/invoices/search")


def subscriptions_of(flexprice: Flexprice, owner: Owner, statuses: Iterable[str] = LIVING) -> Rows:
    """The customer's subscriptions in these statuses."""
    body = {"customer_id": owner.id, "subscription_status": [*statuses]}
    return belonging(flexprice.search("/v1/subscriptions/search", body), owner, "POST /v1/subscriptions/search")


def wallets_of(flexprice: Flexprice, owner: Owner) -> Rows:
    """The customer's active wallets."""
    path = path_of("customers", owner.id, "wallets")
    rows = [row for row in flexprice.array(path) if row.get("wallet_status") == "active"]
    return belonging(rows, owner, f"GET {path}")
