"""Limits, offsets, sorting and filters of lists."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.emulator.kernel import errors, lists
from pytest_flexprice.emulator.kernel.lists import NEXT, OWN, Page

from .conftest import Api

START = datetime(2026, 1, 1, tzinfo=UTC)


def rows(count: int) -> list[dict[str, Any]]:
    return [
        {"id": str(i), "name": f"Name {i % 3}", "status": "published" if i % 4 else "archived", "created_at": START}
        for i in range(count)
    ]


@given(st.integers(0, 60), st.integers(0, 1000), st.integers(0, 80))
def test_pages_cover_everything_once(count: int, limit: int, offset: int) -> None:
    page = lists.page_of({"limit": limit, "offset": offset})
    answer = lists.listing(rows(count), page)
    assert len(answer["items"]) == max(0, min(page.limit, count - offset))
    shown = {"total": count, "limit": limit or 50, "offset": offset + (limit or 50)}
    assert answer["pagination"] == shown
    assert lists.listing(rows(count), page, offset=OWN)["pagination"] == {**shown, "offset": offset}


@pytest.mark.parametrize(
    ("given_values", "details"),
    [
        ({"limit": -1}, {"limit": "must be between 1 and 1000"}),
        ({"limit": 1001}, {"limit": "must be between 1 and 1000"}),
        ({"offset": -1}, {"offset": "must be non-negative"}),
        ({"order": "sideways"}, {"order": "must be either 'asc' or 'desc'"}),
    ],
    ids=str,
)
def test_pages_out_of_bounds_are_refused(given_values: dict[str, Any], details: dict[str, str]) -> None:
    with pytest.raises(errors.ApiError) as caught:
        lists.page_of(given_values)
    assert caught.value.details == details


def test_newest_come_first_unless_asked_otherwise() -> None:
    everything = rows(5)
    assert lists.select(everything, Page(status="published"), (), "things") == [everything[i] for i in (3, 2, 1)]
    assert lists.select(everything, Page(order="asc"), (), "things") == [everything[i] for i in (1, 2, 3)]


def test_default_status_and_unknown_status() -> None:
    assert len(lists.select(rows(8), Page(), (), "things", statuses=("published", "archived"))) == 8
    assert lists.select(rows(8), Page(status="live"), (), "things") == []


def test_sorting_by_several_fields() -> None:
    page = Page(sort=[{"field": "name", "direction": "asc"}, {"field": "id", "direction": "desc"}], status="published")
    found = [(row["name"], row["id"]) for row in lists.select(rows(8), page, ("name",), "things")]
    assert found == [
        ("Name 0", "6"),
        ("Name 0", "3"),
        ("Name 1", "7"),
        ("Name 1", "1"),
        ("Name 2", "5"),
        ("Name 2", "2"),
    ]


def test_an_unknown_field_is_refused() -> None:
    page = Page(sort=[{"field": "shoe_size", "direction": "asc"}])
    with pytest.raises(errors.ApiError) as caught:
        lists.select(rows(1), page, ("name",), "things")
    assert caught.value.message == "Failed to list things"


@pytest.mark.parametrize(
    ("operator", "data_type", "value", "expected"),
    [
        ("eq", "string", {"string": "Acme"}, True),
        ("eq", "string", {"string": "acme"}, False),
        ("contains", "string", {"string": "CM"}, True),
        ("not_contains", "string", {"string": "CM"}, False),
        ("in", "array", {"array": ["Acme", "B"]}, True),
        ("not_in", "array", {"array": ["Acme", "B"]}, False),
        ("gt", "number", {"number": 3.0}, False),
    ],
)
def test_filter_operators(operator: str, data_type: str, value: dict[str, Any], expected: bool) -> None:
    condition = {"field": "name", "operator": operator, "data_type": data_type, "value": value}
    assert lists.matches({"name": "Acme"}, [condition]) is expected


def test_the_next_offset_is_the_default() -> None:
    assert lists.listing([], Page())["pagination"] == lists.listing([], Page(), offset=NEXT)["pagination"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *(
            (path, 400)
            for path in ("/v1/coupons", "/v1/taxes/rates", "/v1/prices/units", "/v1/addons", "/v1/creditnotes")
        ),
        *((path, 200) for path in ("/v1/meters", "/v1/prices", "/v1/wallets", "/v1/payments", "/v1/tasks")),
    ],
)
def test_a_list_whose_search_sorts_by_conditions_refuses_a_name(api: Api, path: str, status: int) -> None:
    """As the recorded ones do (list_conventions); whose search sorts by a name ignores it or takes it."""
    assert api.call("GET", f"{path}?sort=created_at").status_code == status
