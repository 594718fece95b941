"""The canonical catalog: what an environment sells, without ids, dates or order, so that two catalogs can be compared.

Features are found by lookup key with their meter inside, plans by lookup key with their prices as a multiset, entitlements by the
feature they grant, credit grants by name (checklist 2.1, contract 2.6). Decimals are in one normal form. Fields marked as *live*
are known of a running environment only; they take no part in comparisons, in the JSON form or in its SHA-256.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

PUBLISHED = "published"
LIVE = {"live": True}
"""Marks a field that only a running environment knows; it is not part of the canonical form."""


@dataclass(frozen=True)
class Meter:
    """What is counted: events of exactly one name, aggregated, all ``filters`` (key to allowed values) matching (contract 2.1)."""

    event_name: str
    aggregation: str
    field: str = ""
    expression: str = ""
    multiplier: Decimal | None = None
    bucket_size: str = ""
    group_by: str = ""
    filters: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    reset_usage: str = ""
    status: str = PUBLISHED
    name: str = dataclasses.field(default="", compare=False, repr=False, metadata=LIVE)
    id: str = dataclasses.field(default="", compare=False, repr=False, metadata=LIVE)
    changed: str = dataclasses.field(default="", compare=False, repr=False, metadata=LIVE)

    @property
    def published(self) -> bool:
        """Whether it counts events."""
        return self.status == PUBLISHED

    @property
    def properties(self) -> tuple[str, ...]:
        """The properties it reads by name: its field, or none for a plain count (see ``expressions`` for the others)."""
        return (self.field,) if self.field and self.aggregation != "COUNT" else ()


@dataclass(frozen=True)
class Feature:
    """A published feature; metered ones have a meter (contract 2.2)."""

    name: str
    type: str
    meter: Meter | None = None
    unit_singular: str = ""
    unit_plural: str = ""
    id: str = dataclasses.field(default="", compare=False, repr=False, metadata=LIVE)
    cloned: bool = dataclasses.field(default=False, compare=False, repr=False, metadata=LIVE)


@dataclass(frozen=True)
class Tier:
    """One tier: its inclusive bound (None is *all the rest*), price per unit and flat amount (contract 2.4)."""

    up_to: Decimal | None
    unit_amount: Decimal
    flat_amount: Decimal | None = None


@dataclass(frozen=True)
class Price:
    """One price. Usage prices name their event and the feature of their meter; ``meter`` itself is live.

    Amounts are in the price's currency per unit or package, ``divide_by`` is the package's size (contract 2.4).
    """

    type: str
    currency: str
    billing_period: str
    billing_model: str
    invoice_cadence: str = ""
    billing_period_count: int = 1
    event_name: str = ""
    feature: str = ""
    amount: Decimal | None = None
    tier_mode: str = ""
    tiers: tuple[Tier, ...] = ()
    divide_by: Decimal | None = None
    round: str = ""
    price_unit_type: str = ""
    price_unit: str = ""
    price_unit_amount: Decimal | None = None
    min_quantity: Decimal | None = None
    trial_period_days: int = 0
    end_date: str = ""
    display_name: str = ""
    lookup_key: str = ""
    id: str = dataclasses.field(default="", compare=False, repr=False, metadata=LIVE)
    meter: Meter | None = dataclasses.field(default=None, compare=False, repr=False, metadata=LIVE)
    start_date: datetime | None = dataclasses.field(default=None, compare=False, repr=False, metadata=LIVE)
    ends: datetime | None = dataclasses.field(default=None, compare=False, repr=False, metadata=LIVE)

    @property
    def usage(self) -> bool:
        """Whether it bills what a meter counted."""
        return self.type == "USAGE"

    def in_force(self, now: datetime) -> bool:
        """Whether it bills at that moment; the end is exclusive."""
        return (self.start_date is None or self.start_date <= now) and (self.ends is None or now < self.ends)


@dataclass(frozen=True)
class Entitlement:
    """What a plan allows of a feature; for a metered one ``usage_limit`` is the allowance, None is *everything* (contract 2.5)."""

    feature_type: str
    is_enabled: bool = True
    usage_limit: Decimal | None = None
    usage_reset_period: str = ""
    is_soft_limit: bool = False
    static_value: str = ""
    config_value: Any = None
    aggregation_mode: str = ""


@dataclass(frozen=True)
class Plan:
    """A plan, or an addon: prices as a sorted multiset, entitlements by feature key, credit grants by name (contract 2.3)."""

    name: str
    prices: tuple[Price, ...] = ()
    entitlements: Mapping[str, Entitlement] = dataclasses.field(default_factory=dict)
    credit_grants: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    id: str = dataclasses.field(default="", compare=False, repr=False, metadata=LIVE)
    cloned: bool = dataclasses.field(default=False, compare=False, repr=False, metadata=LIVE)


@dataclass(frozen=True)
class Extras:
    """What a clone of an environment leaves behind (contract 2.6); None where it was not read."""

    addons: Mapping[str, Plan] | None = None
    coupons: Mapping[str, Mapping[str, Any]] | None = None
    tax_rates: Mapping[str, Mapping[str, Any]] | None = None
    price_units: Mapping[str, Mapping[str, Any]] | None = None
    settings: Mapping[str, Mapping[str, Any]] | None = None


@dataclass(frozen=True)
class Catalog:
    """A whole catalog.

    ``unkeyed_plans`` are published plans without a lookup key, by name, in as many copies as there are. ``archived`` maps the
    lookup key of features that are archived, and not published too, to the meter they had; ``loose_meters`` are meters that no
    published feature has; ``archived_plans`` maps the lookup key of plans that are archived, and not published too, to when they
    were changed last. All three are live.
    """

    features: Mapping[str, Feature] = dataclasses.field(default_factory=dict)
    plans: Mapping[str, Plan] = dataclasses.field(default_factory=dict)
    unkeyed_plans: Mapping[str, tuple[Plan, ...]] = dataclasses.field(default_factory=dict)
    extras: Extras = dataclasses.field(default_factory=Extras)
    archived: Mapping[str, Feature] = dataclasses.field(default_factory=dict, compare=False, repr=False, metadata=LIVE)
    loose_meters: tuple[Meter, ...] = dataclasses.field(default=(), compare=False, repr=False, metadata=LIVE)
    archived_plans: Mapping[str, str] = dataclasses.field(
        default_factory=dict, compare=False, repr=False, metadata=LIVE
    )

    def every_plan(self) -> Iterator[tuple[str, Plan]]:
        """All plans with the path they are told of, those without a lookup key as ``plans without key.<name>``."""
        for key, plan in self.plans.items():
            yield f"plans.{key}", plan
        for name, copies in self.unkeyed_plans.items():
            for plan in copies:
                yield f"plans without key.{name}", plan

    def metered(self) -> Iterator[tuple[str, Feature, Meter]]:
        """The published metered features with key and meter, whatever the meter's status."""
        for key, feature in self.features.items():
            if feature.meter is not None:
                yield key, feature, feature.meter

    def metered_names(self) -> set[str]:
        """The event names that published meters of published features count."""
        return {meter.event_name for _, _, meter in self.metered() if meter.published}
