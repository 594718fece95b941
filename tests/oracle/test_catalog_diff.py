"""Every difference is found, named and explained; order and spelling of numbers make none."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.model.finding import Severity
from pytest_flexprice.model.golive_plan import AcceptedDifference
from pytest_flexprice.model.grouping import alike, summarise
from pytest_flexprice.model.prices import Tier
from pytest_flexprice.oracle.catalog import accepted
from pytest_flexprice.oracle.catalog import canonical as catalog_json
from pytest_flexprice.oracle.catalog import diff as catalog_diff
from pytest_flexprice.oracle.catalog.objects import Catalog, Entitlement, Extras, Feature

from .catalog_strategies import CATALOGS, TIERS, catalog, fee, tokens, usage


def with_plan(before: Catalog, **changes: object) -> Catalog:
    return replace(before, plans={"acme-pro": replace(before.plans["acme-pro"], **changes)})


def with_meter(before: Catalog, **changes: object) -> Catalog:
    features = {**before.features, "tokens": replace(before.features["tokens"], meter=tokens(**changes))}
    return replace(before, features=features)


def errors(expected: Catalog, observed: Catalog) -> dict[str, str]:
    found = [*catalog_diff.compare(expected, observed), *catalog_diff.compare_extras(expected, observed)]
    return {one.path: one.sentence for one in found if one.severity is Severity.ERROR}


def test_a_catalog_does_not_differ_from_itself() -> None:
    assert errors(catalog(), catalog()) == {}


@given(CATALOGS)
def test_no_catalog_differs_from_itself_read_back(any_catalog: Catalog) -> None:
    again = catalog_json.loads(catalog_json.dumps(any_catalog))
    assert catalog_diff.compare(any_catalog, again) == []
    assert catalog_json.sha256(again) == catalog_json.sha256(any_catalog)


@given(CATALOGS, CATALOGS)
def test_two_catalogs_differ_exactly_when_their_canonical_forms_do(one: Catalog, other: Catalog) -> None:
    assert bool(catalog_diff.compare(one, other)) == (catalog_json.dumps(one) != catalog_json.dumps(other))


@given(CATALOGS, CATALOGS, st.randoms())
def test_accepting_differences_removes_exactly_those(one: Catalog, other: Catalog, chance) -> None:
    found = catalog_diff.compare(one, other)
    errors_before = [finding.path for finding in found if finding.severity is Severity.ERROR]
    chosen = {path for path in errors_before if chance.random() < 0.5}
    today = date(2026, 11, 22)
    acceptances = [AcceptedDifference(path=path, reason="meant", owner="Ann", until=today) for path in chosen]
    after = accepted.apply(found, acceptances, today)
    assert [one.path for one in after if one.severity is Severity.ERROR] == [
        path for path in errors_before if path not in chosen
    ]
    assert len(after) == len(found)


PRICE = "plans.acme-pro.prices.model.completion"
CHANGES = {
    "amount": (
        catalog(usage(amount=Decimal("0.10"))),
        catalog(usage(amount=Decimal("0.01"))),
        f"{PRICE}.amount",
        ("0.1", "0.01"),
    ),
    "cents": (
        catalog(usage(amount=Decimal("0.10"))),
        catalog(usage(amount=Decimal(10))),
        f"{PRICE}.amount",
        ("a hundred times as much, as if it were in cents",),
    ),
    "whole units": (
        catalog(usage(amount=Decimal(10))),
        catalog(usage(amount=Decimal("0.1"))),
        f"{PRICE}.amount",
        ("a hundredth of it, as if cents had been meant",),
    ),
    "currency": (catalog(usage()), catalog(usage(currency="eur")), f"{PRICE}.currency", ("'usd'", "'eur'")),
    "period": (
        catalog(usage()),
        catalog(usage(billing_period="ANNUAL")),
        f"{PRICE}.billing_period",
        ("'MONTHLY'", "'ANNUAL'"),
    ),
    "cadence": (
        catalog(fee()),
        catalog(fee(invoice_cadence="ARREAR")),
        "plans.acme-pro.prices.Platform fee.invoice_cadence",
        ("ADVANCE", "ARREAR"),
    ),
    "tier": (
        catalog(usage(billing_model="TIERED", tier_mode="SLAB", tiers=TIERS)),
        catalog(usage(billing_model="TIERED", tier_mode="SLAB", tiers=(Tier(Decimal(11), Decimal(1)), TIERS[1]))),
        f"{PRICE}.tiers[0].up_to",
        ("10", "11", "tier boundary 1"),
    ),
    "missing price": (catalog(), catalog(fee()), PRICE, ("is missing", "model.completion", "never billed")),
    "extra price": (
        catalog(),
        catalog(usage(), fee(), fee(amount=Decimal(9), display_name="Odd")),
        "plans.acme-pro.prices.Odd",
        ("nobody signed it off",),
    ),
    "doubled price": (catalog(usage()), catalog(usage(), usage()), f"{PRICE}[#2]", ("2 times", "billed twice")),
    "event name": (
        catalog(),
        with_meter(catalog(), event_name="Model.Completion"),
        "features.tokens.meter.event_name",
        ("Model.Completion", "never billed"),
    ),
    "archived meter": (
        catalog(),
        with_meter(catalog(), status="archived", changed="2026-11-01T00:00:00Z"),
        "features.tokens.meter.status",
        ("2026-11-01", "'archived'"),
    ),
    "meter published by a clone": (
        with_meter(catalog(), status="archived"),
        catalog(),
        "features.tokens.meter.status",
        ("decide", "'published'"),
    ),
    "aggregation": (
        catalog(),
        with_meter(catalog(), aggregation="MAX"),
        "features.tokens.meter.aggregation",
        ("SUM", "MAX"),
    ),
    "field": (catalog(), with_meter(catalog(), field="token"), "features.tokens.meter.field", ("'tokens'", "'token'")),
    "multiplier": (
        catalog(),
        with_meter(catalog(), multiplier=Decimal("2.5")),
        "features.tokens.meter.multiplier",
        ("nothing", "2.5"),
    ),
    "filters": (
        catalog(),
        with_meter(catalog(), filters={"source": ("api",)}),
        "features.tokens.meter.filters",
        ("source",),
    ),
    "entitlement missing": (
        catalog(),
        with_plan(catalog(), entitlements={}),
        "plans.acme-pro.entitlements.tokens",
        ("'tokens'", "missing"),
    ),
    "allowance": (
        catalog(),
        with_plan(
            catalog(), entitlements={"tokens": Entitlement("metered", usage_limit=None, usage_reset_period="MONTHLY")}
        ),
        "plans.acme-pro.entitlements.tokens.usage_limit",
        ("1000", "unlimited"),
    ),
    "soft limit": (
        catalog(),
        with_plan(
            catalog(),
            entitlements={"tokens": replace(catalog().plans["acme-pro"].entitlements["tokens"], is_soft_limit=True)},
        ),
        "plans.acme-pro.entitlements.tokens.is_soft_limit",
        ("false", "true"),
    ),
    "credit grant": (
        catalog(),
        with_plan(catalog(), credit_grants={"Welcome": {"credits": "10", "cadence": "ONETIME"}}),
        "plans.acme-pro.credit_grants.Welcome.credits",
        ("100", "10"),
    ),
    "missing plan": (
        catalog(),
        replace(catalog(), plans={}),
        "plans.acme-pro",
        ("'Acme Pro'", "'acme-pro'", "missing"),
    ),
    "missing feature": (
        catalog(),
        replace(catalog(), features={"tokens": catalog().features["tokens"]}),
        "features.sso",
        ("'sso'", "missing"),
    ),
    "coupon": (catalog(), replace(catalog(), extras=Extras(coupons={})), "coupons.TEN", ("clone", "missing")),
    "setting": (
        replace(catalog(), extras=Extras(settings={"invoice_config": {"prefix": "ACME"}})),
        replace(catalog(), extras=Extras(settings={"invoice_config": {"prefix": "INV"}})),
        "settings.invoice_config.prefix",
        ("'ACME'", "'INV'"),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_single_change_is_found_and_named(change: str) -> None:
    expected, observed, path, words = CHANGES[change]
    found = errors(expected, observed)
    assert list(found) == [path]
    for word in words:
        assert word in found[path]


def test_a_plan_without_lookup_key_that_a_clone_doubled() -> None:
    plan = catalog().plans["acme-pro"]
    found = errors(
        replace(catalog(), unkeyed_plans={"Odd": (plan,)}), replace(catalog(), unkeyed_plans={"Odd": (plan, plan)})
    )
    assert "every further clone doubles" in found["plans without key.Odd"]


def test_a_plan_lost_because_a_meter_has_no_feature_says_so() -> None:
    found = errors(catalog(usage(feature="")), replace(catalog(), plans={}))
    assert "hangs on a meter without a feature" in found["plans.acme-pro"]


def test_an_archived_feature_is_told_with_its_date() -> None:
    gone = Feature("SSO", "metered", tokens(event_name="sso", status="archived", changed="2026-10-01T00:00:00Z"))
    observed = replace(catalog(), features={"tokens": catalog().features["tokens"]}, archived={"sso": gone})
    assert "archived since 2026-10-01" in errors(catalog(), observed)["features.sso"]


@pytest.mark.parametrize("name", ["", "2026-10-01T00:00:00Z"])
def test_an_archived_plan_is_archived_and_not_missing(name: str) -> None:
    observed = replace(catalog(), plans={}, archived_plans={"acme-pro": name})
    found = errors(catalog(), observed)["plans.acme-pro"]
    assert "with lookup key 'acme-pro' is archived" in found
    assert "missing" not in found
    assert ("since 2026-10-01" in found) == bool(name)


@pytest.mark.parametrize(("uses", "severity"), [(True, Severity.ERROR), (False, Severity.INFO)])
def test_blank_price_lookup_keys_matter_only_where_they_are_used(uses: bool, severity: Severity) -> None:
    found = catalog_diff.compare(catalog(usage(lookup_key="k")), catalog(usage()), uses_price_keys=uses)
    assert [(one.path, one.severity) for one in found] == [(f"{PRICE}.lookup_key", severity)]


def test_an_acceptance_that_ran_out_says_so_and_an_unused_one_warns() -> None:
    found = catalog_diff.compare(catalog(usage()), catalog(usage(amount=Decimal(1))))
    until = date(2026, 11, 21)
    old = AcceptedDifference(path=f"{PRICE}.amount", reason="meant", owner="Ann", until=until)
    unused = AcceptedDifference(path="plans.acme-pro.name", reason="meant", owner="Ann", until=until)
    result = accepted.apply(found, [old, unused], date(2026, 11, 22))
    assert result[0].severity is Severity.ERROR
    assert "the acceptance by Ann ended on 2026-11-21" in result[0].problem
    assert result[1].severity is Severity.WARNING
    assert "plans.acme-pro.name" in result[1].path
    assert accepted.apply(found, [old], until)[0].severity is Severity.INFO


def test_prices_of_one_event_are_told_apart_by_what_differs() -> None:
    expected = catalog(usage(), usage(currency="eur"))
    observed = catalog(usage(), usage(currency="eur", amount=Decimal(2)))
    assert list(errors(expected, observed)) == [f"{PRICE}[eur].amount"]


def test_many_differences_of_one_kind_are_counted_once() -> None:
    ours = [usage(event_name=f"e{number}", feature="") for number in range(50)]
    theirs = [replace(one, amount=Decimal(2)) for one in ours]
    found = catalog_diff.compare(catalog(*ours), catalog(*theirs))
    shown = summarise(alike(found))
    assert len(found) == 50
    assert len(shown) == 1
    assert "50 findings like" in shown[0].sentence
    assert "amount of price … of plan …" in shown[0].sentence


RENAMED = {
    "a separator": ("acme_pro", "Acme Pro", "differing only in its separators"),
    "another key for the same name": (
        "gold-2026",
        "Acme Pro",
        "another lookup key than it was signed off with (expected",
    ),
}


@pytest.mark.parametrize("case", RENAMED)
def test_a_plan_under_another_key_is_one_mistake(case: str) -> None:
    key, name, words = RENAMED[case]
    ours = catalog()
    plan = replace(ours.plans["acme-pro"], name="Acme Pro")
    ours, theirs = replace(ours, plans={"acme-pro": plan}), replace(ours, plans={key: replace(plan, name=name)})
    (finding,) = catalog_diff.compare(ours, theirs)
    assert finding.path == "plans.acme-pro.lookup_key"
    assert words in finding.sentence
    dearer = replace(plan, prices=(*plan.prices[1:],))
    assert len(catalog_diff.compare(ours, replace(theirs, plans={key: dearer}))) == 2


def test_another_plan_does_not_stand_for_one_that_is_missing() -> None:
    ours = catalog()
    theirs = replace(ours, plans={"nimbus": replace(ours.plans["acme-pro"], name="Nimbus")})
    problems = [finding.problem for finding in catalog_diff.compare(ours, theirs)]
    assert len(problems) == 2
    assert "is missing" in problems[0]
    assert "nobody signed it off" in problems[1]


def test_a_feature_that_is_missing_is_told_with_the_one_that_was_meant() -> None:
    ours = catalog()
    theirs = replace(ours, features={"token": ours.features["tokens"]})
    assert any("is missing, but 'token' is there" in finding.problem for finding in catalog_diff.compare(ours, theirs))
