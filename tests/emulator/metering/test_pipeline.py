"""From accepted to stored and metered: lag, holding back, the meter cache."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pytest_flexprice.emulator import EmulatorOptions
from pytest_flexprice.emulator.metering.pipeline import pipeline

from .conftest import Bench, Options


def test_the_default_lag_is_small_but_not_zero() -> None:
    lag = EmulatorOptions().lag
    assert lag is not None
    assert 0 < lag <= 0.5


def test_raw_events_and_metered_rows_land_at_different_moments(make: Options) -> None:
    bench = make(lag=100)
    meter = bench.meter()
    bench.subscribe()
    bench.send("e", n=2)
    assert bench.api.ask("GET", "/v1/events/lookup", id="e")[0] == 404
    bench.world.advance(timedelta(seconds=60))
    assert bench.lookup("e")["status"] == "processing"
    assert bench.usage(meter) == ("0", 0)
    bench.world.advance(timedelta(seconds=60))
    assert bench.lookup("e")["status"] == "processed"
    assert bench.usage(meter) == ("2", 1)


def test_held_events_are_released_step_by_step(make: Options) -> None:
    bench = make(lag=None)
    meter = bench.meter()
    bench.subscribe()
    for index in range(3):
        bench.send(f"e{index}", n=1)
    bench.world.advance(timedelta(days=1))
    assert bench.usage(meter) == ("0", 0)
    state = bench.api("POST", "/_emulator/events", {"release": 2, "stage": "metered"})
    assert state == {"stored": {"raw": 0, "metered": 2}, "waiting": {"raw": 3, "metered": 1}}
    assert bench.usage(meter) == ("2", 2)
    state = bench.api("POST", "/_emulator/events", {})
    assert state == {"stored": {"raw": 3, "metered": 3}, "waiting": {"raw": 0, "metered": 0}}
    assert bench.api("GET", "/_emulator/events") == state


def test_a_batch_is_released_in_part(make: Options) -> None:
    bench = make(lag=None)
    events = [{"event_name": "x", "external_customer_id": "y", "event_id": str(index)} for index in range(5)]
    bench.api("POST", "/v1/events/bulk", {"events": events})
    state = bench.api("POST", "/_emulator/events", {"release": 2, "stage": "raw"})
    assert (state["stored"]["raw"], state["waiting"]["raw"]) == (2, 3)


@pytest.mark.parametrize("body", [{"release": -1}, {"stage": "cooked"}, {"release": "all"}], ids=str)
def test_a_wrong_release_is_refused(bench: Bench, body: dict[str, Any]) -> None:
    assert bench.api.ask("POST", "/_emulator/events", body)[0] == 400


def test_a_shorter_lag_reaches_events_that_wait(make: Options) -> None:
    bench = make(lag=None)
    bench.send("e")
    bench.api("PUT", "/_emulator/options", {"options": {"lag": 0}})
    assert bench.lookup("e")["status"] == "failed"


def test_the_meters_of_the_moment_count_and_no_later_ones(make: Options) -> None:
    bench = make(lag=10)
    bench.send("early", n=1)
    bench.world.advance(timedelta(seconds=11))
    meter = bench.meter()
    bench.subscribe()
    bench.send("late", n=1)
    bench.world.advance(timedelta(seconds=11))
    assert bench.usage(meter) == ("1", 1)
    assert bench.lookup("early")["status"] == "processing"


def test_a_second_meter_of_a_name_in_use_waits_for_the_cache(make: Options) -> None:
    bench = make(meter_cache_seconds=600)
    first = bench.meter()
    bench.send("a", n=1)
    second = bench.meter(kind="COUNT")
    bench.subscribe()
    bench.send("b", n=1)
    assert (bench.usage(first), bench.usage(second, "COUNT")) == (("2", 2), ("0", 0))
    bench.world.advance(timedelta(seconds=601))
    bench.send("c", n=1)
    assert (bench.usage(first), bench.usage(second, "COUNT")) == (("3", 3), ("1", 1))


def test_an_archived_meter_and_a_changed_filter_take_effect_late(make: Options) -> None:
    bench = make(meter_cache_seconds=60)
    meter = bench.meter()
    bench.subscribe()
    bench.send("a", n=1, region="asia")
    bench.api("PUT", f"/v1/meters/{meter}", {"filters": [{"key": "region", "values": ["eu"]}]})
    bench.send("b", n=1, region="asia")
    assert bench.usage(meter) == ("2", 2)
    bench.world.advance(timedelta(seconds=61))
    bench.send("c", n=1, region="asia")
    assert bench.usage(meter) == ("2", 2)
    bench.api("DELETE", f"/v1/meters/{meter}")
    bench.send("d", n=1, region="eu")
    assert bench.usage(meter) == ("3", 3)
    bench.world.advance(timedelta(seconds=61))
    bench.send("e", n=1, region="eu")
    assert bench.usage(meter) == ("3", 3)


def test_a_blank_name_is_never_stored(bench: Bench) -> None:
    for name in (" ", "\u00a0\u3000", "\t\n"):
        bench.api("POST", "/v1/events", {"event_name": name, "external_customer_id": "acme"})
    assert pipeline(bench.world).store.counts() == {"raw": 0, "metered": 0}


def test_a_name_is_trimmed_and_the_customer_is_not(bench: Bench) -> None:
    bench.meter()
    bench.subscribe()
    body = {"event_name": " call\t", "external_customer_id": "acme ", "event_id": "e", "properties": {"n": 1}}
    bench.api("POST", "/v1/events", body)
    event = bench.lookup("e")["event"]
    assert (event["event_name"], event["external_customer_id"]) == ("call", "acme ")


def test_a_reset_forgets_every_event(bench: Bench) -> None:
    bench.send("e")
    bench.world.reset()
    assert pipeline(bench.world).store.counts() == {"raw": 0, "metered": 0}


def test_a_quantity_beyond_the_table_is_said_and_harms_nobody(bench: Bench) -> None:
    meter = bench.meter()
    bench.subscribe()
    bench.send("big", n=1e300)
    bench.send("small", n=1)
    status, answer = bench.api.ask("GET", "/v1/events/lookup", id="big")
    assert (status, answer["code"]) == (501, "not_implemented")
    assert "1.7e23" in answer["message"]
    assert bench.usage(meter) == ("1", 1)
