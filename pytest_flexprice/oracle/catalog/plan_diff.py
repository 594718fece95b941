"""The semantic difference between two plans, or addons: their prices, entitlements and credit grants (checklist 2.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from pytest_flexprice.model.decimals import words as plain
from pytest_flexprice.model.finding import Finding, Severity
from pytest_flexprice.model.prices import Price
from pytest_flexprice.oracle.catalog import words
from pytest_flexprice.oracle.catalog.canonical import sort_key, tree
from pytest_flexprice.oracle.catalog.differing import differs, field_findings, told, unsigned
from pytest_flexprice.oracle.catalog.matching import PricePair, facts, pair
from pytest_flexprice.oracle.catalog.objects import Entitlement, Plan


class Rules(NamedTuple):
    """How plans are compared: the features of both catalogs, and whether prices are looked up by key."""

    shared: Mapping[str, str] = {}
    uses_price_keys: bool = False


def plan_findings(path: str, noun: str, ours: Plan, theirs: Plan, rules: Rules) -> Iterator[Finding]:
    """All differences between two plans that stand for one another; ``noun`` names them, such as "plan 'acme-pro'"."""
    if sort_key(ours) == sort_key(theirs):
        return
    if ours.name != theirs.name:
        yield differs(f"{path}.name", f"of {noun}", words.NAME, ours.name, theirs.name)
    copies = Counter(_billed(price) for price in theirs.prices)
    for one in pair(ours.prices, theirs.prices, rules.shared):
        count = copies[_billed(one.observed)] if one.observed else 0
        yield from _price(f"{path}.prices.{one.label}", noun, one, rules, count)
    for key in sorted({*ours.entitlements, *theirs.entitlements}):
        yield from _entitlement(
            f"{path}.entitlements.{key}", noun, key, ours.entitlements.get(key), theirs.entitlements.get(key)
        )
    for name in sorted({*ours.credit_grants, *theirs.credit_grants}):
        left, right = ours.credit_grants.get(name), theirs.credit_grants.get(name)
        where = f"{path}.credit_grants.{name}"
        if left is not None and right is not None:
            yield from field_findings(
                where, f"of credit grant '{name}' of {noun}", tree(left), tree(right), {"": words.GRANT}
            )
        elif right is None:
            yield told(
                where,
                f"credit grant '{name}' of {noun} is missing",
                consequence="customers do not get the credits that were promised",
                remedy="make the credit grant on the plan",
            )
        else:
            yield unsigned(where, f"credit grant '{name}' of {noun} is there although nobody signed it off")


def _billed(price: Price) -> str:
    """What a price bills, without what only names it."""
    return sort_key(replace(price, display_name="", lookup_key=""))


def _price(path: str, noun: str, one: PricePair, rules: Rules, copies: int) -> Iterator[Finding]:
    if one.expected is None and one.observed is not None:
        twice = copies > 1
        yield told(
            path,
            f"price '{one.label}' of {noun} is there {copies} times"
            if twice
            else f"price '{one.label}' of {noun} is there although nobody signed it off",
            observed=describe(one.observed),
            consequence="subscriptions take both, so the same is billed twice"
            if twice
            else "it is billed on top of the others",
            remedy="end the price that should not be there, " + words.SIGN_OFF,
        )
    elif one.observed is None and one.expected is not None:
        yield told(
            path,
            f"price '{one.label}' of {noun} is missing",
            expected=describe(one.expected),
            consequence="its usage is counted and never billed" if one.expected.usage else "the fee is never billed",
            remedy="make the price on the plan and sync it to its subscriptions",
        )
    elif one.expected is not None and one.observed is not None:
        left, right = facts(one.expected, rules.shared), facts(one.observed, rules.shared)
        for finding in field_findings(path, f"of price '{one.label}' of {noun}", left, right, words.PRICE):
            if finding.path.endswith(".lookup_key") and not rules.uses_price_keys:
                yield replace(finding, severity=Severity.INFO)
            else:
                yield finding


def _entitlement(
    path: str, noun: str, key: str, ours: Entitlement | None, theirs: Entitlement | None
) -> Iterator[Finding]:
    if ours is not None and theirs is not None:
        left, right = tree(ours), tree(theirs)
        if ours.feature_type == theirs.feature_type == "metered":
            left["usage_limit"], right["usage_limit"] = (
                "unlimited" if one.usage_limit is None else one.usage_limit for one in (ours, theirs)
            )
        yield from field_findings(path, f"of the entitlement to '{key}' of {noun}", left, right, words.ENTITLEMENT)
    elif theirs is None:
        yield told(
            path,
            f"the entitlement to feature '{key}' of {noun} is missing",
            consequence="customers of the plan do not get the feature, and its allowance is billed",
            remedy="make the entitlement on the plan",
        )
    else:
        yield unsigned(path, f"an entitlement to feature '{key}' of {noun} is there although nobody signed it off")


def describe(price: Price) -> str:
    """A price in a few words, such as ``0.05 usd MONTHLY FLAT_FEE``."""
    cost = f"{len(price.tiers)} tiers" if price.billing_model == "TIERED" else plain(price.amount)
    return " ".join((cost, price.currency, price.billing_period, price.billing_model))
