"""A first plan and a snapshot from an environment: they can be used at once, and nothing is overwritten."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_flexprice.api import Flexprice, Transport, WriteGuard
from pytest_flexprice.api.catalog import read_catalog
from pytest_flexprice.api.customers import read_customers, read_subscriptions
from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer
from pytest_flexprice.emulator.seeding.seed import Seeder
from pytest_flexprice.model import golive_plan as plans
from pytest_flexprice.model import plan_file
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.finding import NotVerified, Severity
from pytest_flexprice.oracle.catalog import canonical as catalog_json
from pytest_flexprice.oracle.catalog import diff as catalog_diff
from pytest_flexprice.oracle.catalog import event_names
from pytest_flexprice.oracle.customers import declared, subscriptions
from pytest_flexprice.oracle.customers import existing as customers
from pytest_flexprice.oracle.customers.register import Register
from pytest_flexprice.rehearsal import demo
from pytest_flexprice.tasks import left
from pytest_flexprice.tasks.init import first_plan
from pytest_flexprice.tasks.masking import masked
from pytest_flexprice.tasks.snapshot import write_snapshot
from pytest_flexprice.tasks.updating import otherwise, update

NOW = datetime.now(UTC)
EVENT = {
    "event_name": "model.completion",
    "event_id": "real-1",
    "external_customer_id": "acct_8412",
    "timestamp": NOW.isoformat().replace("+00:00", "Z"),
    "properties": {"tokens": 12, "email": "ann@acme.example", "model": "large", "seen_from": "192.0.2.7"},
}
DEMO = Path(demo.__file__).parent


def until(holds: Callable[[], object]) -> None:
    """Wait for what the server does by itself."""
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def flexprice() -> Iterator[Flexprice]:
    """A client for an embedded Flexprice that holds the demo company."""
    demo = plan_file.load(DEMO / "golive.toml")
    with FlexpriceServer(EmulatorOptions()) as server:
        seeder = Seeder(server)
        seeder.catalog(catalog_json.json.loads((DEMO / "golive/catalog.json").read_text(encoding="utf-8")))
        seeder.customers(
            {"external_id": row.external_id, **row.values} for row in declared.rows(demo.customers, demo.folder)
        )
        seeder.setting("subscription_config", {"grace_period_days": 21, "auto_cancellation_enabled": False})
        seeder.endpoint("https://billing.acme.example/flexprice", plans.CHECKLIST_EVENT_TYPES)
        seeder.call("POST", "/v1/events", EVENT)
        until(lambda: seeder.call("POST", "/v1/events/query", {})["events"])
        _, key = seeder.key("reader")
        client = Flexprice(Transport(server.url, {"x-api-key": key}), WriteGuard(Level.READ, production=True))
        yield client
        client.close()


@pytest.fixture
def profile(flexprice: Flexprice) -> SimpleNamespace:
    environment = plans.Environment(base_url=flexprice.base_url, type="development")
    return SimpleNamespace(
        name="sandbox",
        environment=environment,
        base_url=flexprice.base_url,
        environment_id="env_1",
        svix_url=flexprice.base_url,
        add_secret=lambda value: None,
    )


def test_the_first_plan_agrees_with_the_environment_it_was_written_from(
    flexprice: Flexprice, profile: SimpleNamespace, tmp_path: Path
) -> None:
    folder = tmp_path / "acme-billing"
    folder.mkdir()
    files = first_plan(flexprice, profile, folder).write(folder)
    assert [str(path.relative_to(folder)) for path in files] == [
        "golive.toml",
        "golive/customers.csv",
        "golive/catalog.json",
        "golive/samples/model.completion.ndjson",
    ]
    plan = plan_file.load(files[0])
    assert plan.company.name == "Acme Billing"
    assert plan.environments["sandbox"].test_plan == "nimbus-starter"
    assert plan.invoicing is not None
    assert (plan.invoicing.grace_period_days, plan.invoicing.auto_cancel, plan.invoicing.due_date_days) == (
        21,
        False,
        1,
    )
    assert (plan.invoicing.collection, plan.invoicing.decided_by) == ("send_invoice", None)
    assert plan.webhooks is not None
    assert plan.webhooks.endpoint == "https://billing.acme.example/flexprice"
    assert set(plan.webhooks.event_types) == set(plans.CHECKLIST_EVENT_TYPES)
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


def test_fractions_in_events_are_written_as_they_were_sent() -> None:
    sent = {"gb": Decimal("14.5"), "fine": Decimal("0.12345678901234567890"), "list": [Decimal("1.25")], "text": "7.5"}
    kept = masked({"event_name": "measured", "properties": sent})["properties"]
    assert json.dumps(kept) == '{"gb": 14.5, "fine": "0.12345678901234567890", "list": [1.25], "text": "7.5"}'


def test_samples_are_what_was_sent_without_what_tells_of_a_person(
    flexprice: Flexprice, profile: SimpleNamespace, tmp_path: Path
) -> None:
    first_plan(flexprice, profile, tmp_path).write(tmp_path)
    sample = json.loads((tmp_path / "golive/samples/model.completion.ndjson").read_text(encoding="utf-8"))
    assert sample["external_customer_id"] == "acct_8412"
    assert sample["properties"] == {"tokens": 12, "email": "masked", "model": "large", "seen_from": "masked"}


def test_what_is_left_is_numbered_with_its_items(
    flexprice: Flexprice, profile: SimpleNamespace, tmp_path: Path
) -> None:
    fresh = first_plan(flexprice, profile, tmp_path)
    decisions = left.left_to_decide(fresh)
    assert [line.split(". ")[0] for line in decisions] == [str(number) for number in range(1, len(decisions) + 1)]
    items = re.findall(r"\((\d\.\d)\)", "\n".join(decisions))
    assert items == ["1.3", "1.4", "3.1", "3.1", "5.1", "6.2", "7.4", "8.1", "8.2", "8.3", "8.4"]
    assert "'image.rendered'" in decisions[2]
    assert list(left.remarks(fresh)) == []


@pytest.mark.parametrize(("name", "kind"), [("sandbox", "production"), ("prod", "development")])
def test_a_name_that_says_something_else_than_the_key_is_said(
    flexprice: Flexprice, profile: SimpleNamespace, tmp_path: Path, name: str, kind: str
) -> None:
    profile.name, profile.environment = name, plans.Environment(base_url=flexprice.base_url, type=kind)
    fresh = first_plan(flexprice, profile, tmp_path)
    (remark,) = left.remarks(fresh)
    assert f"called '{name}', and the key belongs to a {kind} environment" in remark
    assert f'# environment = "{name}"' in fresh.toml


def test_an_existing_plan_is_added_to_with_its_comments_kept(
    flexprice: Flexprice, profile: SimpleNamespace, tmp_path: Path
) -> None:
    fresh = first_plan(flexprice, profile, tmp_path)
    mine = """# our plan
[company]
name = "Acme"  # not the folder's name

[customers]
file = "c.csv"

[invoicing]
grace_period_days = 14  # decided in May

[[events]]
name = "model.completion"
"""
    (tmp_path / "golive.toml").write_text(mine, encoding="utf-8")
    (tmp_path / "c.csv").write_text("External ID;plan\r\nacct_8412;nimbus-pro\r\n", encoding="utf-8", newline="")
    change = update(plan_file.load(tmp_path / "golive.toml"), fresh)
    assert (tmp_path / "golive.toml").read_text(encoding="utf-8") == mine
    assert "+[environments.sandbox]" in change.diff()
    assert not [line for line in change.diff().splitlines() if line.startswith("-") and not line.startswith("---")]
    change.write()
    text = (tmp_path / "golive.toml").read_text(encoding="utf-8")
    assert "# our plan" in text
    assert "grace_period_days = 14  # decided in May" in text
    plan = plan_file.load(tmp_path / "golive.toml")
    assert {event.name for event in plan.events} == {
        "model.completion",
        "image.rendered",
        "storage.measured",
        "user.active",
    }
    assert plan.invoicing is not None
    assert plan.invoicing.auto_cancel is False
    assert plan.webhooks is not None
    rows = {row.external_id: row.values for row in declared.rows(plan.customers, plan.folder)}
    assert len(rows) == len(fresh.found.customers)
    assert rows["acct_8420"] == {"plan": "nimbus-starter"}
    assert update(plan, fresh).files == {}


def test_what_was_decided_otherwise_is_said_and_not_changed(
    flexprice: Flexprice, profile: SimpleNamespace, tmp_path: Path
) -> None:
    fresh = first_plan(flexprice, profile, tmp_path)
    fresh.write(tmp_path)
    path, catalog = tmp_path / "golive.toml", tmp_path / "golive/catalog.json"
    assert list(otherwise(plan_file.load(path), fresh)) == []
    path.write_text(
        path.read_text(encoding="utf-8").replace("grace_period_days = 21", "grace_period_days = 15"), encoding="utf-8"
    )
    catalog.write_text(catalog.read_text(encoding="utf-8").replace('"49"', '"4900"'), encoding="utf-8")
    days, sold = otherwise(plan_file.load(path), fresh)
    assert days == "invoicing.grace_period_days is 15 in the plan and 21 in the environment (5.1)"
    assert sold.startswith("golive/catalog.json is another catalog than the environment's (2.1)")
    catalog.write_text("[[", encoding="utf-8")
    assert list(otherwise(plan_file.load(path), fresh)) == [days]


def test_nothing_is_overwritten(flexprice: Flexprice, profile: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "golive").mkdir()
    (tmp_path / "golive/catalog.json").write_text("mine", encoding="utf-8")
    with pytest.raises(NotVerified, match="not overwritten"):
        first_plan(flexprice, profile, tmp_path).write(tmp_path)
    assert (tmp_path / "golive/catalog.json").read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "golive.toml").exists()


def test_a_snapshot_is_the_same_bytes_each_time(flexprice: Flexprice, tmp_path: Path) -> None:
    digests = {write_snapshot(flexprice, tmp_path / name) for name in ("a/one.json", "two.json")}
    assert len(digests) == 1
    assert (tmp_path / "a/one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert catalog_json.sha256(catalog_json.load(tmp_path / "two.json")) in digests
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["two.json"]
