"""Rows are found by attribute whatever was changed, and ids grow."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.emulator.kernel.ids import Ids
from pytest_flexprice.emulator.kernel.tables import Row, Table

NOW = datetime(2026, 11, 22, tzinfo=UTC)
_STEP = st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.sampled_from(["red", "blue", ["un", "hashable"], None]))


@given(st.lists(_STEP, max_size=30), st.lists(st.tuples(st.integers(0, 29), st.sampled_from(["red", "green"]))))
def test_find_equals_a_scan(rows: list[tuple[str, int, object]], changes: list[tuple[int, str]]) -> None:
    table = Table("things")
    stored = []
    for index, (environment, size, colour) in enumerate(rows):
        stored.append(table.insert({"id": f"t{index}", "size": size, "colour": colour}, environment))
        table.find(environment, colour="red")  # builds the index early
    for index, colour in changes:
        if index < len(stored):
            stored[index]["colour"] = colour
    for environment in "ab":
        everything = table.all(environment)
        for colour in ("red", "green", ["un", "hashable"], None):
            expected = [row for row in everything if row["colour"] == colour and row["size"] == 1]
            assert table.find(environment, colour=colour, size=1) == expected
            assert table.first(environment, colour=colour, size=1) == (expected[0] if expected else None)


def test_environments_are_apart_and_removed_rows_are_gone() -> None:
    table = Table("things")
    row = table.insert({"id": "t", "environment_id": "one", "name": "n"})
    assert table.get("t", "two") is None
    assert table.find("one", name="n") == [row]
    table.remove(row)
    assert table.get("t", "one") is None
    assert table.find("one", name="n") == []
    assert len(table) == 0


def test_internal_keys_are_not_public() -> None:
    assert Row(id="t", _secret=1).public(extra=2) == {"id": "t", "extra": 2}


def test_ids_grow_also_when_the_clock_is_moved_back() -> None:
    ids = Ids()
    made = [ids.new("cust", NOW + timedelta(seconds=shift)) for shift in (0, 0, 5, -60, -60, 6)]
    assert made == sorted(made)
    assert len(set(made)) == 6
    assert all(re.fullmatch(r"cust_[0-9A-HJKMNP-TV-Z]{26}", each) for each in made)
