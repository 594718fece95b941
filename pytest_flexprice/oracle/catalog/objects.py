"""The canonical catalog: what an environment sells, without ids, dates or order, so that two catalogs can be compared.

Features are found by lookup key with their meter inside, plans by lookup key with their prices as a multiset, entitlements by the
feature they grant, credit grants by name (checklist 2.1, contract 2.6). Fields marked as *live* are known of a running environment
only; they take no part in comparisons, in the JSON form or in its SHA-256. What of a meter and a price is compared, ``canonical`` says.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pytest_flexprice.model.decimals import optional
from pytest_flexprice.model.meters import Meter
from pytest_flexprice.model.parsing import parses
from pytest_flexprice.model.prices import Price

LIVE = {"live": True}
"""Marks a field that only a running environment knows; it is not part of the canonical form."""


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

    @classmethod
    @parses("entitlement")
    def from_api(cls, data: Mapping[str, Any]) -> Entitlement:
        """An entitlement from the API's JSON.

        Raises:
            Unparsed: its limit is no number.
        """
        mode = data.get("aggregation_mode") or ""
        return cls(
            feature_type=data.get("feature_type") or "",
            is_enabled=bool(data.get("is_enabled", True)),
            usage_limit=optional(data.get("usage_limit")),
            usage_reset_period=data.get("usage_reset_period") or "",
            is_soft_limit=bool(data.get("is_soft_limit")),
            static_value=data.get("static_value") or "",
            config_value=data.get("config_value"),
            aggregation_mode="" if mode == "additive" else mode,
        )


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
