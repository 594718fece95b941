"""Filling an emulator with what a plan declares: its catalog in both environments, its settings and customers in Production.

The rehearsal and the stand-alone server fill theirs here, by the same rules.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pytest_flexprice.model.declared_customers import Problem, Unusable, declared
from pytest_flexprice.model.golive_plan import GoLivePlan, Invoicing

from ..kernel.options import PRODUCTION, SANDBOX
from ..kernel.server import FlexpriceServer
from ..kernel.setting_defaults import DEFAULTS
from .seed import Seeder, SeedError


@dataclass(frozen=True)
class Planned:
    """The keys of a server that was filled from a plan, each pinned to its environment."""

    production_key: str
    sandbox_key: str


def catalog_of(plan: GoLivePlan) -> dict[str, Any]:
    """The signed-off catalog of a plan, empty when the plan has none.

    Raises:
        SeedError: it is not a file with a catalog.
    """
    if plan.catalog is None:
        return {}
    name = plan.catalog.signed_off
    if name in plan.environments:
        raise SeedError(
            f"catalog.signed_off = '{name}' is a live environment; write a snapshot of it with --flexprice-snapshot and name that file"
        )
    try:
        found = json.loads((plan.folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SeedError(f"catalog.signed_off = '{name}' is not there; write it with --flexprice-snapshot") from None
    except (OSError, ValueError) as error:
        raise SeedError(f"catalog.signed_off = '{name}' is no catalog snapshot: {error}; write it again") from None
    if not isinstance(found, dict):
        raise SeedError(f"catalog.signed_off = '{name}' is no catalog snapshot: it holds no object")
    return found


def customers_of(plan: GoLivePlan) -> Iterator[dict[str, str]]:
    """The customers of a plan, declared ones first; each row says in ``where`` where it is written.

    Raises:
        SeedError: the customers file, or a cell of it, cannot be used.
    """
    if plan.customers is None:
        return
    try:
        for row in declared(plan.customers, plan.folder):
            if isinstance(row, Problem):
                raise SeedError(row.sentence)
            yield {**row.values, "external_id": row.external_id, "name": row.name, "where": row.where}
    except Unusable as error:
        raise SeedError(str(error)) from None


def settings_of(invoicing: Invoicing | None) -> dict[str, dict[str, Any]]:
    """The settings that a plan decides, by key; what it is silent about is never saved, as nobody reviewed it.

    Auto-cancel cannot be saved without a grace period (contract 4.6).
    """
    found: dict[str, dict[str, Any]] = {}
    if invoicing is None:
        return found
    if invoicing.grace_period_days:
        found["subscription_config"] = {
            "grace_period_days": invoicing.grace_period_days,
            "auto_cancellation_enabled": bool(invoicing.auto_cancel),
        }
    names = ("due_date_days", "finalization_delay_seconds")
    given = {name: getattr(invoicing, name) for name in names if getattr(invoicing, name) is not None}
    if given:
        found["invoice_config"] = {**DEFAULTS["invoice_config"], **given}
    return found


def fill(server: FlexpriceServer, plan: GoLivePlan) -> tuple[Seeder, Seeder]:
    """Seeders of both environments, Production with settings and both with the catalog; ``customers`` come when all else is there.

    Raises:
        SeedError: the plan's files cannot be read, or the server refused something of them.
    """
    live, sandbox = Seeder(server, PRODUCTION), Seeder(server, SANDBOX)
    catalog = catalog_of(plan)
    live.older_than(customers_of(plan))
    live.collection = (plan.invoicing.collection if plan.invoicing else None) or ""
    for seeder in (live, sandbox):
        seeder.catalog(catalog)
    for key, value in settings_of(plan.invoicing).items():
        live.setting(key, value)
    return live, sandbox


def seed_plan(server: FlexpriceServer, plan: GoLivePlan) -> Planned:
    """Fill both environments of a server. No webhook endpoint is registered: its address is a real one.

    Raises:
        SeedError: the server refused something of the plan.
    """
    name = next((name for name, one in plan.environments.items() if one.production), "")
    plan = plan.for_environment(name)
    live, sandbox = fill(server, plan)
    live.customers(customers_of(plan))
    return Planned(live.key("production")[1], sandbox.key("sandbox")[1])
