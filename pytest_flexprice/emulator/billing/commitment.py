"""Minimum commitments of a subscription and of one line (contract 2.4; vectors commit, line-commit)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Any, NamedTuple

from .pricing import Tariff
from .rounding import ONE, ZERO, exact


@dataclass(frozen=True)
class Charge:
    """A usage charge: how much, what it costs, and what one unit of it costs."""

    quantity: Decimal
    cost: Decimal
    unit: Decimal = ZERO


@dataclass(frozen=True)
class Split:
    """A charge under a subscription's commitment: the part within it, and the part above it at the overage price."""

    within: Charge | None
    overage: Charge | None


@exact
def split(charges: Sequence[Charge], committed: Decimal, factor: Decimal) -> list[Split]:
    """Fill the commitment with the charges in their order; what exceeds it costs ``factor`` times as much.

    The charge that crosses the bound is cut at a whole unit.
    """
    left, parts = committed, []
    for charge in charges:
        if charge.cost <= left:
            left -= charge.cost
            parts.append(Split(charge, None))
        elif left > 0:
            units = (left / charge.unit).to_integral_value(rounding=ROUND_FLOOR) if charge.unit else ZERO
            rest = charge.quantity - units
            within = Charge(units, units * charge.unit, charge.unit) if units > 0 else None
            overage = Charge(rest, rest * charge.unit * factor, charge.unit) if rest > 0 else None
            parts.append(Split(within, overage))
            left -= units * charge.unit
        else:
            parts.append(Split(None, Charge(charge.quantity, charge.cost * factor, charge.unit)))
    return parts


@dataclass(frozen=True)
class LineCommitment:
    """The commitment of one line item: an amount, or a quantity priced by the line's own tariff."""

    kind: str = "amount"
    amount: Decimal = ZERO
    quantity: Decimal = ZERO
    overage_factor: Decimal = ONE
    true_up: bool = False
    windowed: bool = False

    def committed(self, tariff: Tariff) -> Decimal:
        """The committed money."""
        return self.amount if self.kind == "amount" else tariff.cost(self.quantity)


class LineOutcome(NamedTuple):
    """The amount of a line under its commitment and how it came about."""

    amount: Decimal = ZERO
    true_up: Decimal = ZERO
    overage: Decimal = ZERO
    utilized: Decimal = ZERO


@exact
def of_line(commitment: LineCommitment, cost: Decimal, committed: Decimal) -> LineOutcome:
    """What one line costs when ``committed`` is promised for it and its usage alone would cost ``cost``."""
    if cost > committed:
        overage = (cost - committed) * commitment.overage_factor
        return LineOutcome(committed + overage, ZERO, overage, committed)
    missing = committed - cost if commitment.true_up else ZERO
    return LineOutcome(cost + missing, missing, ZERO, cost)


@exact
def of_windows(commitment: LineCommitment, costs: Sequence[Decimal], committed: Decimal) -> LineOutcome:
    """The same for a commitment that holds for each bucket by itself."""
    return total([of_line(commitment, cost, committed) for cost in costs])


@exact
def total(outcomes: Sequence[LineOutcome]) -> LineOutcome:
    """What several windows come to."""
    return LineOutcome(*(sum(column, ZERO) for column in zip(*outcomes, strict=True)))


def explained(commitment: LineCommitment, outcome: LineOutcome, committed: Decimal) -> dict[str, Any]:
    """How the server explains an amount under a commitment."""
    return {
        "type": commitment.kind,
        "amount": committed,
        "quantity": commitment.quantity,
        "overage_factor": commitment.overage_factor,
        "true_up_enabled": commitment.true_up,
        "is_windowed": commitment.windowed,
        "computed_true_up_amount": outcome.true_up,
        "computed_overage_amount": outcome.overage,
        "computed_commitment_utilized_amount": outcome.utilized,
    }
