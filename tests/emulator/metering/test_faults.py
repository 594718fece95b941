"""Each fault of the event pipeline does exactly what it says, and a healthy emulator none of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pytest_flexprice.emulator.faults.registry import FAULTS

from .conftest import Bench, Options

MINE = (
    *("F51", "F53", "F55", "F58", "F59", "F64", "F66", "F67", "F68", "F69"),
    *("F71", "F74", "F75", "F76", "F77", "F79", "F80", "F133"),
)


def used(make: Options, *faults: str, **options: Any) -> tuple[Bench, str]:
    """An emulator with faults, to which ``acme`` sent the numbers 10, 20 and 30."""
    bench = make(faults=faults, **options)
    meter = bench.meter()
    bench.subscribe()
    for index, number in enumerate((10, 20, 30)):
        bench.send(f"e{index}", (index + 1) * 3600, n=number)
    return bench, meter


@pytest.mark.parametrize("name", MINE)
def test_a_fault_is_known_by_its_meaning(name: str) -> None:
    assert len(FAULTS[name].meaning) > 10


def test_without_faults_everything_counts(make: Options) -> None:
    bench, meter = used(make)
    assert bench.usage(meter) == ("60", 3)


@pytest.mark.parametrize(
    ("name", "usage"),
    [
        ("F51", ("0", 0)),
        ("F53", ("0", 0)),
        ("F55", ("0", 0)),
        ("F58", ("120", 3)),
        ("F64", ("0", 0)),
        ("F66", ("0", 3)),
        ("F67", ("0", 3)),
        ("F68", ("0", 3)),
        ("F69", ("0", 3)),
        ("F71", ("63", 3)),
        ("F74", ("0", 0)),
        ("F79", ("0", 0)),
        ("F80", ("120", 6)),
        ("F133", ("40", 2)),
    ],
)
def test_a_fault_changes_what_is_counted(make: Options, name: str, usage: tuple[str, int]) -> None:
    bench, meter = used(make, name)
    assert bench.usage(meter) == usage


@pytest.mark.parametrize(
    ("name", "status", "point"),
    [
        ("F51", "failed", "meter_lookup"),
        ("F53", "failed", "customer_lookup"),
        ("F55", "failed", "customer_lookup"),
        ("F67", "processed", None),
        ("F74", "processing", None),
        ("F133", "processed", None),
    ],
)
def test_the_debugger_shows_the_fault(make: Options, name: str, status: str, point: str | None) -> None:
    bench, _ = used(make, name)
    for event in ("e0", "e1", "e2"):
        found = bench.lookup(event)
        assert found["status"] == status
        if point:
            assert found["debug_tracker"]["failure_point"]["failure_point_type"] == point


def test_f59_events_count_when_they_arrive(make: Options) -> None:
    bench, _ = used(make, "F59")
    moment = bench.lookup("e0")["event"]["timestamp"]
    assert moment[:10] == bench.world.clock.now().strftime("%Y-%m-%d")


def test_f74_never_ends(make: Options) -> None:
    bench, meter = used(make, "F74")
    bench.world.advance(timedelta(days=2))
    assert bench.usage(meter) == ("0", 0)


def test_f75_is_slow_but_correct(make: Options) -> None:
    bench, meter = used(make, "F75")
    assert bench.usage(meter) == ("0", 0)
    bench.world.advance(timedelta(seconds=21))
    assert bench.usage(meter) == ("60", 3)


def test_f75_may_be_scaled(make: Options) -> None:
    bench, meter = used(make, "F75", extra={"slow_seconds": 2})
    bench.world.advance(timedelta(seconds=3))
    assert bench.usage(meter) == ("60", 3)


def test_f76_passes(make: Options) -> None:
    bench, _ = used(make, "F76")
    for event, path in (("e0", "/v1/events/lookup"), ("e1", "/v1/events/e1")):
        query = {"id": event} if path.endswith("lookup") else {}
        answers = [bench.api.ask("GET", path, **query) for _ in range(5)]
        assert [status for status, _ in answers] == [404, 500, 404, 200, 200]
        assert {answer["message"] for _, answer in answers[:3]} == {"Event not found in events table"}


def test_f77_does_not_pass(make: Options) -> None:
    bench, meter = used(make, "F77")
    assert {bench.api.ask("GET", "/v1/events/lookup", id="e0")[0] for _ in range(5)} == {500}
    assert bench.usage(meter) == ("60", 3)


def test_f79_lets_the_customers_of_the_setting_in(make: Options) -> None:
    bench, meter = used(make, "F79")
    value = {"enabled": True, "allowed_external_customer_ids": ["acme"]}
    bench.api("PUT", "/v1/settings/event_ingestion_filter", {"value": value})
    bench.send("later", n=1)
    assert bench.usage(meter) == ("1", 1)
    assert bench.api.ask("GET", "/v1/events/lookup", id="e0")[0] == 404


def test_f133_loses_the_same_event_however_often_it_is_sent(make: Options) -> None:
    bench, meter = used(make, "F133")
    bench.send("e1", 7200, n=20)
    bench.send("e3", 9000, n=5)
    assert bench.usage(meter) == ("45", 3)


def test_a_fault_may_be_switched_while_the_server_runs(make: Options) -> None:
    bench, meter = used(make)
    bench.api("POST", "/_emulator/faults", {"on": ["F67"]})
    bench.send("e3", n=5)
    bench.api("POST", "/_emulator/faults", {"off": ["F67"]})
    bench.send("e4", n=7)
    assert bench.usage(meter) == ("67", 5)
