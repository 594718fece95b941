"""Proving which environment a key belongs to, before anything is written (checklist 1.1, contract 1.4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_flexprice.api import ApiError, Flexprice, path_of
from pytest_flexprice.api.shapes import page_of
from pytest_flexprice.model.finding import RequirementNotMet, not_verified
from pytest_flexprice.model.profile import Profile
from pytest_flexprice.oracle.access import Belonging

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
        rows = list(flexprice.list("/v1/environments", rows="environments"))
    except ApiError:
        return Belonging(identifier, source)
    own: dict[str, Any] = next((row for row in rows if row.get("id") == identifier), {})
    return Belonging(identifier, source, own.get("type"), own.get("name"))


def _tellers(flexprice: Flexprice) -> Iterator[tuple[str, str]]:
    for name in _CARRIERS:
        rows = page_of(flexprice.get(path_of(name), limit=1), "items", f"GET /v1/{name}").rows
        if rows and rows[0].get("environment_id"):
            yield rows[0]["environment_id"], name
    for key in _SETTINGS:
        identifier = flexprice.get(path_of("settings", key)).get("environment_id")
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
        flexprice.guard.block(f"the environment could not be proved ({str(error).rstrip('.')})")
        raise
    findings = flexprice.guard.prove(seen, profile.environment, profile.environment_header)
    if findings:
        raise RequirementNotMet(findings)
    return seen
