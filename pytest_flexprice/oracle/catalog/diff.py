"""The semantic difference between the signed-off catalog and the one that an environment has (checklist 2.1).

Nothing depends on ids, dates or order. Each difference is one finding with a path such as
``plans.acme-pro.prices.model.completion.amount``, both values, what it means for a bill and what to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pytest_flexprice.model.finding import Finding
from pytest_flexprice.model.near_miss import NearMisses
from pytest_flexprice.oracle.catalog import words
from pytest_flexprice.oracle.catalog.canonical import tree
from pytest_flexprice.oracle.catalog.differing import differs, field_findings, told, unsigned
from pytest_flexprice.oracle.catalog.objects import Catalog, Feature, Plan
from pytest_flexprice.oracle.catalog.plan_diff import Rules, plan_findings
from pytest_flexprice.oracle.catalog.renamed import another_key, renamed

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
                    told(path, f"{noun} '{key}' is missing", consequence=words.LEFT_BEHIND, remedy="make it by hand")
                )
            elif key not in ours and theirs[key] != _DEFAULTS.get(key):
                found.append(unsigned(path, f"{noun} '{key}' is there although nobody signed it off"))
            elif key not in ours:
                continue
            elif isinstance(ours[key], Plan):
                found += plan_findings(path, f"{noun} '{key}'", ours[key], theirs[key], Rules())
            else:
                meaning = replace(words.OTHER, consequence=words.LEFT_BEHIND)
                found += field_findings(path, f"of {noun} '{key}'", tree(ours[key]), tree(theirs[key]), {"": meaning})
    return sorted(found, key=lambda finding: finding.path)


def _features(expected: Catalog, observed: Catalog) -> Iterator[Finding]:
    clones = any(feature.cloned for feature in observed.features.values())
    for key in sorted({*expected.features, *observed.features}):
        path = f"features.{key}"
        ours, theirs = expected.features.get(key), observed.features.get(key)
        if ours is not None and theirs is not None:
            yield from _feature(path, key, ours, replace(theirs, cloned=theirs.cloned or not clones))
        elif ours is not None:
            near = NearMisses(observed.features.keys() - expected.features.keys()).hint(key)
            yield _lost_feature(path, key, ours, observed, near)
        elif theirs is not None:
            archived = " and archived in the signed-off one" if key in expected.archived else ""
            event = f" (event name '{theirs.meter.event_name}')" if theirs.meter else ""
            yield unsigned(path, f"feature '{key}'{event} is published here{archived} although nobody signed it off")


def _lost_feature(path: str, key: str, ours: Feature, observed: Catalog, near: str) -> Finding:
    event = f" with event name '{ours.meter.event_name}'" if ours.meter else ""
    gone = observed.archived.get(key)
    since = words.since(gone.meter.changed if gone and gone.meter else "")
    return told(
        path,
        f"feature '{key}'{event} is archived{since}" if gone else f"feature '{key}'{event} is missing{near}",
        expected="published",
        observed="archived" if gone else None,
        consequence="its events are accepted and never billed" if ours.meter else "no plan can grant it",
        remedy="make the feature again" if gone else "clone the environment again or make the feature",
    )


def _feature(path: str, key: str, ours: Feature, theirs: Feature) -> Iterator[Finding]:
    left, right = tree(ours), tree(theirs)
    mine, other = left.pop("meter", None), right.pop("meter", None)
    yield from field_findings(path, f"of feature '{key}'", left, right, words.FEATURE)
    if (mine is None) != (other is None):
        present = ["a meter" if one else "no meter" for one in (mine, other)]
        yield differs(f"{path}.meter", f"of feature '{key}'", words.FEATURE["meter"], *present)
    elif mine is not None and other is not None:
        kept = "" if theirs.cloned else " (not made by the clone, which keeps a feature that exists)"
        for finding in field_findings(f"{path}.meter", f"of the meter of feature '{key}'", mine, other, words.METER):
            when = theirs.meter.changed if theirs.meter and finding.path.endswith(".status") else ""
            note = f", changed {when}" if when else kept
            yield replace(finding, problem=finding.problem + note)


def _plans(expected: Catalog, observed: Catalog, uses_price_keys: bool) -> Iterator[Finding]:
    rules = Rules(_shared(expected, observed), uses_price_keys)
    clones = any(plan.cloned for plan in observed.plans.values())
    others = renamed(expected.plans, observed.plans)
    for key in sorted({*expected.plans, *observed.plans} - {*others.values()}):
        path = f"plans.{key}"
        ours, theirs = expected.plans.get(key), observed.plans.get(others.get(key, key))
        if theirs is not None and key in others:
            yield another_key(path, key, others[key], theirs)
        if ours is not None and theirs is not None:
            stale = " (not made by the clone, which skips what exists)" if clones and not theirs.cloned else ""
            for finding in plan_findings(path, f"plan '{key}'", ours, theirs, rules):
                yield replace(finding, problem=finding.problem + stale)
        elif ours is not None:
            yield _lost_plan(path, key, ours, observed)
        elif theirs is not None:
            yield unsigned(path, f"plan '{theirs.name}' with lookup key '{key}' is there although nobody signed it off")


def _shared(expected: Catalog, observed: Catalog) -> dict[str, str]:
    return {key: key for key in expected.features if key in observed.features}


def _lost_plan(path: str, key: str, ours: Plan, observed: Catalog) -> Finding:
    if key in observed.archived_plans:
        return told(
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
    return told(
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
            yield told(
                path,
                f"plan '{name}' without a lookup key is there {len(theirs)} times",
                expected=len(ours),
                observed=len(theirs),
                consequence="every further clone doubles a plan without a lookup key, and nobody can tell the copies apart",
                remedy="give the plan a lookup key and archive the copies",
            )
            continue
        rules = Rules(_shared(expected, observed))
        for mine, other in zip(ours, theirs, strict=True):
            yield from plan_findings(path, f"plan '{name}'", mine, other, rules)
