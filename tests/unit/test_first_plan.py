"""A first plan and a snapshot from an environment: they can be used at once, and nothing is overwritten."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_flexprice.api import Flexprice, Transport, WriteGuard
from pytest_flexprice.api.catalog import read_catalog
from pytest_flexprice.api.customers import read_customers, read_subscriptions
from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer
from pytest_flexprice.emulator.seeding.seed import Seeder
from pytest_flexprice.model import golive_plan as plans
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.finding import NotVerified, Severity
from pytest_flexprice.oracle.catalog import canonical as catalog_json
from pytest_flexprice.oracle.catalog import diff as catalog_diff
from pytest_flexprice.oracle.catalog import event_names
from pytest_flexprice.oracle.customers import declared, subscriptions
from pytest_flexprice.oracle.customers import existing as customers
from pytest_flexprice.oracle.customers.register import Register
from pytest_flexprice.rehearsal import demo
from pytest_flexprice.tasks.init import write_first_plan
from pytest_flexprice.tasks.snapshot import write_snapshot

NOW = datetime.now(UTC)
DEMO = Path(demo.__file__).parent


@pytest.fixture(scope="module")
def flexprice() -> Iterator[Flexprice]:
    """A client for an embedded Flexprice that holds the demo company."""
    demo = plans.load(DEMO / "golive.toml")
    with FlexpriceServer(EmulatorOptions()) as server:
        seeder = Seeder(server)
        seeder.catalog(catalog_json.json.loads((DEMO / "golive/catalog.json").read_text(encoding="utf-8")))
        seeder.customers(
            {"external_id": row.external_id, **row.values} for row in declared.rows(demo.customers, demo.folder)
        )
        _, key = seeder.key("reader")
        client = Flexprice(Transport(server.url, {"x-api-key": key}), WriteGuard(Level.READ, production=True))
        yield client
        client.close()


@pytest.fixture
def profile(flexprice: Flexprice) -> SimpleNamespace:
    environment = plans.Environment(base_url=flexprice.base_url, type="development")
    return SimpleNamespace(name="sandbox", environment=environment, base_url=flexprice.base_url, environment_id="env_1")


def test_the_first_plan_agrees_with_the_environment_it_was_written_from(
    flexprice: Flexprice, profile: SimpleNamespace, tmp_path: Path
) -> None:
    folder = tmp_path / "acme-billing"
    folder.mkdir()
    files = write_first_plan(flexprice, profile, folder)
    assert [str(path.relative_to(folder)) for path in files] == [
        "golive.toml",
        "golive/customers.csv",
        "golive/catalog.json",
    ]
    plan = plans.load(files[0])
    assert plan.company.name == "Acme Billing"
    assert plan.environments["sandbox"].test_plan
    assert plan.invoicing is None
    present = read_catalog(flexprice, NOW)
    assert plan.catalog is not None
    snapshot = catalog_json.load(plan.folder / plan.catalog.signed_off)
    assert catalog_diff.compare(snapshot, present) == []
    assert event_names.metered(plan.events, present) == []
    with Register() as register:
        register.declare(declared.rows(plan.customers, plan.folder))
        register.add_customers(read_customers(flexprice))
        register.add_subscriptions(read_subscriptions(flexprice))
        told = [*customers.compare(register), *subscriptions.compare(register, present, NOW)]
    assert [one.finding.sentence for one in told if one.finding.severity is Severity.ERROR] == []
    assert declared.unknown_columns(declared.header(plan.customers, plan.folder), "customers") == []


def test_nothing_is_overwritten(flexprice: Flexprice, profile: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "golive").mkdir()
    (tmp_path / "golive/catalog.json").write_text("mine", encoding="utf-8")
    with pytest.raises(NotVerified, match="not overwritten"):
        write_first_plan(flexprice, profile, tmp_path)
    assert (tmp_path / "golive/catalog.json").read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "golive.toml").exists()


def test_a_snapshot_is_the_same_bytes_each_time(flexprice: Flexprice, tmp_path: Path) -> None:
    digests = {write_snapshot(flexprice, tmp_path / name) for name in ("a/one.json", "two.json")}
    assert len(digests) == 1
    assert (tmp_path / "a/one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert catalog_json.sha256(catalog_json.load(tmp_path / "two.json")) in digests
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["two.json"]
