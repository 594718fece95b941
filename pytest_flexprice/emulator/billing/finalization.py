"""Drafts on their way by themselves: computed a quarter of an hour after the period, finalized after the delay
(contract 5.5)."""

from __future__ import annotations

from datetime import datetime, timedelta
from zlib import crc32

from ..kernel.due import at_moments
from ..kernel.tables import Row
from ..kernel.world import World
from . import config, drafts, invoices
from .scope import Scope

_LEAST_WAIT = timedelta(minutes=15)
_SPREAD_SECONDS = 300


def compute_time(invoice_id: str, made: datetime) -> datetime:
    """When the draft of a finished period is computed: 15 to 20 minutes after it was made, by its id."""
    return made + _LEAST_WAIT + timedelta(seconds=crc32(invoice_id.encode()) % _SPREAD_SECONDS)


def _drafts(world: World) -> list[Row]:
    return world.table("invoices").everywhere(invoice_status="DRAFT")


compute_drafts = at_moments(
    every=timedelta(), name="compute drafts", rows=_drafts, moment=lambda _scope, row: row["_compute_at"]
)(lambda scope, row, _now: drafts.compute(scope, row))
"""Compute the drafts of finished periods whose time has come."""


def due_at(scope: Scope, row: Row) -> datetime | None:
    """When the job may finalize a draft; ``None``: never, as it was not computed, or before its period's end."""
    computed = row["last_computed_at"]
    if row["invoice_status"] != "DRAFT" or computed is None or row["invoice_type"] != "SUBSCRIPTION":
        return None
    if row["period_end"] is None or computed < row["period_end"]:
        return None
    moment: datetime = computed + config.finalization_delay(scope)
    return moment


def is_due(scope: Scope, row: Row) -> bool:
    """Whether the job would finalize a draft now."""
    moment = due_at(scope, row)
    return moment is not None and moment <= scope.now


finalize_drafts = at_moments(every=timedelta(minutes=30), name="finalize drafts", rows=_drafts, moment=due_at)(
    lambda scope, row, _now: invoices.finalize(scope, row)
)
"""Finalize the computed drafts whose delay is over."""
