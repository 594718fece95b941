"""What a quantity costs by one price, not yet rounded (contract 2.4; vectors flat, package, volume, slab, tiered)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from .rounding import ONE, ZERO, exact


@dataclass(frozen=True)
class Tier:
    """One tier: its inclusive upper bound (None: everything above), price per unit, and fee for entering it."""

    up_to: Decimal | None
    unit_amount: Decimal
    flat_amount: Decimal = ZERO


@dataclass(frozen=True)
class Tariff:
    """The part of a price that turns a quantity into an amount."""

    model: str
    amount: Decimal = ZERO
    tiers: tuple[Tier, ...] = ()
    tier_mode: str | None = None
    divide_by: Decimal = ONE
    round_down: bool = False

    @classmethod
    def of(cls, price: Mapping[str, Any]) -> Tariff:
        """The tariff of a stored price; tiers come in any order and are sorted by their bounds."""
        package = price.get("transform_quantity") or {}
        return cls(
            model=price["billing_model"],
            amount=number(price.get("amount")),
            tiers=_sorted(_tier(tier) for tier in price.get("tiers") or ()),
            tier_mode=price.get("tier_mode") or None,
            divide_by=number(package.get("divide_by")) or ONE,
            round_down=package.get("round") == "down",
        )

    @exact
    def cost(self, quantity: Decimal) -> Decimal:
        """What ``quantity`` costs, exactly. Nothing is charged for a quantity of zero."""
        if quantity <= 0:
            return ZERO
        if self.model == "PACKAGE":
            whole = ROUND_FLOOR if self.round_down else ROUND_CEILING
            return (quantity / self.divide_by).to_integral_value(rounding=whole) * self.amount
        if self.model == "TIERED":
            return self._tiered(quantity)
        return quantity * self.amount

    def _tiered(self, quantity: Decimal) -> Decimal:
        if self.tier_mode == "VOLUME":
            return self._volume(quantity)
        if self.tier_mode == "SLAB":
            return self._slab(quantity)
        return ZERO  # a price without tier_mode is accepted and bills nothing

    def _volume(self, quantity: Decimal) -> Decimal:
        if not self.tiers:
            return ZERO
        reached = next((tier for tier in self.tiers if tier.up_to is None or quantity <= tier.up_to), self.tiers[-1])
        return quantity * reached.unit_amount + reached.flat_amount

    def _slab(self, quantity: Decimal) -> Decimal:
        total, below = ZERO, ZERO
        for tier in self.tiers:
            if quantity <= below:
                break
            upper = quantity if tier.up_to is None else min(quantity, tier.up_to)
            total += (upper - below) * tier.unit_amount + tier.flat_amount
            below = upper
        return total


def number(value: Any) -> Decimal:
    """A stored decimal, whether kept as text, number or Decimal; zero when there is none."""
    return ZERO if value is None or value == "" else Decimal(str(value))


@exact
def bucketed_cost(tariff: Tariff, quantities: Iterable[Decimal]) -> Decimal:
    """What the buckets of a bucketed meter cost: tiers and packages apply to each bucket by itself."""
    return sum((tariff.cost(quantity) for quantity in quantities), ZERO)


def _tier(tier: Mapping[str, Any]) -> Tier:
    bound = tier.get("up_to")
    return Tier(
        up_to=None if bound is None else number(bound),
        unit_amount=number(tier.get("unit_amount")),
        flat_amount=number(tier.get("flat_amount")),
    )


def _sorted(tiers: Iterable[Tier]) -> tuple[Tier, ...]:
    return tuple(sorted(tiers, key=lambda tier: (tier.up_to is None, tier.up_to or ZERO)))
