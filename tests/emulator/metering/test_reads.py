"""Aggregates of metered rows, compared with a naive model of the two tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_flexprice.emulator.kernel.options import EmulatorOptions
from pytest_flexprice.emulator.kernel.world import World
from pytest_flexprice.emulator.metering import reads
from pytest_flexprice.emulator.metering.pipeline import pipeline
from pytest_flexprice.emulator.metering.reads import Selection
from pytest_flexprice.emulator.metering.store import Event, MeteredRow
from pytest_flexprice.emulator.metering.windows import millisecond_of

T0 = datetime(2026, 1, 31, 23, 59, 50, tzinfo=UTC)
QUANTITIES = st.one_of(
    st.integers(0, 2**40 - 1),
    st.decimals(0, 10**22, allow_nan=False, allow_infinity=False, places=15),
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from("abcdef"),
        st.integers(0, 40_000),
        QUANTITIES,
        st.sampled_from([None, "x", "y", ""]),
        st.sampled_from(["g1", "g2", ""]),
    ),
    max_size=25,
)
WIDE = Context(prec=100)
Kept = list[tuple[str, int, Decimal, Any, str]]


def filled(rows: list[Any]) -> tuple[World, Kept]:
    """A world with these rows, and what remains of them: per second and id the later one."""
    world = World(EmulatorOptions(lag=0, jobs=False))
    metered = []
    kept: dict[tuple[int, str], Any] = {}
    for identifier, offset, amount, value, group in rows:
        moment = millisecond_of(T0) + offset
        properties = {"g": group} if group else {}
        text = f'{{"g":"{group}"}}' if group else None
        event = Event("env", moment, identifier, "acme", "call", "", "", text, properties)
        metered.append(MeteredRow(event, "meter_1", amount, value, 0))
        kept[moment // 1000, identifier] = (identifier, moment, Decimal(amount), value, group)
    pipeline(world).store.add_metered(metered)
    return world, list(kept.values())


def model(rows: Kept, kind: str) -> tuple[Decimal, int]:
    """What the server answers for these rows."""
    if kind == "COUNT_UNIQUE":
        rows = [row for row in rows if row[3] is not None]
    ids = len({row[0] for row in rows})
    values = [row[2] for row in rows]
    if not rows:
        return Decimal(0), 0
    total = sum((int(WIDE.scaleb(value, 15)) for value in values), 0)
    if kind == "COUNT":
        return Decimal(ids), ids
    if kind == "COUNT_UNIQUE":
        return Decimal(len({row[3] for row in rows})), ids
    if kind == "MAX":
        return max(values), ids
    if kind == "AVG":
        return Decimal(repr(float(total) / 10**15 / len(rows))), ids
    return WIDE.scaleb(Decimal(total), -15), ids


@settings(max_examples=60, deadline=None)
@given(ROWS, st.integers(0, 40), st.integers(0, 40))
def test_totals_are_those_of_the_model(rows: list[Any], start: int, length: int) -> None:
    world, kept = filled(rows)
    window = (T0 + timedelta(seconds=start, milliseconds=999), T0 + timedelta(seconds=start + length, milliseconds=1))
    first, last = millisecond_of(window[0]) // 1000, millisecond_of(window[1]) // 1000
    inside = [row for row in kept if first <= row[1] // 1000 < last]
    for kind in ("COUNT", "SUM", "AVG", "MAX", "COUNT_UNIQUE", "WEIGHTED_SUM", "SUM_WITH_MULTIPLIER", "NONSENSE"):
        selection = Selection("env", "acme", ("meter_1",), *window)
        usage = reads.total(world, selection, kind)
        assert (usage.value, usage.event_count) == model(inside, kind), kind


@settings(max_examples=40, deadline=None)
@given(ROWS, st.sampled_from(["MINUTE", "15MIN", "HOUR", "DAY", "WEEK", "MONTH"]))
def test_points_add_up_to_the_total(rows: list[Any], size: str) -> None:
    world, kept = filled(rows)
    selection = Selection("env", "acme", ("meter_1",), T0, T0 + timedelta(hours=1))
    found = reads.points(world, selection, "SUM", size)
    assert reads.summed(point.value for point in found) == model(kept, "SUM")[0]
    assert sorted(point.start for point in found) == [point.start for point in found]
    for point in found:
        assert point.event_count > 0


@settings(max_examples=40, deadline=None)
@given(ROWS)
def test_groups_split_each_bucket(rows: list[Any]) -> None:
    world, kept = filled(rows)
    selection = Selection("env", "acme", ("meter_1",), T0, T0 + timedelta(hours=1))
    found = reads.points(world, selection, "MAX", "MINUTE", "g")
    best: dict[tuple[int, str], Decimal] = {}
    for _, moment, amount, _, group in kept:
        key = (moment // 60_000, group)
        best[key] = max(best.get(key, Decimal(0)), amount)
    assert {(millisecond_of(b.start) // 60_000, b.group): b.value for b in found} == best


def test_latest_goes_by_time_and_not_by_arrival() -> None:
    rows = [("a", 9000, Decimal("7.5"), None, ""), ("b", 5000, 3, None, "")]
    world, _ = filled(rows)
    selection = Selection("env", "acme", ("meter_1",), T0, T0 + timedelta(hours=1))
    assert reads.total(world, selection, "LATEST") == reads.Usage(Decimal("7.5"), 2)


@pytest.mark.parametrize("kind", ["COUNT", "SUM", "AVG", "MAX", "LATEST", "COUNT_UNIQUE"])
def test_nothing_is_zero(kind: str) -> None:
    world, _ = filled([])
    selection = Selection("env", "acme", ("meter_1",), T0, T0 + timedelta(1))
    assert reads.total(world, selection, kind) == reads.Usage(Decimal(0), 0)


def test_days_are_utc_days() -> None:
    world, _ = filled([("a", 0, 5, None, ""), ("b", 9_999, 6, None, ""), ("c", 10_000, 7, None, "")])
    selection = Selection("env", "acme", ("meter_1",), T0, T0 + timedelta(days=1))
    found = reads.points(world, selection, "SUM", "DAY")
    assert [(bucket.start.day, bucket.value) for bucket in found] == [(31, 11), (1, 7)]


def test_sums_beyond_64_bits_are_exact() -> None:
    rows = [(chr(97 + i), i * 1000, Decimal("99999999999999999999.000000000000001"), None, "") for i in range(6)]
    world, _ = filled(rows)
    selection = Selection("env", "acme", ("meter_1",), T0, T0 + timedelta(hours=1))
    assert reads.total(world, selection, "SUM").value == Decimal("599999999999999999994.000000000000006")
