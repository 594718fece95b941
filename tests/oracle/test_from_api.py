"""The oracle's objects from the API's JSON."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.model.prices import Price, Tier
from pytest_flexprice.model.subscriptions import Subscription
from pytest_flexprice.model.times import instant, instant_of
from pytest_flexprice.oracle.invoicing.auto_cancel import CancelPolicy, OpenInvoice, cancellations
from pytest_flexprice.oracle.invoicing.subscription import BilledSubscription
from pytest_flexprice.oracle.metering.meters import Usage, usage_of_total
from pytest_flexprice.oracle.pricing.allowances import Allowance, billable, by_meter
from pytest_flexprice.oracle.pricing.commitments import Commitment, LineCommitment, committed
from pytest_flexprice.oracle.pricing.deductions import Coupon, Tax, deductions, spread

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PRICE = {"id": "price_1", "billing_model": "FLAT_FEE", "amount": "0.5", "currency": "USD", "meter_id": "meter_1"}
LINE = {
    "id": "line_1",
    "price_id": "price_1",
    "display_name": "Tokens",
    "quantity": "0",
    "start_date": "2026-11-03T00:00:00Z",
}
SUBSCRIPTION = {
    "id": "subs_1",
    "currency": "USD",
    "billing_period": "MONTHLY",
    "start_date": "2026-11-01T00:00:00Z",
    "current_period_start": "2026-11-01T00:00:00Z",
    "current_period_end": "2026-12-01T00:00:00Z",
    "line_items": [LINE],
}


def entitlement(meter="meter_1", **fields):
    return {
        "feature_type": "metered",
        "feature": {"meter_id": meter},
        "usage_limit": 10,
        "usage_reset_period": "MONTHLY",
        **fields,
    }


def test_event_of_an_ingest_request():
    body = {
        "event_name": " use ",
        "event_id": "e1",
        "timestamp": "2026-11-22T10:00:00.123456789Z",
        "external_customer_id": "a",
        "properties": {"n": 1},
    }
    event = Event.from_api(body)
    assert (event.id, event.name, event.external_customer_id, event.properties) == ("e1", "use", "a", {"n": 1})
    assert event.timestamp == datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)
    assert Event.from_api({**body, "properties": None}).properties == {}


def test_meter_of_an_unknown_aggregation_is_refused():
    with pytest.raises(ValueError, match="meter 'm': 'MEDIAN' is no aggregation type"):
        Meter.from_api({"name": "m", "aggregation": {"type": "MEDIAN"}})


def test_price_with_everything():
    price = Price.from_api(
        {
            "id": "p",
            "type": "USAGE",
            "billing_model": "TIERED",
            "tier_mode": "SLAB",
            "currency": "USD",
            "tiers": [{"up_to": None, "unit_amount": "1"}, {"up_to": 10, "unit_amount": "2", "flat_amount": "3"}],
            "transform_quantity": {"divide_by": 0, "round": "down"},
            "start_date": "2026-11-01T00:00:00Z",
            "end_date": "0001-01-01T00:00:00Z",
        }
    )
    assert price.tiers == (Tier(Decimal(10), Decimal(2), Decimal(3)), Tier(None, Decimal(1), Decimal(0)))
    assert (price.currency, price.divide_by, price.round_down, price.end) == ("usd", 1, True, None)


@pytest.mark.parametrize(
    ("start", "end", "in_force"),
    [
        (None, None, True),
        (0, None, True),
        (1, None, False),
        (None, 0, False),
        (None, 1, True),
        (-1, 1, True),
        (-2, -1, False),
    ],
)
def test_price_in_force(start, end, in_force):
    def moment(hours):
        return None if hours is None else (NOW + timedelta(hours=hours)).isoformat()

    price = Price.from_api({**PRICE, "start_date": moment(start), "end_date": moment(end)})
    assert price.in_force(NOW) is in_force


def test_subscription_with_prices_in_lines_plan_or_beside():
    beside = BilledSubscription.from_api(SUBSCRIPTION, [PRICE])
    in_plan = BilledSubscription.from_api({**SUBSCRIPTION, "plan": {"name": "Pro", "prices": [PRICE]}})
    in_line = BilledSubscription.from_api({**SUBSCRIPTION, "line_items": [{**LINE, "price": PRICE}]})
    assert beside.lines == in_plan.lines == in_line.lines
    assert (beside.currency, beside.anchor, in_plan.plan_name) == ("usd", beside.start, "Pro")
    assert (beside.lines[0].meter_id, beside.lines[0].is_usage, beside.commitment) == ("meter_1", True, None)
    assert beside.lines[0].within(beside.period).start == instant("2026-11-03T00:00:00Z")
    with pytest.raises(ValueError, match="line 'Tokens': its price 'price_1' is not given"):
        BilledSubscription.from_api(SUBSCRIPTION)


@pytest.mark.parametrize(
    ("amount", "factor", "acts"),
    [
        ("10", "1.5", True),
        ("10", "1", False),
        ("0", "2", False),
        (None, "2", False),
        ("10", None, False),
        ("-1", "2", False),
    ],
)
def test_commitment_acts_with_an_amount_and_a_factor_above_one(amount, factor, acts):
    assert bool(Commitment.from_api({"commitment_amount": amount, "overage_factor": factor})) is acts


def test_line_commitment_of_a_line_and_of_a_request():
    line = {"commitment_amount": "10", "commitment_overage_factor": "2", "commitment_true_up_enabled": True}
    assert LineCommitment.from_api(line) == LineCommitment.from_api(
        {"commitment_amount": "10", "overage_factor": "2", "enable_true_up": True}
    )
    by_quantity = LineCommitment.from_api(
        {"commitment_quantity": "20", "overage_factor": "2", "commitment_type": "quantity"}
    )
    assert LineCommitment.from_api({"commitment_true_up_enabled": False}) is None
    price = Price.from_api(PRICE)
    assert committed(by_quantity, price, Decimal(15)).amount == 20
    assert committed(by_quantity, price, Decimal(4)).amount == 4
    windowed = LineCommitment.from_api({**line, "commitment_windowed": True})
    with pytest.raises(NotVerified, match="windowed commitment"):
        committed(windowed, price, Decimal(1))


def test_allowances_add_up_and_none_is_without_limit():
    assert by_meter([entitlement(), entitlement(usage_limit=5)])["meter_1"].limit == 15
    assert by_meter([entitlement(), entitlement(usage_limit=None)])["meter_1"].limit is None
    assert by_meter([entitlement(feature_type="boolean"), entitlement(is_enabled=False), entitlement(meter="")]) == {}
    assert sorted(by_meter([entitlement(), entitlement("meter_2")])) == ["meter_1", "meter_2"]
    assert Allowance.from_api(entitlement(usage_limit=0), "other") == Allowance("other", Decimal(0), "MONTHLY")


def test_allowance_that_never_resets_is_not_verified_later():
    meter = Meter.from_api({"id": "m", "name": "m", "event_name": "e", "aggregation": {"type": "COUNT"}})
    usage, endless = usage_of_total(meter, "12"), Allowance("m", Decimal(10), "NEVER")
    assert billable(usage, Decimal(12), endless, "MONTHLY", NOW).quantity == 2
    later = type(usage)(meter, Decimal(12), 12, rows=None, before=Decimal(3))
    with pytest.raises(NotVerified, match="never resets"):
        billable(later, Decimal(12), endless, "MONTHLY", NOW)


@pytest.mark.parametrize(("kind", "told"), [("COUNT", False), ("MAX", False), ("LATEST", True), ("AVG", True)])
def test_what_is_free_of_the_whole_is_free_of_its_parts(kind: str, told: bool) -> None:
    meter = Meter.from_api({"id": "m", "name": "m", "event_name": "e", "aggregation": {"type": kind, "field": "v"}})
    usage = Usage(meter, Decimal(9), 9, rows=None)
    for reset in ("DAILY", "MONTHLY"):
        free = Allowance("m", Decimal(9), reset)
        if told:
            with pytest.raises(NotVerified, match="is not known"):
                billable(usage, Decimal(9), free, "ANNUAL", NOW)
        else:
            assert billable(usage, Decimal(9), free, "ANNUAL", NOW) == (0, 9)
    if kind == "AVG":
        assert billable(Usage(meter, Decimal(0), 0, rows=None), Decimal(0), free, "ANNUAL", NOW) == (0, 0)


def test_deductions_by_stage_and_their_spread():
    coupons = [
        Coupon.from_api({"type": "fixed", "amount_off": "5"}),
        Coupon.from_api({"type": "percentage", "percentage_off": "10"}),
    ]
    taxes = [
        Tax.from_api({"tax_rate_type": "fixed", "fixed_value": "1"}),
        Tax.from_api({"tax_rate_type": "percentage", "percentage_value": "20"}),
    ]
    known = {"coupons": coupons, "taxes": taxes, "balance": Decimal(100)}
    done = deductions(Decimal(25), Decimal(15), "usd", "finalized", **known)
    assert (done.discount, done.tax, done.credits) == (7, Decimal("4.6"), Decimal("10.8"))
    assert deductions(Decimal(25), Decimal(15), "usd", "draft", **known).tax == 0
    assert deductions(Decimal(25), Decimal(15), "usd", "preview", **known).credits == 0
    assert spread(Decimal(7), [Decimal(10), Decimal(15)], "usd") == [Decimal("2.8"), Decimal("4.2")]
    assert spread(Decimal("0.01"), [Decimal(1), Decimal(1)], "usd") is None
    assert spread(Decimal(0), [Decimal(0)], "usd") == [0]


def unpaid(**fields):
    return {
        "id": "inv_1",
        "subscription_id": "subs_1",
        "invoice_type": "SUBSCRIPTION",
        "invoice_status": "FINALIZED",
        "payment_status": "PENDING",
        "amount_remaining": "1",
        "due_date": NOW.isoformat(),
        **fields,
    }


def test_invoice_without_due_date_or_subscription_cancels_nobody():
    assert OpenInvoice.from_api(unpaid()) is not None
    for fields in (
        {"due_date": None},
        {"due_date": "0001-01-01T00:00:00Z"},
        {"subscription_id": None},
        {"subscription_id": ""},
    ):
        assert OpenInvoice.from_api(unpaid(**fields)) is None


@pytest.mark.parametrize(("seconds", "due"), [(-1, False), (0, False), (1, True)])
def test_cancellation_comes_after_the_instant(seconds, due):
    at = NOW + timedelta(days=3, seconds=seconds)
    (one,) = cancellations(CancelPolicy(3, True), [Subscription("subs_1", "active")], [unpaid()], at)
    assert (one.due, one.rank, one.this_run) == (due, int(due), due)


@pytest.mark.parametrize("text", ["2026-11-22", "2026-11-22T10:00:00", "now", "2026-11-22T10:00:00z", ""])
def test_text_without_day_time_and_zone_is_no_instant(text):
    with pytest.raises(ValueError, match="is no RFC 3339 instant"):
        instant(text)
    assert instant_of({}, "due_date") is None
