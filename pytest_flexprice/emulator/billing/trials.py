"""The end of a trial: the first paid period begins (contract 5.5, 6.4)."""

from __future__ import annotations

from datetime import timedelta

from ..kernel.due import at_moments
from ..kernel.tables import Row
from . import cancelling, config, drafts, invoices, periods
from .lines import Period
from .scope import Scope


def start_paying(scope: Scope, row: Row) -> None:
    """Let the first paid period of a subscription begin where its trial ends; a subscription that is to end then ends."""
    begin = row["trial_end"]
    planned = row["cancel_at"] if row["cancel_at_period_end"] else None
    if planned is not None and planned <= begin:
        cancelling.end_line_items(scope, row, planned)
        cancelling.finish(scope, row, planned, planned)
        return
    length = (row["billing_period"], row["billing_period_count"])
    end = periods.next_boundary(begin, begin, *length, config.zone(row["timezone"]))
    scope.touch(
        row,
        subscription_status="active",
        billing_anchor=begin,
        current_period_start=begin,
        current_period_end=end,
    )
    invoice = drafts.new_subscription_invoice(scope, row, "SUBSCRIPTION_TRIAL_END", Period(begin, end))
    invoices.close(scope, invoice)
    if invoice["invoice_status"] == "SKIPPED":
        scope.publish("subscription.activated", row)


end_trials = at_moments(
    every=timedelta(minutes=15),
    name="trial end",
    rows=lambda world: world.table("subscriptions").everywhere(subscription_status="trialing"),
    moment=lambda _scope, row: row["trial_end"],
)(lambda scope, row, _now: start_paying(scope, row))
"""Start the first paid period of every trial that is over, billing its advance fees at once."""
