"""Expressions of meters: doubles throughout, missing properties are zero, errors meter nothing."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_flexprice.emulator.kernel.errors import ApiError
from pytest_flexprice.emulator.metering.cel_engine import NativeProgram, PurePythonProgram, program
from pytest_flexprice.emulator.metering.expressions import (
    FUNCTIONS,
    Compiler,
    Expression,
    ExpressionError,
    check_expression,
    compiled,
)

LIBRARIES: dict[str, Compiler] = {"cel": NativeProgram, "celpy": PurePythonProgram}


@pytest.fixture(params=sorted(LIBRARIES))
def engine(request: pytest.FixtureRequest) -> Compiler:
    """Each of the two libraries, where it is installed."""
    pytest.importorskip(request.param)
    return LIBRARIES[request.param]


def test_one_of_the_libraries_is_installed() -> None:
    assert program("a * b", {}).names == ("a", "b")


@pytest.mark.parametrize(
    ("source", "properties", "value"),
    [
        ("a * b", {"a": 2, "b": 3}, "6"),
        ("a * b", {"a": 5}, "0"),
        ("a * b", {"a": " 4 ", "b": "2.5"}, "10"),
        ("total / 1000", {"total": 1500}, "1.5"),
        ("total / 0x10", {"total": 8}, "0.5"),
        ("a - b", {"a": 1, "b": 4}, "-3"),
        ("a > 10 ? a : 10", {"a": 3}, "10"),
        ("a > 10 ? a : 10", {"a": 12}, "12"),
        ("a == 1 && b != 2 ? 5 : 7", {"a": 1, "b": 3}, "5"),
        ("ceil(max(a, 2) / 3)", {"a": 7}, "3"),
        ("a1 + b2 * 1e3", {"a1": 1, "b2": 2}, "2001"),
        ("round(a)", {"a": 2.5}, "3"),
        ("round(a)", {"a": -2.5}, "-3"),
        ("floor(a) + abs(b) + sqrt(c) + pow(d, 2) + min(a, b)", {"a": 1.5, "b": -2, "c": 9, "d": 3}, "13"),
        ("log(a)", {"a": 1}, "0"),
        ("a + b", {"a": 0.1, "b": 0.2}, "0.30000000000000004"),
        ("(a + 1) * -2", {"a": 1}, "-4"),
    ],
)
def test_an_expression_gives_a_quantity(engine: Compiler, source: str, properties: dict[str, Any], value: str) -> None:
    assert Expression(source, engine).quantity(properties) == Decimal(value)


@pytest.mark.parametrize(
    ("source", "properties"),
    [
        ("a * b", {"a": "x", "b": 2}),
        ("a * b", {"a": True, "b": 2}),
        ("a * b", {"a": None, "b": 2}),
        ("a * b", {"a": [1], "b": 2}),
        ("a * b", {"a": "", "b": 2}),
        ("a / b", {"a": 1, "b": 0}),
        ("a / b", {}),
        ("sqrt(a)", {"a": -1}),
        ("log(a)", {"a": 0}),
        ("pow(a, 1000)", {"a": 1000}),
        ("a", {"a": "inf"}),
    ],
)
def test_an_expression_without_a_quantity_meters_nothing(
    engine: Compiler, source: str, properties: dict[str, Any]
) -> None:
    expression = Expression(source, engine)
    with pytest.raises(ExpressionError):
        expression.quantity(properties)


@pytest.mark.parametrize("source", ["a +", "1 + 2", "a % 2", "nonsense(a)", "a + 'x'", "a.b * 2", "", "a[0] +"])
def test_an_expression_that_does_not_compile_is_refused(engine: Compiler, source: str) -> None:
    with pytest.raises(ExpressionError):
        Expression(source, engine)


@pytest.mark.parametrize(
    "source",
    [
        "model == 'large' ? tokens * 3.0 : tokens",
        "region in ['eu', 'us'] ? gb : gb * 2.0",
        "cached ? 0.0 : tokens",
        "a > 1 ? 'x' : a",
        "a == true ? a : b",
        "a && b ? a : b",
        "!a",
        "-'x' + a",
        "has(properties.tokens) ? properties.tokens : 0",
        "tokens['input']",
        "int(a) * 2.5",
        "a * 2u",
        "max(a)",
        "max(a, b, c)",
        "ceil('1') + a",
        "a < 'x' ? a : b",
        "math.ceil(a)",
        "a.contains('x') ? a : b",
        "[1, 2][a] + a",
        "a ** 2",
        "a; b",
        "a == b",
        "string(a)",
        "a in [1, 2]",
        "(" * 150 + "a" + ")" * 150,
    ],
)
def test_types_refuse_what_parses(engine: Compiler, source: str) -> None:
    with pytest.raises(ExpressionError):
        Expression(source, engine)


@pytest.mark.parametrize(
    ("source", "properties", "value"),
    [
        ("double(a) / 1000.0", {"a": 5000}, "5"),
        ("int(a / 60.0)", {"a": 125}, "2"),
        ("tokens * 1e-6", {"tokens": 500000}, "0.5"),
        ("pow(size, 2.0) * 0.001", {"size": 50}, "2.5"),
        ("a in [1, 2] ? a : b", {"a": 2, "b": 7}, "2"),
        ("'eu'.startsWith('e') || a > 1 ? a : b", {"a": 2, "b": 7}, "2"),
        ("a > 10.0 && b > 0.0 ? a : b", {"a": 20, "b": 3}, "20"),
        ("-refund + charge", {"refund": 1, "charge": 5}, "4"),
        (" tokens*2 ", {"tokens": 5}, "10"),
        ("size('abc') == int(a) ? a : b", {"a": 3, "b": 4}, "3"),
        ("{'x': 1}.x + a", {"a": 3}, "4"),
    ],
)
def test_types_let_pass_what_has_one(engine: Compiler, source: str, properties: dict[str, Any], value: str) -> None:
    assert Expression(source, engine).quantity(properties) == Decimal(value)


def test_a_meter_with_such_an_expression_is_refused() -> None:
    with pytest.raises(ApiError) as refused:
        check_expression("a +")
    assert refused.value.status == 400


def test_text_literals_keep_their_digits(engine: Compiler) -> None:
    assert Expression("'1000' == '1000' && a > 1 ? a : 0", engine).quantity({"a": 7}) == 7


@settings(deadline=None)  # the first example loads the library
@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.integers(-1000, 1000))
def test_arithmetic_is_that_of_doubles(a: float, b: float, c: int) -> None:
    assert compiled("a * b + c").quantity({"a": a, "b": b, "c": c}) == Decimal(repr(a * b + float(c)))


@given(
    st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["ceil", "floor", "round", "abs", "sqrt", "log"])
)
def test_functions_never_raise(value: float, name: str) -> None:
    result = FUNCTIONS[name][1](value)
    assert isinstance(result, float)
    if name in ("ceil", "floor", "round"):
        assert abs(result - value) <= 1 or math.isclose(result, value)
