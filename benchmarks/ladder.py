"""What the ladder of the smoke test costs beside the least that could do: requests and seconds, as ratios of one run.

``python -m benchmarks.ladder`` starts an embedded Flexprice that holds the demo company, walks once from customer to finalized invoice with
as few requests as that takes, then climbs the whole ladder and cleans up, proves the prices and cleans up.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pytest_flexprice.api import Flexprice, Transport
from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer
from pytest_flexprice.emulator.seeding.seed import Seeder
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.golive_plan import Environment
from pytest_flexprice.model.profile import Profile
from pytest_flexprice.rehearsal.demo import PLAN as DEMO_PLAN
from pytest_flexprice.rehearsal.start import LAG
from pytest_flexprice.testbed.bench import Bench
from pytest_flexprice.testbed.cleanup import clean
from pytest_flexprice.testbed.customer import Testbed, rfc3339
from pytest_flexprice.testbed.ledger import Ledger
from pytest_flexprice.testbed.naming import new_run_id
from pytest_flexprice.testbed.sending import send_through_api
from pytest_flexprice.testbed.smoke import Smoke
from pytest_flexprice.testbed.waiting import Eventually

EVENTS = 3


class Counted(Transport):
    """A transport that counts."""

    requests = 0

    def send(self, *request: Any, **more: Any) -> Any:
        """Send and count."""
        self.requests += 1
        return super().send(*request, **more)


def least(flexprice: Flexprice, plan_id: str) -> None:
    """Customer, subscription, events, their usage, the preview, the finalized invoice, and all of it gone again."""
    name, now = f"least-{time.time_ns()}", Eventually().now()
    customer = flexprice.post("/v1/customers", {"external_id": name, "name": name})
    terms = {"plan_id": plan_id, "currency": "usd", "billing_period": "MONTHLY", "billing_period_count": 1}
    start = {"start_date": rfc3339(now - timedelta(minutes=10)), "collection_method": "send_invoice"}
    made = flexprice.post("/v1/subscriptions", {"customer_id": customer["id"], **terms, **start})
    sent = {"event_name": "storage.measured", "external_customer_id": name, "properties": {"gigabytes": 30}}
    stamped = [
        {**sent, "event_id": f"{name}-{number}", "timestamp": rfc3339(now - timedelta(seconds=60 + number))}
        for number in range(EVENTS)
    ]
    flexprice.post("/v1/events/bulk", {"events": stamped})
    for event in stamped:
        while True:
            answer = flexprice.request("GET", "/v1/events/lookup", query={"id": event["event_id"]})
            if answer.ok and answer.body["status"] == "processed":
                break
            time.sleep(LAG)
    flexprice.post("/v1/invoices/preview", {"subscription_id": made["id"]})
    now_billed = {"cancellation_type": "immediate", "cancel_immediately_inovice_policy": "generate_invoice"}
    flexprice.post(f"/v1/subscriptions/{made['id']}/cancel", now_billed)
    (row, *_) = flexprice.search("/v1/invoices/search", {"subscription_id": made["id"]})
    flexprice.get(f"/v1/invoices/{row['id']}")
    flexprice.post(f"/v1/invoices/{row['id']}/void", {})
    flexprice.delete(f"/v1/customers/{customer['id']}")
    flexprice.find(f"/v1/customers/{customer['id']}")


def main() -> None:
    """Print the table."""
    server = FlexpriceServer(EmulatorOptions(lag=LAG, key_cache_seconds=0.0)).start()
    try:
        live = Seeder(server)
        live.catalog(json.loads((DEMO_PLAN.parent / "golive" / "catalog.json").read_text(encoding="utf-8")))
        _, key = live.key("benchmark")
        transport = Counted(server.url, {"x-api-key": key})
        guard = SimpleNamespace(
            check=lambda *request: None, heed=lambda *answer: None, prove=None, block=None, refused=tuple
        )
        flexprice = Flexprice(transport, guard)  # type: ignore[arg-type]
        (row,) = flexprice.search("/v1/plans/search", {"lookup_key": "nimbus-pro"})
        bench, ledger = _bench(server.url, flexprice)
        smoke = Smoke(bench)
        least(flexprice, row["id"])  # warms the server up
        figures = [
            _measured("the least", transport, lambda: least(flexprice, row["id"])),
            _measured("ladder with two customers", transport, smoke.finalized),
            _measured("clean-up of both", transport, lambda: clean(flexprice, ledger, bench.patience)),
            _measured("price proof", transport, smoke.proved),
            _measured("clean-up of its customer", transport, lambda: clean(flexprice, ledger, bench.patience)),
        ]
    finally:
        server.stop()
    _, requests, seconds = figures[0]
    for name, number, spent in figures:
        print(f"{name:28} {number:4} requests {spent:7.2f} s   {number / requests:5.1f} x {spent / seconds:6.1f} x")


def _bench(url: str, flexprice: Flexprice) -> tuple[Bench, Ledger]:
    own = Environment(base_url=url, type="development", test_plan="nimbus-pro")
    run_id = new_run_id(Eventually().now())
    profile = Profile("local", own, Level.SMOKE, url, url, "", "", "", True, run_id)
    ledger = Ledger(Path(tempfile.mkdtemp()) / "ledger.ndjson")
    testbed = Testbed(flexprice, ledger, run_id)
    return Bench(profile, testbed, lambda events: send_through_api(flexprice, events), Eventually()), ledger


def _measured(name: str, transport: Counted, work: Callable[[], Any]) -> tuple[str, int, float]:
    before, began = transport.requests, time.perf_counter()
    work()
    return name, transport.requests - before, time.perf_counter() - began


if __name__ == "__main__":
    main()
