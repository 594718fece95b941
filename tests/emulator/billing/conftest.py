"""A small company to bill: one plan with a usage price and, where wanted, a fee in advance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pytest_flexprice.emulator.kernel import hooks
from pytest_flexprice.emulator.kernel.render import gotime
from pytest_flexprice.emulator.kernel.world import World

from ..kernel.conftest import Api

BEGIN = datetime(2031, 3, 5, 9, 16, 1, tzinfo=UTC)
"""When every test begins: at a known place between the jobs' instants and month ends."""
LONG_AGO = "2020-01-01T00:00:00Z"


class Company:
    """Makes what is billed, and reads it back."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.world: World = api.server.world
        self.world.clock.shift(BEGIN - self.world.clock.now())
        self.told: list[tuple[str, str]] = []
        self._count = 0
        feature = {
            "name": "Calls",
            "type": "metered",
            "lookup_key": "calls",
            "meter": {
                "name": "Calls",
                "event_name": "call",
                "aggregation": {"type": "SUM", "field": "n"},
                "reset_usage": "BILLING_PERIOD",
            },
        }
        self.feature = api.make("/v1/features", feature)
        self.plan = api.make("/v1/plans", {"name": "Pro", "lookup_key": "pro"})["id"]

    @property
    def now(self) -> datetime:
        """The server's time."""
        return self.world.clock.now()

    def price(self, amount: str, **fields: Any) -> str:
        """A price of the plan, a monthly usage price unless ``fields`` say otherwise; returns its id."""
        body = {
            "entity_type": "PLAN",
            "entity_id": self.plan,
            "type": "USAGE",
            "meter_id": self.feature["meter_id"],
            "currency": "usd",
            "billing_period": "MONTHLY",
            "billing_period_count": 1,
            "billing_model": "FLAT_FEE",
            "invoice_cadence": "ARREAR",
            "amount": amount,
            "start_date": LONG_AGO,
            **fields,
        }
        if body["type"] == "FIXED":
            del body["meter_id"]
        made: str = self.api.make("/v1/prices", body)["id"]
        return made

    def fee(self, amount: str, cadence: str = "ADVANCE", **fields: Any) -> str:
        """A fixed price of the plan."""
        return self.price(amount, type="FIXED", invoice_cadence=cadence, **fields)

    def customer(self) -> str:
        """A new customer; returns its external id."""
        self._count += 1
        external_id = f"c{self._count}"
        self.api.make("/v1/customers", {"external_id": external_id, "name": external_id})
        return external_id

    def subscribe(self, start: datetime | None = None, **fields: Any) -> dict[str, Any]:
        """A new customer's subscription to the plan; ``external_id`` tells whose it is."""
        external_id = fields.pop("external_customer_id", None) or self.customer()
        body = {
            "external_customer_id": external_id,
            "plan_id": self.plan,
            "currency": "usd",
            "billing_period": "MONTHLY",
            **({"start_date": gotime(start)} if start else {}),
            **fields,
        }
        return {**self.api.make("/v1/subscriptions", body), "external_id": external_id}

    def use(self, external_id: str, quantity: float, at: datetime, name: str = "e") -> None:
        """One event."""
        self._count += 1
        event = {
            "event_name": "call",
            "external_customer_id": external_id,
            "event_id": f"{name}{self._count}",
            "timestamp": gotime(at),
            "properties": {"n": quantity},
        }
        self.api.make("/v1/events", event)

    def read(self, subscription: dict[str, Any]) -> dict[str, Any]:
        """The subscription as it is now."""
        answer: dict[str, Any] = self.api.get(f"/v1/subscriptions/{subscription['id']}")
        return answer

    def invoices(self, subscription: dict[str, Any], *statuses: str) -> list[dict[str, Any]]:
        """Its invoices of these statuses (all but SKIPPED by default), oldest first."""
        body: dict[str, Any] = {"subscription_id": subscription["id"], "order": "asc"}
        if statuses:
            body["invoice_status"] = list(statuses)
        found: list[dict[str, Any]] = self.api.make("/v1/invoices/search", body)["items"]
        return found

    def advance(self, **span: float) -> None:
        """Let time pass."""
        self.world.advance(timedelta(**span))

    def until(self, moment: datetime) -> None:
        """Let time pass up to ``moment``."""
        self.world.advance_to(moment)

    def events(self) -> list[str]:
        """What was published since the last look."""
        names = [name for name, _identifier in self.told]
        self.told.clear()
        return names

    def setting(self, key: str, value: dict[str, Any]) -> None:
        """Save a setting."""
        assert self.api.call("PUT", f"/v1/settings/{key}", {"value": value}).status_code == 200


@pytest.fixture
def company(monkeypatch: pytest.MonkeyPatch) -> Company:
    made = Company(Api(jobs=False, lag=0.0))

    def note(world: World, environment: str, name: str, kind: str, identifier: str) -> None:
        if world is made.world:
            made.told.append((name, identifier))

    monkeypatch.setattr(hooks, "SINKS", [*hooks.SINKS, note])
    return made
