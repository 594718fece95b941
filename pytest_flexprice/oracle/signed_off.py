"""Where the signed-off catalog is: in a snapshot, or in another environment of the plan (checklist 2.1)."""

from __future__ import annotations

import re

from pytest_flexprice.evidence.finding import not_decided, not_verified
from pytest_flexprice.oracle.catalog import Catalog
from pytest_flexprice.oracle.catalog_json import SnapshotError, load
from pytest_flexprice.plan import Plan


def source(plan: Plan) -> str:
    """The file or environment that the plan names.

    Raises:
        NotDecided: the plan is silent.
    """
    if plan.catalog is None or not plan.catalog.signed_off:
        raise not_decided(
            "2.1",
            "golive.toml: catalog.signed_off",
            "the plan does not say which catalog was signed off",
            consequence="nobody can tell whether prices and meters are what was meant",
            remedy="write a snapshot with --flexprice-snapshot, review it, and name it as catalog.signed_off",
        )
    return plan.catalog.signed_off


def key_variable(environment: str) -> str:
    """The variable that holds the key of an environment to compare with, such as ``FLEXPRICE_SANDBOX_API_KEY``."""
    return f"FLEXPRICE_{re.sub(r'[^A-Za-z0-9]+', '_', environment).upper()}_API_KEY"


def snapshot(plan: Plan, name: str) -> Catalog:
    """The catalog in the snapshot of that name, relative to the plan.

    Raises:
        NotVerified: the file cannot be read or is no snapshot.
    """
    try:
        return load(plan.folder / name)
    except SnapshotError as error:
        raise not_verified("2.1", "golive.toml: catalog.signed_off", str(error)) from None
