"""Meter expressions: typed and computed as the real server's evaluator does, and what it refuses said so."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_flexprice.emulator.metering.expressions import Expression
from pytest_flexprice.emulator.metering.expressions import ExpressionError as EmulatorError
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.model.meters import Aggregation, Event, Meter
from pytest_flexprice.oracle.metering.expressions import ExpressionError, quantity_by_expression, variables
from pytest_flexprice.oracle.metering.meters import quantity
from pytest_flexprice.oracle.metering.reaching import MeterCount, properties_worth


@pytest.mark.parametrize(
    ("expression", "properties", "value"),
    [
        ("tokens * 1e-6", {"tokens": 500_000}, "0.5"),
        ("tokens * 2 + 1", {"tokens": 3}, "7"),
        (" tokens*2 ", {"tokens": 5}, "10"),
        ("a-1", {"a": 3}, "2"),
        ("a -1.5e1", {"a": 20}, "5"),
        (".5 * a", {"a": 3}, "1.5"),
        ("0x10 * a", {"a": 2}, "32"),
        ("double(duration_ms) / 1000.0", {"duration_ms": 5000}, "5"),
        ("int(a / 60.0)", {"a": 125}, "2"),
        ("int(0.0 - a)", {"a": 2.9}, "-2"),
        ("int(a) % int(b)", {"a": -7, "b": 2}, "-1"),
        ("int(a) / int(b)", {"a": -7, "b": 2}, "-3"),
        ("double(int(a)) * 0.5", {"a": 3.7}, "1.5"),
        ("pow(size, 2.0) * 0.001", {"size": 50}, "2.5"),
        ("sqrt(area)", {"area": 81}, "9"),
        ("log(a)", {"a": 1}, "0"),
        ("min(a, b) + max(a, b)", {"a": 2, "b": 5}, "7"),
        ("abs(a - b)", {"a": 2, "b": 5}, "3"),
        ("round(hours * 4.0) / 4.0", {"hours": 1.13}, "1.25"),
        ("round(a)", {"a": -2.5}, "-3"),
        ("ceil(a) + floor(b)", {"a": 1.1, "b": 1.9}, "3"),
        ("a > 10.0 && b > 0.0 ? a : b", {"a": 20, "b": 3}, "20"),
        ("!(a > 1) || b == 2 ? 1 : 0", {"a": 3, "b": 2}, "1"),
        ("a in [1, 2, 3] ? a : 0", {"a": 2}, "2"),
        ("a == 1 ? 10 : a == 2 ? 20 : 30", {"a": 2}, "20"),
        ("-refund + charge", {"refund": 1, "charge": 5}, "4"),
        ("a * b", {"a": 5}, "0"),
        ('"x" == "x" ? a : 0.0', {"a": 7}, "7"),
        ("double('2.5') * a", {"a": 2}, "5"),
        ("a // b", {"a": 2, "b": "x"}, "2"),
        ("size([a, b]) == size('xy') ? a : b", {"a": 2}, "2"),
        ("int(a) / (int(b) - int(1.0))", {"a": 8, "b": 5}, "2"),
    ],
)
def test_an_expression_is_computed(expression: str, properties: dict[str, Any], value: str) -> None:
    assert quantity_by_expression(expression, properties) == Decimal(value)
    assert Expression(expression).quantity(properties) == Decimal(value)


@pytest.mark.parametrize(
    ("expression", "because"),
    [
        ('model == "large" ? tokens * 3.0 : tokens', "a double cannot be compared with a string"),
        ('region in ["eu", "us"] ? gb : gb * 2.0', "a double cannot be 'in' a list"),
        ("cached ? 0.0 : tokens", "the condition before '.' is a double"),
        ("has(properties.tokens) ? 1 : 0", "'has\\(\\)'"),
        ("tokens['input']", "has no meaning after a double"),
        ("usage.tokens * 2", "'.tokens' has no meaning after a double"),
        ("a % 60", "'%' has no meaning between a double and a double"),
        ("int(a) * 2", "between a int and a double"),
        ("a + 'x'", "between a double and a string"),
        ("max(a, b, c)", "max\\(\\) takes 2 numbers"),
        ("a && b > 1 ? 1 : 0", "'&&' has no meaning for a double"),
        ("a > 1 ? 1 : 'x'", "gives a double or a string"),
        ("1 + 2", "it reads no property"),
        ("a +", "cannot be parsed"),
        ("a + 1.", "a number ends with a point"),
        ("a + -5u", "'-' has no meaning before a uint"),
        ("a * 1e999", "beyond what a double holds"),
    ],
)
def test_what_the_server_refuses_is_told(expression: str, because: str) -> None:
    with pytest.raises(NotVerified, match=f"Flexprice refuses a meter with it, as .*{because}"):
        quantity_by_expression(expression, {})
    with pytest.raises(EmulatorError):
        Expression(expression)


@pytest.mark.parametrize(
    ("expression", "properties"),
    [
        ("a / b", {"a": 1}),
        ("sqrt(a)", {"a": -1}),
        ("log(a)", {}),
        ("pow(a, 1000)", {"a": 1000}),
        ("int(a)", {"a": 1e30}),
        ("int(a) / int(b)", {"a": 1}),
        ("a * 2", {"a": "x"}),
        ("a * 2", {"a": True}),
        ("a > 1", {"a": 2}),
        ("double('x') + a", {"a": 1}),
        ("a * 2", {"a": 10**400}),
    ],
)
def test_what_gives_no_quantity_meters_nothing(expression: str, properties: dict[str, Any]) -> None:
    with pytest.raises(ExpressionError):
        quantity_by_expression(expression, properties)
    with pytest.raises(EmulatorError):
        Expression(expression).quantity(properties)


def test_a_place_that_a_list_has_not_meters_nothing() -> None:
    with pytest.raises(EmulatorError):
        Expression("[a][int(b)]").quantity({"a": 1, "b": 5})


def test_the_properties_are_named_in_their_order() -> None:
    assert variables("(ended_at - started_at) * replicas + ended_at") == ("ended_at", "started_at", "replicas")


_TERMS = st.recursive(
    st.sampled_from(("a", "b", "c", "2", "0.5", "1e-3")),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner),
        st.builds("{}({})".format, st.sampled_from(("ceil", "floor", "round", "abs")), inner),
        st.builds("{}({}, {})".format, st.sampled_from(("min", "max")), inner, inner),
        st.builds("({} > {} ? {} : {})".format, inner, inner, inner, inner),
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(_TERMS, st.floats(-1000, 1000), st.floats(-1000, 1000))
def test_both_computations_agree(expression: str, a: float, b: float) -> None:
    properties = {"a": a, "b": b}
    try:
        theirs: Decimal | None = Expression(f"a + {expression}").quantity(properties)
    except EmulatorError:
        theirs = None
    try:
        ours: Decimal | None = quantity_by_expression(f"a + {expression}", properties)
    except ExpressionError:
        ours = None
    assert ours == theirs


@pytest.mark.parametrize(
    "expression",
    [
        "tokens * 1e-6",
        "(ended_at - started_at) * replicas / 3600.0",
        "ceil(bytes / 1073741824.0)",
        "input - cached + output * 5.0",
        "max(seconds, 60.0) / 60.0",
        "used > included ? used - included : 0.0",
        "tokens / batches",
        "int(a / 60.0)",
        "sqrt(area)",
        "a - b",
    ],
)
@pytest.mark.parametrize("wanted", [3, 100, 100_001])
def test_events_can_be_made_that_count_what_is_wanted(expression: str, wanted: int) -> None:
    meter = Meter("meter_1", "m", "job.done", Aggregation("SUM", "", expression))
    tally = MeterCount(meter)
    for properties in list(tally.missing(Decimal(wanted))):
        tally.add(properties)
    assert abs(tally.total - wanted) < Decimal("1e-8")


def test_an_expression_that_never_counts_that_little_says_so() -> None:
    meter = Meter("meter_1", "m", "job.done", Aggregation("SUM", "", "max(a, 60.0)"))
    assert properties_worth(meter, Decimal(5)) is None


def test_a_plain_number_is_sent_as_it_is() -> None:
    meter = Meter("meter_1", "m", "job.done", Aggregation("SUM", "n"))
    properties = properties_worth(meter, Decimal("2.5"))
    assert properties == {"n": 2.5}
    assert quantity(meter, Event("", "job.done", None, properties)) == Decimal("2.5")
