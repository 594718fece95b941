"""Where the signed-off catalog is: in a snapshot, or in another environment of the plan (checklist 2.1)."""

from __future__ import annotations

import re

from pytest_flexprice.model.catalog_snapshot import SnapshotError
from pytest_flexprice.model.finding import Finding, Kind, NotVerified, not_decided, not_verified
from pytest_flexprice.model.golive_plan import GoLivePlan
from pytest_flexprice.oracle.catalog import canonical
from pytest_flexprice.oracle.catalog.objects import Catalog


def source(plan: GoLivePlan) -> str:
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


def no_key(environment: str) -> NotVerified:
    """The signed-off catalog is another environment, and nothing to read it with is there."""
    variable = key_variable(environment)
    return not_verified(
        "2.1",
        f"environments.{environment}",
        f"the signed-off catalog is environment '{environment}', but {variable} holds no key to read it with",
        remedy=f"set {variable}, or sign a snapshot off with --flexprice-snapshot",
    )


def sandboxes(plan: GoLivePlan, own: str) -> list[str]:
    """The environments, beside our own, that are not production: what is sold was tried there."""
    return [name for name, one in plan.environments.items() if name != own and not one.production]


def no_extras(plan: GoLivePlan, own: str) -> NotVerified:
    """Nothing says which addons, coupons, tax rates and settings were signed off."""
    variables = " or ".join(key_variable(name) for name in sandboxes(plan, own))
    return not_verified(
        "2.1",
        "golive.toml: catalog.signed_off",
        "the signed-off snapshot holds no addons, coupons, tax rates and settings",
        remedy="write it again with --flexprice-snapshot"
        + (f", or set {variables} to compare with" if variables else ""),
    )


def snapshot(plan: GoLivePlan, name: str) -> Catalog:
    """The catalog in the snapshot of that name, relative to the plan.

    Raises:
        NotVerified: the file cannot be read or is no snapshot.
    """
    try:
        return canonical.signed_off(name, plan.folder)
    except SnapshotError as error:
        raise NotVerified([_unusable(name, problem) for problem in error.problems]) from None


def _unusable(name: str, problem: str) -> Finding:
    return Finding("2.1", "golive.toml: catalog.signed_off", f"{name}: {problem}", kind=Kind.NOT_VERIFIED)
