"""The steps of a price proof, what a budget allows of them, and the table of what they proved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pytest_flexprice.model.budget import Budget
from pytest_flexprice.model.finding import Kind, Severity
from pytest_flexprice.model.meters import Aggregation, Event, Meter
from pytest_flexprice.model.prices import Price, Tier
from pytest_flexprice.model.times import Window
from pytest_flexprice.oracle.invoicing.invoice import ExpectedInvoice, expected_invoice, line_usages
from pytest_flexprice.oracle.invoicing.subscription import BilledLine, BilledSubscription
from pytest_flexprice.oracle.pricing.allowances import Allowance
from pytest_flexprice.oracle.pricing.mistakes import MISTAKES
from pytest_flexprice.oracle.proving.coverage import ProofRow, Trial, gaps, table, trials
from pytest_flexprice.oracle.proving.steps import Step, roomiest, stamper, steps
from pytest_flexprice.oracle.proving.targets import Aim, aim, needs_of, shared_events
from pytest_flexprice.testbed.price_proof import EARLIER

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MONTH = Window(NOW - timedelta(days=1), NOW + timedelta(days=29))
ROOM = Window(NOW - timedelta(hours=2), NOW)
PLENTY = Budget(100_000, Decimal(10**9))
TIERS = (Tier(Decimal(10), Decimal("1.3335"), Decimal(2)), Tier(None, Decimal("1.5075"), Decimal(3)))
KINDS = ("COUNT", "COUNT_UNIQUE", "SUM", "SUM_WITH_MULTIPLIER", "WEIGHTED_SUM", "MAX", "LATEST", "AVG")


def meter(kind: str, name: str = "api.call", number: int = 1) -> Meter:
    field = "" if kind == "COUNT" else f"n{number}"
    return Meter(f"meter_{number}", name, name, Aggregation(kind, field, multiplier=Decimal("0.5")))


def price(meter: Meter, **more: Any) -> Price:
    spec: dict[str, Any] = {"billing_model": "FLAT_FEE", "amount": Decimal("0.015"), **more}
    return Price(f"price_{meter.id}", "USAGE", "usd", meter_id=meter.id, display_name=meter.name, **spec)


def tiered(meter: Meter) -> Price:
    return price(meter, billing_model="TIERED", amount=Decimal(0), tier_mode="SLAB", tiers=TIERS)


def billed(*prices: Price) -> BilledSubscription:
    lines = tuple(
        BilledLine(f"line_{each.meter_id}", each, each.meter_id, each.display_name, start=MONTH.start)
        for each in prices
    )
    return BilledSubscription("subs_1", "usd", "MONTHLY", MONTH.start, MONTH, lines, MONTH.start)


def designed(
    subscription: BilledSubscription,
    meters: list[Meter],
    allowances: dict[str, Allowance] | None = None,
    budget: Budget = PLENTY,
) -> tuple[Aim, list[Step]]:
    wanted = aim(subscription, meters, allowances or {})
    reached = needs_of({"pro": wanted}, {"pro": meters}, budget)["pro"]
    within = wanted.within(budget, reached, reached)
    return within, steps(within, meters, (ROOM, None), "golive-1")


def invoices(
    subscription: BilledSubscription, meters: list[Meter], allowances: dict[str, Allowance], found: list[Step]
) -> list[ExpectedInvoice]:
    sent: list[Event] = []
    result = []
    for step in found:
        sent += step.events
        result.append(expected_invoice(subscription, line_usages(subscription, meters, sent), allowances))
    return result


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("free", [None, "7"])
def test_each_step_reaches_its_quantity_exactly(kind: str, free: str | None) -> None:
    one = meter(kind)
    subscription = billed(tiered(one))
    allowances = {one.id: Allowance(one.id, Decimal(free))} if free else {}
    _, found = designed(subscription, [one], allowances)
    assert found
    for step, invoice in zip(found, invoices(subscription, [one], allowances, found), strict=True):
        (line,) = invoice.lines
        assert line.quantity + (line.allowed or 0) == step.goals["line_meter_1"]


def test_meters_on_one_event_name_reach_their_quantities_together() -> None:
    meters = [meter("SUM", number=1), meter("SUM", number=2), meter("COUNT", number=3)]
    subscription = billed(*(tiered(each) for each in meters))
    _, found = designed(subscription, meters)
    last = invoices(subscription, meters, {}, found)[-1]
    assert all(line.amount > 20 for line in last.lines)
    assert all({"n1", "n2"} <= set(event.properties) for step in found for event in step.events)


@pytest.mark.parametrize(
    "wrong", [mistake for mistake in MISTAKES if "tier" in mistake.words], ids=lambda one: one.words
)
def test_a_wrong_tier_is_in_the_table(wrong: Any) -> None:
    one = meter("SUM")
    subscription, allowances = billed(tiered(one)), {one.id: Allowance(one.id, Decimal(4))}
    wanted, found = designed(subscription, [one], allowances)
    tried: list[Trial] = []
    means = False
    for expected in invoices(subscription, [one], allowances, found):
        (line,) = expected.lines
        subject = wanted.subjects["line_meter_1"].line(line.quantity + (line.allowed or 0))
        amount = wrong.amount(subject)
        means = means or amount is not None
        observed = {"price_id": line.price_id, "meter_id": line.meter_id, "quantity": str(line.quantity)}
        seen = {**observed, "amount": str(line.amount if amount is None else amount)}
        tried += trials(expected, {"line_items": [seen]})
    shows = any(not trial.right for trial in tried)
    known = {"the flat fees of lower tiers are charged too", "the tier goes by what was used, allowance and all"}
    assert shows or wrong.words in known or not means  # those are about volume pricing, or about more tiers
    assert any(row.state == "billed wrongly" for row in table(wanted, subscription.lines, tried)) is shows


def test_what_the_budget_does_not_reach_is_told() -> None:
    one = meter("COUNT")
    subscription, allowances = billed(price(one)), {one.id: Allowance(one.id, Decimal(1_000_000))}
    wanted, found = designed(subscription, [one], allowances, Budget(1000, Decimal(10)))
    rows = table(wanted, subscription.lines, [])
    assert found == []
    assert {row.state for row in rows} == {"not reached"}
    assert "not reached (needs 1,000,001 events)" in {row.words for row in rows}
    (gap,) = gaps(rows, [], subscription.lines, {}, "environments.prod")
    assert (gap.kind, gap.severity) == (Kind.NOT_VERIFIED, Severity.ERROR)
    assert "nothing was billed of 'api.call'" in gap.problem
    assert "environments.prod.test_events" in gap.remedy


def test_a_reason_in_the_plan_makes_it_no_error() -> None:
    one = meter("COUNT")
    subscription, allowances = billed(price(one)), {one.id: Allowance(one.id, Decimal(1_000_000))}
    wanted, _ = designed(subscription, [one], allowances, Budget(1000, Decimal(10)))
    rows = table(wanted, subscription.lines, [])
    (gap,) = gaps(rows, [], subscription.lines, {"api.call": "proved in the Sandbox"}, "environments.prod")
    assert gap.severity is Severity.INFO
    assert "proved in the Sandbox" in gap.problem


def test_a_large_amount_is_beyond_the_budget() -> None:
    one = meter("SUM")
    wanted, _ = designed(billed(price(one, amount=Decimal("199.99"))), [one], budget=Budget(10, Decimal("0.5")))
    assert any(target.reason.startswith("would bill ") for target in wanted.targets)
    assert any(not target.reason for target in wanted.targets)


def test_what_is_free_without_limit_is_proved_free() -> None:
    one = meter("SUM")
    subscription, allowances = billed(price(one)), {one.id: Allowance(one.id, None)}
    wanted, found = designed(subscription, [one], allowances)
    tried: list[Trial] = []
    for expected in invoices(subscription, [one], allowances, found):
        (line,) = expected.lines
        seen = {"price_id": line.price_id, "meter_id": line.meter_id, "quantity": "0", "amount": "0"}
        tried += trials(expected, {"line_items": [seen]})
    rows = table(wanted, subscription.lines, tried)
    assert [(row.part, row.state) for row in rows] == [("everything is free", "billed exactly")]


def test_an_unknown_price_is_told_and_not_tried() -> None:
    one = meter("SUM")
    wanted, _ = designed(billed(price(one, unit_type="CUSTOM")), [one])
    assert wanted.targets == ()
    assert "price unit type CUSTOM" in wanted.unknown["line_meter_1"]


def test_events_are_shared_with_the_cheapest_first() -> None:
    needs = {"a": [Decimal(1), Decimal(10), Decimal(1000)], "b": [Decimal(5), Decimal(50)]}
    assert shared_events(needs, 70) == {"a": [Decimal(1), Decimal(10)], "b": [Decimal(5), Decimal(50)]}
    assert shared_events(needs, 5) == {"a": [Decimal(1)], "b": []}


def test_each_step_has_seconds_of_its_own() -> None:
    stamp = stamper(Window(NOW - timedelta(seconds=60), NOW), 20)
    moments = [moment for index in range(20) for moment in (stamp(index, False), stamp(index, True))]
    assert len(set(moments)) == len(moments)
    assert moments == sorted(moments)
    assert moments[-1] <= NOW


def test_the_roomiest_part_lies_in_one_day_and_the_other_before_it() -> None:
    night = datetime(2026, 11, 22, 3, tzinfo=UTC)
    part, before = roomiest(Window(night - timedelta(hours=4), night), (), MONTH.start)
    assert part == Window(night - timedelta(hours=3), night)
    assert before == Window(night - timedelta(hours=4), night - timedelta(hours=3))


def test_the_table_says_where_a_price_was_billed() -> None:
    row = ProofRow("api.call", "0.015 each", "billed exactly", tuple(map(Decimal, range(1, 7))))
    assert row.words == "billed exactly at 1, 2, 3, 4 and 2 more"


@pytest.mark.parametrize("hour", range(24))
def test_at_any_hour_there_is_another_day_to_try_before_the_roomiest(hour: int) -> None:
    now = datetime(2026, 11, 28, hour, 30, tzinfo=UTC)
    part, before = roomiest(Window(now - EARLIER, now), ("DAY",), MONTH.start)
    assert part.end - part.start == timedelta(days=1)
    assert before is not None
    assert before.end <= part.start
