"""What has happened since subscriptions began that are older than their period: periods went by, and were paid for.

A backdated subscription is overdue at once in the real server (contract 4.7). A customers file names dates on which customers
really began, and they have paid since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..billing.rollover import roll_over
from ..billing.trials import end_trials
from ..kernel.tables import Row

if TYPE_CHECKING:
    from .seed import Seeder


def settle_past(seeder: Seeder) -> None:
    """Run the jobs that are due, take back the empty drafts of finished periods, and have paid what would be overdue."""
    world = seeder.world
    now = world.clock.now()
    with world.lock:
        end_trials(world, now)
        roll_over(world, now)
        rows = [row for row in world.table("invoices").all(seeder.environment) if row["subscription_id"]]
    for row in rows:
        if row["invoice_status"] == "DRAFT":
            seeder.call("POST", f"/v1/invoices/{row['id']}/void", {})
        elif _overdue(row, seeder):
            seeder.call("PUT", f"/v1/invoices/{row['id']}/payment", {"payment_status": "SUCCEEDED"})


def _overdue(row: Row, seeder: Seeder) -> bool:
    open_ = row["invoice_status"] == "FINALIZED" and row["amount_remaining"] > 0
    return bool(open_ and row["due_date"] and row["due_date"] <= seeder.world.clock.now())
