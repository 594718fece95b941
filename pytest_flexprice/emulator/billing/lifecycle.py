"""Everything that happens to subscriptions and invoices by itself; importing this registers the jobs and bodies."""

from __future__ import annotations

from . import autocancel, bodies, finalization, rollover, trials, workflows

__all__ = ["autocancel", "bodies", "finalization", "rollover", "trials", "workflows"]
