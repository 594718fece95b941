"""The parts of a catalog snapshot, and what may stand in each (checklist 2.1; contract 2.1 to 2.6)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from pytest_flexprice.model.snapshot_values import (
    Amount,
    Count,
    Currency,
    Days,
    Filled,
    Instant,
    Loose,
    Positive,
    Whole,
)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SnapshotMeter(_Part):
    """What a feature's meter counts (contract 2.1)."""

    event_name: Filled
    aggregation: Literal["COUNT", "SUM", "AVG", "COUNT_UNIQUE", "LATEST", "SUM_WITH_MULTIPLIER", "MAX", "WEIGHTED_SUM"]
    field: str = ""
    expression: str = ""
    multiplier: Amount | None = None
    bucket_size: Literal["", "MINUTE", "15MIN", "30MIN", "HOUR", "3HOUR", "6HOUR", "12HOUR", "DAY", "WEEK", "MONTH"] = (
        ""
    )
    group_by: str = ""
    filters: dict[str, Annotated[list[str], Field(min_length=1)]] = {}
    reset_usage: str = ""
    status: Literal["published", "archived"] = "published"


class SnapshotFeature(_Part):
    """A feature; a metered one has a meter (contract 2.2)."""

    name: Filled
    type: Literal["metered", "boolean", "static", "config"]
    meter: SnapshotMeter | None = None
    unit_singular: str = ""
    unit_plural: str = ""

    @model_validator(mode="after")
    def _metered_has_a_meter(self) -> SnapshotFeature:
        if self.type == "metered" and self.meter is None:
            raise ValueError("a metered feature needs a meter; add it")
        if bool(self.unit_singular) != bool(self.unit_plural):
            raise ValueError("unit_singular and unit_plural go together; write both or neither")
        return self


class SnapshotTier(_Part):
    """A tier; ``up_to`` must be there, and null is *all the rest* (contract 2.4)."""

    up_to: Whole | None
    unit_amount: Amount
    flat_amount: Amount | None = None


class SnapshotPrice(_Part):
    """A price (contract 2.4)."""

    type: Literal["USAGE", "FIXED"]
    currency: Currency
    billing_period: Literal["MONTHLY", "ANNUAL", "WEEKLY", "DAILY", "QUARTERLY", "HALF_YEARLY", "ONETIME"]
    billing_model: Literal["FLAT_FEE", "PACKAGE", "TIERED"]
    invoice_cadence: Literal["ARREAR", "ADVANCE"]
    billing_period_count: Count = 1
    event_name: str = ""
    feature: str = ""
    amount: Amount | None = None
    tier_mode: Literal["", "VOLUME", "SLAB"] = ""
    tiers: list[SnapshotTier] = []
    divide_by: Positive | None = None
    round: Literal["", "up", "down"] = ""
    price_unit_type: Literal["", "FIAT", "CUSTOM"] = ""
    price_unit: str = ""
    price_unit_amount: Amount | None = None
    min_quantity: Amount | None = None
    trial_period_days: Days = 0
    end_date: Instant = ""
    display_name: str = ""
    lookup_key: str = ""

    @model_validator(mode="after")
    def _says_what_it_costs(self) -> SnapshotPrice:
        if self.billing_model == "TIERED" and not self.tiers:
            raise ValueError("a TIERED price needs tiers; add them")
        if self.billing_model != "TIERED" and self.amount is None and self.price_unit_amount is None:
            raise ValueError(f"a {self.billing_model} price needs an amount; add it")
        if self.billing_model == "PACKAGE" and self.divide_by is None:
            raise ValueError("a PACKAGE price needs divide_by, the size of the package; add it")
        if self.price_unit_type == "CUSTOM" and self.price_unit_amount is None:
            raise ValueError("a price in a CUSTOM unit needs a price_unit_amount; add it")
        if self.type == "USAGE" and self.invoice_cadence == "ADVANCE":
            raise ValueError("a USAGE price cannot be billed in ADVANCE; write ARREAR")
        return self


class SnapshotEntitlement(_Part):
    """What a plan allows of a feature (contract 2.5)."""

    feature_type: Literal["metered", "boolean", "static", "config"]
    is_enabled: StrictBool = True
    usage_limit: Whole | None = None
    usage_reset_period: str = ""
    is_soft_limit: StrictBool = False
    static_value: str = ""
    config_value: Any = None
    aggregation_mode: str = ""


class SnapshotPlan(_Part):
    """A plan or an addon (contract 2.3)."""

    name: Filled
    prices: list[SnapshotPrice] = []
    entitlements: dict[str, SnapshotEntitlement] = {}
    credit_grants: Loose = {}


class SnapshotExtras(_Part):
    """What a clone of an environment leaves behind (contract 2.6)."""

    addons: dict[str, SnapshotPlan] | None = None
    coupons: Loose | None = None
    tax_rates: Loose | None = None
    price_units: Loose | None = None
    settings: Loose | None = None


class Snapshot(_Part):
    """The whole file."""

    flexprice_catalog: Literal[1]
    features: dict[str, SnapshotFeature] = {}
    plans: dict[str, SnapshotPlan] = {}
    unkeyed_plans: dict[str, list[SnapshotPlan]] = {}
    extras: SnapshotExtras = SnapshotExtras()
