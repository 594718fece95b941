"""Who is cancelled because an invoice stays unpaid (contract 4.7)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ..kernel import settings
from ..kernel.jobs import job
from ..kernel.tables import Row
from ..kernel.world import World
from . import cancelling
from .rollover import active
from .scope import Work

LIMIT = 50
"""How many subscriptions one run cancels in an environment."""

_UNPAID = ("PENDING", "FAILED")


def counts(invoice: Row, grace_days: int, now: datetime) -> bool:
    """Whether an invoice is unpaid beyond its grace period, to the second."""
    return (
        invoice["invoice_type"] == "SUBSCRIPTION"
        and invoice["invoice_status"] == "FINALIZED"
        and _unpaid(invoice)
        and invoice["due_date"] is not None
        and now > invoice["due_date"] + timedelta(days=grace_days)
    )


def _unpaid(invoice: Row) -> bool:
    return invoice["payment_status"] in _UNPAID and bool(invoice["amount_remaining"] > 0)


def _enabled(world: World, environment: str) -> dict[str, Any] | None:
    row = settings.saved(world, "subscription_config", environment, "")
    return row["value"] if row is not None and row["value"].get("auto_cancellation_enabled") else None


def doomed(world: World, environment: str, now: datetime) -> list[Row]:
    """The subscriptions of an environment that a run at ``now`` cancels, newest first."""
    config = _enabled(world, environment)
    if config is None:
        return []
    grace = int(config["grace_period_days"])
    overdue = {
        row["subscription_id"]
        for row in world.table("invoices").find(environment, invoice_status="FINALIZED")
        if row["subscription_id"] and counts(row, grace, now)
    }
    rows = world.table("subscriptions").find(environment, subscription_status="active")
    found = [row for row in rows if row["id"] in overdue]
    return sorted(found, key=lambda row: (row["created_at"], row["id"]), reverse=True)[:LIMIT]


def _first(world: World) -> datetime | None:
    """The next due date plus grace of an unpaid invoice."""
    moments = []
    for owner in active(world):
        scope = Work.on(world, owner)
        config = _enabled(world, scope.environment)
        if config is not None:
            grace = timedelta(days=int(config["grace_period_days"]))
            rows = scope.find("invoices", subscription_id=owner["id"], invoice_status="FINALIZED")
            moments += [row["due_date"] + grace for row in rows if row["due_date"] is not None and _unpaid(row)]
    return min(moments, default=None)


@job(every=timedelta(minutes=15), name="auto-cancel", due=_first)
def cancel_unpaid(world: World, now: datetime) -> None:
    """Cancel the subscriptions whose invoice stayed unpaid; their running usage is never billed."""
    for environment in world.table("invoices").environments():
        for row in doomed(world, environment, now):
            scope = Work.on(world, row)
            cancelling.end_now(scope, row, scope.now, bill=False)
