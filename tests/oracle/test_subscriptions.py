"""Subscriptions as declared: plan, status, currency, period, cycle, dates, lines; and what was dropped without a word."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_flexprice.model.declared_customers import DeclaredRow
from pytest_flexprice.model.finding import Finding, Severity
from pytest_flexprice.model.prices import Price
from pytest_flexprice.oracle.catalog.objects import Catalog
from pytest_flexprice.oracle.customers import subscriptions
from pytest_flexprice.oracle.customers.deals import Agreed
from pytest_flexprice.oracle.customers.register import Register
from pytest_flexprice.oracle.customers.subscriptions import Expected

from .catalog_strategies import catalog, fee, tokens, usage

NOW = datetime(2026, 11, 22, tzinfo=UTC)
METER = tokens(id="m-tokens")
USAGE = usage(id="p-usage", meter=METER)
FEE = fee(id="p-fee")


def sells(*prices: Price) -> Catalog:
    present = catalog(*(prices or (USAGE, FEE)))
    return replace(present, plans={"acme-pro": replace(present.plans["acme-pro"], id="plan-pro")})


def line(price: Price, **changes: object) -> dict[str, object]:
    values = {
        "price_id": price.id,
        "meter_id": price.meter.id if price.meter else "",
        "entity_type": "plan",
        "currency": price.currency,
        "billing_period": price.billing_period,
        "start_date": "2026-11-01T00:00:00Z",
        "end_date": "0001-01-01T00:00:00Z",
    }
    return {**values, **changes}


def subscription(**changes: object) -> dict[str, object]:
    values = {
        "id": "subs-1",
        "customer_id": "c",
        "plan_id": "plan-pro",
        "plan": {"lookup_key": "acme-pro", "name": "Acme Pro", "status": "published"},
        "subscription_status": "active",
        "currency": "usd",
        "billing_period": "MONTHLY",
        "billing_period_count": 1,
        "billing_cycle": "anniversary",
        "collection_method": "send_invoice",
        "start_date": "2026-11-01T00:00:00Z",
        "billing_anchor": "2026-11-01T00:00:00Z",
        "created_at": "2026-10-30T00:00:00Z",
        "line_items": [line(USAGE), line(FEE)],
    }
    return {**values, **changes}


DECLARED = {"plan": "acme-pro", "currency": "USD", "billing_period": "MONTHLY"}


def compare(
    *held: dict, declared: tuple[dict[str, str], ...] = (DECLARED,), sold: Catalog | None = None, past=dict
) -> list[str]:
    with Register() as register:
        register.declare(DeclaredRow(f"c.csv:{number}", "acct", values) for number, values in enumerate(declared, 2))
        register.add_customers([{"external_id": "acct", "id": "c"}])
        register.add_subscriptions(held)
        told = subscriptions.compare(register, sold or sells(), NOW, Expected("send_invoice"), past)
        return [one.finding.sentence for one in told if one.finding.severity is Severity.ERROR]


def test_the_declared_subscription_is_fine() -> None:
    assert compare(subscription()) == []


def test_an_end_that_nobody_declared_is_wrong_where_other_ends_are_declared() -> None:
    ends = {"end_date": "2026-12-31T00:00:00Z"}
    one, two = subscription(**ends), subscription(**ends, id="subs-2", currency="eur", line_items=[])
    assert compare(one) == []
    (told,) = (
        sentence
        for sentence in compare(
            one, two, declared=(DECLARED, {**DECLARED, "currency": "eur", "end_date": "2026-12-31"})
        )
        if " ends on " in sentence
    )
    assert "ends on 2026-12-31 00:00 UTC: nothing is billed afterwards; declare its end_date if it is meant" in told


def test_an_allowance_that_no_plan_gives_is_for_a_person_to_look_at() -> None:
    agreed = Agreed(frozenset(), allowances=lambda: {"subs-1": ["999999 of 'tokens' MONTHLY"]})
    with Register() as register:
        register.declare([DeclaredRow("c.csv:2", "acct", DECLARED)])
        register.add_customers([{"external_id": "acct", "id": "c"}])
        register.add_subscriptions([subscription()])
        (told,) = subscriptions.compare(register, sells(), NOW, agreed=agreed)
    assert told.finding.severity is Severity.WARNING
    assert "has entitlements of its own beside its plan's: 999999 of 'tokens' MONTHLY" in told.finding.sentence


def test_a_deal_that_no_column_is_about_is_for_a_person_to_look_at() -> None:
    agreed = Agreed(frozenset(), coupons=lambda: {"subs-1": frozenset({"friends"})})
    addon = line(FEE, entity_type="addon", display_name="Gold support")
    held = subscription(
        commitment_amount="5000",
        payment_terms="90 NET",
        line_items=[line(USAGE), line(FEE, quantity="7", display_name="Seats"), addon],
    )
    for columns, words in (
        (
            frozenset[str](),
            "coupon 'friends', payment terms of 90 NET, a commitment of 5000, 7 of 'Seats', addon 'Gold support'",
        ),
        (frozenset({"coupon", "commitment", "quantity"}), "addon 'Gold support'"),
    ):
        with Register() as register:
            register.declare([DeclaredRow("c.csv:2", "acct", DECLARED)])
            register.add_customers([{"external_id": "acct", "id": "c"}])
            register.add_subscriptions([held])
            known = replace(agreed, columns=columns, due_days_decided=bool(columns))
            told = list(subscriptions.compare(register, sells(), NOW, agreed=known))
        warned = [one.finding for one in told if one.finding.severity is Severity.WARNING]
        assert any(f"has what the customers file says nothing about: {words}:" in one.sentence for one in warned)


@pytest.mark.parametrize(("amount", "told"), [("49", 0), ("1", 1)])
def test_a_price_of_its_own_is_told_with_what_it_says_unless_it_says_what_the_plans_does(
    amount: str, told: int
) -> None:
    own = replace(FEE, id="p-own", amount=Decimal(amount))
    with Register() as register:
        register.declare([DeclaredRow("c.csv:2", "acct", DECLARED)])
        register.add_customers([{"external_id": "acct", "id": "c"}])
        register.add_subscriptions([subscription(line_items=[line(USAGE), line(own)])])
        agreed = Agreed(frozenset(), own_prices=lambda: {"p-own": own})
        found = list(subscriptions.compare(register, sells(), NOW, past=lambda: {"p-fee": FEE}, agreed=agreed))
    assert len(found) == told
    assert all(
        "by a price of its own (expected '49 usd MONTHLY FLAT_FEE', found '1 usd" in one.finding.sentence
        for one in found
    )


def test_who_inherits_a_subscription_collects_as_its_parent_does_unless_its_row_says_otherwise() -> None:
    child = subscription(collection_method="charge_automatically", subscription_type="inherited", line_items=[])
    assert compare(child, declared=({**DECLARED, "parent": "boss"},)) == []
    own = {**DECLARED, "parent": "boss", "collection_method": "send_invoice"}
    assert any("collection method" in told for told in compare(child, declared=(own,)))


TRIAL = {"subscription_status": "trialing", "trial_end": "2026-12-01T00:00:00Z"}


def test_a_declared_end_of_a_trial_says_that_the_subscription_is_in_its_trial_until_then() -> None:
    declared = {**DECLARED, "trial_end": "2026-12-01"}
    assert compare(subscription(**TRIAL), declared=(declared,)) == []
    assert compare(subscription(trial_end=TRIAL["trial_end"]), declared=(declared,)) == []
    (told,) = compare(subscription(**TRIAL), declared=({**declared, "trial_end": "2026-12-02"},))
    assert "the trial end of the subscription" in told
    (told,) = compare(subscription(**TRIAL), declared=({**declared, "status": "active"},))
    assert "is in its trial" in told


ENDED = {"id": "subs-0", "subscription_status": "cancelled", "cancelled_at": "2026-11-10T00:00:00Z"}


def test_a_subscription_that_is_declared_as_cancelled_is_looked_for_among_the_cancelled_ones() -> None:
    gone, here = {**DECLARED, "status": "cancelled"}, {**DECLARED, "status": "active"}
    assert compare(subscription(**ENDED), declared=(gone,)) == []
    assert compare(subscription(**ENDED), subscription(), declared=(gone, here)) == []
    (told,) = compare(subscription(), declared=(gone,))
    assert "'cancelled', found 'active'" in told
    (told,) = compare(subscription(**ENDED), declared=(gone, here))
    assert "has no subscription" in told


@pytest.mark.parametrize(
    ("changes", "declared", "words"),
    [
        ({"currency": "eur", "line_items": [line(USAGE), line(FEE)]}, {}, ("'USD'", "'eur'")),
        ({"billing_cycle": "calendar"}, {"billing_cycle": "anniversary"}, ("anniversary", "calendar")),
        ({"collection_method": "charge_automatically"}, {}, ("send_invoice", "charge_automatically")),
        ({"subscription_status": "draft"}, {}, ("never activated", "2026-10-30")),
        ({"subscription_status": "trialing", "trial_end": "2026-12-01T00:00:00Z"}, {}, ("in its trial", "2026-12-01")),
        ({"subscription_status": "paused"}, {}, ("is paused",)),
        ({}, {"status": "trialing"}, ("'trialing'", "'active'")),
        ({"start_date": "2026-12-24T00:00:00Z"}, {}, ("starts only on 2026-12-24",)),
        ({"start_date": "2026-10-01T00:00:00Z"}, {"start_date": "2026-11-01"}, ("2026-10-01", "2026-11-01")),
        ({"billing_anchor": "2026-11-05T00:00:00Z"}, {"billing_anchor": "2026-11-01"}, ("billing anchor",)),
        (
            {"plan_id": "plan-x", "plan": {"lookup_key": "old", "status": "archived"}},
            {},
            ("'old' (an archived plan)", "'acme-pro'"),
        ),
        ({"line_items": [line(FEE)]}, {}, ("usage of 'model.completion'", "newer than the subscription")),
        ({"line_items": [line(USAGE)]}, {}, ("fee 'Platform fee'", "never billed")),
        (
            {"line_items": [line(FEE), line(USAGE, end_date="2026-11-10T00:00:00Z")]},
            {},
            ("usage of 'model.completion'", "because the line it had ended on 2026-11-10T00:00:00Z"),
        ),
        (
            {"line_items": [line(FEE, end_date="2026-11-10T00:00:00Z"), line(USAGE)]},
            {},
            ("fee 'Platform fee'", "because the line it had ended on 2026-11-10T00:00:00Z"),
        ),
    ],
)
def test_each_thing_that_is_wrong_is_told_once(changes: dict, declared: dict[str, str], words: tuple[str, ...]) -> None:
    found = [one for one in compare(subscription(**changes), declared=({**DECLARED, **declared},)) if words[0] in one]
    assert len(found) == 1
    for word in words:
        assert word in found[0]


def test_declared_dates_are_compared_to_the_day_or_the_second() -> None:
    for start in ("2026-11-01", "2026-11-01T00:00:00Z", "2026-11-01T01:00:00+01:00"):
        assert compare(subscription(), declared=({**DECLARED, "start_date": start},)) == []


def test_usage_dropped_for_its_currency_or_period_is_named() -> None:
    for changes in ({"currency": "eur"}, {"billing_period": "ANNUAL"}):
        price = replace(FEE, id="p-other", **changes)
        declared = {**DECLARED, **changes}
        found = compare(
            subscription(**changes, line_items=[line(price)]), declared=(declared,), sold=sells(USAGE, FEE, price)
        )
        assert len(found) == 1
        assert "usage of 'model.completion'" in found[0]
        assert "exactly this billing period" in found[0]


def test_a_currency_with_its_own_usage_price_is_fine() -> None:
    euro = replace(USAGE, id="p-euro", currency="eur")
    declared = {**DECLARED, "currency": "eur"}
    assert (
        compare(
            subscription(currency="eur", line_items=[line(euro)]), declared=(declared,), sold=sells(USAGE, FEE, euro)
        )
        == []
    )


def test_a_one_time_price_needs_no_line() -> None:
    once = replace(FEE, id="p-once", billing_period="ONETIME")
    assert compare(subscription(), sold=sells(USAGE, FEE, once)) == []


def test_a_line_with_a_price_that_the_plan_no_longer_has() -> None:
    old = replace(USAGE, id="p-old", amount=Decimal("0.04"))
    held = subscription(line_items=[line(old), line(FEE)])
    found = compare(held, past=lambda: {"p-old": old})
    assert len(found) == 1
    assert "0.04 usd" in found[0]
    assert "0.05 usd" in found[0]
    assert compare(held, past=lambda: {"p-old": replace(old, amount=Decimal("0.05"))}) == []
    old_fee = subscription(line_items=[line(USAGE), line(replace(FEE, id="p-old"))])
    assert len(compare(old_fee)) == 1


def told_of_a_changed_plan(signed_off: Catalog | None) -> str:
    old = replace(USAGE, id="p-old", amount=Decimal("0.04"))
    with Register() as register:
        register.declare([DeclaredRow("c.csv:2", "acct_1", DECLARED)])
        register.add_customers([{"external_id": "acct_1", "id": "c"}])
        register.add_subscriptions([subscription(line_items=[line(old), line(FEE)])])
        past = lambda: {"p-old": old}  # noqa: E731
        (told,) = subscriptions.compare(register, sells(), NOW, None, past, signed_off=lambda: signed_off)
    assert told.finding.severity is Severity.ERROR
    return told.finding.sentence


def test_a_line_as_it_was_signed_off_is_right_and_the_plan_is_not() -> None:
    said = told_of_a_changed_plan(catalog(replace(USAGE, id="elsewhere", amount=Decimal("0.04")), FEE))
    assert "bills 'model.completion' as it was signed off" in said
    assert "is billed right until somebody syncs" in said
    assert "correct the plan's price (2.1), and do not sync before" in said


@pytest.mark.parametrize("signed_off", [None, catalog(USAGE, FEE), catalog(FEE)])
def test_a_line_that_a_sync_has_not_reached_is_told_to_be_synced(signed_off: Catalog | None) -> None:
    assert "sync the plan's prices to its subscriptions" in told_of_a_changed_plan(signed_off)


def test_who_cannot_be_subscribed_as_the_plan_is_missing_is_not_told_one_by_one() -> None:
    (said,) = compare(declared=({**DECLARED, "plan": "enterprise"},))
    assert "no published plan has this lookup key" in said
    assert "what these customers use is accepted and never billed" in said


def test_no_subscription_or_only_a_cancelled_one() -> None:
    assert "has no subscription to plan 'acme-pro'" in compare()[0]
    gone = subscription(subscription_status="cancelled", cancelled_at="2026-11-03T00:00:00Z")
    assert "was cancelled on 2026-11-03" in compare(gone)[0]


def test_two_subscriptions_bill_twice() -> None:
    found = compare(subscription(), subscription(id="subs-2"))
    assert len(found) == 1
    assert "2 subscriptions" in found[0]
    assert "subs-1, subs-2" in found[0]


def test_two_declared_subscriptions_find_their_own() -> None:
    other = subscription(id="subs-2", plan_id="plan-basic", plan={"lookup_key": "basic"})
    sold = sells()
    sold = replace(sold, plans={**sold.plans, "basic": replace(sold.plans["acme-pro"], id="plan-basic")})
    assert compare(other, subscription(), declared=(DECLARED, {**DECLARED, "plan": "basic"}), sold=sold) == []


def test_a_subscription_that_nobody_declared() -> None:
    other = subscription(id="subs-2", plan_id="plan-x", plan={"lookup_key": "enterprise"})
    assert "'enterprise'" in compare(subscription(), other)[0]


def test_a_declared_plan_that_does_not_exist_is_told_once_with_a_hint() -> None:
    found = compare(subscription(), declared=({**DECLARED, "plan": "Acme-Pro"},))
    assert "'acme-pro' is there and differs only in upper and lower case" in found[0]


FIELDS = {
    "currency": "eur",
    "billing_period": "ANNUAL",
    "billing_cycle": "calendar",
    "collection_method": "charge_automatically",
    "subscription_status": "paused",
    "plan": {"lookup_key": "other"},
}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.none() | st.sampled_from(sorted(FIELDS)), min_size=1, max_size=8))
def test_exactly_the_customers_whose_subscription_differs_are_told(changes: list[str | None]) -> None:
    everything = {**DECLARED, "billing_cycle": "anniversary"}
    with Register() as register:
        register.declare(DeclaredRow(f"c.csv:{n}", f"acct_{n}", everything) for n in range(len(changes)))
        register.add_customers({"external_id": f"acct_{n}", "id": f"c{n}"} for n in range(len(changes)))
        register.add_subscriptions(
            subscription(id=f"s{n}", customer_id=f"c{n}", **({field: FIELDS[field]} if field else {}))
            for n, field in enumerate(changes)
        )
        told = list(subscriptions.compare(register, sells(), NOW, Expected("send_invoice")))
    errors = {one.subject for one in told if one.finding.severity is Severity.ERROR}
    assert errors == {f"acct_{n}" for n, field in enumerate(changes) if field}


def test_an_inherited_subscription_has_no_lines_and_needs_none() -> None:
    child = subscription(subscription_type="inherited", parent_subscription_id="subs-0", line_items=[])
    assert compare(child) == []
    assert any("is not billed" in sentence for sentence in compare(subscription(line_items=[])))


def test_a_phase_that_is_still_to_come_is_nothing_odd() -> None:
    phases = [
        line(USAGE, subscription_phase_id="phase-1", end_date="2026-12-01T00:00:00Z"),
        line(USAGE, subscription_phase_id="phase-2", start_date="2026-12-01T00:00:00Z"),
        line(FEE, subscription_phase_id="phase-1"),
    ]
    assert compare(subscription(line_items=phases)) == []


@pytest.mark.parametrize(
    ("declared", "due", "errors", "warned"),
    [
        ({}, None, [], ["payment terms of 90 NET: invoices are due on another day"]),
        ({}, 14, ["golive.toml: invoicing.due_date_days) (expected '14 NET', found '90 NET')"], []),
        ({}, 90, [], []),
        ({"payment_terms": "90 NET"}, 14, [], []),
        ({"payment_terms": "30 NET"}, 90, ["(c.csv:2) (expected '30 NET', found '90 NET')"], []),
    ],
)
def test_days_to_pay_that_nobody_agreed_to(
    declared: dict, due: int | None, errors: list[str], warned: list[str]
) -> None:
    found = judged(subscription(payment_terms="90 NET"), {**DECLARED, **declared}, due)
    for severity, expected in ((Severity.ERROR, errors), (Severity.WARNING, warned)):
        told = [one.sentence for one in found if one.severity is severity]
        assert len(told) == len(expected), told
        assert all(words in sentence for words, sentence in zip(expected, told, strict=True))


@pytest.mark.parametrize(("granting", "told"), [(frozenset(), 1), (frozenset({"plan-1"}), 0)])
def test_prepaid_credits_that_no_plan_gives_are_told(granting: frozenset[str], told: int) -> None:
    held = subscription()
    plan = frozenset({held["plan_id"]}) if granting else frozenset()
    found = judged(
        held,
        DECLARED,
        None,
        prepaid=lambda: {
            "c": [("usd", "prepaid credits of 5 usd in wallet 'Gift'"), ("eur", "prepaid credits of 5 eur")]
        },
        granting=lambda: plan,
    )
    assert len(found) == told
    said = "wallet 'Gift', prepaid credits of 5 eur, which pay no invoice in usd: finalized invoices are paid from them"
    assert all(said in one.sentence for one in found)


def judged(held: dict, declared: dict[str, str], due: int | None, **agreed: object) -> list[Finding]:
    with Register() as register:
        register.declare([DeclaredRow("c.csv:2", "acct", declared)])
        register.add_customers([{"external_id": "acct", "id": "c"}])
        register.add_subscriptions([held])
        known = Agreed(frozenset(), due_days_decided=due is not None, **agreed)
        told = subscriptions.compare(register, sells(), NOW, Expected("send_invoice", due), agreed=known)
        return [one.finding for one in told]


def test_a_plan_under_another_key_is_told_once_and_not_of_its_customers() -> None:
    (told,) = compare(subscription(), declared=({**DECLARED, "plan": "acme_pro"},))
    assert "no published plan has this lookup key, but 'acme-pro' is there and differs only in its separators" in told
