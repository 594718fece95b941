"""How numbers are read, from lenient to strict, and arithmetic that rounds only where a rule says so."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pytest_flexprice.model.decimals import (
    cut,
    decimal,
    difference,
    if_number,
    of_json,
    optional,
    places,
    plain,
    product,
    quantized,
    quotient,
    rounded,
    tidy,
    total,
    words,
    written,
)


@pytest.mark.parametrize(
    ("value", "number"),
    [("0.10", "0.10"), (0.1, "0.1"), (7, "7"), (Decimal("1E+2"), "1E+2"), ("-3", "-3"), ("1e3", "1E+3")],
)
def test_numbers_of_an_answer(value: Any, number: str) -> None:
    assert str(decimal(value)) == number
    assert optional(value) == if_number(value) == Decimal(number)


@pytest.mark.parametrize("value", [True, False, "", "1,5", "NaN", "Infinity", float("inf"), [], {}, "abc"])
def test_what_is_no_number(value: Any) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        decimal(value)
    assert if_number(value) is None


def test_absent_values() -> None:
    assert optional(None) is optional("") is if_number(None) is None
    assert decimal(None, Decimal(3)) == decimal("", Decimal(3)) == 3
    assert decimal(0, Decimal(3)) == 0
    with pytest.raises(ValueError, match="None is not a number"):
        decimal(None)


@pytest.mark.parametrize(
    ("text", "number"), [("0.05", "0.05"), (" 12 ", "12"), ("+.5", "0.5"), ("1e100", "1E+100"), ("9" * 100, "9" * 100)]
)
def test_numbers_that_a_person_writes(text: str, number: str) -> None:
    assert written(text) == Decimal(number)


@pytest.mark.parametrize(
    "text", ["", ".", "1,000", "1e101", "1e-101", "9" * 101, "0." + "9" * 100, "NaN", "0x10", "1" * 300]
)
def test_numbers_that_nobody_writes(text: str) -> None:
    with pytest.raises(ValueError, match="is no number") as caught:
        written(text)
    assert len(str(caught.value)) < 110
    assert (f"'{text}'" in str(caught.value)) is (len(text) <= 40)


@pytest.mark.parametrize(
    ("text", "number"), [("7", "7"), (" 0.50 ", "0.50"), ("1" * 15 + "." + "1" * 15, "1" * 15 + "." + "1" * 15)]
)
def test_plain_numbers_of_a_cell(text: str, number: str) -> None:
    assert str(plain(text)) == number


@pytest.mark.parametrize("text", ["-1", "+1", "1e3", "1.", ".5", "$1", "1,5", "", "1" * 16, "0." + "1" * 16, "XX1"])
def test_cells_that_hold_no_plain_number(text: str) -> None:
    with pytest.raises(ValueError, match="write the number alone"):
        plain(text)


def test_numbers_while_json_is_parsed() -> None:
    assert of_json("1e400") == Decimal("1e400")
    assert of_json("0e9999999") == 0
    for text in ("1e401", "1e-401", "0." + "1" * 399):
        with pytest.raises(ValueError, match=f"a number of {len(text)} characters is beyond all bounds"):
            of_json(text)


@pytest.mark.parametrize(
    ("currency", "amount", "result"),
    [
        ("usd", "1.005", "1.01"),
        ("USD", "-1.005", "-1.01"),
        ("jpy", "0.5", "1"),
        ("KRW", "1.4", "1"),
        ("kwd", "1.0005", "1.001"),
        ("clf", "1.00005", "1.0001"),
        ("xyz", "1.004", "1.00"),
    ],
)
def test_amounts_round_half_away_from_zero_to_their_currency(currency: str, amount: str, result: str) -> None:
    assert str(rounded(Decimal(amount), currency)) == result
    assert places(currency) == len(result.partition(".")[2])


def test_arithmetic_is_exact() -> None:
    tiny = Decimal("1e-50")
    assert total([Decimal(10) ** 40, tiny]) == Decimal("1" + "0" * 40 + "." + "0" * 49 + "1")
    assert difference(Decimal(10) ** 40, tiny) + tiny == Decimal(10) ** 40
    assert product(Decimal("1.1"), Decimal("1.1"), Decimal(2)) == Decimal("2.42")
    assert product() == 1
    assert total([]) == 0
    assert len(str(quotient(Decimal(1), Decimal(3)))) > 100
    assert cut(Decimal("-1." + "9" * 20)) == Decimal("-1." + "9" * 15)
    assert cut(Decimal("1.99"), 1) == Decimal("1.9")
    assert quantized(Decimal("0.25"), 1) == Decimal("0.3")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0.50", "0.5"),
        ("100", "100"),
        ("1E+2", "100"),
        ("-0.0", "0"),
        ("0.00", "0"),
        ("-1.10", "-1.1"),
        ("1E-7", "0.0000001"),
    ],
)
def test_one_normal_form(number: str, text: str) -> None:
    assert words(Decimal(number)) == text
    assert str(tidy(Decimal(number))) in (text, "1E-7")
