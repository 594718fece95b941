"""Nothing a run made is lost track of: on success, on Ctrl-C, when killed, and when Flexprice will not let go."""

from __future__ import annotations

import json
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer
from pytest_flexprice.emulator.seeding.seed import Seeder
from pytest_flexprice.rehearsal.demo import PLAN as DEMO_PLAN
from pytest_flexprice.testbed.waiting import Eventually
from tests.suite import Outcome, begin, rehearse, run

SMOKE = ("--flexprice-env=prod", "--flexprice-level=smoke", "-m", "smoke", "-k", "not webhook", "-p", "no:randomly")


class Site:
    """A company with a plan and a Flexprice of its own."""

    def __init__(self, folder: Path, lag: float | None) -> None:
        self.folder = folder
        self.server = FlexpriceServer(EmulatorOptions(lag=lag)).start()
        shutil.copytree(DEMO_PLAN.parent / "golive", folder / "golive")
        seeder = Seeder(self.server)
        _, self.key = seeder.key("billing")
        seeder.catalog(json.loads((folder / "golive" / "catalog.json").read_text()))
        seeder.customers([{"external_id": "acct_1", "name": "Real", "plan": "nimbus-pro"}])
        self.seeder = seeder
        plan = DEMO_PLAN.read_text().replace("env_01KNIMBVSPRODVCT10N0000000", seeder.seeded.environment)
        (folder / "golive.toml").write_text(plan.replace("https://us.api.flexprice.io", self.server.url))

    @property
    def environ(self) -> dict[str, str]:
        return {"FLEXPRICE_API_KEY": self.key}

    def run(self, *arguments: str) -> Outcome:
        return run(self.folder, *arguments, environ=self.environ)

    def ledger(self) -> str:
        return "".join(path.read_text() for path in self.folder.glob("evidence/prod/*/ledger-*.ndjson"))

    def test_customers(self) -> list[dict[str, Any]]:
        rows = self.seeder.call("GET", "/v1/customers?limit=1000")["items"]
        return [row for row in rows if row["external_id"].startswith("golive-")]

    def living_subscriptions(self) -> list[str]:
        rows = self.seeder.call("GET", "/v1/subscriptions?limit=1000")["items"]
        return [row["id"] for row in rows if (row.get("metadata") or {}).get("managed_by")]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    sites: list[Site] = []

    def make(lag: float | None = 0.05) -> Site:
        sites.append(Site(tmp_path, lag))
        return sites[-1]

    yield make
    for each in sites:
        each.server.stop()


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for a condition, with a deadline."""
    met, _ = Eventually().poll("the condition", condition, bool, seconds)
    assert met, "the condition was never met"


def test_a_smoke_run_takes_everything_away_again(site: Callable[..., Site]) -> None:
    company = site()
    outcome = company.run(*SMOKE)
    assert outcome.red == {}, outcome.output
    assert company.test_customers() == []
    assert company.living_subscriptions() == []
    invoices = company.seeder.call("GET", "/v1/invoices?limit=1000")["items"]
    ours = [row for row in invoices if row["customer_id"] != company.seeder.seeded.customers["acct_1"]]
    assert ours
    assert {row["invoice_status"] for row in ours} == {"VOIDED"}
    assert outcome.document["verdict"]["leftovers"] == []


def test_only_objects_of_the_run_are_written_to(site: Callable[..., Site]) -> None:
    company = site()
    before = company.seeder.call("GET", "/v1/customers/external/acct_1")
    outcome = company.run(*SMOKE)
    written = [
        row["path"]
        for row in map(json.loads, (outcome.folder / "exchanges.ndjson").read_text().splitlines())
        if row["method"] in ("PUT", "DELETE", "PATCH")
        or re.search(r"/(cancel|void|finalize|compute|terminate)$", row["path"])
    ]
    made = company.ledger()
    assert written
    for path in written:
        (identifier,) = re.findall(r"(?:cust|subs|inv|wallet)_[0-9A-Z]{26}", path)
        assert identifier in made, path
    assert company.seeder.call("GET", "/v1/customers/external/acct_1") == before


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "killed"])
def test_what_an_interrupted_run_made_is_swept(site: Callable[..., Site], stop: signal.Signals) -> None:
    company = site(lag=None)  # events never land, so the run waits in the middle of the ladder
    running = begin(company.folder, *SMOKE, environ=company.environ)
    until(lambda: '"subscription"' in company.ledger() and "subs_" in company.ledger())
    running.send(stop)
    running.ended(60)
    if stop is signal.SIGKILL:
        assert company.test_customers()
    else:
        assert company.test_customers() == []
    outcome = company.run("--flexprice-env=prod", "--flexprice-level=smoke", "--flexprice-sweep")
    assert outcome.code == 0, outcome.output
    assert company.test_customers() == []
    assert company.living_subscriptions() == []
    assert "0 objects left behind" in outcome.output


def test_customers_of_a_lost_run_are_swept_by_their_mark(site: Callable[..., Site]) -> None:
    company = site()
    mark = {"managed_by": "pytest-flexprice", "run_id": "lost"}
    for name, expires in (("old", "2026-01-01T00:00:00+00:00"), ("running", "2999-01-01T00:00:00+00:00")):
        body = {"external_id": f"golive-{name}", "name": name, "metadata": {**mark, "expires_at": expires}}
        company.seeder.call("POST", "/v1/customers", body)
    outcome = company.run("--flexprice-env=prod", "--flexprice-level=smoke", "--flexprice-sweep")
    assert [row["external_id"] for row in company.test_customers()] == ["golive-running"]
    assert outcome.code == 7, outcome.output
    assert re.search(
        r"LEFT BEHIND: customer cust_\w+ \('golive-running'\) of run lost .* from 2999-01-01", outcome.output
    )


def test_what_cannot_be_removed_is_told_with_its_id(tmp_path: Path) -> None:
    outcome = rehearse(tmp_path, "--flexprice-fault=F145")
    assert outcome.code == 7, outcome.output
    leftovers = outcome.document["verdict"]["leftovers"]
    assert any(re.search(r"subscription subs_[0-9A-Z]{26} is still there", sentence) for sentence in leftovers), (
        leftovers
    )
    assert "left behind" in outcome.output
