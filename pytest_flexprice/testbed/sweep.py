"""Sweeping: taking away what killed runs left behind, by their ledgers and by the marks on their customers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_flexprice.api import Flexprice
from pytest_flexprice.model.times import instant
from pytest_flexprice.testbed.cleanup import Leftover, clean
from pytest_flexprice.testbed.ledger import Ledger, ledgers
from pytest_flexprice.testbed.naming import MARK, PREFIX


def sweep(flexprice: Flexprice, reports: Path, own: Ledger, now: datetime) -> tuple[list[str], list[Leftover]]:
    """Clean up after all runs of one environment whose evidence lies below ``reports``, then after marked customers.

    A customer without a ledger is taken away only once its mark says that its run is over. Returns the external ids of what was
    found, and what remains.
    """
    found: list[str] = []
    leftovers: list[Leftover] = []
    for ledger in [one for one in ledgers(reports) if one.path != own.path]:
        entries = ledger.open()
        if not entries:
            continue
        found += [entry.key for entry in entries if entry.kind == "customer"]
        flexprice.guard.owns = ledger.owns
        leftovers += clean(flexprice, ledger)
    for external_id in _abandoned(flexprice, now):
        own.intend("customer", external_id, role="abandoned")
        found.append(external_id)
    flexprice.guard.owns = own.owns
    return list(dict.fromkeys(found)), leftovers + clean(flexprice, own)


def _abandoned(flexprice: Flexprice, now: datetime) -> Iterator[str]:
    for customer in flexprice.list("/v1/customers"):
        if _is_abandoned(customer, now):
            yield customer["external_id"]


def _is_abandoned(customer: dict[str, Any], now: datetime) -> bool:
    metadata = customer.get("metadata") or {}
    marked = str(customer.get("external_id", "")).startswith(PREFIX) and metadata.get("managed_by") == MARK
    try:
        return marked and instant(metadata["expires_at"]) < now
    except (KeyError, ValueError):
        return False
