"""Requests, seconds and memory of sections 2 and 4 at 1,000, 10,000 and 100,000 customers, against an in-process double.

    python benchmarks/catalog_and_customers.py 1000 10000 100000

The double answers searches page by page as Flexprice does, without HTTP: what is measured is our part.
"""

from __future__ import annotations

import csv
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_flexprice.api import Flexprice, WriteGuard
from pytest_flexprice.api.catalog import read_catalog
from pytest_flexprice.api.customers import read_customers, read_subscriptions
from pytest_flexprice.api.transport import Answer
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.golive_plan import Customers
from pytest_flexprice.model.grouping import summarise
from pytest_flexprice.oracle.catalog import diff as catalog_diff
from pytest_flexprice.oracle.customers import declared, subscriptions
from pytest_flexprice.oracle.customers import existing as customers
from pytest_flexprice.oracle.customers.register import Register

NOW = datetime(2026, 11, 22, tzinfo=UTC)
PLANS = 20


class Double:
    """A transport that makes up its answers: so many customers, each with one subscription of two lines."""

    base_url = "http://127.0.0.1"

    def __init__(self, count: int) -> None:
        self.count = count
        self.requests = 0

    def send(self, method: str, path: str, *, query: Any = None, body: Any = None, **_: Any) -> Answer:
        """One page."""
        self.requests += 1
        asked = body or query or {}
        rows = {
            "/v1/features/search": self._features,
            "/v1/plans/search": self._plans,
            "/v1/customers/search": self._customers,
            "/v1/subscriptions/search": self._subscriptions,
        }.get(path, lambda first, last: iter(()))
        total = self.count if "customers" in path or "subscriptions" in path else PLANS
        first = int(asked["offset"])
        items = list(rows(first, min(first + int(asked["limit"]), total)))
        total = total if items else 0
        answer = {"items": items, "pagination": {"total": total, "limit": asked["limit"], "offset": first}}
        return Answer(method, path, 200, {"content-type": "application/json"}, "{}", answer, 0.0)

    def close(self) -> None:
        """Nothing is held."""

    def _features(self, first: int, last: int) -> Iterator[dict[str, Any]]:
        for number in range(first, last):
            meter = self._meter(number)
            yield {
                "id": f"f{number}",
                "lookup_key": f"f{number}",
                "name": "F",
                "type": "metered",
                "meter_id": meter["id"],
                "meter": meter,
            }

    @staticmethod
    def _meter(number: int) -> dict[str, Any]:
        return {"id": f"m{number}", "event_name": f"event.{number}", "aggregation": {"type": "SUM", "field": "n"}}

    def _plans(self, first: int, last: int) -> Iterator[dict[str, Any]]:
        for number in range(first, last):
            base = {"currency": "usd", "billing_period": "MONTHLY", "billing_model": "FLAT_FEE", "amount": "0.05"}
            usage = {
                **base,
                "id": f"u{number}",
                "type": "USAGE",
                "meter_id": f"m{number}",
                "meter": self._meter(number),
            }
            fee = {**base, "id": f"x{number}", "type": "FIXED", "display_name": "Fee"}
            yield {"id": f"p{number}", "lookup_key": f"plan-{number}", "name": "P", "prices": [usage, fee]}

    @staticmethod
    def _customers(first: int, last: int) -> Iterator[dict[str, Any]]:
        for number in range(first, last):
            yield {
                "id": f"c{number}",
                "external_id": f"acct_{number:07}",
                "name": f"Customer {number}",
                "timezone": "UTC",
            }

    @staticmethod
    def _subscriptions(first: int, last: int) -> Iterator[dict[str, Any]]:
        for number in range(first, last):
            plan = number % PLANS
            line = {"entity_type": "plan", "billing_period": "MONTHLY", "end_date": "0001-01-01T00:00:00Z"}
            yield {
                "id": f"s{number}",
                "customer_id": f"c{number}",
                "plan_id": f"p{plan}",
                "plan": {"lookup_key": f"plan-{plan}"},
                "subscription_status": "active",
                "currency": "usd",
                "billing_period": "MONTHLY",
                "start_date": "2026-11-01T00:00:00Z",
                "line_items": [
                    {**line, "price_id": f"u{plan}", "meter_id": f"m{plan}"},
                    {**line, "price_id": f"x{plan}"},
                ],
            }


def measure(count: int, differing: int) -> None:
    """One size; the last ``differing`` customers are declared under another spelling."""
    double = Double(count)
    flexprice = Flexprice(double, WriteGuard(Level.READ, production=True))  # type: ignore[arg-type]  # only send() is used
    with tempfile.TemporaryDirectory() as folder, Register() as register:
        with (Path(folder) / "c.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("external_id", "plan", "currency", "billing_period"))
            for number in range(count):
                name = f"acct_{number:07}" if number < count - differing else f"ACCT_{number:07}"
                writer.writerow((name, f"plan-{number % PLANS}", "usd", "MONTHLY"))
        began = time.perf_counter()
        present = read_catalog(flexprice, NOW)
        catalog_diff.compare(present, present)
        register.declare(declared.rows(Customers(file="c.csv"), Path(folder)))
        register.add_customers(read_customers(flexprice))
        register.add_subscriptions(read_subscriptions(flexprice))
        findings = summarise(customers.compare(register)) + summarise(subscriptions.compare(register, present, NOW))
        seconds = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{count:>8,} customers, {differing:>6,} misspelt: {double.requests:>4} requests, {seconds:6.2f} s, "
        f"{len(findings)} findings, peak memory {memory:,.0f} MB"
    )


if __name__ == "__main__":
    for word in sys.argv[1:] or ["1000", "10000"]:
        measure(int(word), 0)
        measure(int(word), int(word) // 2)
