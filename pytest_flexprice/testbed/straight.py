"""The straight way of taking a customer away: act on what this process made itself, then read back all of it in one request a kind.

What a run made it has seen in the answer that made it. One answer may name what is somebody else's, so that a second one must show all of
it before anything is done. Whatever is not as it must be is left to the careful way (``cleanup``), which reads each object by its id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from pytest_flexprice.api import ApiError, Flexprice, WriteRefused, path_of
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.testbed.belongings import LIVING, UNVOIDED, invoices_of, subscriptions_of
from pytest_flexprice.testbed.ledger import Entry, Ledger
from pytest_flexprice.testbed.ownership import Owner, owner_of, run_earliest
from pytest_flexprice.testbed.removal import REMOVALS

_SEARCHES: dict[str, Callable[[Flexprice, Owner], list[Mapping[str, Any]]]] = {
    "invoice": lambda flexprice, owner: invoices_of(flexprice, owner, (*UNVOIDED, "VOIDED")),
    "subscription": lambda flexprice, owner: subscriptions_of(flexprice, owner, (*LIVING, "cancelled")),
}
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
    owner = Owner(customer.id, customer.key, earliest=run_earliest(customer.key))
    try:
        if not (_shown_again(flexprice, ledger, owner, mine) and _emptied(flexprice, owner, mine)):
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


def _shown_again(flexprice: Flexprice, ledger: Ledger, owner: Owner, mine: list[Entry]) -> bool:
    """Whether everything is ours: what only the answer that made it said so far is looked for among what is that customer's.

    An invoice shows whose its subscription is as well.
    """
    for kind, search in _SEARCHES.items():
        if all(ledger.owns(entry.id) for entry in mine):
            return True
        rows = search(flexprice, owner)
        shown = {row.get(name) for row in rows for name in ("id", "subscription_id")}
        for entry in mine:
            if entry.id in shown:
                ledger.told(entry.kind, entry.key, entry.id, f"POST /v1/{kind}s/search")
    return all(ledger.owns(entry.id) for entry in mine)


def _emptied(flexprice: Flexprice, owner: Owner, mine: list[Entry]) -> bool:
    """Take all of it away; tells whether it is read back as gone.

    Of wallets the deletion says: a customer who has one is not deleted (contract 4.1).
    """
    for entry in mine:
        _act(flexprice, entry.kind, entry.id)
    rows = {kind: search(flexprice, owner) for kind, search in _SEARCHES.items()}
    shown = {row["id"] for each in rows.values() for row in each}
    gone = all(_gone(kind, row) for kind, each in rows.items() for row in each)
    return gone and all(entry.id in shown for entry in mine)


def _gone(kind: str, row: Mapping[str, Any]) -> bool:
    return REMOVALS[kind].gone(str(row.get(REMOVALS[kind].state) or ""))
