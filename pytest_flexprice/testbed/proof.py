"""Proving which environment a key belongs to, before anything is written (checklist 1.1, contract 1.4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_flexprice.api import ApiError, Flexprice
from pytest_flexprice.model.finding import RequirementNotMet, not_verified
from pytest_flexprice.oracle.access import Belonging, wrong_environment
from pytest_flexprice.run.profile import Profile

#: What carries an environment id, the most likely first; meters do not, and a setting only once it was saved.
_CARRIERS = ("plans", "features", "prices", "customers", "subscriptions", "invoices")
_SETTINGS = ("subscription_config", "invoice_config")


def belonging(flexprice: Flexprice) -> Belonging:
    """Which environment the key belongs to, read from the first object that tells.

    Raises:
        NotVerified: nothing that the key can read tells.
        ApiError: the key may read nothing.
    """
    identifier, source = next(_tellers(flexprice), ("", ""))
    if not identifier:
        raise not_verified(
            "1.1",
            "environment",
            "nothing that the key can read carries an environment id, so the environment could not be proved",
            remedy="create a first feature or plan there, or save one setting",
        )
    try:
        rows = list(flexprice.list("/v1/environments"))
        if not rows:
            rows = (flexprice.get("/v1/environments") or {}).get("environments") or []
    except ApiError:
        return Belonging(identifier, source)
    own: dict[str, Any] = next((row for row in rows if row.get("id") == identifier), {})
    return Belonging(identifier, source, own.get("type"), own.get("name"))


def _tellers(flexprice: Flexprice) -> Iterator[tuple[str, str]]:
    for name in _CARRIERS:
        rows = flexprice.get(f"/v1/{name}", limit=1).get("items") or []
        if rows and rows[0].get("environment_id"):
            yield rows[0]["environment_id"], name
    for key in _SETTINGS:
        identifier = flexprice.get(f"/v1/settings/{key}").get("environment_id")
        if identifier:
            yield identifier, f"setting {key}"
    app: dict[str, Any] = flexprice.get("/v1/webhooks/dashboard") or {}
    _, _, identifier = str(app.get("app_id") or "").rpartition("_")
    if identifier and not str(app["app_id"]).startswith("app_"):
        yield identifier, "webhook application"


def prove_environment(flexprice: Flexprice, profile: Profile) -> Belonging:
    """Prove the environment and open the write guard; a mismatch closes it for the rest of the run.

    Raises:
        RequirementNotMet: the key belongs to another environment.
        NotVerified, ApiError: it could not be proved.
    """
    try:
        seen = belonging(flexprice)
    except Exception as error:
        flexprice.guard.blocked = f"the environment could not be proved ({str(error).rstrip('.')})"
        raise
    findings = wrong_environment(seen, profile.environment, profile.environment_header)
    if findings:
        flexprice.guard.blocked = findings[0].problem
        raise RequirementNotMet(findings)
    flexprice.guard.proved = True
    return seen
