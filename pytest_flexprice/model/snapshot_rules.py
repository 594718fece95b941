"""What the parts of a catalog snapshot must agree on, so that a Flexprice can hold them (checklist 2.1; contract 2.1 to 2.5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_flexprice.model.near_miss import NearMisses
from pytest_flexprice.model.snapshot_parts import (
    Snapshot,
    SnapshotEntitlement,
    SnapshotFeature,
    SnapshotMeter,
    SnapshotPlan,
    SnapshotPrice,
)

EXPRESSIONS = ("SUM", "AVG", "MAX", "LATEST")
"""Aggregations that may read an expression instead of a field (contract 2.1)."""
_MULTIPLIED = "SUM_WITH_MULTIPLIER"


def disagreements(snapshot: Snapshot) -> Iterator[str]:
    """Everything that the parts do not agree on, each with its place."""
    for key, feature in snapshot.features.items():
        for problem in meter(feature.meter) if feature.meter else ():
            yield f"features.{key}.meter: {problem}"
    for place, plan in _plans(snapshot):
        for number, one in enumerate(plan.prices):
            yield from price(f"{place}.prices[{number}]", one, snapshot.features)
        for key, allowed in plan.entitlements.items():
            yield from entitlement(f"{place}.entitlements.{key}", key, allowed, snapshot.features)


def _plans(snapshot: Snapshot) -> Iterator[tuple[str, SnapshotPlan]]:
    for key, plan in snapshot.plans.items():
        yield f"plans.{key}", plan
    for name, copies in snapshot.unkeyed_plans.items():
        for number, plan in enumerate(copies):
            yield f"unkeyed_plans.{name}[{number}]", plan
    for key, plan in (snapshot.extras.addons or {}).items():
        yield f"extras.addons.{key}", plan


def meter(one: SnapshotMeter) -> Iterator[str]:
    """What no meter can be, in clauses that stand behind its place."""
    kind = one.aggregation
    if one.expression and kind not in EXPRESSIONS:
        yield f"only meters of {', '.join(EXPRESSIONS[:-1])} and {EXPRESSIONS[-1]} can have an expression, not {kind}; write a field"
    elif one.expression and one.field:
        yield "a meter reads a field or an expression, not both; keep one of them"
    elif kind != "COUNT" and not (one.field or one.expression):
        yield f"the aggregation {kind} needs a field, the property that it reads; add it"
    if kind == _MULTIPLIED and one.multiplier in (None, "0"):
        yield f"the aggregation {kind} needs a multiplier above 0; write it"
    if one.bucket_size and kind not in ("MAX", "SUM"):
        yield f"only meters of MAX and SUM can have a bucket_size, not {kind}; remove it"
    elif one.group_by and not (kind == "MAX" and one.bucket_size):
        yield "only a meter of MAX with a bucket_size can have a group_by; remove it"


def price(place: str, one: SnapshotPrice, features: Mapping[str, SnapshotFeature]) -> Iterator[str]:
    """A usage price bills a metered feature of the file; without any, its meter is one that no feature has."""
    if not one.feature:
        if one.type == "USAGE" and not one.event_name:
            yield f"{place}: a USAGE price needs a feature, the key of what it bills; add it"
        return
    where, feature = f"{place}.feature = '{one.feature}'", features.get(one.feature)
    if feature is None:
        hint = NearMisses(features).hint(one.feature)
        yield f"{where}: expected the key of a feature of this file{hint}"
    elif one.type == "USAGE" and feature.meter is None:
        yield f"{where}: expected a metered feature, and this one is {feature.type}"
    elif feature.meter and one.event_name and one.event_name.strip() != feature.meter.event_name.strip():
        yield (
            f"{place}.event_name = '{one.event_name}': expected '{feature.meter.event_name}', which is what the meter of "
            f"feature '{one.feature}' counts"
        )


def entitlement(
    place: str, key: str, one: SnapshotEntitlement, features: Mapping[str, SnapshotFeature]
) -> Iterator[str]:
    """An entitlement is of its feature's type; one to a feature that the file has not may be to an archived one."""
    feature = features.get(key)
    if feature is not None and feature.type != one.feature_type:
        yield f"{place}.feature_type = '{one.feature_type}': expected {feature.type}, the type of feature '{key}'"
    elif feature is not None and feature.meter and feature.meter.bucket_size and feature.meter.aggregation == "MAX":
        yield f"{place}: Flexprice takes no entitlement to a feature whose MAX meter has a bucket_size; remove it"
    elif one.feature_type == "static" and not one.static_value:
        yield f"{place}: an entitlement to a static feature needs a static_value; add it"
