"""A fresh emulator without lag, called in this process, and what tests of metering need on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from werkzeug.test import Client

from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer
from pytest_flexprice.emulator.kernel.world import World

from ..billing_case import Api, rfc3339

SANDBOX = "00000000-0000-0000-0000-000000000000"
Options = Callable[..., "Bench"]


class Bench:
    """An emulator with a customer ``acme`` who is subscribed to a plan since three UTC midnights."""

    def __init__(self, **options: Any) -> None:
        self.server = FlexpriceServer(EmulatorOptions(**{"lag": 0, "jobs": False, **options}))
        self.client = Client(self.server.application())
        self.headers = {"x-api-key": self.server.api_key, "x-environment-id": SANDBOX}
        self.api = Api(self.client, self.server.api_key, SANDBOX)
        now = datetime.now(UTC)
        self.day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        self.start = self.day - timedelta(days=3)
        self.customer = self.api("POST", "/v1/customers", {"external_id": "acme", "name": "Acme"})["id"]
        self.plan = self.api("POST", "/v1/plans", {"name": "Pro", "lookup_key": "pro"})["id"]

    @property
    def world(self) -> World:
        """The emulator's state."""
        return self.server.world

    def meter(
        self, name: str = "call", kind: str = "SUM", *, filters: Any = (), priced: bool = True, **aggregation: Any
    ) -> str:
        """A meter with a feature and, unless told otherwise, a price of the plan; its id."""
        if kind != "COUNT" and "expression" not in aggregation:
            aggregation.setdefault("field", "n")
        body = {
            "name": name,
            "event_name": name,
            "reset_usage": "BILLING_PERIOD",
            "aggregation": {"type": kind, **aggregation},
            "filters": list(filters),
        }
        meter: str = self.api("POST", "/v1/meters", body)["id"]
        self.api("POST", "/v1/features", {"name": f"{name} {meter}", "type": "metered", "meter_id": meter})
        if priced:
            self.price(meter)
        return meter

    def price(self, meter: str, amount: str = "0.25") -> str:
        """A flat usage price of the plan."""
        body = {
            "entity_type": "PLAN",
            "entity_id": self.plan,
            "type": "USAGE",
            "meter_id": meter,
            "currency": "usd",
            "amount": amount,
            "billing_model": "FLAT_FEE",
            "billing_period": "MONTHLY",
            "billing_period_count": 1,
            "invoice_cadence": "ARREAR",
            "start_date": rfc3339(self.start - timedelta(days=7)),
        }
        return str(self.api("POST", "/v1/prices", body)["id"])

    def subscribe(self, start: datetime | None = None, **more: Any) -> str:
        """A monthly subscription of the customer."""
        body = {
            "customer_id": self.customer,
            "plan_id": self.plan,
            "currency": "usd",
            "billing_period": "MONTHLY",
            "billing_cycle": "anniversary",
            "start_date": rfc3339(start or self.start),
            **more,
        }
        return str(self.api("POST", "/v1/subscriptions", body)["id"])

    def send(self, identifier: str, at: float | datetime = 3600, name: str = "call", /, **properties: Any) -> None:
        """One event of ``acme``, ``at`` seconds after the start of the subscription."""
        moment = at if isinstance(at, datetime) else self.start + timedelta(seconds=at)
        body = {
            "event_name": name,
            "external_customer_id": "acme",
            "event_id": identifier,
            "timestamp": rfc3339(moment),
            "properties": properties,
        }
        self.api("POST", "/v1/events", body)

    def usage(self, meter: str, kind: str = "SUM", customer: str = "acme", **more: Any) -> tuple[str, int]:
        """Total and event count by ``meter-usage/query``, over the whole subscription unless told otherwise."""
        body = {
            "external_customer_id": customer,
            "meter_id": meter,
            "start_time": rfc3339(self.start),
            "end_time": rfc3339(self.day + timedelta(days=2)),
            "aggregation_type": kind,
            **more,
        }
        answer = self.api("POST", "/v1/meter-usage/query", body)
        return answer["total_value"], answer["event_count"]

    def lookup(self, identifier: str) -> dict[str, Any]:
        """The debugger's answer."""
        found: dict[str, Any] = self.api("GET", "/v1/events/lookup", id=identifier)
        return found


@pytest.fixture
def make() -> Options:
    """Makes an emulator with options."""
    return Bench


@pytest.fixture
def bench() -> Bench:
    """An emulator without lag."""
    return Bench()
