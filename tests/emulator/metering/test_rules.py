"""What a meter makes of an event."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pytest_flexprice.emulator.metering.rules import Measure, Meter, TooLarge, filters_match


def meter(kind: str = "SUM", *, filters: Any = (), **aggregation: Any) -> Meter:
    row = {
        "id": "meter_1",
        "event_name": "call",
        "aggregation": {"type": kind, **aggregation},
        "filters": list(filters),
    }
    return Meter(row)


@pytest.mark.parametrize("kind", ["SUM", "MAX", "AVG", "LATEST", "WEIGHTED_SUM"])
@pytest.mark.parametrize(
    ("properties", "quantity"),
    [
        ({"n": 2}, 2),
        ({"n": 0}, 0),
        ({"n": 2.5}, Decimal("2.5")),
        ({"n": "1e2"}, 100),
        ({"n": -3}, 0),
        ({"n": "-3"}, 0),
        ({"n": "1,5"}, 0),
        ({"n": True}, 0),
        ({"n": None}, 0),
        ({"N": 5}, 0),
        ({}, 0),
        ({"n": 2**41}, 2**41),
        ({"n": "0.1234567890123456"}, Decimal("0.123456789012345")),
    ],
)
def test_a_property_is_the_quantity(kind: str, properties: dict[str, Any], quantity: Decimal) -> None:
    measured = meter(kind, field="n").measure(properties)
    assert measured is not None
    assert (measured.quantity, measured.unique) == (quantity, None)


def test_count_counts_every_event() -> None:
    assert meter("COUNT").measure({}) == Measure(1)
    assert meter("COUNT", field="n").measure({"n": 5}) == Measure(1)


@pytest.mark.parametrize(
    ("value", "unique"),
    [(1, "1"), ("1", "1"), ("A", "A"), (None, "<nil>"), ("", ""), (True, "true"), (1000000, "1e+06"), ([1], "[1]")],
    ids=repr,
)
def test_count_unique_keeps_the_printed_value(value: Any, unique: str) -> None:
    assert meter("COUNT_UNIQUE", field="u").measure({"u": value}) == Measure(1, unique)


def test_count_unique_without_the_property_counts_nothing() -> None:
    assert meter("COUNT_UNIQUE", field="u").measure({"v": 1}) == Measure(0)


@pytest.mark.parametrize(
    ("multiplier", "value", "quantity"),
    [("0.001", 1500, "1.5"), ("0.333333333333333333", 10, "3.333333333333333"), ("2", "-1", "0"), ("3", "x", "0")],
)
def test_a_multiplier_multiplies_before_the_cut(multiplier: str, value: Any, quantity: str) -> None:
    measured = meter("SUM_WITH_MULTIPLIER", field="n", multiplier=Decimal(multiplier)).measure({"n": value})
    assert measured is not None
    assert measured.quantity == Decimal(quantity)


def test_an_expression_that_fails_meters_nothing() -> None:
    expression = meter("SUM", expression="a / b")
    assert expression.measure({"a": 1, "b": 0}) is None
    assert expression.measure({"a": 1, "b": 4}) == Measure(Decimal("0.25"))
    assert expression.measure({"a": -1, "b": 4}) == Measure(0)


@pytest.mark.parametrize("value", [1e300, "1e300", 1.8e23, "170141183460469231731688"])
def test_a_quantity_beyond_the_table_is_told(value: Any) -> None:
    with pytest.raises(TooLarge):
        meter("SUM", field="n").measure({"n": value})
    with pytest.raises(TooLarge):
        meter("SUM", expression="n * 1").measure({"n": value})


def test_a_product_beyond_the_table_is_told() -> None:
    with pytest.raises(TooLarge):
        meter("SUM_WITH_MULTIPLIER", field="n", multiplier="1e20").measure({"n": "1e999999"})


@pytest.mark.parametrize(
    ("filters", "properties", "matches"),
    [
        ([], {}, True),
        ([{"key": "k", "values": ["eu", "us"]}], {"k": "us"}, True),
        ([{"key": "k", "values": ["eu"]}], {"k": "EU"}, False),
        ([{"key": "k", "values": ["eu"]}], {}, False),
        ([{"key": "k", "values": ["true"]}], {"k": True}, True),
        ([{"key": "k", "values": ["200"]}], {"k": 200}, True),
        ([{"key": "k", "values": ["1000000"]}], {"k": 1000000}, False),
        ([{"key": "k", "values": ["1e+06"]}], {"k": 1000000}, True),
        ([{"key": "k", "values": ["<nil>"]}], {"k": None}, True),
        ([{"key": "k", "values": ["[a]"]}], {"k": ["a"]}, True),
        ([{"key": "a", "values": ["x"]}, {"key": "b", "values": ["y"]}], {"a": "x"}, False),
        ([{"key": "a.b", "values": ["x"]}], {"a": {"b": "x"}}, False),
    ],
)
def test_filters_compare_printed_values(filters: Any, properties: dict[str, Any], *, matches: bool) -> None:
    assert filters_match(filters, properties) is matches
    assert (meter("COUNT", filters=filters).measure(properties) is not None) is matches
