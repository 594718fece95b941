"""Asynchronous work that a call starts and that is done a moment later (contract 5.5, 5.6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..kernel import errors
from ..kernel.jobs import job
from ..kernel.tables import Row
from ..kernel.world import World
from . import drafts, finalization, invoices
from .readings import Period
from .scope import Scope

DELAY = timedelta(milliseconds=500)
"""How long a started workflow takes (the real server: about a second)."""


@dataclass
class Queue:
    """Work to be done at its instant."""

    entries: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    count: int = 0

    def add(self, moment: datetime, action: Callable[[], None]) -> None:
        """Do ``action`` at ``moment``."""
        self.count += 1
        self.entries.append((moment, self.count, action))

    def first(self) -> datetime | None:
        """When there is something to do."""
        return min((moment for moment, _order, _action in self.entries), default=None)

    def take(self, now: datetime) -> list[Callable[[], None]]:
        """Remove and return what is due, in order."""
        due = sorted((entry for entry in self.entries if entry[0] <= now), key=lambda entry: entry[:2])
        self.entries = [entry for entry in self.entries if entry[0] > now]
        return [action for _moment, _order, action in due]


def _queue(world: World) -> Queue:
    return world.part("workflows", lambda _world: Queue())


@job(every=timedelta(), name="workflows", due=lambda world: _queue(world).first())
def run_workflows(world: World, now: datetime) -> None:
    """Do what started workflows have to do by now."""
    for action in _queue(world).take(now):
        action()


def later(scope: Scope, action: Callable[[], None]) -> None:
    """Do ``action`` a moment later, as a workflow of the server does."""
    if scope.world.options.jobs:
        _queue(scope.world).add(scope.now + DELAY, action)
    else:  # nobody would ever do it
        action()


def draft_current_period(scope: Scope, subscription_id: str) -> None:
    """Make and compute the draft of a subscription's running period, unless it has an invoice for it already."""

    def work() -> None:
        row = scope.need("subscriptions", subscription_id)
        period = Period.running(row)
        invoice = drafts.period_taken(scope, row, period)
        if invoice is None:
            invoice = drafts.new_subscription_invoice(scope, row, "SUBSCRIPTION_CYCLE", period)
        if invoice["invoice_status"] in ("DRAFT", "SKIPPED"):
            drafts.compute(scope, invoice)

    later(scope, work)


def compute_later(scope: Scope, invoice_id: str) -> None:
    """Compute a draft, if it still is one by then."""

    def work() -> None:
        row = scope.need("invoices", invoice_id)
        if row["invoice_status"] in ("DRAFT", "SKIPPED"):
            drafts.compute(scope, row)

    later(scope, work)


def finalize_when_due(scope: Scope, invoice_id: str) -> None:
    """Finalize a draft if the job would."""

    def work() -> None:
        row = scope.need("invoices", invoice_id)
        if finalization.is_due(scope, row):
            invoices.finalize(scope, row)

    later(scope, work)


def replace(scope: Scope, invoice: Row) -> None:
    """Make and compute, a moment later, a draft for the period of a voided invoice of a subscription.

    Raises :class:`errors.ApiError` for an invoice of another kind or status, and for one that was replaced already.
    """
    details = {"current_status": invoice["invoice_status"], "invoice_id": invoice["id"]}
    if invoice["invoice_status"] != "VOIDED" or invoice["invoice_type"] != "SUBSCRIPTION":
        raise errors.validation("Only voided subscription invoices can be recalculated", details)
    errors.refuse(invoice.get("recalculated_invoice_id"), "The invoice has been recalculated already", **details)
    subscription = scope.need("subscriptions", invoice["subscription_id"])
    period = Period(invoice["period_start"], invoice["period_end"])
    fresh = drafts.new_subscription_invoice(scope, subscription, invoice["billing_reason"], period)
    scope.touch(invoice, recalculated_invoice_id=fresh["id"])
    compute_later(scope, fresh["id"])
