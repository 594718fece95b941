"""Where the signed-off catalog comes from, and what is said when it cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_flexprice.model.finding import NotDecided, NotVerified
from pytest_flexprice.model.golive_plan import CatalogTable, Company, Environment, GoLivePlan
from pytest_flexprice.oracle.catalog import signed_off

ENVIRONMENTS = {
    "prod": Environment(base_url="https://x", type="production"),
    "sandbox": Environment(base_url="https://x", type="development"),
    "local": Environment(base_url="http://127.0.0.1", type="production"),
}


def plan(tmp_path: Path, name: str | None = None) -> GoLivePlan:
    catalog = CatalogTable(signed_off=name) if name is not None else None
    return GoLivePlan(
        company=Company(name="Acme"), catalog=catalog, environments=ENVIRONMENTS, path=tmp_path / "golive.toml"
    )


@pytest.mark.parametrize("name", [None, ""])
def test_a_plan_that_is_silent_is_not_decided(tmp_path: Path, name: str | None) -> None:
    with pytest.raises(NotDecided, match="does not say which catalog was signed off"):
        signed_off.source(plan(tmp_path, name))


def test_a_snapshot_that_is_not_there_is_not_verified(tmp_path: Path) -> None:
    with pytest.raises(NotVerified, match="no such catalog snapshot"):
        signed_off.snapshot(plan(tmp_path, "golive/catalog.json"), "golive/catalog.json")


@pytest.mark.parametrize(
    ("name", "variable"),
    [("sandbox", "FLEXPRICE_SANDBOX_API_KEY"), ("eu-staging.2", "FLEXPRICE_EU_STAGING_2_API_KEY")],
)
def test_the_key_of_another_environment_has_a_variable_of_its_own(name: str, variable: str) -> None:
    assert signed_off.key_variable(name) == variable
    assert variable in str(signed_off.no_key(name))


def test_what_a_clone_leaves_behind_is_looked_for_in_sandboxes_only(tmp_path: Path) -> None:
    assert signed_off.sandboxes(plan(tmp_path), "prod") == ["sandbox"]
    assert "FLEXPRICE_SANDBOX_API_KEY" in str(signed_off.no_extras(plan(tmp_path), "prod"))
