"""Timestamps of sample events: read, refused and named as the server does."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from pytest_flexprice.emulator.kernel.binding import BindError, instant
from pytest_flexprice.model.finding import Severity
from pytest_flexprice.oracle.samples import check as sample_check
from pytest_flexprice.oracle.samples import rules as event_rules

from .sample_events import EVENTS, METERS, NOW, check, errors, event, everything

# Asked of Go 1.26's own parser, by which the server reads a timestamp.
TAKEN = {
    "2026-11-21T10:30:00,5Z": "2026-11-21T10:30:00.5Z",
    "2026-11-21T1:30:00Z": "2026-11-21T01:30:00Z",
    "2026-11-21T10:30:00+24:00": "2026-11-20T10:30:00Z",
    "2026-11-21T10:30:00+24:60": "2026-11-20T09:30:00Z",
    "2026-11-21T10:30:00-24:00": "2026-11-22T10:30:00Z",
    "2026-11-21T10:30:00+02:60": "2026-11-21T07:30:00Z",
    "2026-11-21T1:30:00,5+24:00": "2026-11-20T01:30:00.5Z",
    "2026-11-21T10:30:00.123456789123Z": "2026-11-21T10:30:00.123456Z",
}


REFUSED = (
    "2026-11-21T10:30:00.Z",
    "2026-11-21T01:3:00Z",
    "2026-11-21T10:30Z",
    "2026-11-21T10:30:00+25:00",
    "2026-11-21T10:30:00+02:61",
    "2026-11-21T10:30:00+0200",
    "2026-11-21t10:30:00Z",
    "2026-11-21T23:59:60Z",
    "2026-2-03T10:30:00Z",
    "10000-01-01T00:00:00Z",
    "2026-11-21T010:30:00Z",
    " 2026-11-21T10:30:00Z",
    "2026-11-31T10:30:00Z",
)


@pytest.mark.parametrize("written", TAKEN)
def test_timestamps_are_read_as_the_server_reads_them(tmp_path: Path, written: str) -> None:
    assert instant(written) == datetime.fromisoformat(TAKEN[written])
    found = everything(check(tmp_path, event(timestamp=written)))
    assert {one.severity for one in found} <= {Severity.WARNING}
    moment = duckdb.execute(f"SELECT {event_rules.MOMENT} FROM (SELECT '{written}' AS ts)").fetchall()[0][0]
    assert moment.astimezone(UTC) == datetime.fromisoformat(TAKEN[written])


@pytest.mark.parametrize("written", REFUSED)
def test_timestamps_that_the_server_refuses_are_errors(tmp_path: Path, written: str) -> None:
    with pytest.raises(BindError):
        instant(written)
    assert "not RFC 3339" in errors(check(tmp_path, event(timestamp=written)))[0]


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("1763806200", "looks like seconds since 1970, as text"),
        ("1763806200123", "looks like milliseconds since 1970, as text"),
        ("20261121T103000Z", "basic form of ISO 8601"),
        ("2026-11-21 10:30:00+01:00", "a space where a T belongs"),
        ("2026-11-21", "a day without a time"),
        ("2026-11-21T10:30:00z", "must be capitals"),
    ],
)
def test_a_timestamp_in_another_form_is_named(tmp_path: Path, written: str, words: str) -> None:
    (found,) = errors(check(tmp_path, event(timestamp=written)))
    assert words in found


def test_events_before_every_subscription_and_old_ones_are_warnings(tmp_path: Path) -> None:
    (tmp_path / "s.ndjson").write_text(
        json.dumps(event(1, timestamp="2026-10-01T00:00:00Z"))
        + "\n"
        + json.dumps(event(2, timestamp="2025-10-01T00:00:00Z"))
        + "\n",
        encoding="utf-8",
    )
    since = datetime(2026, 11, 1, tzinfo=UTC)
    checked = sample_check.check(EVENTS, [tmp_path / "s.ndjson"], tmp_path, NOW, meters=METERS, billed_since=since)
    assert {one.severity for one in checked.form} == {Severity.WARNING}
    assert any(
        "2 of 2 events" in one.sentence and "first declared subscription" in one.sentence for one in checked.form
    )
    assert any("1 of 2 events" in one.sentence and "more than a year ago" in one.sentence for one in checked.form)


def test_an_offset_is_a_warning(tmp_path: Path) -> None:
    found = everything(check(tmp_path, event(timestamp="2026-11-21T10:30:57+05:30")))
    assert [one.severity for one in found] == [Severity.WARNING]
