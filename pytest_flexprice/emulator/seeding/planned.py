"""Filling an emulator with what a plan declares: its catalog in both environments, its settings and customers in Production.

The rehearsal and the stand-alone server fill theirs here, by the same rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from pytest_flexprice.model import catalog_snapshot
from pytest_flexprice.model.declared_customers import Problem, declared, sentences
from pytest_flexprice.model.golive_plan import Environment, GoLivePlan, Invoicing
from pytest_flexprice.model.spoken import several
from pytest_flexprice.model.table_form import Unusable

from ..kernel.options import PRODUCTION, SANDBOX
from ..kernel.server import FlexpriceServer
from ..kernel.setting_defaults import DEFAULTS
from .made_up import made_up
from .seed import Seeder, SeedError


@dataclass(frozen=True)
class Planned:
    """The keys of a server that was filled from a plan, each pinned to its environment."""

    production_key: str
    sandbox_key: str


def why_made_up(plan: GoLivePlan) -> str:
    """Why the catalog of a plan cannot be read here, in a clause; "" where it can."""
    if plan.catalog is None:
        return "the plan names no signed-off catalog"
    name = plan.catalog.signed_off
    return f"the signed-off one is the live environment '{name}'" if name in plan.environments else ""


def catalog_of(plan: GoLivePlan, own: Environment | None = None) -> dict[str, Any]:
    """The signed-off catalog of a plan; one that is made up for the environment ``own`` where it cannot be read here.

    Raises:
        SeedError: it is a file that is no catalog, or the declared customers cannot be read.
    """
    if plan.catalog is None or why_made_up(plan):
        return made_up(plan, own, customers_of(plan))
    try:
        return catalog_snapshot.signed_off(plan.catalog.signed_off, plan.folder)
    except catalog_snapshot.SnapshotError as error:
        raise SeedError(str(error)) from None


def customers_of(plan: GoLivePlan) -> Iterator[dict[str, str]]:
    """The customers of a plan, declared ones first; each row says in ``where`` where it is written.

    Raises:
        SeedError: the customers file, or some of its cells, cannot be used; told after the rows that can, all at once.
    """
    if plan.customers is None:
        return
    problems: list[Problem] = []
    try:
        for row in declared(plan.customers, plan.folder):
            if isinstance(row, Problem):
                problems.append(row)
            elif row.external_id:  # a row of nobody is told by item 4.1
                yield {**row.values, "external_id": row.external_id, "name": row.name, "where": row.where}
    except Unusable as error:
        raise SeedError(f"the customers file {error}") from None
    if problems:
        raise SeedError(
            several([one for _, one in sentences(problems)], "cells of the declared customers cannot be used")
        )


def settings_of(invoicing: Invoicing | None, saved: Mapping[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    """The settings that a plan decides, by key; what it is silent about is never saved, as nobody reviewed it.

    ``saved`` are settings of the signed-off catalog, which is silent about deadlines.

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
        found["invoice_config"] = {**DEFAULTS["invoice_config"], **(saved or {}).get("invoice_config", {}), **given}
    return found


def fill(server: FlexpriceServer, plan: GoLivePlan, own: Environment | None = None) -> tuple[Seeder, Seeder]:
    """Seeders of both environments, Production with settings and both with the catalog; ``customers`` come when all else is there.

    ``own`` is the plan's environment that Production stands for.

    Raises:
        SeedError: the plan's files cannot be read, or the server refused something of them.
    """
    live, sandbox = Seeder(server, PRODUCTION), Seeder(server, SANDBOX)
    catalog = _both(plan, own)
    live.older_than(customers_of(plan))
    live.collection = (plan.invoicing.collection if plan.invoicing else None) or ""
    for seeder in (live, sandbox):
        try:
            seeder.catalog(catalog)
        except SeedError as error:
            name = "" if plan.catalog is None or why_made_up(plan) else f"{plan.catalog.signed_off}: "
            raise SeedError(f"{name}{error}") from None
    saved = (catalog.get("extras") or {}).get("settings")
    for key, value in settings_of(plan.invoicing, saved).items():
        live.setting(key, value)
    if _collects(plan):
        live.gateway()
    return live, sandbox


def _both(plan: GoLivePlan, own: Environment | None) -> dict[str, Any]:
    """The catalog, once the customers are known to be readable too: what is wrong in either file is told at once."""
    catalog: dict[str, Any] = {}
    problems: list[str] = []
    try:
        catalog = catalog_of(plan, own)
    except SeedError as error:
        problems.append(str(error))
    try:
        for _ in customers_of(plan):
            pass
    except SeedError as error:
        problems += [str(error)] if str(error) not in problems else []
    if problems:
        raise SeedError("; and ".join(problems))
    return catalog


def _collects(plan: GoLivePlan) -> bool:
    """Whether any invoices are collected automatically, for which a company has connected a gateway."""
    methods = (row.get("collection_method") for row in customers_of(plan))
    return "charge_automatically" in chain([plan.invoicing.collection if plan.invoicing else None], methods)


def seed_plan(server: FlexpriceServer, plan: GoLivePlan) -> Planned:
    """Fill both environments of a server. No webhook endpoint is registered: its address is a real one.

    Raises:
        SeedError: the server refused something of the plan.
    """
    name = next((name for name, one in plan.environments.items() if one.production), "")
    plan = plan.for_environment(name)
    live, sandbox = fill(server, plan, plan.environments.get(name))
    live.customers(customers_of(plan))
    return Planned(live.key("production")[1], sandbox.key("sandbox")[1])
