"""How many events the emulator takes and meters, how much memory a million of them needs, and how soon it starts.

``python -m benchmarks.emulator_events [--events 100000] [--million]`` starts an emulator of its own as a process, talks to it
over HTTP as a client would, and prints the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

SANDBOX = "00000000-0000-0000-0000-000000000000"
BATCH = 1000
SINGLES = 2000
STAMP = "2026-01-15T12:00:%02dZ"


class Emulator:
    """An emulator in a process of its own."""

    def __init__(self, url: str, process: subprocess.Popen[str]) -> None:
        self.url, self._process = url, process
        self._session = requests.Session()
        self._session.headers.update({"x-api-key": "sk_local_flexprice_test_key", "x-environment-id": SANDBOX})

    def call(self, path: str, body: Any) -> Any:
        """POST and the JSON answer."""
        answer = self._session.post(self.url + path, json=body, timeout=600)
        answer.raise_for_status()
        return answer.json()

    def send(self, body: bytes) -> None:
        """One bulk call with a body that was made before."""
        headers = {"content-type": "application/json"}
        self._session.post(self.url + "/v1/events/bulk", data=body, headers=headers, timeout=600).raise_for_status()

    def memory(self) -> float:
        """Resident memory of the process in MiB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(found.group(1)) / 1024 if found else float("nan")


@contextmanager
def emulator() -> Iterator[tuple[Emulator, float]]:
    """A started emulator and the seconds until it answered."""
    command = [sys.executable, "-m", "pytest_flexprice.emulator", "--port", "0"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([*command, "--help"], env=environment, stdout=subprocess.DEVNULL, check=True)  # compiles what is new
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            url = next(match.group(0) for line in process.stdout if (match := re.search(r"http://\S+", line)))
            requests.get(url + "/health", timeout=10).raise_for_status()
            yield Emulator(url, process), time.perf_counter() - began
        finally:
            process.terminate()


def subscribe(server: Emulator) -> str:
    """A customer on a plan with a SUM meter; the meter's id."""
    customer = server.call("/v1/customers", {"external_id": "acme", "name": "Acme"})["id"]
    plan = server.call("/v1/plans", {"name": "Pro", "lookup_key": "pro"})["id"]
    aggregation = {"type": "SUM", "field": "n"}
    body = {"name": "call", "event_name": "call", "aggregation": aggregation, "reset_usage": "BILLING_PERIOD"}
    meter: str = server.call("/v1/meters", body)["id"]
    price = {
        "entity_type": "PLAN",
        "entity_id": plan,
        "type": "USAGE",
        "meter_id": meter,
        "currency": "usd",
        "amount": "1",
    }
    period = {"billing_period": "MONTHLY", "billing_period_count": 1, "start_date": "2026-01-01T00:00:00Z"}
    server.call("/v1/prices", {**price, **period, "billing_model": "FLAT_FEE", "invoice_cadence": "ARREAR"})
    server.call("/v1/subscriptions", {"customer_id": customer, "plan_id": plan, "currency": "usd", **period})
    return meter


def bodies(events: int) -> list[bytes]:
    """Bulk bodies of a thousand events each."""
    found = []
    for start in range(0, events, BATCH):
        batch = [
            {
                "event_name": "call",
                "external_customer_id": "acme",
                "event_id": f"event-{number:09d}",
                "timestamp": STAMP % (number % 60),
                "properties": {"n": number % 100, "model": "large", "region": "eu", "cached": False},
            }
            for number in range(start, min(start + BATCH, events))
        ]
        found.append(json.dumps({"events": batch}).encode())
    return found


def until_metered(server: Emulator, meter: str, events: int) -> None:
    """Poll until every event is metered."""
    window = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2026-02-01T00:00:00Z"}
    body = {"external_customer_id": "acme", "meter_id": meter, "aggregation_type": "SUM", **window}
    while (found := server.call("/v1/meter-usage/query", body))["event_count"] < events:
        time.sleep(0.05)
    assert found["total_value"] == str(sum(number % 100 for number in range(events))), found


def singles(server: Emulator) -> float:
    """Events per second, one by one over one connection."""
    began = time.perf_counter()
    for number in range(SINGLES):
        body = {"event_name": "other", "external_customer_id": "acme", "event_id": f"single-{number}"}
        server.call("/v1/events", body)
    return SINGLES / (time.perf_counter() - began)


def bulk(server: Emulator, meter: str, events: int) -> tuple[float, float]:
    """Seconds until all were accepted, and until all were metered."""
    prepared = bodies(events)
    began = time.perf_counter()
    for body in prepared:
        server.send(body)
    accepted = time.perf_counter() - began
    until_metered(server, meter, events)
    return accepted, time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000, help="events sent in bulk (default %(default)s)")
    parser.add_argument("--million", action="store_true", help="send a million instead")
    args = parser.parse_args()
    events = 1_000_000 if args.million else args.events
    with emulator() as (server, started):
        print(f"started and answering after {started:.2f} s, {server.memory():.0f} MiB")
        print(f"single: {singles(server):,.0f} events/s")
        meter, before = subscribe(server), server.memory()
        accepted, metered = bulk(server, meter, events)
        print(f"bulk: {events:,} events accepted in {accepted:.1f} s ({events / accepted:,.0f} events/s)")
        grown = server.memory() - before
        print(f"all metered {metered - accepted:.1f} s after the last answer, {metered:.1f} s in all")
        print(f"memory +{grown:.0f} MiB, {server.memory():.0f} MiB in all")


if __name__ == "__main__":
    main()
