"""A client whose answers are written in the test: rungs of the ladder are climbed in milliseconds, without a server."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pytest_flexprice.api import Flexprice
from pytest_flexprice.api.transport import Answer
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.golive_plan import Environment
from pytest_flexprice.model.meters import Aggregation, Event, Meter
from pytest_flexprice.model.profile import Profile
from pytest_flexprice.oracle.invoicing.subscription import BilledSubscription
from pytest_flexprice.testbed.bench import Bench
from pytest_flexprice.testbed.customer import Testbed, TestCustomer, TestSubscription, rfc3339
from pytest_flexprice.testbed.ledger import Ledger
from pytest_flexprice.testbed.sending import SendEvents, send_through_api
from pytest_flexprice.testbed.setting_up import Setup, TestPlan
from pytest_flexprice.testbed.waiting import Eventually
from tests.completed import completed

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RUN = "20261122T115000Z-0a1b2c3d"
CUSTOMER = TestCustomer("cust_1", f"golive-{RUN.lower()}-test-main", "Test")
METER = Meter("meter_1", "Calls", "api.call", Aggregation("SUM", "n"))
Reply = Callable[[dict[str, Any]], tuple[int, Any]] | tuple[int, Any]


class Scripted:
    """Stands for the transport: answers by method and path, the last of several answers again and again."""

    base_url = "https://flexprice.example"

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, Any]] = []
        self._replies: dict[tuple[str, str], list[Reply]] = {}

    def on(self, method: str, path: str, *replies: Reply) -> None:
        """Answer a request so: ``(status, body)``, or a function of the request's body or query that tells them."""
        self._replies[method, path] = list(replies)

    def send(self, method: str, path: str, **request: Any) -> Answer:
        """Answer one request; what nobody wrote an answer for is a mistake of the test."""
        asked = request.get("body") or request.get("query") or {}
        self.sent.append((method, path, asked))
        left = self._replies[method, path]
        reply = left.pop(0) if len(left) > 1 else left[0]
        status, body = reply(asked) if callable(reply) else reply
        body = completed(body, f"{method} {path}") if status < 300 else body
        return Answer(method, path, status, {"content-type": "application/json"}, json.dumps(body), body, 0.0)

    def paths(self, method: str) -> list[str]:
        """The paths that were asked with this method, in order."""
        return [path for verb, path, _ in self.sent if verb == method]

    def close(self) -> None:
        """Nothing is open."""


class Clock:
    """Time that only waiting moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def pause(self, seconds: float) -> None:
        """Wait."""
        self.seconds += seconds

    def eventually(self) -> Eventually:
        """Waiting by this clock."""
        return Eventually(
            clock=lambda: self.seconds, pause=self.pause, now=lambda: NOW + timedelta(seconds=self.seconds)
        )


def bench(script: Scripted, folder: Path, send_events: SendEvents | None = None, **environment: Any) -> Bench:
    """A ladder's tools around a script; ``environment`` is what the plan says of it, which is production unless it says so."""
    guard = SimpleNamespace(
        check=lambda *request: None, heed=lambda *answer: None, prove=None, block=None, refused=tuple
    )
    flexprice = Flexprice(script, guard)  # type: ignore[arg-type]
    own = Environment(base_url=script.base_url, **{"type": "development", **environment})
    profile = Profile("prod", own, Level.SMOKE, script.base_url, script.base_url, "env_1", "", "", False, RUN)
    testbed = Testbed(flexprice, Ledger(folder / "ledger.ndjson"), RUN)
    send = send_events or (lambda events: send_through_api(flexprice, events))
    return Bench(profile, testbed, send, Clock().eventually())


def price(**more: Any) -> dict[str, Any]:
    """A usage price as Flexprice gives it."""
    return {
        "id": "price_1",
        "type": "USAGE",
        "currency": "usd",
        "billing_model": "FLAT_FEE",
        "billing_period": "MONTHLY",
        "invoice_cadence": "ARREAR",
        "amount": "0.5",
        "meter_id": METER.id,
        "display_name": "Calls",
        **more,
    }


def setup(**more: Any) -> Setup:
    """The test customer's subscription to a plan with one usage price."""
    start = NOW - timedelta(minutes=10)
    line = {
        "id": "line_1",
        "price_id": "price_1",
        "meter_id": METER.id,
        "display_name": "Calls",
        "price": price(**more),
    }
    row = {
        "id": "subs_1",
        "customer_id": CUSTOMER.id,
        "currency": "usd",
        "billing_period": "MONTHLY",
        "start_date": rfc3339(start),
        "current_period_start": rfc3339(start),
        "current_period_end": rfc3339(start + timedelta(days=30)),
        "line_items": [line],
    }
    subscription = TestSubscription("subs_1", CUSTOMER, "plan_1", "usd", "MONTHLY", start, (line,), row=row)
    return Setup("pro", subscription, BilledSubscription.from_api(row), (METER,), {}, (price(**more),))


def plan() -> TestPlan:
    """The plan that it is on."""
    return TestPlan("plan_1", "pro", "usd", "MONTHLY", (price(),), {METER.id: METER})


def events(*quantities: str) -> list[Event]:
    """Events of the test customer."""
    return [
        Event(
            f"{RUN}-{number}",
            METER.event_name,
            NOW - timedelta(seconds=300 - number),
            {"n": each},
            CUSTOMER.external_id,
        )
        for number, each in enumerate(quantities)
    ]


def usage_answers(script: Scripted, used: str, amount: str, count: int, query: str = "") -> None:
    """Let all three readers say so much, or the usage query something else."""
    line = {"price_id": "price_1", "meter_id": METER.id, "display_name": "Calls", "quantity": used, "amount": amount}
    charge = {"meter_id": METER.id, "quantity": used, "amount": amount}
    preview = {"currency": "usd", "line_items": [line], "subtotal": amount, "total": amount}
    script.on("POST", "/v1/subscriptions/usage", (200, {"charges": [charge]}))
    script.on("POST", "/v1/invoices/preview", (200, preview))
    script.on("POST", "/v1/meter-usage/query", (200, {"total_value": query or used, "event_count": count}))
