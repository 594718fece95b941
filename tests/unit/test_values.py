"""How Flexprice reads and prints values and times, and what becomes of its prices and meters, field by field."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from pytest_flexprice.model.meters import Aggregation, Event, Filter, Meter
from pytest_flexprice.model.prices import Price, Tier
from pytest_flexprice.model.times import Window, days, instant, instant_of, second, written
from pytest_flexprice.model.values import names_in, number_of, printed, trimmed

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0, "0"),
        (1.5, "1.5"),
        (Decimal("2.50"), "2.5"),
        (2**53 + 1, "9007199254740992"),  # a double
        ("9007199254740993", "9007199254740993"),  # a text keeps its digits
        ("+.5e1", "5"),
        ("-1.", "-1"),
        ("1e399", "1e399"),
        ("1e-399", "1e-399"),
        ("1e400", None),
        ("1e-400", None),
        (10**400, None),
        (math.inf, None),
        (math.nan, None),
        (True, None),
        (" 1", None),
        ("1,5", None),
        ("0x10", None),
        ("", None),
        ("١", None),
        (None, None),
        ([1], None),
    ],
)
def test_what_is_a_number_to_billing(value: Any, number: str | None) -> None:
    assert number_of(value) == (None if number is None else Decimal(number))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "<nil>"),
        (True, "true"),
        (False, "false"),
        ("", ""),
        ("a b", "a b"),
        (200.0, "200"),
        (0, "0"),
        (-0.0, "-0"),
        (-1.5, "-1.5"),
        (999999, "999999"),
        (1000000, "1e+06"),
        (-1234567, "-1.234567e+06"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (1.5e-7, "1.5e-07"),
        (1e100, "1e+100"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
        (["a", 1, None], "[a 1 <nil>]"),
        ({"b": 1, "a": [True]}, "map[a:[true] b:1]"),
    ],
)
def test_how_a_value_is_printed(value: Any, text: str) -> None:
    assert printed(value) == text


def test_names_are_cut_and_expressions_name_their_properties() -> None:
    assert trimmed("\u2003 a b\t\n") == "a b"
    assert trimmed("\u200b a") == "\u200b a"
    expression = "size(list) + a.b * a > 1 && kind in ['x', \"y z\"] ? true : !false == null"
    assert names_in(expression) == ("list", "a", "kind")
    assert names_in("a == 'one big word' || b == \"one big word\"") == ("a", "b")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22T12:00:00Z", NOON),
        (" 2026-11-22 12:00:00Z ", NOON),
        ("2026-11-22T13:30:00+01:30", NOON),
        ("2026-11-22T12:00:00.000001999Z", NOON + timedelta(microseconds=1)),
        ("2026-11-22T12:00:00.5Z", NOON + timedelta(milliseconds=500)),
        ("0001-01-01T00:00:00+00:00", datetime(1, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00+01:00", datetime(1, 1, 1, tzinfo=UTC)),
        ("0002-01-01T00:00:00+01:00", datetime(1, 12, 31, 23, tzinfo=UTC)),
    ],
)
def test_instants(text: str, moment: datetime) -> None:
    read = instant(text)
    assert (read, read.tzinfo) == (moment, UTC)
    assert instant(written(read)) == read


def test_an_instant_is_written_in_utc() -> None:
    assert written(NOON.astimezone(timezone(timedelta(hours=-5)))) == "2026-11-22T12:00:00Z"


@pytest.mark.parametrize("text", ["", "2026-11-22", "2026-11-22T12:00:00", "2026-11-22T12:00Z", "2026-11-22t12:00:00z"])
def test_what_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError, match=f"'{text}' is no RFC 3339 instant with a zone"):
        instant(text)


def test_an_instant_under_a_key_and_none() -> None:
    assert instant_of({"at": "2026-11-22T12:00:00Z"}, "at") == NOON
    assert instant_of({"at": "0002-01-01T00:00:00Z"}, "at") == datetime(2, 1, 1, tzinfo=UTC)
    for nothing in ({}, {"at": None}, {"at": ""}, {"at": "0001-01-01T00:00:00Z"}):
        assert instant_of(nothing, "at") is None


def test_a_window_counts_whole_seconds_its_start_and_not_its_end() -> None:
    window = Window(NOON + timedelta(microseconds=7), NOON + timedelta(seconds=2, microseconds=7))
    told = [window.holds(NOON + timedelta(seconds=each)) for each in (-1e-6, 0, 1.999, 2)]
    assert told == [False, True, True, False]
    assert second(window.start) == NOON
    assert days(2) == timedelta(hours=48)


METER = {
    "id": "meter_1",
    "name": "Tokens",
    "event_name": "use",
    "aggregation": {
        "type": "SUM_WITH_MULTIPLIER",
        "field": "n",
        "expression": "a * b",
        "multiplier": "2.5",
        "bucket_size": "DAY",
        "group_by": "region",
    },
    "filters": [{"key": "kind", "values": ["b", 1]}, {"key": "kind", "values": ["a"]}],
    "reset_usage": "NEVER",
    "status": "archived",
    "updated_at": "2026-11-01T00:00:00Z",
}


def test_every_field_of_a_meter() -> None:
    meter = Meter.from_api(METER)
    assert meter == Meter(
        id="meter_1",
        name="Tokens",
        event_name="use",
        aggregation=Aggregation("SUM_WITH_MULTIPLIER", "n", "a * b", Decimal("2.5"), "DAY", "region"),
        filters=(Filter("kind", ("b", "1")), Filter("kind", ("a",))),
        reset_usage="NEVER",
        status="archived",
        changed="2026-11-01T00:00:00Z",
    )
    assert (meter.published, meter.properties, meter.allowed) == (False, ("n",), {"kind": ("1", "a", "b")})
    bare = Meter.from_api({"aggregation": {"type": "COUNT", "field": "n"}})
    assert bare == Meter("", "", "", Aggregation("COUNT", "n"), (), "BILLING_PERIOD", "published", "")
    assert (bare.published, bare.properties, bare.allowed) == (True, (), {})
    assert Meter.stored({"aggregation": {"type": "SUM"}}).properties == ()


@pytest.mark.parametrize(
    ("name", "properties", "accepted"),
    [
        ("use", {"kind": "a", "n": 1}, True),
        ("use", {"kind": "a"}, False),
        ("use", {"kind": "a", "n": "1.0"}, False),
        ("use", {"kind": "b", "n": 1}, False),
        ("Use", {"kind": "a", "n": 1}, False),
    ],
)
def test_a_meter_takes_what_passes_every_filter(name: str, properties: dict[str, Any], accepted: bool) -> None:
    meter = Meter("m", "m", "use", Aggregation("COUNT"), (Filter("kind", ("a",)), Filter("n", ("1",))))
    assert meter.accepts(Event("e", name, NOON, properties)) is accepted


def test_an_event_by_either_name_of_its_id() -> None:
    body = {"event_name": " use", "timestamp": "2026-11-22T12:00:00Z", "id": "stored", "external_customer_id": "acme"}
    assert Event.from_api(body) == Event("stored", "use", NOON, {}, "acme")
    assert Event.from_api({**body, "event_id": "sent"}).id == "sent"


PRICE = {
    "id": "price_1",
    "type": "FIXED",
    "currency": "EUR",
    "billing_model": "TIERED",
    "amount": "1.50",
    "billing_period": "ANNUAL",
    "invoice_cadence": "ADVANCE",
    "meter_id": "meter_1",
    "tier_mode": "SLAB",
    "tiers": [
        {"up_to": None, "unit_amount": "1"},
        {"up_to": 20, "unit_amount": "2", "flat_amount": "3"},
        {"up_to": 10, "unit_amount": "4"},
    ],
    "transform_quantity": {"divide_by": 100, "round": "down"},
    "display_name": "Tokens",
    "price_unit_type": "CUSTOM",
    "start_date": "2026-11-22T12:00:00Z",
    "end_date": "2026-11-23T12:00:00Z",
    "billing_period_count": 3,
    "price_unit": "credits",
    "price_unit_amount": "7",
    "min_quantity": "5",
    "trial_period_days": 14,
    "lookup_key": "tokens",
    "meter": METER,
}


def test_every_field_of_a_price() -> None:
    assert Price.from_api(PRICE) == Price(
        id="price_1",
        type="FIXED",
        currency="eur",
        billing_model="TIERED",
        amount=Decimal("1.5"),
        billing_period="ANNUAL",
        invoice_cadence="ADVANCE",
        meter_id="meter_1",
        tier_mode="SLAB",
        tiers=(
            Tier(Decimal(10), Decimal(4), Decimal(0)),
            Tier(Decimal(20), Decimal(2), Decimal(3)),
            Tier(None, Decimal(1), Decimal(0)),
        ),
        divide_by=Decimal(100),
        round_down=True,
        display_name="Tokens",
        unit_type="CUSTOM",
        start=NOON,
        end=NOON + timedelta(days=1),
        billing_period_count=3,
        event_name="use",
        price_unit="credits",
        price_unit_amount=Decimal(7),
        min_quantity=Decimal(5),
        trial_period_days=14,
        lookup_key="tokens",
        meter=Meter.from_api(METER),
    )


def test_what_a_price_is_where_nothing_is_said() -> None:
    assert Price.from_api({"transform_quantity": {"round": "up"}, "price_unit": {"code": "credits"}}) == Price(
        id="",
        type="USAGE",
        currency="",
        billing_model="",
        amount=Decimal(0),
        billing_period="MONTHLY",
        invoice_cadence="ARREAR",
        meter_id="",
        tier_mode="",
        tiers=(),
        divide_by=Decimal(1),
        round_down=False,
        display_name="",
        unit_type="FIAT",
        start=None,
        end=None,
        billing_period_count=1,
        event_name="",
        feature="",
        price_unit="",
        price_unit_amount=None,
        min_quantity=None,
        trial_period_days=0,
        lookup_key="",
        meter=None,
    )
    assert (Price.from_api({}).usage, Price.from_api({"type": "FIXED"}).usage) == (True, False)


def test_a_price_is_in_force_from_its_start_until_its_end() -> None:
    price = Price.from_api(PRICE)
    moments = [NOON - timedelta(seconds=1), NOON, NOON + timedelta(hours=23), NOON + timedelta(days=1)]
    assert [price.in_force(moment) for moment in moments] == [False, True, True, False]
