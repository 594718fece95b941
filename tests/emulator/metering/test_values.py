"""How property values are printed, read and cut."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_flexprice.emulator.metering.values import (
    LARGEST,
    NotDouble,
    as_doubles,
    cut,
    extracted,
    from_text,
    printed,
    quantity,
)

DOUBLES = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("eu", "eu"),
        (True, "true"),
        (False, "false"),
        (None, "<nil>"),
        (0, "0"),
        (200, "200"),
        (200.5, "200.5"),
        (123456, "123456"),
        (999999.5, "999999.5"),
        (1000000, "1e+06"),
        (1234567, "1.234567e+06"),
        (-1000000, "-1e+06"),
        (12345678901234567890.0, "1.2345678901234567e+19"),
        (1e100, "1e+100"),
        (0.001, "0.001"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (1.5e-7, "1.5e-07"),
        ([], "[]"),
        (["a"], "[a]"),
        (["a", 1, None, [True]], "[a 1 <nil> [true]]"),
        ({}, "map[]"),
        ({"b": 1000000, "a": "x"}, "map[a:x b:1e+06]"),
    ],
)
def test_a_value_is_printed_as_go_does(value: Any, text: str) -> None:
    assert printed(value) == text


@settings(deadline=None)
@given(DOUBLES)
def test_a_printed_double_is_the_same_double(value: float) -> None:
    text = printed(as_doubles(value))
    assert float(text) == value
    digits = text.lstrip("-").replace(".", "").lstrip("0")
    exponent = "e" in text
    whole = abs(value)
    assert exponent == bool(whole and not 1e-4 <= whole < 1e6) or whole >= 999999.5
    assert len(digits.partition("e")[0]) <= 17


@settings(deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.text() | st.integers() | DOUBLES, st.lists, max_leaves=10))
def test_values_survive_storing(value: Any) -> None:
    stored = as_doubles(value)
    assert as_doubles(json.loads(json.dumps(stored))) == stored


def test_integers_beyond_a_double_lose_digits() -> None:
    assert as_doubles(2**53 + 1) == 2**53
    assert as_doubles(12345678901234567890) == 12345678901234567000
    assert as_doubles({"a": [10**21]}) == {"a": [1e21]}


@pytest.mark.parametrize("value", [10**400, float("1e999"), [{"a": -(10**309)}]])
def test_a_number_that_no_double_holds_is_refused(value: Any) -> None:
    with pytest.raises(NotDouble):
        as_doubles(value)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2", "2"),
        ("2.50", "2.5"),
        ("1e2", "100"),
        ("1E+2", "100"),
        ("25e-1", "2.5"),
        ("+4", "4"),
        ("-4", "-4"),
        (".5", "0.5"),
        ("5.", "5"),
        ("007", "7"),
        ("12345678901234567890", "12345678901234567890"),
        ("0.123456789012345678", "0.123456789012345678"),
    ],
)
def test_numeric_text_is_a_number(text: str, number: str) -> None:
    assert from_text(text) == Decimal(number)


@pytest.mark.parametrize(
    "text",
    ["", " 3", "3 ", "0x10", "1,5", "1_000", "NaN", "Infinity", "inf", "12 GB", "١٢", "-", "+", ".", "e5", "1e", "1e1.5",
     "--1", "1.2.3", "1e99999999999", "½"],
)  # fmt: skip
def test_other_text_is_none(text: str) -> None:
    assert from_text(text) is None
    assert quantity(text) == 0


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**12), max_value=10**12))
def test_every_decimal_is_read_back(number: Decimal) -> None:
    assert from_text(str(number)) == number
    assert from_text(format(number, "f")) == number


@settings(deadline=None)
@given(st.text(max_size=8))
def test_text_is_read_as_a_number_or_not_at_all(text: str) -> None:
    number = from_text(text)
    if number is not None:
        assert set(text) <= set("+-.eE0123456789")


@pytest.mark.parametrize("value", [None, True, False, "many", [5], {"v": 5}])
def test_what_is_no_number_counts_nothing(value: Any) -> None:
    assert quantity(value) == 0


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20))
def test_a_stored_quantity_is_cut_and_never_negative(number: Decimal) -> None:
    stored = cut(number)
    if number <= 0:
        assert stored == 0
    else:
        assert stored <= number
        assert number - stored < Decimal("1e-15")
        assert int(stored.as_tuple().exponent) >= -15


def test_the_largest_quantity_is_that_of_the_table() -> None:
    assert cut(LARGEST) == LARGEST
    assert Decimal("1.7e23") < LARGEST < Decimal("1.71e23")


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), (1, "1"), (1000000, "1000000"), (0.5, "0.5"), (True, "true"), (None, ""), ([1, "x"], '[1,"x"]')],
)
def test_the_store_extracts_text(value: Any, text: str) -> None:
    assert extracted({"k": value}, "k") == text
    assert extracted({"k": value}, "K") == ""
