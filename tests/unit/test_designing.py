"""Designed test events: enough to cost something, few, and with quantities that name a lost one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.model.meters import Aggregation, Event, Filter, Meter
from pytest_flexprice.model.prices import Price
from pytest_flexprice.model.times import Window
from pytest_flexprice.oracle.invoicing.invoice import expected_invoice, line_usages
from pytest_flexprice.oracle.invoicing.subscription import BilledLine, BilledSubscription
from pytest_flexprice.oracle.metering.designing import BASE, design, near_miss_name, stamper
from pytest_flexprice.oracle.pricing.allowances import Allowance

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MONTH = Window(NOW - timedelta(days=1), NOW + timedelta(days=29))


def subscription(meter: Meter, amount: str) -> BilledSubscription:
    price = Price.from_api(
        {
            "id": "price_1",
            "type": "USAGE",
            "currency": "usd",
            "billing_model": "FLAT_FEE",
            "billing_period": "MONTHLY",
            "invoice_cadence": "ARREAR",
            "amount": amount,
            "meter_id": meter.id,
        }
    )
    line = BilledLine("line_1", price, meter.id, "line", start=MONTH.start)
    return BilledSubscription("subs_1", "usd", "MONTHLY", MONTH.start, MONTH, (line,), MONTH.start)


def made(meter: Meter, amount: str, allowance: str | None = None) -> tuple[list[dict[str, Any]], Decimal]:
    billed = subscription(meter, amount)
    allowances = {meter.id: Allowance(meter.id, Decimal(allowance))} if allowance else {}
    stamp = stamper(NOW - timedelta(minutes=10), NOW)
    bodies = design(billed, [meter], allowances, external_id="golive-1", prefix="run", stamp=stamp)
    events = [Event(body["event_id"], body["event_name"], body["timestamp"], body["properties"]) for body in bodies]
    invoice = expected_invoice(billed, line_usages(billed, [meter], events), allowances)
    return bodies, sum((line.amount for line in invoice.lines), Decimal(0))


def meter(kind: str, **more: Any) -> Meter:
    field = "" if kind == "COUNT" else "n"
    return Meter("meter_1", "m", "api.call", Aggregation(kind, field, **more), (Filter("tier", ("gold", "silver")),))


@pytest.mark.parametrize("kind", ["COUNT", "SUM", "MAX", "AVG", "LATEST", "COUNT_UNIQUE", "WEIGHTED_SUM"])
@pytest.mark.parametrize("amount", ["0.5", "0.01"])
def test_every_aggregation_costs_something(kind: str, amount: str) -> None:
    bodies, cost = made(meter(kind), amount)
    assert cost > 0
    assert len(bodies) <= 60
    assert all(body["properties"]["tier"] in ("gold", "silver") for body in bodies)


def test_tiny_prices_get_larger_quantities() -> None:
    _, cost = made(meter("SUM"), "0.0000001")
    assert cost > 0


def test_an_allowance_is_exceeded() -> None:
    _, cost = made(meter("SUM"), "1", allowance="5000")
    assert cost > 0


def test_a_free_line_gets_the_fewest_events() -> None:
    bodies, cost = made(meter("SUM"), "0")
    assert (len(bodies), cost) == (len(BASE), 0)


def test_sums_of_different_events_differ() -> None:
    sums = [sum(chosen) for size in (1, 2, 3) for chosen in combinations(BASE, size)]
    assert len(set(sums)) == len(sums)


@given(st.integers(1, 600_000), st.integers(0, 190))
def test_stamps_stay_inside_their_room(milliseconds: int, number: int) -> None:
    first = NOW - timedelta(milliseconds=milliseconds)
    stamp = stamper(first, NOW)
    assert first - timedelta(milliseconds=1) <= stamp(number) <= NOW
    assert stamp(number) <= stamp(number + 1)


@given(
    st.text("abcXYZ._-", min_size=1, max_size=12), st.sets(st.text("abcXYZ._-", min_size=1, max_size=12), max_size=5)
)
def test_a_near_miss_is_nobodys_name(name: str, taken: set[str]) -> None:
    miss = near_miss_name(name, taken)
    assert miss != name
    assert miss not in taken
