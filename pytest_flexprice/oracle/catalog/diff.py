"""The semantic difference between the signed-off catalog and the one that an environment has (checklist 2.1).

Nothing depends on ids, dates or order. Each difference is one finding with a path such as
``plans.acme-pro.prices.model.completion.amount``, both values, what it means for a bill and what to do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from pytest_flexprice.model.decimals import words as plain
from pytest_flexprice.model.finding import Finding, Severity, compared
from pytest_flexprice.model.prices import Price
from pytest_flexprice.oracle.catalog import words
from pytest_flexprice.oracle.catalog.canonical import sort_key, tree
from pytest_flexprice.oracle.catalog.matching import Pair, facts, pair
from pytest_flexprice.oracle.catalog.objects import Catalog, Entitlement, Feature, Plan
from pytest_flexprice.oracle.catalog.words import Meaning

ITEM = "2.1"
_EXTRAS = {
    "addons": "addon",
    "coupons": "coupon",
    "tax_rates": "tax rate",
    "price_units": "price unit",
    "settings": "setting",
}

_DEFAULTS: Mapping[str, Any] = {
    "invoice_config": {
        "prefix": "INV",
        "format": "YYYYMM",
        "separator": "-",
        "suffix_length": 5,
        "start_sequence": 1,
        "timezone": "UTC",
    }
}
"""Settings as every environment has them before anybody saves any: nothing that had to be signed off (contract 4.6)."""


class _Rules(NamedTuple):
    """How plans are compared: the features of both catalogs, and whether prices are looked up by key."""

    shared: Mapping[str, str] = {}
    uses_price_keys: bool = False


def compare(expected: Catalog, observed: Catalog, *, uses_price_keys: bool = False) -> list[Finding]:
    """All differences between the signed-off catalog and the observed one, sorted by path; extras have their own function.

    ``uses_price_keys`` says that somebody looks prices up by key, so that a blank one is an error and not only worth knowing.
    """
    found = [
        *_features(expected, observed),
        *_plans(expected, observed, uses_price_keys),
        *_unkeyed(expected, observed),
    ]
    return sorted(found, key=lambda finding: finding.path)


def compare_extras(expected: Catalog, observed: Catalog) -> list[Finding]:
    """Differences in what a clone of an environment leaves behind; a kind that one side never read is left out."""
    found: list[Finding] = []
    for kind, noun in _EXTRAS.items():
        ours, theirs = getattr(expected.extras, kind), getattr(observed.extras, kind)
        if ours is None or theirs is None:
            continue
        for key in sorted({*ours, *theirs}):
            path = f"{kind}.{key}"
            if key not in theirs:
                found.append(
                    _finding(
                        path, f"{noun} '{key}' is missing", consequence=words.LEFT_BEHIND, remedy="make it by hand"
                    )
                )
            elif key not in ours and theirs[key] != _DEFAULTS.get(key):
                found.append(_extra(path, f"{noun} '{key}' is there although nobody signed it off"))
            elif key not in ours:
                continue
            elif isinstance(ours[key], Plan):
                found += _plan(path, f"{noun} '{key}'", ours[key], theirs[key], _Rules())
            else:
                meaning = replace(words.OTHER, consequence=words.LEFT_BEHIND)
                found += _fields(path, f"of {noun} '{key}'", tree(ours[key]), tree(theirs[key]), {"": meaning})
    return sorted(found, key=lambda finding: finding.path)


def _features(expected: Catalog, observed: Catalog) -> Iterator[Finding]:
    clones = any(feature.cloned for feature in observed.features.values())
    for key in sorted({*expected.features, *observed.features}):
        path = f"features.{key}"
        ours, theirs = expected.features.get(key), observed.features.get(key)
        if ours is not None and theirs is not None:
            yield from _feature(path, key, ours, replace(theirs, cloned=theirs.cloned or not clones))
        elif ours is not None:
            yield _lost_feature(path, key, ours, observed)
        elif theirs is not None:
            archived = " and archived in the signed-off one" if key in expected.archived else ""
            event = f" (event name '{theirs.meter.event_name}')" if theirs.meter else ""
            yield _extra(path, f"feature '{key}'{event} is published here{archived} although nobody signed it off")


def _lost_feature(path: str, key: str, ours: Feature, observed: Catalog) -> Finding:
    event = f" with event name '{ours.meter.event_name}'" if ours.meter else ""
    gone = observed.archived.get(key)
    since = words.since(gone.meter.changed if gone and gone.meter else "")
    return _finding(
        path,
        f"feature '{key}'{event} is archived{since}" if gone else f"feature '{key}'{event} is missing",
        expected="published",
        observed="archived" if gone else None,
        consequence="its events are accepted and never billed" if ours.meter else "no plan can grant it",
        remedy="make the feature again" if gone else "clone the environment again or make the feature",
    )


def _feature(path: str, key: str, ours: Feature, theirs: Feature) -> Iterator[Finding]:
    left, right = tree(ours), tree(theirs)
    mine, other = left.pop("meter", None), right.pop("meter", None)
    yield from _fields(path, f"of feature '{key}'", left, right, words.FEATURE)
    if (mine is None) != (other is None):
        present = ["a meter" if one else "no meter" for one in (mine, other)]
        yield _differs(f"{path}.meter", f"of feature '{key}'", words.FEATURE["meter"], *present)
    elif mine is not None and other is not None:
        kept = "" if theirs.cloned else " (not made by the clone, which keeps a feature that exists)"
        for finding in _fields(f"{path}.meter", f"of the meter of feature '{key}'", mine, other, words.METER):
            when = theirs.meter.changed if theirs.meter and finding.path.endswith(".status") else ""
            note = f", changed {when}" if when else kept
            yield replace(finding, problem=finding.problem + note)


def _plans(expected: Catalog, observed: Catalog, uses_price_keys: bool) -> Iterator[Finding]:
    rules = _Rules(_shared(expected, observed), uses_price_keys)
    clones = any(plan.cloned for plan in observed.plans.values())
    for key in sorted({*expected.plans, *observed.plans}):
        path = f"plans.{key}"
        ours, theirs = expected.plans.get(key), observed.plans.get(key)
        if ours is not None and theirs is not None:
            stale = " (not made by the clone, which skips what exists)" if clones and not theirs.cloned else ""
            for finding in _plan(path, f"plan '{key}'", ours, theirs, rules):
                yield replace(finding, problem=finding.problem + stale)
        elif ours is not None:
            yield _lost_plan(path, key, ours, observed)
        elif theirs is not None:
            yield _extra(path, f"plan '{theirs.name}' with lookup key '{key}' is there although nobody signed it off")


def _shared(expected: Catalog, observed: Catalog) -> dict[str, str]:
    return {key: key for key in expected.features if key in observed.features}


def _lost_plan(path: str, key: str, ours: Plan, observed: Catalog) -> Finding:
    if key in observed.archived_plans:
        return _finding(
            path,
            f"plan '{ours.name}' with lookup key '{key}' is archived{words.since(observed.archived_plans[key])}",
            expected="published",
            observed="archived",
            consequence="nobody can be subscribed to it",
            remedy="make the plan again, as an archived one cannot be published, or sign the catalog without it off with "
            "--flexprice-snapshot",
        )
    orphans = sorted({price.event_name for price in ours.prices if price.usage and not price.feature})
    unmapped = sorted({*ours.entitlements, *(one.feature for one in ours.prices if one.feature)} - {*observed.features})
    cause = ""
    if orphans:
        cause = f"; a clone loses the whole plan because its price on '{orphans[0]}' hangs on a meter without a feature"
    elif unmapped:
        cause = f"; a clone loses the whole plan when feature '{unmapped[0]}' has no counterpart here"
    if ours.name in observed.unkeyed_plans:
        cause += "; a plan of that name without a lookup key is there"
    return _finding(
        path,
        f"plan '{ours.name}' with lookup key '{key}' is missing{cause}",
        expected="published",
        consequence="nobody can be subscribed to it",
        remedy="give every metered price a feature with a lookup key and clone again"
        if cause
        else "make it or clone again; a clone leaves a plan out without a sign when one of its prices or entitlements has no feature "
        "with a lookup key (no mapping in the target environment)",
    )


def _unkeyed(expected: Catalog, observed: Catalog) -> Iterator[Finding]:
    for name in sorted({*expected.unkeyed_plans, *observed.unkeyed_plans}):
        path = f"plans without key.{name}"
        ours, theirs = (side.unkeyed_plans.get(name, ()) for side in (expected, observed))
        if len(ours) != len(theirs):
            yield _finding(
                path,
                f"plan '{name}' without a lookup key is there {len(theirs)} times",
                expected=len(ours),
                observed=len(theirs),
                consequence="every further clone doubles a plan without a lookup key, and nobody can tell the copies apart",
                remedy="give the plan a lookup key and archive the copies",
            )
            continue
        rules = _Rules(_shared(expected, observed))
        for mine, other in zip(ours, theirs, strict=True):
            yield from _plan(path, f"plan '{name}'", mine, other, rules)


def _plan(path: str, noun: str, ours: Plan, theirs: Plan, rules: _Rules) -> Iterator[Finding]:
    if sort_key(ours) == sort_key(theirs):
        return
    if ours.name != theirs.name:
        yield _differs(f"{path}.name", f"of {noun}", words.NAME, ours.name, theirs.name)
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
            yield from _fields(where, f"of credit grant '{name}' of {noun}", tree(left), tree(right), {"": words.GRANT})
        elif right is None:
            yield _finding(
                where,
                f"credit grant '{name}' of {noun} is missing",
                consequence="customers do not get the credits that were promised",
                remedy="make the credit grant on the plan",
            )
        else:
            yield _extra(where, f"credit grant '{name}' of {noun} is there although nobody signed it off")


def _billed(price: Price) -> str:
    """What a price bills, without what only names it."""
    return sort_key(replace(price, display_name="", lookup_key=""))


def _price(path: str, noun: str, one: Pair, rules: _Rules, copies: int) -> Iterator[Finding]:
    if one.expected is None and one.observed is not None:
        twice = copies > 1
        yield _finding(
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
        yield _finding(
            path,
            f"price '{one.label}' of {noun} is missing",
            expected=describe(one.expected),
            consequence="its usage is counted and never billed" if one.expected.usage else "the fee is never billed",
            remedy="make the price on the plan and sync it to its subscriptions",
        )
    elif one.expected is not None and one.observed is not None:
        left, right = facts(one.expected, rules.shared), facts(one.observed, rules.shared)
        for finding in _fields(path, f"of price '{one.label}' of {noun}", left, right, words.PRICE):
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
        yield from _fields(path, f"of the entitlement to '{key}' of {noun}", left, right, words.ENTITLEMENT)
    elif theirs is None:
        yield _finding(
            path,
            f"the entitlement to feature '{key}' of {noun} is missing",
            consequence="customers of the plan do not get the feature, and its allowance is billed",
            remedy="make the entitlement on the plan",
        )
    else:
        yield _extra(path, f"an entitlement to feature '{key}' of {noun} is there although nobody signed it off")


def _fields(path: str, of: str, left: Any, right: Any, meanings: Mapping[str, Meaning]) -> Iterator[Finding]:
    default = meanings.get("", words.OTHER)
    for name in sorted({*left, *right}):
        ours, theirs = left.get(name), right.get(name)
        if ours == theirs or (name == "display_name" and not (ours and theirs)):  # a name that is not given is made up
            continue
        if name == "tiers":
            yield from _tiers(f"{path}.tiers", of, ours or [], theirs or [])
        else:
            yield _differs(
                f"{path}.{name}", of, meanings.get(name, replace(default, noun=name.replace("_", " "))), ours, theirs
            )


def _tiers(path: str, of: str, left: list[dict[str, Any]], right: list[dict[str, Any]]) -> Iterator[Finding]:
    if len(left) != len(right):
        yield _differs(path, of, words.PRICE["tiers"], _tier_words(left), _tier_words(right))
        return
    for index, (ours, theirs) in enumerate(zip(left, right, strict=True)):
        for name in ("up_to", "unit_amount", "flat_amount"):
            if ours.get(name) != theirs.get(name):
                values = [
                    "no bound" if name == "up_to" and one is None else one for one in (ours.get(name), theirs.get(name))
                ]
                yield _differs(f"{path}[{index}].{name}", f"{index + 1} {of}", words.PRICE[name], *values)


def _tier_words(tiers: list[dict[str, Any]]) -> str:
    return f"{len(tiers)} tiers up to " + ", ".join(
        "the rest" if one["up_to"] is None else format(one["up_to"], "f") for one in tiers
    )


def describe(price: Price) -> str:
    """A price in a few words, such as ``0.05 usd MONTHLY FLAT_FEE``."""
    cost = f"{len(price.tiers)} tiers" if price.billing_model == "TIERED" else plain(price.amount)
    return " ".join((cost, price.currency, price.billing_period, price.billing_model))


def _differs(path: str, of: str, meaning: Meaning, ours: Any, theirs: Any) -> Finding:
    return Finding(
        ITEM,
        path,
        f"{meaning.noun} {of} differs from what was signed off",
        expected=compared(ours),
        observed=compared(theirs),
        consequence=meaning.consequence,
        remedy=meaning.remedy,
        severity=meaning.severity,
    )


def _finding(path: str, problem: str, **details: Any) -> Finding:
    return Finding(ITEM, path, problem, **details)


def _extra(path: str, problem: str) -> Finding:
    return _finding(
        path,
        problem,
        consequence="customers may be billed, or let in, by what nobody reviewed",
        remedy="archive it, or sign it off with --flexprice-snapshot",
    )
