"""Taking away what a run made, in the order that works, each read back (contract 8.1 step 11, recording cleanup).

Invoices are voided before any payment, subscriptions cancelled, wallets terminated, then the customer is deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from pytest_flexprice.api import ApiError, Flexprice, WriteRefused
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.testbed.customer import rfc3339
from pytest_flexprice.testbed.ledger import Entry, Ledger

#: Subscriptions without an invoice of their own leave nothing; these statuses still bill or may start to.
LIVING = ("active", "paused", "incomplete", "trialing", "draft")
UNVOIDED = ("DRAFT", "FINALIZED", "SKIPPED")


@dataclass(frozen=True)
class Leftover:
    """An object that could not be removed, and why."""

    kind: str
    key: str
    id: str
    reason: str

    @property
    def sentence(self) -> str:
        """What remains, as a person reads it."""
        return f"{self.kind} {self.id or self.key} is still there: {self.reason}"


def clean(flexprice: Flexprice, ledger: Ledger) -> list[Leftover]:
    """Remove everything open in a ledger; what remains is returned, never raised."""
    leftovers: list[Leftover] = []
    for entry in ledger.open("customer"):
        leftovers += _guarded(entry, partial(_adopt, flexprice, ledger, entry))
    for kind, remove in _REMOVERS:
        for entry in ledger.open(kind):
            found = _guarded(entry, partial(remove, flexprice, ledger, entry))
            leftovers += found
            if not found:
                ledger.gone(entry.kind, entry.key)
    return leftovers


def _guarded(entry: Entry, work: Callable[[], Iterable[str] | None]) -> list[Leftover]:
    try:
        return [Leftover(entry.kind, entry.key, entry.id, reason) for reason in work() or ()]
    except (ApiError, NotVerified, WriteRefused) as error:
        return [Leftover(entry.kind, entry.key, entry.id, str(error).rstrip("."))]


def _adopt(flexprice: Flexprice, ledger: Ledger, entry: Entry) -> None:
    """Enter whatever else hangs on a customer of this run: an interrupted run may not have noted it."""
    customer = flexprice.find(_by_external_id(entry.key))
    if customer is None:
        return
    ledger.created("customer", entry.key, customer["id"])
    for subscription in _subscriptions(flexprice, customer["id"]):
        _enter(ledger, "subscription", subscription["id"])
    for status in UNVOIDED:
        for invoice in flexprice.search(
            "/v1/invoices/search", {"customer_id": customer["id"], "invoice_status": [status], "skip_line_items": True}
        ):
            _enter(ledger, "invoice", invoice["id"])
    for wallet in flexprice.get(f"/v1/customers/{customer['id']}/wallets") or ():
        if wallet.get("wallet_status") == "active":
            _enter(ledger, "wallet", wallet["id"])


def _enter(ledger: Ledger, kind: str, identifier: str) -> None:
    if not any(entry.id == identifier for entry in ledger.open(kind)):
        ledger.intend(kind, identifier)
        ledger.created(kind, identifier, identifier)


def _subscriptions(flexprice: Flexprice, customer_id: str) -> Iterator[Any]:
    return flexprice.search("/v1/subscriptions/search", {"customer_id": customer_id, "subscription_status": [*LIVING]})


def _void(flexprice: Flexprice, ledger: Ledger, entry: Entry) -> Iterable[str]:
    if not entry.id:
        return
    flexprice.post(f"/v1/invoices/{entry.id}/void", {})
    status = flexprice.get(f"/v1/invoices/{entry.id}")["invoice_status"]
    if status != "VOIDED":
        yield f"voiding was accepted, but its status is {status}"


def _cancel(flexprice: Flexprice, ledger: Ledger, entry: Entry) -> Iterable[str]:
    if not entry.id:  # the create request never got an answer; the customer's own list was searched already
        return
    status = flexprice.get(f"/v1/subscriptions/{entry.id}")["subscription_status"]
    if status == "draft":
        flexprice.post(f"/v1/subscriptions/{entry.id}/activate", {"start_date": rfc3339(datetime.now(UTC))})
    if status != "cancelled":
        flexprice.post(f"/v1/subscriptions/{entry.id}/cancel", {"cancellation_type": "immediate"})
    status = flexprice.get(f"/v1/subscriptions/{entry.id}")["subscription_status"]
    if status != "cancelled":
        yield f"cancelling was accepted, but its status is {status}"


def _terminate(flexprice: Flexprice, ledger: Ledger, entry: Entry) -> Iterable[str]:
    flexprice.post(f"/v1/wallets/{entry.id}/terminate", {})
    return ()


def _delete(flexprice: Flexprice, ledger: Ledger, entry: Entry) -> Iterable[str]:
    customer = flexprice.find(_by_external_id(entry.key))
    if customer is None:
        return
    flexprice.delete(f"/v1/customers/{customer['id']}")
    if flexprice.find(_by_external_id(entry.key)) is not None:
        yield "deleting was accepted, but it can still be read"


def _by_external_id(external_id: str) -> str:
    return f"/v1/customers/external/{external_id}"


_REMOVERS: tuple[tuple[str, Callable[[Flexprice, Ledger, Entry], Iterable[str]]], ...] = (
    ("invoice", _void),
    ("subscription", _cancel),
    ("wallet", _terminate),
    ("customer", _delete),
)
