"""A live company behind a hostile proxy: its customers, subscriptions and invoices must stay as they are whatever is answered."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pytest_flexprice.api import Flexprice, Transport, WriteGuard
from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer
from pytest_flexprice.emulator.seeding.seed import Seeder
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.golive_plan import Environment
from pytest_flexprice.oracle.access import Belonging
from pytest_flexprice.rehearsal.demo import PLAN as DEMO_PLAN
from pytest_flexprice.testbed.ledger import Ledger
from pytest_flexprice.testbed.waiting import Eventually
from tests.safety.proxy import HostileProxy
from tests.suite import TIMEOUT, Outcome, begin
from tests.warm import Running

STATUSES = ["active", "paused", "cancelled", "incomplete", "trialing", "draft"]
INVOICE_STATUSES = ["DRAFT", "FINALIZED", "SKIPPED", "VOIDED"]
REAL = ("acct_8450", "acct_8451", "golive-party")  # the last one is a customer's own idea of a name


class Company:
    """One Flexprice with a company in production, reached through the proxy."""

    def __init__(self, folder: Path, lag: float | None = 0.05) -> None:
        self.folder = folder
        self.server = FlexpriceServer(EmulatorOptions(lag=lag)).start()
        self.proxy = HostileProxy(self.server.url)
        shutil.copytree(DEMO_PLAN.parent / "golive", folder / "golive")
        self.seeder = Seeder(self.server)
        _, self.key = self.seeder.key("billing")
        self.seeder.catalog(json.loads((folder / "golive" / "catalog.json").read_text()))
        self.seeder.customers([{"external_id": name, "name": "Real", "plan": "nimbus-pro"} for name in REAL])
        for name in REAL[:2]:
            self._invoices(self.seeder.seeded.customers[name])
        plan = DEMO_PLAN.read_text().replace("env_01KNIMBVSPRODVCT10N0000000", self.environment)
        (folder / "golive.toml").write_text(plan.replace("https://us.api.flexprice.io", self.proxy.url))
        self.plan_id = self.seeder.seeded.plans["nimbus-pro"]
        self._foreign = {row["id"] for rows in self.state().values() for row in rows}

    def _invoices(self, customer: str) -> None:
        """A finalized invoice and a draft."""
        body = {"customer_id": customer, "currency": "usd", "invoice_type": "ONE_OFF", "subtotal": "10"}
        self.seeder.call("POST", "/v1/invoices", body)
        (subscription,) = self.seeder.call("POST", "/v1/subscriptions/search", {"customer_id": customer})["items"]
        self.seeder.call("POST", f"/v1/subscriptions/temporal/{subscription['id']}/draft-and-compute", {})
        drafts = {"subscription_id": subscription["id"], "invoice_status": ["DRAFT", "SKIPPED"]}
        found, _ = Eventually().poll(
            "the draft", lambda: self.seeder.call("POST", "/v1/invoices/search", drafts)["items"], bool, 30
        )
        assert found

    @property
    def environment(self) -> str:
        """The id of its environment."""
        return self.seeder.seeded.environment

    def stop(self) -> None:
        """Give everything back."""
        self.proxy.stop()
        self.server.stop()

    def client(self, ledger: Ledger, **bounds: Any) -> Flexprice:
        """A client behind the proxy, proved, that writes to what a ledger owns; ``bounds`` are those of ``Transport``."""
        guard = WriteGuard(Level.SMOKE, True, ledger.owns)
        declared = Environment(
            base_url="https://us.api.flexprice.io", environment_id=self.environment, type="production"
        )
        assert guard.prove(Belonging(self.environment, "plans", "production"), declared, "") == []
        return Flexprice(Transport(self.proxy.url, {"x-api-key": self.key}, **bounds), guard)

    def begin(self, *arguments: str, environ: Mapping[str, str] = MappingProxyType({})) -> Running:
        """Start pytest in the company's repository, as somebody with its key does."""
        level = ("--flexprice-env=prod", "--flexprice-level=smoke")
        return begin(self.folder, *level, *arguments, environ={"FLEXPRICE_API_KEY": self.key, **environ})

    def run(self, *arguments: str) -> Outcome:
        """Run it to its end."""
        return Outcome(*self.begin(*arguments).ended(TIMEOUT), self.folder / "evidence")

    def state(self) -> dict[str, list[dict[str, Any]]]:
        """Everything there is, past the proxy."""
        searches = {
            "customers": {"status": "published"},
            "subscriptions": {"subscription_status": STATUSES},
            "invoices": {"invoice_status": INVOICE_STATUSES},
        }
        return {
            name: self.seeder.call("POST", f"/v1/{name}/search", {**body, "limit": 1000})["items"]
            for name, body in searches.items()
        }

    def foreign(self) -> dict[str, Any]:
        """The company's own objects by id, as they are now."""
        rows = [row for rows in self.state().values() for row in rows]
        return {row["id"]: row for row in rows if row["id"] in self._foreign}

    def left(self) -> list[str]:
        """What is there, lives, and is none of the company's."""
        state = self.state()
        living = {
            *(row["id"] for row in state["customers"]),
            *(row["id"] for row in state["subscriptions"] if row["subscription_status"] != "cancelled"),
            *(row["id"] for row in state["invoices"] if row["invoice_status"] in ("DRAFT", "FINALIZED")),
        }
        return sorted(living - self._foreign)
