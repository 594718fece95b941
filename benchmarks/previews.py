"""Requests, seconds and memory of previewing the next invoices of many subscriptions (item 5.3), against an in-process double.

    python -m benchmarks.previews 10000 all
    python -m benchmarks.previews 100000 200

The double answers as Flexprice does, without HTTP: what is measured is our part. In a real run the requests dominate: at the pace of
``REQUESTS_PER_SECOND`` they take the time that is printed last.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pytest_flexprice.api import Flexprice, WriteGuard
from pytest_flexprice.api.previews import (
    REQUESTS_PER_SECOND,
    PreviewReader,
    read_previews,
    read_running_subscriptions,
)
from pytest_flexprice.api.transport import Answer
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.grouping import summarise
from pytest_flexprice.oracle.invoicing.previews import Telling, coverage
from pytest_flexprice.oracle.invoicing.sampling import choose

NOW = datetime(2026, 11, 22, tzinfo=UTC)
PLANS = 20
METERS = 3
_PERIOD = {"current_period_start": "2026-11-01T00:00:00Z", "current_period_end": "2026-12-01T00:00:00Z"}


def _price(plan: int, meter: int) -> dict[str, Any]:
    return {
        "id": f"price_{plan}_{meter}",
        "type": "USAGE",
        "billing_model": "TIERED",
        "tier_mode": "SLAB",
        "tiers": [{"up_to": 10, "unit_amount": "1"}, {"up_to": None, "unit_amount": "0.5"}],
        "currency": "usd",
        "billing_period": "MONTHLY",
        "invoice_cadence": "ARREAR",
        "meter_id": f"meter_{meter}",
        "display_name": f"use {meter}",
    }


def _meter(number: int) -> dict[str, Any]:
    aggregation = {"type": "SUM", "field": "n"}
    return {"id": f"meter_{number}", "name": f"use {number}", "event_name": f"use.{number}", "aggregation": aggregation}


class Double:
    """A transport that makes up its answers: so many monthly subscriptions of three metered lines each."""

    base_url = "http://127.0.0.1"

    def __init__(self, count: int) -> None:
        self.count, self.requests = count, 0

    def close(self) -> None:
        """Nothing is open."""

    def send(self, method: str, path: str, *, query: Any = None, body: Any = None, **_: Any) -> Answer:
        """One answer."""
        self.requests += 1
        answer = self._answer(path, body or query or {})
        return Answer(method, path, 200, {"content-type": "application/json"}, "{}", answer, 0.0)

    def _answer(self, path: str, asked: dict[str, Any]) -> dict[str, Any]:
        known: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "/v1/subscriptions/search": self._search,
            "/v1/invoices/preview": lambda one: self._preview(int(one["subscription_id"].split("_")[1])),
            "/v1/meter-usage/query": lambda one: {"total_value": "25", "event_count": 5},
            "/v1/meters": lambda one: {
                "items": [_meter(number) for number in range(METERS)],
                "pagination": {"total": METERS},
            },
        }
        if path in known:
            return known[path](asked)
        if path.startswith("/v1/subscriptions/"):
            return self._subscription(int(path.rpartition("_")[2]))
        if path.startswith("/v1/plans/"):
            return self._plan(int(path.rpartition("_")[2]))
        return {"items": [], "pagination": {"total": 0}}

    def _search(self, asked: dict[str, Any]) -> dict[str, Any]:
        first = int(asked["offset"])
        last = min(first + int(asked["limit"]), self.count)
        items = [self._subscription(number, whole=False) for number in range(first, last)]
        return {"items": items, "pagination": {"total": self.count}}

    def _plan(self, number: int) -> dict[str, Any]:
        prices = [_price(number, meter) for meter in range(METERS)]
        return {"id": f"plan_{number}", "name": f"Plan {number}", "lookup_key": f"plan-{number}", "prices": prices}

    def _subscription(self, number: int, *, whole: bool = True) -> dict[str, Any]:
        plan = number % PLANS
        lines = [self._line(number, meter, whole) for meter in range(METERS)]
        base = {"id": f"subs_{number}", "customer_id": f"cust_{number}", "plan_id": f"plan_{plan}", "currency": "usd"}
        base |= {"billing_period": "MONTHLY", "subscription_status": "active", "start_date": "2026-11-01T00:00:00Z"}
        more = {"plan": self._plan(plan), "customer": {"external_id": f"acct_{number}"}} if whole else {}
        return {**base, **_PERIOD, **more, "line_items": lines}

    def _line(self, number: int, meter: int, whole: bool) -> dict[str, Any]:
        price = _price(number % PLANS, meter)
        line = {"id": f"line_{number}_{meter}", "price_id": price["id"], "meter_id": price["meter_id"], "quantity": "0"}
        return {**line, "price_type": "USAGE", **({"price": price} if whole else {})}

    def _preview(self, number: int) -> dict[str, Any]:
        lines = [
            {
                **self._line(number, meter, False),
                "quantity": "25",
                "amount": "17.5",
                "subscription_line_item_id": f"line_{number}_{meter}",
            }
            for meter in range(METERS)
        ]
        total = f"{17.5 * METERS}"
        return {"currency": "usd", "subtotal": total, "total": total, "line_items": lines}


def measure(count: int, most: int | None) -> None:
    """Preview them and print what it took."""
    double = Double(count)
    flexprice = Flexprice(double, WriteGuard(Level.READ, production=True))  # type: ignore[arg-type]
    reader, began = PreviewReader(flexprice), time.perf_counter()
    sample = choose(read_running_subscriptions(flexprice), most, NOW, "", reader.has_own_price)
    telling = Telling(NOW)
    findings = summarise(telling.of(read_previews(reader, sample.chosen, float("inf"))))
    seconds = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{coverage(sample, telling.read)}; {len(findings)} findings")
    print(f"{double.requests:,} requests, {seconds:.1f} s of our own, {memory:.0f} MB at most")
    print(f"at {REQUESTS_PER_SECOND} requests a second: {double.requests / REQUESTS_PER_SECOND / 60:.0f} minutes")


if __name__ == "__main__":
    given = sys.argv[1:] or ["10000", "all"]
    measure(int(given[0]), None if given[1:] in ([], ["all"]) else int(given[1]))
