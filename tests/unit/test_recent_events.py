"""Events that really arrived are read back in the form in which they were sent, and linted like samples."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pytest_flexprice.api import Flexprice, Transport, WriteGuard
from pytest_flexprice.api.events import recent_events
from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer
from pytest_flexprice.emulator.seeding.seed import Seeder
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.golive_plan import EventKind
from pytest_flexprice.model.meters import Aggregation, Meter
from pytest_flexprice.oracle.samples import check as sample_check


def test_what_arrived_and_was_never_counted_is_found(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    stamp = (now - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    ahead = (now + timedelta(hours=9)).strftime("%Y-%m-%dT%H:%M:%SZ")
    rows = [
        {"event_name": "api.call", "external_customer_id": "acct_1", "properties": {"tokens": 3}},
        {"event_name": "Api.Call", "external_customer_id": "acct_1", "properties": {"tokens": 3}},
        {"event_name": "api.call", "external_customer_id": "ACCT_1", "properties": {"token": 3}},
        {"event_name": "api.call", "external_customer_id": "acct_1", "properties": {"tokens": 3}, "timestamp": ahead},
    ]
    path = tmp_path / "recent events.ndjson"
    with FlexpriceServer(EmulatorOptions(lag=0)) as server:
        seeder = Seeder(server)
        for number, row in enumerate(rows):
            seeder.call("POST", "/v1/events", {"timestamp": stamp, **row, "event_id": f"e-{number}"})
        _, key = seeder.key("reader")
        client = Flexprice(Transport(server.url, {"x-api-key": key}), WriteGuard(Level.READ, production=True))
        found = list(recent_events(client, 5000, now))
        client.close()
    assert {row["event_id"] for row in found} == {"e-0", "e-1", "e-2", "e-3"}
    path.write_text("".join(json.dumps(row, default=str) + "\n" for row in found), encoding="utf-8")
    meters = [Meter("m", "m", "api.call", Aggregation("SUM", "tokens"))]
    unknown = sample_check.Unknown("is counted by no published meter", "is no customer of this environment")
    checked = sample_check.check(
        [EventKind(name="api.call")], [path], tmp_path, now, meters=meters, customers=["acct_1"], unknown=unknown
    )
    assert checked.form == checked.ahead
    assert "1 of 4 events in recent events.ndjson has a timestamp in the future" in checked.ahead[0].sentence
    assert "'Api.Call'" in checked.names[0].sentence
    assert "is counted by no published meter" in checked.names[0].sentence
    assert "external id 'ACCT_1'" in checked.customers[0].sentence
    assert "no property 'tokens'" in checked.quantities[0].sentence
