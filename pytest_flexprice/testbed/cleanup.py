"""Taking away what a run made, customer by customer, in the order that works, each read back (contract 8.1 step 11).

Invoices are voided before any payment, subscriptions cancelled, wallets terminated, invoices looked for once more, then the customer is
deleted. Nothing is acted on that Flexprice's own answer did not show to be ours (``ownership``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from pytest_flexprice.api import ApiError, Flexprice, WriteRefused, path_of
from pytest_flexprice.model.finding import NotVerified, not_verified
from pytest_flexprice.testbed.belongings import UNVOIDED, invoices_of, subscriptions_of, wallets_of
from pytest_flexprice.testbed.ledger import Entry, Ledger
from pytest_flexprice.testbed.ownership import Owner, owner_of
from pytest_flexprice.testbed.removal import read_own, remove
from pytest_flexprice.testbed.straight import taken_away

DRAFT_SETTLING = (
    30.0  # seconds from asking for a draft to its being there; about one in a quiet deployment (contract 5.6)
)
DRAFT_GIVEN_UP = 900.0  # seconds after which a draft that never came is looked for no more
CREATE_SETTLING = 3.0  # seconds until a customer whose answer was lost can be found
SHORTEST_SETTLING = 2.0
PAUSE = 0.25
_FAILURES = (ApiError, NotVerified, WriteRefused)


@dataclass(frozen=True)
class Leftover:
    """An object that could not be removed, and why; not ``known`` where it cannot even be told whether there is one."""

    kind: str
    key: str
    id: str
    reason: str
    known: bool = True

    @property
    def sentence(self) -> str:
        """What remains, as a person reads it."""
        if not self.known:
            return f"whether customer {self.id or self.key} still has a {self.kind} is not known: {self.reason}"
        return f"{self.kind} {self.id or self.key} is still there: {self.reason}"


@dataclass
class _Cleaner:
    """Takes one customer of a ledger away, with all that belongs to it."""

    flexprice: Flexprice
    ledger: Ledger
    entry: Entry
    patience: float
    pause: Callable[[float], None]
    leftovers: list[Leftover] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    """Invoices that an earlier search showed: a later one may not."""

    def clean(self) -> list[Leftover]:
        """Everything, in order; what remains is returned, never raised."""
        try:
            owner = self._owner()
        except _FAILURES as error:
            for kind in ("invoice", "subscription", "wallet"):
                self._left_as_known(kind, str(error))
            self._left("customer", self.entry.id, str(error), self.entry.key)
            return self.leftovers
        if owner is None:
            self._forget()
            return []
        if not self.entry.gone:
            self._note(self.ledger.created, "customer", self.entry.key, owner.id)
        self._await_drafts(owner)
        # Of a deleted customer wallets cannot be listed; it could not have been deleted while it had one (contract 4.1).
        wallet = ("wallet",) if owner.published else ()
        for kind in ("invoice", "subscription", *wallet, "invoice"):
            self._kind(kind, owner)
        if self.leftovers:
            self._left("customer", owner.id, "it is not deleted before what belongs to it is gone")
        else:
            self._remove(
                "customer", owner.id, self.entry.key, owner, {"status": "published"} if owner.published else None
            )
        return self.leftovers

    def _owner(self) -> Owner | None:
        """The customer as Flexprice shows it; None where the request that should have made it never did.

        Raises:
            NotOurs, ApiError, NotVerified: it cannot be proved which one it is.
        """
        entry = self.entry
        identifier = entry.id or self._found()
        if not identifier:
            return None
        path = path_of("customers", identifier)
        row = self.flexprice.find(path)
        if row is None:
            raise not_verified(
                "", path, "Flexprice does not know it by the id that it gave it, so it is not proved to be gone"
            )
        return owner_of(row, entry.key, f"GET {path}", identifier)

    def _found(self) -> str:
        """The id of a customer whose making was not answered; a list gives it, and a list alone is not believed."""
        rows = self._named()
        while not rows and self._left_of(self.entry, CREATE_SETTLING) > 0:
            self.pause(PAUSE)
            rows = self._named()
        return rows[0].id if rows else ""

    def _named(self) -> list[Owner]:
        where = "GET /v1/customers?external_id="
        rows = self.flexprice.list("/v1/customers", external_id=self.entry.key)
        return [owner_of(row, self.entry.key, where) for row in rows]

    def _await_drafts(self, owner: Owner) -> None:
        """Wait for invoices that a workflow was asked for: it may make them after everything else was taken away."""
        for draft in self._mine("draft"):
            while not self._appeared(draft, owner) and self._left_of(draft, DRAFT_SETTLING) > 0:
                self.pause(PAUSE)
            if not draft.gone and self._left_of(draft, DRAFT_GIVEN_UP) < 0:
                self._note(self.ledger.gone, "draft", draft.key)

    def _appeared(self, draft: Entry, owner: Owner) -> bool:
        try:
            rows = invoices_of(self.flexprice, owner, (*UNVOIDED, "VOIDED"))
        except _FAILURES:
            return True  # told where invoices are taken away
        self._seen.update(str(row["id"]) for row in rows if row.get("invoice_status") in UNVOIDED)
        found = any(row.get("subscription_id") == draft.key and _of_a_period(row) for row in rows)
        if found:
            self._note(self.ledger.gone, "draft", draft.key)
        return found

    def _left_of(self, entry: Entry, settling: float) -> float:
        return max(settling * self.patience, SHORTEST_SETTLING) - entry.age

    def _kind(self, kind: str, owner: Owner) -> None:
        """All objects of a kind that belong to the customer: those that Flexprice shows, and those that the ledger knows."""
        try:
            rows = _SEARCHES[kind](self.flexprice, owner)
        except _FAILURES as error:
            self._left_as_known(kind, str(error))
            if not self._mine(kind):
                self.leftovers.append(Leftover(kind, self.entry.key, owner.id, str(error).rstrip("."), known=False))
            return
        known = {entry.id: entry.key for entry in self._mine(kind) if entry.id}
        shown = {str(row["id"]): row for row in rows}
        for identifier in dict.fromkeys([*known, *shown, *(self._seen if kind == "invoice" else ())]):
            self._remove(kind, identifier, known.get(identifier, identifier), owner, shown.get(identifier))
        for entry in self._mine(kind):
            if not entry.id:  # its answer never came, and whatever it made was among the rows
                self._note(self.ledger.gone, kind, entry.key)

    def _remove(
        self, kind: str, identifier: str, key: str, owner: Owner, shown: Mapping[str, Any] | None = None
    ) -> None:
        """Take one object away. ``shown`` is its row in an answer, compared already; what is not ours yet is read by its id as well."""
        if any(each.id == identifier for each in self.leftovers):
            return
        try:
            read = self._adopt(kind, identifier, key, owner) or shown
            reason = remove(self.flexprice, kind, identifier, owner, read)
        except _FAILURES as error:
            reason = str(error)
        if reason:
            self._left(kind, identifier, reason, key)
        else:
            self._note(self.ledger.gone, kind, key)

    def _adopt(self, kind: str, identifier: str, key: str, owner: Owner) -> Mapping[str, Any] | None:
        """Enter an object once Flexprice's own answer about it says whose it is; only then may it be written to.

        Returns that answer; none where it was ours already.

        Raises:
            NotOurs: it is somebody else's.
        """
        if kind == "customer" or self.ledger.owns(identifier):
            return None
        row = read_own(self.flexprice, kind, identifier, owner)
        if self.ledger.entry(kind, key) is None:
            self._note(self.ledger.intend, kind, key, customer=self.entry.key)
        self._note(self.ledger.created, kind, key, identifier)
        return row

    def _mine(self, kind: str) -> list[Entry]:
        """The open entries of a kind that hang on this customer."""
        return [entry for entry in self.ledger.open(kind) if entry.about.get("customer") == self.entry.key]

    def _left_as_known(self, kind: str, reason: str) -> None:
        """Tell what the ledger knows of a kind, none of which was touched."""
        for entry in self._mine(kind):
            if not any((each.kind, each.key) == (kind, entry.key) for each in self.leftovers):
                self._left(kind, entry.id, reason, entry.key)

    def _left(self, kind: str, identifier: str, reason: str, key: str = "") -> None:
        self.leftovers.append(Leftover(kind, key or identifier, identifier, reason.rstrip(".")))

    def _forget(self) -> None:
        """There never was such a customer, so there is nothing that belongs to it."""
        for entry in [
            *(each for kind in ("draft", "invoice", "subscription", "wallet") for each in self._mine(kind)),
            self.entry,
        ]:
            self._note(self.ledger.gone, entry.kind, entry.key)

    @staticmethod
    def _note(write: Callable[..., None], *what: str, **about: str) -> None:
        """Write into the ledger; on a full disk clean-up goes on with what it has in mind."""
        with suppress(NotVerified):
            write(*what, **about)


_SEARCHES: dict[str, Callable[[Flexprice, Owner], list[Mapping[str, Any]]]] = {
    "invoice": invoices_of,
    "subscription": subscriptions_of,
    "wallet": wallets_of,
}


def clean(
    flexprice: Flexprice, ledger: Ledger, patience: float = 1.0, pause: Callable[[float], None] = time.sleep
) -> list[Leftover]:
    """Remove everything open in a ledger; what remains is returned, never raised. ``patience`` is a factor on all waiting."""
    leftovers: list[Leftover] = []
    for entry in _customers(ledger):
        if not taken_away(flexprice, ledger, entry):
            leftovers += _Cleaner(flexprice, ledger, entry, patience, pause).clean()
    told = {(each.kind, each.key) for each in leftovers}
    for entry in ledger.open():
        if (
            entry.kind not in ("draft", "customer")
            and (entry.kind, entry.key) not in told
            and not entry.about.get("customer")
        ):
            ledger.problems.append(
                f"{ledger.path} names the {entry.kind} '{entry.id or entry.key}' and no customer of a run that it belongs to: it is "
                "not proved to be ours and was passed over"
            )
    return leftovers


def _customers(ledger: Ledger) -> list[Entry]:
    """Customers to be taken away, and those that are gone but for an invoice that may have come after them."""
    late = [ledger.entry("customer", entry.about.get("customer", "")) for entry in ledger.open("draft")]
    found = [*ledger.open("customer"), *(entry for entry in late if entry is not None)]
    return list({entry.key: entry for entry in found}.values())


def _of_a_period(invoice: Mapping[str, Any]) -> bool:
    """Whether it is what a workflow makes; the opening invoice of an advance fee is none (contract 4.2)."""
    return invoice.get("billing_reason") in ("SUBSCRIPTION_CYCLE", "PRORATION")
