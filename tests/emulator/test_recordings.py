"""The emulator answers every recorded conversation with a real Flexprice as the real one did."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer

from .player import Player

RECORDINGS = sorted((Path(__file__).parent.parent / "recordings").glob("*.json"))
WITHOUT_SVIX = {"webhook_dashboard_native"}

# Steps that are not yet as recorded, by conversation. A step that is missing here or has become equal fails the test.
DIFFERENT: dict[str, set[str]] = {
    "deals_addons_coupons_tax": {
        "analytics knows percentage coupons",
    },
    "deals_inheritance": {
        "analytics of a child afterwards",
        "analytics of a child, include_children",
        "analytics of a child: the parent's lines, its own usage",
        "analytics of the environment",
        "analytics of the parent",
        "analytics of the parent with its children",
    },
    "deals_phases": {
        "analytics knows the line's",
    },
    "reconcile_customers": {
        "a customer in Asia/Kolkata without subscription by DAY: its own midnights, 18:30 UTC",
        "a customer that does not exist and has no rows",
        "a customer that does not exist: raw rows as well",
        "a customer without subscription: raw rows, no price, all meters",
        (
            "one customer by DAY: with a window a missing user counts as one more; unique users per day do not "
            "add up; a bucketed maximum shows the day's highest hour, its cost all hours"
        ),
        "one customer by source",
        (
            "one customer, all features: the line's usage, with prices; an event without a user is not in the "
            "unique ones"
        ),
        "one customer, expansions",
        "the archived one: raw rows",
        "the environment with that window: it is",
        "the whole environment",
        "two customers in one call: the field does not exist, the environment answers",
    },
    "reconcile_limits": {
        "a group for each key: no limit on items",
        "an unknown expansion is ignored",
        "every minute of the environment: no limit on points",
        "group_by of an unknown word",
        "minute buckets of a customer, by the hour",
        "only a start: until now",
        "only an end: seven days before it",
        "window_size in lower case: DAY",
    },
    "reconcile_readers": {
        "analytics does not: by chance the re-sent ones count twice in the sum, never in event_count",
        "events/usage/meter of the bucketed maximum: points without asking",
        "the sum of the whole environment",
    },
    "reconcile_totals": {
        "a start with a fraction does not cut that second's events off",
        "a window given with an offset: points stay UTC days",
        "an archived meter asked for by its feature",
        "by 12HOUR",
        "by 15MIN: an event 1 ms before the edge is in the earlier window",
        "by DAY",
        "by DAY, bucketed maxima: the points stay those of the bucket, whatever window_size says",
        "by HOUR: a bucket of a day stays a day",
        "by MINUTE",
        "by MONTH, UTC",
        "by WEEK: weeks begin on Sunday",
        "by a property: the group without it has no properties, and the points of all",
        "by a window that does not exist: DAY",
        "by customer is not possible",
        "by feature_id: no change",
        "by source and property",
        "by source, bucketed meters: maxima per source add up to more",
        "by source: the group without source has the points of all sources",
        "every meter after archiving",
        (
            "every meter of the environment: weighted and multiplied sums are 0, the filtered one and the one "
            "without feature are there"
        ),
        "nothing in the window: bucketed meters still appear, with 0",
        "property_filters",
        "sources as a filter, several expansions",
        "the end is exclusive",
        "the late one is in its own day",
        "the start is inclusive",
        (
            "the sum of the whole environment, polled until all are metered: the unknown customer's, the one's "
            "without subscription, the ones before the line, the moved id twice"
        ),
        "without times: the last 7 days until now",
    },
}


def _play(path: Path, server: FlexpriceServer) -> dict[str, list[str]]:
    player = Player(server.url, server.api_key)
    try:
        return player.play(path, {"svix": server.url})
    finally:
        player.close()


@pytest.fixture(scope="module")
def used_server() -> Iterator[FlexpriceServer]:
    """A server that has already served other conversations."""
    with FlexpriceServer(EmulatorOptions(jobs=False, lag=0.0)) as server:
        yield server


def test_there_are_recordings() -> None:
    assert len(RECORDINGS) == 53


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_fresh_server_answers_as_recorded(path: Path) -> None:
    options = EmulatorOptions(svix=path.stem not in WITHOUT_SVIX, jobs=False, lag=0.0)
    with FlexpriceServer(options) as server:
        failed = _play(path, server)
    expected = DIFFERENT.get(path.stem, set())
    assert failed.keys() == expected, "\n".join(
        f"{name}: {line}" for name, lines in failed.items() if name not in expected for line in lines
    )


@pytest.mark.parametrize(
    "path", [path for path in RECORDINGS if path.stem not in WITHOUT_SVIX], ids=lambda path: path.stem
)
def test_a_server_that_served_others_answers_as_recorded(path: Path, used_server: FlexpriceServer) -> None:
    failed = _play(path, used_server)
    assert failed.keys() == DIFFERENT.get(path.stem, set()), failed
