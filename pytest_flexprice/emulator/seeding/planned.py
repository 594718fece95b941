"""Filling an emulator with what a plan declares: its catalog in both environments, its customers in Production."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_flexprice.model.golive_plan import GoLivePlan

from ..kernel.options import PRODUCTION, SANDBOX
from ..kernel.server import FlexpriceServer
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
    """The customers of a plan, declared ones first.

    Raises:
        SeedError: the customers file cannot be read.
    """
    if plan.customers is None:
        return
    yield from plan.customers.declared
    if plan.customers.file:
        path: Path = plan.folder / plan.customers.file
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise SeedError(f"customers.file = '{plan.customers.file}' cannot be read: {error}; correct it") from None
        yield from csv.DictReader(io.StringIO(text, newline=""))


def seed_plan(server: FlexpriceServer, plan: GoLivePlan) -> Planned:
    """Fill both environments of a server. No webhook endpoint is registered: its address is a real one.

    Raises:
        SeedError: the server refused something of the plan.
    """
    name = next((name for name, one in plan.environments.items() if one.production), "")
    plan = plan.for_environment(name)
    live, sandbox = Seeder(server, PRODUCTION), Seeder(server, SANDBOX)
    keys = Planned(live.key("production")[1], sandbox.key("sandbox")[1])
    catalog = catalog_of(plan)
    live.catalog(catalog)
    sandbox.catalog(catalog)
    if plan.invoicing and plan.invoicing.grace_period_days:
        value = {
            "grace_period_days": plan.invoicing.grace_period_days,
            "auto_cancellation_enabled": bool(plan.invoicing.auto_cancel),
        }
        live.setting("subscription_config", value)
    live.customers(customers_of(plan))
    return keys
