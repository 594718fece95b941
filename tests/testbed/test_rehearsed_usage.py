"""What a rehearsal's customers use: each event has all that the meters of its name read, and counts for one of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer
from pytest_flexprice.emulator.seeding.seed import Seeder
from pytest_flexprice.model.golive_plan import GoLivePlan
from pytest_flexprice.rehearsal.usage import use

from .price_lists import TOKENS


@pytest.fixture
def seeder():
    server = FlexpriceServer(EmulatorOptions(lag=0.0, key_cache_seconds=0.0)).start()
    live = Seeder(server)
    live.catalog(TOKENS)
    live.customers([{"external_id": "a_1", "name": "One", "plan": "pro", "where": "row 1"}])
    yield live
    server.stop()


def test_events_carry_what_every_meter_of_their_name_reads(seeder: Seeder) -> None:
    plan = GoLivePlan.model_validate({"company": {"name": "Tokens"}, "environments": {}}).model_copy(
        update={"path": Path("golive.toml")}
    )
    sent = use(seeder, plan)
    events = seeder.call("POST", "/v1/events/query", {"external_customer_id": "a_1", "page_size": 1000})["events"]
    assert len(events) == sent > 0
    assert all({"tokens", "cached"} <= set(event["properties"]) for event in events)
    assert all(0 in (event["properties"]["tokens"], event["properties"]["cached"]) for event in events)
