"""Commitments: of a whole subscription and of one line (contract 2.4; billing vectors ``commit-*`` and ``line-commit-*``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Any, NamedTuple

from pytest_flexprice.model.decimals import ZERO, decimal, difference, product, quotient, rounded, total
from pytest_flexprice.model.finding import not_verified
from pytest_flexprice.model.parsing import parses
from pytest_flexprice.model.prices import Price
from pytest_flexprice.oracle.pricing.prices import cost


@dataclass(frozen=True)
class Commitment:
    """A subscription's commitment: usage above ``amount`` costs ``overage_factor`` times as much; true-up fills it up."""

    amount: Decimal
    overage_factor: Decimal
    true_up: bool = False
    duration: str = ""

    @classmethod
    @parses("commitment")
    def from_api(cls, data: Mapping[str, Any]) -> Commitment | None:
        """The commitment in a subscription's JSON; none without an amount, or with a factor not above 1."""
        amount = decimal(data.get("commitment_amount"), ZERO)
        factor = decimal(data.get("overage_factor"), Decimal(1))
        if amount <= 0 or factor <= 1:
            return None
        return cls(amount, factor, bool(data.get("enable_true_up")), data.get("commitment_duration") or "")


@dataclass(frozen=True)
class LineCommitment:
    """A commitment of one line, by amount or by quantity; ``windowed`` ones apply per bucket of their meter."""

    amount: Decimal
    quantity: Decimal
    by_quantity: bool
    overage_factor: Decimal
    true_up: bool
    windowed: bool = False

    @classmethod
    @parses("commitment")
    def from_api(cls, data: Mapping[str, Any]) -> LineCommitment | None:
        """The commitment in a subscription line's JSON, or in a create request's ``line_item_commitments`` entry."""
        amount, quantity = decimal(data.get("commitment_amount"), ZERO), decimal(data.get("commitment_quantity"), ZERO)
        if amount <= 0 and quantity <= 0:
            return None
        factor = data.get("commitment_overage_factor", data.get("overage_factor"))
        return cls(
            amount=amount,
            quantity=quantity,
            by_quantity=data.get("commitment_type") == "quantity" or amount <= 0,
            overage_factor=decimal(factor, Decimal(1)),
            true_up=bool(data.get("commitment_true_up_enabled", data.get("enable_true_up", False))),
            windowed=bool(data.get("commitment_windowed", data.get("is_window_commitment", False))),
        )


class CommittedLine(NamedTuple):
    """A line's amount under its commitment, and what Flexprice reports as ``commitment_info``."""

    amount: Decimal
    info: dict[str, Any]


def committed(commitment: LineCommitment, price: Price, usage_cost: Decimal) -> CommittedLine:
    """A line's amount when its usage costs that much: the commitment and the overage above it, or the true-up below.

    Raises:
        NotVerified: the commitment is windowed.
    """
    if commitment.windowed:
        raise not_verified(
            "",
            f"prices.{price.id}.commitment",
            f"not verified: windowed commitment of price '{price.id}', which Flexprice applies to windows that are not known",
        )
    bound = cost(price, commitment.quantity) if commitment.by_quantity else commitment.amount
    used, overage, true_up = min(usage_cost, bound), ZERO, ZERO
    if usage_cost >= bound:
        overage = product(difference(usage_cost, bound), commitment.overage_factor)
    elif commitment.true_up:
        true_up = difference(bound, usage_cost)
    info = {
        "type": "quantity" if commitment.by_quantity else "amount",
        "amount": bound,
        "quantity": commitment.quantity,
        "overage_factor": commitment.overage_factor,
        "true_up_enabled": commitment.true_up,
        "is_windowed": False,
        "computed_true_up_amount": true_up,
        "computed_overage_amount": overage,
        "computed_commitment_utilized_amount": used,
    }
    return CommittedLine(total((used, overage, true_up)), info)


class Charge(NamedTuple):
    """A usage charge before the subscription's commitment: which price, how many units, which rounded amount."""

    price: Price
    quantity: Decimal
    amount: Decimal


class Split(NamedTuple):
    """How a charge is cut by the commitment: the part inside (none if 0) and the overage (none if 0)."""

    inside_quantity: Decimal
    inside_amount: Decimal
    overage_quantity: Decimal
    overage_amount: Decimal


def split(commitment: Commitment, charges: Sequence[Charge], currency: str) -> tuple[list[Split], Decimal]:
    """The charges cut at the commitment, in order, and the true-up (0: none).

    The part inside holds whole units only; what is above costs the overage factor.

    Raises:
        NotVerified: the cut depends on the lines' order, which Flexprice does not fix, or on tiers or packages.
    """
    spent = total(charge.amount for charge in charges)
    if spent <= commitment.amount:
        left = rounded(difference(commitment.amount, spent), currency) if commitment.true_up else ZERO
        return [Split(charge.quantity, charge.amount, ZERO, ZERO) for charge in charges], left
    costing = [charge for charge in charges if charge.amount > 0]
    if len(costing) > 1:
        raise _unknown("a commitment that several lines exceed together, as Flexprice cuts them in any order")
    if costing[0].price.billing_model != "FLAT_FEE":
        raise _unknown("a commitment exceeded by a tiered or packaged price")
    return [
        _cut(commitment, charge, currency) if charge.amount > 0 else Split(charge.quantity, ZERO, ZERO, ZERO)
        for charge in charges
    ], ZERO


def _cut(commitment: Commitment, charge: Charge, currency: str) -> Split:
    unit = charge.price.amount
    units = quotient(commitment.amount, unit).to_integral_value(ROUND_FLOOR)
    above = difference(charge.quantity, units)
    return Split(
        units,
        rounded(product(units, unit), currency),
        above,
        rounded(product(above, unit, commitment.overage_factor), currency),
    )


def _unknown(what: str) -> Exception:
    return not_verified("", "subscription.commitment", f"not verified: {what}")
