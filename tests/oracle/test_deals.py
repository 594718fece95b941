"""Recorded deals of a real server: the oracle explains each preview to the cent, and accuses nobody."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from pytest_flexprice.model.finding import Kind
from pytest_flexprice.model.times import Window
from pytest_flexprice.oracle.invoicing.coupons import AttachedCoupon, acting
from pytest_flexprice.oracle.invoicing.findings import compare_invoice
from pytest_flexprice.oracle.invoicing.invoice import expected_invoice
from pytest_flexprice.oracle.pricing.allowances import Allowance
from pytest_flexprice.oracle.pricing.deductions import Coupon, Tax

from .recorded_deals import Deals, preview, subscription, usages


def by_start(data, order=("{m_api}", "{m_hit}", "")):
    """Lines in a fixed order: by meter, then by their beginning."""
    lines = data.get("line_items") or data.get("items")
    return sorted(lines, key=lambda each: (order.index(each.get("meter_id") or ""), each["start_date"]))


def check(billed, read, observed, *, allowances=None, taxes=()):
    """The oracle's expectation against the recorded preview."""
    (attached,) = acting(billed.coupons or (), billed.period, billed.start, billed.currency)
    options = {"coupons": attached.whole, "line_coupons": dict(attached.by_line), "taxes": taxes}
    expected = expected_invoice(billed, read, allowances, **options)
    assert [line.unverified for line in expected.lines if line.unverified] == []
    assert compare_invoice(expected, preview(billed, observed)) == []
    return expected


def test_a_subscription_with_phases():
    deals = Deals("deals_phases")
    data = deals.answer("the subscription with its phases")
    billed = subscription(data, lines=by_start(data))
    expected = check(billed, usages(billed, 14, 50, 0), deals.answer("preview of the whole period"))
    assert expected.subtotal == Decimal("53.9")


def test_a_first_phase_pays_its_days_of_the_fee_in_advance():
    deals = Deals("deals_phases")
    data = deals.answer("the subscription with its phases")
    billed = subscription(data, lines=by_start(data))
    first = next(line for line in billed.lines if not line.is_usage)
    opening = billed.__class__(
        **{**vars(billed), "period": billed.period._replace(start=billed.start, end=billed.start)}
    )
    assert first.within(opening.coming_period).end == first.end
    (fee,) = [line for line in expected_invoice(opening, {}).lines if line.line == first]
    assert (fee.amount, fee.unverified) == (Decimal("8.57"), "")


@pytest.mark.parametrize(
    ("used", "name", "subtotal"),
    [(50, "preview under the commitment", "5"), (250, "preview above the commitment", "40")],
)
def test_a_commitment_on_the_subscription(used, name, subtotal):
    deals = Deals("deals_phases")
    made = deals.answer("a commitment on the subscription")
    billed = subscription(made, lines=[{**line, "price": USE} for line in made["line_items"]])
    assert check(billed, usages(billed, used), deals.answer(name)).subtotal == Decimal(subtotal)


USE = {"id": "{p_use}", "type": "USAGE", "currency": "usd", "billing_model": "FLAT_FEE", "amount": "0.1"}


@pytest.mark.parametrize(
    ("used", "name", "subtotal"),
    [(50, "preview under the line commitment", "12"), (250, "preview above the line commitment", "31.5")],
)
def test_a_commitment_on_a_line(used, name, subtotal):
    deals = Deals("deals_phases")
    made = deals.answer("a commitment on a line")
    lines = [{**line, "price": USE} for line in deals.answer("the line that carries it")["items"]]
    billed = subscription(made, lines=lines)
    assert check(billed, usages(billed, used), deals.answer(name)).subtotal == Decimal(subtotal)


def test_a_trial_shows_what_is_never_billed():
    deals = Deals("deals_phases")
    billed = subscription(deals.answer("the trial read"))
    check(billed, usages(billed, 50), deals.answer("preview of the trial"))


def test_addons_two_coupons_and_a_tax():
    deals = Deals("deals_addons_coupons_tax")
    data = deals.answer("the subscription")
    billed = subscription(data, lines=by_start(data))
    observed = deals.answer("preview: the fixed coupon for once")
    expected = check(billed, usages(billed, 160, 12), observed, taxes=[Tax(percentage=Decimal(20))])
    taken = expected.deductions
    assert (expected.subtotal, taken.discount, taken.tax, expected.total) == tuple(
        map(Decimal, ("34", "8.4", "5.12", "30.72"))
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"total_tax": "6.8", "total": "32.4"}, "as if it is taken before the discount"),
        ({"total_tax": "0", "total": "25.6"}, "as if there is none"),
        ({"total_discount": "0", "total": "39.12"}, "the invoice's discount is 0, as if there is none"),
    ],
)
def test_a_wrong_discount_or_tax_is_found(change, words):
    deals = Deals("deals_addons_coupons_tax")
    data = deals.answer("the subscription")
    billed = subscription(data, lines=by_start(data))
    observed = preview(billed, {**deals.answer("preview: the fixed coupon for once"), **change, "taxes": []})
    (attached,) = acting(billed.coupons, billed.period, billed.start, "usd")
    taxes = [Tax(percentage=Decimal(20))]
    expected = expected_invoice(billed, usages(billed, 160, 12), coupons=attached.whole, taxes=taxes)
    assert words in "\n".join(each.sentence for each in compare_invoice(expected, observed))


def test_a_coupon_on_one_line():
    deals = Deals("deals_addons_coupons_tax")
    data = deals.answer("the subscription")
    made = deals.answer("subscribe with a coupon on one line")
    prices = {line["price_id"]: line["price"] for line in data["line_items"]}
    lines = [{**line, "price": prices[line["price_id"]]} for line in by_start(made)]
    coupon = data["coupon_associations"][1]["coupon"]
    association = {"coupon": coupon, "subscription_line_item_id": "line 0"}
    billed = subscription({**made, "coupon_associations": [association]}, lines=lines)
    expected = check(billed, usages(billed, 160), deals.answer("preview with a coupon on one line"))
    assert (expected.subtotal, expected.deductions.discount) == (Decimal(28), Decimal("0.8"))


@pytest.mark.parametrize(
    ("step", "free", "totals", "subtotal"),
    [
        ("preview after the sync", 20, (100, 60, 3, 1), 30),
        ("it holds for the running period", 50, (100, 60, 3, 1), 21),
        ("without it", None, (100, 60, 3, 1), 36),
    ],
)
def test_prices_that_were_synced_to_the_subscription(step, free, totals, subtotal):
    deals = Deals("deals_price_sync")
    prices = {"{p_api}": ("0.1", "USAGE"), "{p_new}": ("0.2", "USAGE"), "{p_hit}": ("1", "USAGE")}
    prices |= {"{p_gone}": ("1", "USAGE"), "{p_fee}": ("10", "FIXED")}
    known = {
        key: {"id": key, "type": kind, "amount": amount, "currency": "usd", "billing_model": "FLAT_FEE"}
        for key, (amount, kind) in prices.items()
    }
    lines = deals.lines_of("lines after the sync", known)
    order = ("{m_api}", "{m_hit}", "{m_gone}", "")
    billed = subscription(SYNCED, lines=by_start({"items": lines}, order))
    allowances = {"{m_api}": Allowance("{m_api}", Decimal(free))} if free else {}
    expected = check(billed, usages(billed, *totals), deals.answer(step), allowances=allowances)
    assert expected.subtotal == subtotal


SYNCED = {
    "id": "{sub}",
    "currency": "usd",
    "billing_period": "MONTHLY",
    "start_date": "2026-11-24T00:00:00Z",
    "current_period_start": "2026-11-24T00:00:00Z",
}


def test_a_parent_bills_what_its_children_used_too():
    deals = Deals("deals_inheritance")
    data = deals.answer("the parent's")
    billed = subscription(data, lines=by_start(data, ("{m_api}", "{m_max}", "")))
    assert billed.kind == "parent"
    expected = check(billed, usages(billed, 208, 160), deals.answer("preview of the parent"))
    assert expected.subtotal == Decimal("200.8")


def test_a_child_has_nothing_to_bill():
    deals = Deals("deals_inheritance")
    billed = subscription({**deals.answer("the child's subscription"), "line_items": []})
    assert billed.kind == "inherited"
    assert check(billed, {}, deals.answer("preview of a child")).subtotal == 0


def test_prices_of_ones_own_and_seats():
    deals = Deals("deals_overrides")
    data = deals.answer("read it")
    billed = subscription(data, lines=by_start(data))
    observed = deals.answer("preview at the override prices")
    assert check(billed, usages(billed, "150.5", 25), observed).subtotal == Decimal("307.26")


def test_the_wrong_one_of_two_prices_is_found():
    """Half of the deals' value: with the plan's price instead of its own, the preview of the same subscription is wrong."""
    deals = Deals("deals_overrides")
    data = deals.answer("read it")
    lines = by_start(data)
    lines[0] = {**lines[0], "price": {**lines[0]["price"], "amount": "0.05"}}
    billed = subscription(data, lines=lines)
    observed = preview(billed, deals.answer("preview at the override prices"))
    (finding,) = compare_invoice(expected_invoice(billed, usages(billed, "150.5", 25)), observed)
    assert finding.kind is Kind.REQUIREMENT
    assert "150.5 × 0.05 = 7.53, but it bills 3.01 usd" in finding.sentence


@pytest.mark.parametrize(
    ("amount", "true_up", "known"), [("100", False, True), ("2", False, False), ("100", True, False)]
)
def test_a_commitment_with_an_entitlement_is_known_below_it_only(amount, true_up, known):
    deals = Deals("deals_phases")
    made = {**deals.answer("a commitment on the subscription"), "commitment_amount": amount, "enable_true_up": true_up}
    billed = subscription(made, lines=[{**line, "price": USE} for line in made["line_items"]])
    expected = expected_invoice(billed, usages(billed, 50), {"{m_api}": Allowance("{m_api}", Decimal(20))})
    assert (expected.subtotal is not None) is known
    assert expected.lines[0].quantity == 30
    assert bool(expected.lines[0].unverified) is (amount == "2")


@pytest.mark.parametrize(("earlier", "ways"), [("percent", [("10", "0")]), ("amount", [("10", "0"), ("0", "5")])])
def test_of_an_amount_that_was_attached_before_a_percentage_both_orders_may_be(earlier, ways):
    period = Window(*(datetime(2026, month, 1, tzinfo=UTC) for month in (11, 12)))
    at = {
        earlier: period.start,
        **dict.fromkeys({"percent", "amount"} - {earlier}, period.start + timedelta(seconds=1)),
    }
    given = [
        AttachedCoupon(Coupon(amount=Decimal(5)), "five", created=at["amount"]),
        AttachedCoupon(Coupon(percentage=Decimal(10)), "tenth", created=at["percent"]),
    ]
    found = acting(given, period, period.start, "usd")
    assert [(str(way.whole[0].percentage), str(way.whole[0].amount)) for way in found] == ways
    assert [bool(way.doubt) for way in found] == [False, True][: len(ways)]


@pytest.mark.parametrize(("opened", "later", "ways"), [(True, True, 1), (False, True, 2), (True, False, 1)])
def test_a_coupon_for_once_is_spent_after_the_opening_invoice_and_the_first_period(opened, later, ways):
    period = Window(*(datetime(2026, month, 1, tzinfo=UTC) for month in (11, 12)))
    subscribed = period.start - timedelta(days=31) if later else period.start
    given = [
        AttachedCoupon(Coupon(percentage=Decimal(10)), "once", cadence="once", start=subscribed, created=subscribed)
    ]
    found = acting(given, period, subscribed, "usd", opened=opened)
    assert len(found) == ways
    assert bool(found[0].whole) is not later
    assert not found[0].doubt
