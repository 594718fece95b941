"""A company's own log in a rehearsal: its newest days are compared, whenever they were, and what is not rehearsed is said."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest

from pytest_flexprice.rehearsal.demo import PLAN as DEMO_PLAN
from tests.suite import rehearse

LAST = datetime(2025, 3, 14, tzinfo=UTC)
ONLY = ("-k", "own_log or next_invoice", "--flexprice-level=read")
CUSTOMERS = ("acct_8412", "acct_8413")


def _company(folder, source="exports/*.ndjson"):
    shutil.copytree(DEMO_PLAN.parent / "golive", folder / "golive")
    plan = DEMO_PLAN.read_text(encoding="utf-8").replace("golive/log/*.parquet", source)
    (folder / "golive.toml").write_text(plan, encoding="utf-8")
    return folder


def _log(folder, **changed):
    rows = [
        {
            "event_id": f"own-{n}", "event_name": "model.completion", "external_customer_id": CUSTOMERS[n % 2],
            "timestamp": (LAST + timedelta(minutes=7 * n)).isoformat(), "properties": {"tokens": 100 + n, "model": "nimbus-large"},
        }
        for n in range(-200, 200)
    ]  # fmt: skip
    rows[210].update(changed)
    (folder / "exports").mkdir()
    (folder / "exports" / "a.ndjson").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


def _notes(outcome):
    return [
        note
        for scenario in outcome.document["scenarios"]
        for seen in scenario["observations"]
        if isinstance(seen["observed"], dict) and "traffic" in seen["observed"]
        for note in seen["observed"]["traffic"]["notes"]
    ]


def _told(outcome):
    return [each["sentence"] for one in outcome.document["scenarios"] for each in one["findings"]]


def test_the_newest_days_of_the_own_log_are_rehearsed_as_if_they_were_yesterday(tmp_path):
    _log(_company(tmp_path))
    outcome = rehearse(tmp_path, *ONLY)
    (note,) = _notes(outcome)
    assert "events of the company's own log from 2025-03-13 to 2025-03-14, moved by" in note
    assert not [each for each in _told(outcome) if "company's own log" in each]
    assert outcome.red == {}


def test_a_fault_is_found_in_the_own_log(tmp_path):
    _log(_company(tmp_path))
    outcome = rehearse(tmp_path, *ONLY, "--flexprice-fault=log-lost")
    assert any("7 events of the company's log never arrived" in each for each in _told(outcome))
    assert outcome.items["3.1"] == "failed"


def test_what_is_wrong_in_the_own_log_is_found_before_it_is_sent(tmp_path):
    _log(_company(tmp_path), external_customer_id="acct_9999")
    outcome = rehearse(tmp_path, *ONLY)
    assert any("of 'acct_9999' (1 events" in each for each in _told(outcome))


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("exports/gone-*.csv", "the company's log 'exports/gone-*.csv' is not there"),
        ("duckdb://usage.duckdb", "a rehearsal opens no database"),
    ],
)
def test_a_log_that_is_not_rehearsed_is_said_to_be_left_out(tmp_path, source, reason):
    _company(tmp_path, source if "://" not in source else f'{source}"\ntable = "sent')
    outcome = rehearse(tmp_path, *ONLY)
    assert any(
        f"was not compared with what Flexprice counted, in this rehearsal: {reason}" in each for each in _told(outcome)
    )
    assert outcome.red == {}
