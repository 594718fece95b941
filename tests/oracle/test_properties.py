"""What must hold whatever the events and prices are."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_flexprice.model.decimals import cut, decimal, rounded, words
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.model.meters import AGGREGATIONS, Event, Meter
from pytest_flexprice.model.prices import Price, Tier
from pytest_flexprice.model.times import Window
from pytest_flexprice.model.values import number_of, printed
from pytest_flexprice.oracle.metering.buckets import SIZES, bucket_start
from pytest_flexprice.oracle.metering.expressions import ExpressionError, quantity_by_expression
from pytest_flexprice.oracle.metering.meters import expected_usage, quantity
from pytest_flexprice.oracle.pricing.prices import cost, formula

START = datetime(2026, 11, 1, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(days=30))
AMOUNTS = st.decimals(0, 1000, places=4)
QUANTITIES = st.decimals(0, 10**6, places=6)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))


def meter(kind="SUM", **extra):
    spec = {"type": kind, "multiplier": "0.5" if kind == "SUM_WITH_MULTIPLIER" else None, **extra}
    return Meter.from_api({"id": "m", "name": "m", "event_name": "e", "aggregation": {"field": "n", **spec}})


def event(index, value, seconds=0):
    return Event(f"id{index}", "e", START + timedelta(seconds=seconds), {"n": value})


@st.composite
def events(draw):
    values = draw(st.lists(st.tuples(QUANTITIES.map(str), st.integers(0, 10**6)), max_size=12))
    return [event(index, value, seconds) for index, (value, seconds) in enumerate(values)]


@given(events(), st.sampled_from(AGGREGATIONS), st.randoms(use_true_random=False))
def test_order_of_arrival_never_matters(sent, kind, random):
    seconds = [one.timestamp for one in sent]
    assume(kind != "LATEST" or len(set(seconds)) == len(seconds))
    shuffled = list(sent)
    random.shuffle(shuffled)
    assert expected_usage(meter(kind), sent, WINDOW).total == expected_usage(meter(kind), shuffled, WINDOW).total


@given(events(), st.integers(0, 30 * 86400))
def test_splitting_a_window_never_changes_a_sum(sent, seconds):
    middle = START + timedelta(seconds=seconds)
    halves = [expected_usage(meter(), sent, each).total for each in (Window(START, middle), Window(middle, WINDOW.end))]
    assert sum(halves) == expected_usage(meter(), sent, WINDOW).total


@given(st.lists(QUANTITIES, min_size=1, max_size=10))
def test_splitting_events_never_changes_a_sum(parts):
    one = [event(0, str(sum(parts)))]
    many = [event(index, str(part)) for index, part in enumerate(parts)]
    assert expected_usage(meter(), one, WINDOW).total == expected_usage(meter(), many, WINDOW).total


@given(events())
def test_sending_everything_twice_changes_nothing(sent):
    for kind in ("SUM", "COUNT", "MAX", "AVG", "COUNT_UNIQUE"):
        once, twice = expected_usage(meter(kind), sent, WINDOW), expected_usage(meter(kind), [*sent, *sent], WINDOW)
        assert (once.total, once.event_count) == (twice.total, twice.event_count)


@given(events(), st.sampled_from(SIZES))
def test_buckets_of_a_sum_add_up_to_it(sent, size):
    usage = expected_usage(meter(), sent, WINDOW)
    assert sum(usage.per(size, START)) == usage.total


@given(MOMENTS, st.sampled_from(SIZES), st.integers(1, 28))
def test_bucket_holds_its_moment_and_starts_itself(moment, size, day):
    anchor = START.replace(day=day)
    start = bucket_start(moment, size, anchor)
    assert start <= moment
    assert bucket_start(start, size, anchor) == start
    assert size != "WEEK" or start.isoweekday() == 7


@st.composite
def tiered(draw, mode):
    bounds = sorted(draw(st.sets(st.integers(1, 10**6), max_size=5)))
    tiers = [Tier(Decimal(bound), draw(AMOUNTS), draw(AMOUNTS)) for bound in bounds]
    return Price(
        "p",
        "USAGE",
        "usd",
        "TIERED",
        Decimal(0),
        tier_mode=mode,
        tiers=(*tiers, Tier(None, draw(AMOUNTS), draw(AMOUNTS))),
    )


@given(tiered("SLAB"), QUANTITIES, QUANTITIES)
def test_slabs_never_get_cheaper_with_more(price, one, other):
    low, high = sorted((one, other))
    assert cost(price, low) <= cost(price, high)


@given(tiered("SLAB"), st.integers(1, 10**6))
def test_slabs_cost_between_the_cheapest_and_the_dearest_tier(price, number):
    units = [tier.unit_amount for tier in price.tiers]
    flats = sum(tier.flat_amount for tier in price.tiers)
    assert min(units) * number <= cost(price, Decimal(number)) <= max(units) * number + flats


@given(tiered("VOLUME"), QUANTITIES)
def test_volume_is_the_price_of_one_tier(price, number):
    tier = next(each for each in price.tiers if each.up_to is None or number <= each.up_to)
    assert cost(price, number) == (tier.unit_amount * number + tier.flat_amount if number else 0)


@given(AMOUNTS, QUANTITIES, st.integers(1, 1000))
def test_package_rounded_up_is_at_most_one_package_dearer(amount, number, size):
    up, down = (
        Price("p", "USAGE", "usd", "PACKAGE", amount, divide_by=Decimal(size), round_down=mode)
        for mode in (False, True)
    )
    assert cost(up, number) - cost(down, number) in (0, amount)


@given(st.decimals(-1000, 1000, places=6))
def test_rounding_is_symmetric_and_close(number):
    assert rounded(-number, "usd") == -rounded(number, "usd")
    assert abs(rounded(number, "usd") - number) <= Decimal("0.005")
    assert cut(number, 2) * number >= 0


@given(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(max_value=10**23),
        st.floats(max_value=1e23),
        st.text().filter(lambda text: (number_of(text) or 0) <= 10**23),  # beyond that nothing is metered
        st.lists(st.integers()),
    )
)
def test_every_value_has_a_quantity_and_a_printed_form(value):
    for kind in AGGREGATIONS:
        assert quantity(meter(kind), event(0, value)) >= 0
    assert isinstance(printed(value), str)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_printed_number_is_the_number(value):
    assert float(printed(value)) == value
    assert float(words(decimal(value))) == value


@pytest.mark.parametrize(
    ("value", "number"),
    [("2", "2"), ("1e2", "100"), ("+4", "4"), (".5", "0.5"), ("5.", "5"), (3, "3"), (0.1, "0.1"), ("-4", "-4")],
)
def test_numeric_values(value, number):
    assert number_of(value) == Decimal(number)


@pytest.mark.parametrize(
    "value", [" 3", "3 ", "0x10", "1,5", "1_000", "NaN", "Infinity", "", ".", "e5", "٣", True, None, [5], {"v": 5}]
)
def test_other_values_are_no_numbers(value):
    assert number_of(value) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (200.0, "200"),
        (1000000, "1e+06"),
        (123456789, "1.23456789e+08"),
        (0.00001, "1e-05"),
        (None, "<nil>"),
        (["a", 1], "[a 1]"),
        ({"b": 1, "a": True}, "map[a:true b:1]"),
        (-0.5, "-0.5"),
        (1e21, "1e+21"),
        ("x", "x"),
    ],
)
def test_printed_values(value, text):
    assert printed(value) == text


@pytest.mark.parametrize("value", [1e300, "1e24"])
def test_number_that_breaks_the_server_is_never_green(value):
    with pytest.raises(NotVerified, match="beyond what Flexprice can store"):
        quantity(meter(), event(0, value))


def test_latest_with_two_values_in_one_second_is_not_verified():
    with pytest.raises(NotVerified, match="several share its second"):
        expected_usage(meter("LATEST"), [event(0, 1), event(1, 2)], WINDOW)


def test_grouping_by_something_else_than_text_is_not_verified():
    grouping = meter("MAX", bucket_size="HOUR", group_by="g")
    with pytest.raises(NotVerified, match="no text in 'g'"):
        expected_usage(grouping, [event(0, 1)], WINDOW)


def test_expression_that_calls_something_unknown_is_not_verified():
    with pytest.raises(NotVerified, match=r"uses hash\(\)"):
        quantity_by_expression("hash(a) + 1", {"a": 1})


@pytest.mark.parametrize(
    ("expression", "properties", "value"),
    [
        ("total / 1000", {"total": 1500}, "1.5"),
        ("1 / 2 * a", {"a": 3}, "1.5"),
        ("round(a)", {"a": 2.5}, "3"),
        ("min(a, b) + abs(c)", {"a": 2, "b": 1, "c": -4}, "5"),
        ("a2 * 2", {"a2": "1.5"}, "3"),
        ("a", {}, "0"),
    ],
)
def test_expressions_are_real_valued(expression, properties, value):
    assert quantity_by_expression(expression, properties) == Decimal(value)


@pytest.mark.parametrize("value", [True, None, "x", [1], "", float("nan")])
def test_operand_that_is_no_number_is_an_error(value):
    with pytest.raises(ExpressionError):
        quantity_by_expression("a * 2", {"a": value})


def test_formula_tells_the_calculation():
    price = Price.from_api(
        {
            "id": "p",
            "billing_model": "TIERED",
            "tier_mode": "SLAB",
            "currency": "usd",
            "tiers": [{"up_to": 10, "unit_amount": "1", "flat_amount": "5"}, {"up_to": None, "unit_amount": "0.10"}],
        }
    )
    assert formula(price, Decimal(15)) == "10 × 1 + 5 flat + 5 × 0.1"
