"""Prices and their tiers, read once (contract 2.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from pytest_flexprice.model.decimals import ZERO, decimal, optional
from pytest_flexprice.model.meters import Meter
from pytest_flexprice.model.parsing import parses
from pytest_flexprice.model.times import instant_of

FIAT, CUSTOM = "FIAT", "CUSTOM"
ONE = Decimal(1)


class Tier(NamedTuple):
    """A tier: ``up_to`` is its inclusive upper bound, ``None`` the rest; ``flat_amount`` is billed once where it is reached."""

    up_to: Decimal | None
    unit_amount: Decimal
    flat_amount: Decimal = ZERO


@dataclass(frozen=True)
class Price:
    """A price of a plan, an addon or a subscription line.

    Amounts are in the price's currency per unit or package; ``divide_by`` is the package's size.

    Attributes:
        meter: its meter, where the answer holds it; ``event_name`` is what that counts.
        feature: the lookup key of its meter's feature, where the catalog was read.
        start, end: when it bills; the end is exclusive, ``None`` is open.
    """

    id: str
    type: str
    currency: str
    billing_model: str
    amount: Decimal = ZERO
    billing_period: str = "MONTHLY"
    invoice_cadence: str = "ARREAR"
    meter_id: str = ""
    tier_mode: str = ""
    tiers: tuple[Tier, ...] = ()
    divide_by: Decimal = ONE
    round_down: bool = False
    display_name: str = ""
    unit_type: str = FIAT
    start: datetime | None = None
    end: datetime | None = None
    billing_period_count: int = 1
    event_name: str = ""
    feature: str = ""
    price_unit: str = ""
    price_unit_amount: Decimal | None = None
    min_quantity: Decimal | None = None
    trial_period_days: int = 0
    lookup_key: str = ""
    meter: Meter | None = None

    @classmethod
    @parses("price")
    def from_api(cls, data: Mapping[str, Any]) -> Price:
        """A price from the API's JSON, or from a catalog file of the same shape.

        Raises:
            Unparsed: an amount in it is no number.
        """
        transform = data.get("transform_quantity") or {}
        meter = Meter.stored(data["meter"]) if data.get("meter") else None
        unit = data.get("price_unit")
        return cls(
            id=str(data.get("id", "")),
            type=data.get("type") or "USAGE",
            currency=str(data.get("currency", "")).lower(),
            billing_model=data.get("billing_model") or "",
            amount=decimal(data.get("amount"), ZERO),
            billing_period=data.get("billing_period") or "MONTHLY",
            invoice_cadence=data.get("invoice_cadence") or "ARREAR",
            meter_id=data.get("meter_id") or "",
            tier_mode=data.get("tier_mode") or "",
            tiers=read_tiers(data.get("tiers") or ()),
            divide_by=decimal(transform.get("divide_by"), ONE) or ONE,
            round_down=transform.get("round") == "down",
            display_name=data.get("display_name") or "",
            unit_type=data.get("price_unit_type") or FIAT,
            start=instant_of(data, "start_date"),
            end=instant_of(data, "end_date"),
            billing_period_count=int(data.get("billing_period_count") or 1),
            event_name=meter.event_name if meter else "",
            price_unit=unit if isinstance(unit, str) else "",
            price_unit_amount=optional(data.get("price_unit_amount")),
            min_quantity=optional(data.get("min_quantity")),
            trial_period_days=int(data.get("trial_period_days") or 0),
            lookup_key=data.get("lookup_key") or "",
            meter=meter,
        )

    @property
    def usage(self) -> bool:
        """Whether it bills what a meter counted."""
        return self.type == "USAGE"

    def in_force(self, moment: datetime) -> bool:
        """Whether the price applies at a moment; an ended one is still published (contract 2.4)."""
        return (self.start is None or self.start <= moment) and (self.end is None or moment < self.end)


def read_tiers(data: Iterable[Mapping[str, Any]]) -> tuple[Tier, ...]:
    """Tiers in the order of their bounds, the open one last: the order they are stored in does not matter (contract 2.4)."""
    read = [
        Tier(
            optional(each.get("up_to")),
            decimal(each.get("unit_amount"), ZERO),
            decimal(each.get("flat_amount"), ZERO),
        )
        for each in data
    ]
    return tuple(sorted(read, key=lambda tier: (tier.up_to is None, tier.up_to or ZERO)))
