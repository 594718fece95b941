"""The straight way of taking a customer away: act on what this process made itself, then read back all of it in one request a kind.

What a run made it has seen in the answers that made it, so that nothing need be read before it is voided or cancelled. Everything is
read back all the same, and whatever is not as it must be is left to the careful way (``cleanup``), which reads before it acts.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pytest_flexprice.api import ApiError, Flexprice, WriteRefused, path_of
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.testbed.belongings import LIVING, UNVOIDED, invoices_of, subscriptions_of, wallets_of
from pytest_flexprice.testbed.ledger import Entry, Ledger
from pytest_flexprice.testbed.naming import run_of
from pytest_flexprice.testbed.ownership import Owner, owner_of
from pytest_flexprice.testbed.removal import REMOVALS

_FAILURES = (ApiError, NotVerified, WriteRefused)


def taken_away(flexprice: Flexprice, ledger: Ledger, customer: Entry) -> bool:
    """Take a customer away that this process made, with all that belongs to it; tells whether nothing of it is left.

    Where it says no, some of it may be gone, and nothing is noted as gone.
    """
    mine = [entry for entry in ledger.open() if entry.about.get("customer") == customer.key]
    if customer.gone or not all(entry.proved and entry.id for entry in (customer, *mine)):
        return False
    if any(entry.kind not in ("invoice", "subscription") for entry in mine):
        return False
    named = run_of(customer.key)
    owner = Owner(customer.id, customer.key, began=named and named[1])
    try:
        for entry in mine:
            _act(flexprice, entry.kind, entry.id)
        if not _nothing_left(flexprice, owner, mine):
            return False
        _act(flexprice, "customer", owner.id)
        path = path_of("customers", owner.id)
        row = flexprice.get(path)
        owner_of(row, customer.key, f"GET {path}", owner.id)
    except _FAILURES:
        return False
    if not _gone("customer", row):
        return False
    for entry in (*mine, customer):
        with suppress(NotVerified):  # on a full disk it is gone all the same
            ledger.gone(entry.kind, entry.key)
    return True


def _act(flexprice: Flexprice, kind: str, identifier: str) -> None:
    with suppress(ApiError):  # it may be gone already: what is read back says
        REMOVALS[kind].act(flexprice, identifier, "")


def _nothing_left(flexprice: Flexprice, owner: Owner, mine: list[Entry]) -> bool:
    rows: dict[str, list[Mapping[str, Any]]] = {
        "subscription": subscriptions_of(flexprice, owner, (*LIVING, "cancelled")),
        "invoice": invoices_of(flexprice, owner, (*UNVOIDED, "VOIDED")),
    }
    shown = {row["id"] for each in rows.values() for row in each}
    gone = all(_gone(kind, row) for kind, each in rows.items() for row in each)
    return gone and all(entry.id in shown for entry in mine) and not wallets_of(flexprice, owner)


def _gone(kind: str, row: Mapping[str, Any]) -> bool:
    return REMOVALS[kind].gone(str(row.get(REMOVALS[kind].state) or ""))
