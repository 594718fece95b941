"""Sweeping: taking away what killed runs left behind, by their ledgers and by the marks on their customers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_flexprice.api import Flexprice
from pytest_flexprice.api.server_time import read_server_time
from pytest_flexprice.model.times import instant
from pytest_flexprice.testbed.alive import living
from pytest_flexprice.testbed.cleanup import Leftover, clean
from pytest_flexprice.testbed.customer import LIFETIME
from pytest_flexprice.testbed.ledger import Ledger
from pytest_flexprice.testbed.naming import is_marked

Clients = Callable[[Ledger], Flexprice]


@dataclass
class Swept:
    """What a sweep found.

    ``found`` are external ids of test customers that were taken away or tried; ``leftovers`` remain; ``waiting`` tells of marked
    customers that may not be swept yet, one sentence each; ``notes`` what was passed over, and why.
    """

    found: list[str] = field(default_factory=list)
    leftovers: list[Leftover] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def sweep(clients: Clients, reports: Path, own: Ledger, now: datetime, patience: float = 1.0) -> Swept:
    """Clean up after all runs of one environment whose evidence lies below ``reports``, then after marked customers.

    A run that is alive is left alone. A customer without a ledger is taken away only once its mark says that its run is over; until
    then it is told. ``clients`` gives a client that writes to what a ledger was shown to own.
    """
    swept = Swept()
    untouched: set[str] = set()
    for ledger in _readable(reports, own, swept):
        names = [entry.key for entry in ledger.open("customer")]
        alive = living(ledger.path.parent)
        if alive:
            untouched.update(names)
            swept.notes += [f"the run {ledger.path.parent.name} is alive and was not swept"] if names else []
            continue
        swept.found += names
        if ledger.open():
            swept.leftovers += clean(clients(ledger), ledger, patience)
            untouched.update(entry.key for entry in ledger.open("customer"))
        swept.notes += ledger.problems
    _sweep_marked(clients(own), own, untouched, swept, now)
    swept.leftovers += clean(clients(own), own, patience)
    swept.found, swept.notes = list(dict.fromkeys(swept.found)), list(dict.fromkeys(swept.notes))
    return swept


def _readable(reports: Path, own: Ledger, swept: Swept) -> list[Ledger]:
    found = []
    for path in sorted(reports.glob("*/ledger-*.ndjson")):
        if path == own.path:
            continue
        try:
            found.append(Ledger(path))
        except OSError as error:
            swept.notes.append(f"{path} cannot be read ({error.strerror}) and was passed over")
    return found


def _sweep_marked(flexprice: Flexprice, own: Ledger, untouched: set[str], swept: Swept, now: datetime) -> None:
    """Enter marked customers whose time is over, and tell of those whose time is not.

    Over by this machine's clock and by the server's: with one that is ahead, a run that is alive elsewhere would be taken away.
    """
    now = min(now, read_server_time(flexprice) or now)
    for customer in list(flexprice.list("/v1/customers")):
        external_id = str(customer.get("external_id", ""))
        if not is_marked(customer) or external_id in untouched:
            continue
        until = _expiry(customer)
        if until < now:
            own.intend("customer", external_id, role="abandoned")
            own.created("customer", external_id, str(customer.get("id", "")))
            swept.found.append(external_id)
        else:
            swept.waiting.append(
                f"customer {customer.get('id')} ('{external_id}') of run {customer['metadata'].get('run_id', 'unknown')} carries our "
                f"mark, and no ledger here knows it: it may be swept from {until:%Y-%m-%dT%H:%M:%SZ} on"
            )


def _expiry(customer: dict[str, Any]) -> datetime:
    """When a customer's run is over for certain: as its mark says, else some hours after it was made, else never."""
    metadata = customer["metadata"]
    for text, more in ((metadata.get("expires_at"), LIFETIME * 0), (customer.get("created_at"), LIFETIME)):
        try:
            return instant(str(text)) + more
        except (ValueError, AttributeError, OverflowError):
            continue
    return datetime.max.replace(tzinfo=UTC)
