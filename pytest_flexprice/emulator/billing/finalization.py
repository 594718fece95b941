"""Drafts on their way by themselves: computed a quarter of an hour after the period, finalized after the delay
(contract 5.5)."""

from __future__ import annotations

from datetime import datetime, timedelta
from zlib import crc32

from ..kernel.jobs import job
from ..kernel.tables import Row
from ..kernel.world import World
from . import config, drafts, invoices
from .scope import Scope, Work

_LEAST_WAIT = timedelta(minutes=15)
_SPREAD_SECONDS = 300


def compute_time(invoice_id: str, made: datetime) -> datetime:
    """When the draft of a finished period is computed: 15 to 20 minutes after it was made, by its id."""
    return made + _LEAST_WAIT + timedelta(seconds=crc32(invoice_id.encode()) % _SPREAD_SECONDS)


def _drafts(world: World) -> list[Row]:
    return world.table("invoices").everywhere(invoice_status="DRAFT")


def _first_computing(world: World) -> datetime | None:
    return min((row["_compute_at"] for row in _drafts(world) if row["_compute_at"]), default=None)


@job(every=timedelta(), name="compute drafts", due=_first_computing)
def compute_drafts(world: World, now: datetime) -> None:
    """Compute the drafts of finished periods whose time has come."""
    for row in _drafts(world):
        if row["_compute_at"] and row["_compute_at"] <= now:
            drafts.compute(Work.on(world, row), row)


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


def _first_finalization(world: World) -> datetime | None:
    moments = (due_at(Work.on(world, row), row) for row in _drafts(world))
    return min((moment for moment in moments if moment is not None), default=None)


@job(every=timedelta(minutes=30), name="finalize drafts", due=_first_finalization)
def finalize_drafts(world: World, now: datetime) -> None:
    """Finalize the computed drafts whose delay is over."""
    for row in _drafts(world):
        scope = Work.on(world, row)
        moment = due_at(scope, row)
        if moment is not None and moment <= now:
            invoices.finalize(scope, row)
