"""The catalog snapshot as a file: what may stand in it, read whole or told place by place (checklist 2.1).

People review and edit the snapshot. It is read into one normal form, in which numbers are plain decimal text; a value that means something
else than it seems to, such as "1,000", is refused. The rules are those of Flexprice's own requests (contract 2.1 to 2.5).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError, model_validator

from pytest_flexprice.model import spoken
from pytest_flexprice.model.bounded import LARGEST_CATALOG, Unreadable, parse_json, read_text
from pytest_flexprice.model.near_miss import NearMisses
from pytest_flexprice.model.snapshot_values import Amount, Count, Currency, Days, Filled, Loose, Positive, Whole

FORMAT = 1
WHAT = "the catalog snapshot"


class SnapshotError(Exception):
    """A snapshot file cannot be used; the message is one sentence with file, place and remedy, ``problems`` the single places."""

    def __init__(self, path: Path, problems: list[str]) -> None:
        self.problems = problems
        super().__init__(f"{path}: {spoken.several(problems, 'places of the catalog snapshot cannot be used')}")


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
    price_unit_type: str = ""
    price_unit: str = ""
    price_unit_amount: Amount | None = None
    min_quantity: Amount | None = None
    trial_period_days: Days = 0
    end_date: str = ""
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


def read(path: Path) -> dict[str, Any]:
    """The snapshot in its normal form: nested dicts and lists, numbers as plain decimal text.

    Raises:
        SnapshotError: the file is missing, is not JSON, or holds something that no catalog can; all such places are told.
    """
    try:
        document = parse_json(read_text(path, WHAT, LARGEST_CATALOG), path, WHAT)
    except FileNotFoundError:
        raise SnapshotError(path, ["there is no such catalog snapshot; write one with --flexprice-snapshot"]) from None
    except Unreadable as error:
        reason = str(error).removeprefix(f"{path}: ").rstrip(".")
        raise SnapshotError(
            path, [f"{reason}; or write the catalog snapshot again with --flexprice-snapshot"]
        ) from None
    return checked(document, path)


def signed_off(name: str, folder: Path) -> dict[str, Any]:
    """The snapshot of that name beside the plan, in its normal form.

    Raises:
        SnapshotError: as for ``read``; where the name looks like an environment's, that is said.
    """
    path = folder / name
    if name and not Path(name).suffix and "/" not in name and not path.exists():
        raise SnapshotError(
            path,
            [
                f"'{name}' is neither an environment of the plan nor a file beside it; add a table [environments.{name}], "
                "or write a catalog snapshot with --flexprice-snapshot and name that file"
            ],
        )
    return read(path)


def checked(document: Any, path: Path) -> dict[str, Any]:
    """A parsed snapshot in its normal form.

    Raises:
        SnapshotError: as for ``read``.
    """
    if not isinstance(document, dict) or "flexprice_catalog" not in document:
        raise SnapshotError(
            path,
            [
                f'this is no catalog snapshot: expected an object with "flexprice_catalog": {FORMAT}; write it with --flexprice-snapshot'
            ],
        )
    try:
        snapshot = Snapshot.model_validate(document)
    except ValidationError as error:
        raise SnapshotError(path, spoken.sentences(error, Snapshot, WHAT)) from None
    problems = list(_unknown_features(snapshot))
    if problems:
        raise SnapshotError(path, problems)
    return snapshot.model_dump(exclude_unset=True)


def _unknown_features(snapshot: Snapshot) -> Iterator[str]:
    """Prices on a feature that the snapshot has not; without any, its meter is one that no feature has."""
    near = NearMisses(snapshot.features)
    for place, plan in _plans(snapshot):
        for number, price in enumerate(plan.prices):
            if price.feature and price.feature not in snapshot.features:
                yield (
                    f"{place}.prices[{number}].feature = '{price.feature}': expected the key of a feature of this file"
                    f"{near.hint(price.feature)}"
                )


def _plans(snapshot: Snapshot) -> Iterator[tuple[str, SnapshotPlan]]:
    for key, plan in snapshot.plans.items():
        yield f"plans.{key}", plan
    for name, copies in snapshot.unkeyed_plans.items():
        for number, plan in enumerate(copies):
            yield f"unkeyed_plans.{name}[{number}]", plan
    for key, plan in (snapshot.extras.addons or {}).items():
        yield f"extras.addons.{key}", plan
