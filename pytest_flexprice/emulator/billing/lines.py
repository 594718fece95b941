"""The lines of an invoice: which line items of a subscription are charged for which window, and how much.

Usage and fees in arrear belong to the finished period, fees in advance to the next one (contract 5.4, 5.5).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from ..tables import Row
from . import allowance, commitment, usage
from .commitment import Charge, LineCommitment
from .pricing import Tariff, bucketed_cost, number
from .rounding import ONE, ZERO, to_currency
from .scope import Scope


@dataclass
class Line:
    """One line before it becomes a part of an invoice; ``amount`` is rounded to the currency."""

    item: Row
    amount: Decimal
    quantity: Decimal
    start: datetime
    end: datetime
    name: str
    kind: str
    metadata: dict[str, str] = field(default_factory=dict)
    free: Decimal | None = None
    commitment: dict[str, Any] | None = None
    usage: bool = True


@dataclass(frozen=True)
class Period:
    """A period of a subscription."""

    start: datetime
    end: datetime

    def of(self, item: Row) -> Period | None:
        """The part of the period in which a line item is in force."""
        start = max(self.start, item["start_date"])
        end = min(self.end, item["end_date"]) if item["end_date"] else self.end
        return Period(start, end) if start < end else None


def items(scope: Scope, subscription: Row, **equal: Any) -> list[Row]:
    """The line items of a subscription with these values."""
    return scope.find("subscription_line_items", subscription_id=subscription["id"], status="published", **equal)


def advance(scope: Scope, subscription: Row, period: Period) -> list[Line]:
    """The fees that are due at the start of ``period``."""
    found = []
    for item in items(scope, subscription, price_type="FIXED", invoice_cadence="ADVANCE"):
        line = _fixed(scope, item, period)
        if line is not None:
            found.append(line)
    return found


def arrear(scope: Scope, subscription: Row, period: Period) -> list[Line]:
    """The fees and the usage of a finished (or running) ``period``, with commitments of the subscription."""
    fixed = items(scope, subscription, price_type="FIXED", invoice_cadence="ARREAR")
    fees = [line for item in fixed if (line := _fixed(scope, item, period)) is not None]
    metered = usage_lines(scope, subscription, period)
    return fees + _committed(scope, subscription, metered, period)


def usage_lines(scope: Scope, subscription: Row, period: Period) -> list[Metered]:
    """What each usage line item comes to, before commitments of the subscription and rounding."""
    return [
        metered
        for item in items(scope, subscription, price_type="USAGE")
        if (metered := _metered(scope, subscription, item, period)) is not None
    ]


def _fixed(scope: Scope, item: Row, period: Period) -> Line | None:
    part = period.of(item)
    if part is None:
        return None
    quantity = item["quantity"] or ONE
    amount = to_currency(Tariff.of(scope.need("prices", item["price_id"])).cost(quantity), item["currency"])
    return Line(item, amount, quantity, part.start, part.end, item["display_name"], "Fixed Charge", usage=False)


@dataclass
class Metered:
    item: Row
    quantity: Decimal
    cost: Decimal
    start: datetime
    end: datetime
    metadata: dict[str, str]
    free: Decimal | None
    commitment: dict[str, Any] | None = None

    @property
    def charge(self) -> Charge:
        """Quantity and cost together."""
        return Charge(self.quantity, self.cost)

    def line(self, charge: Charge, *, suffix: str = "") -> Line:
        """The line of (a part of) the usage."""
        name = self.item["display_name"] + suffix
        amount = to_currency(charge.cost, self.item["currency"])
        return Line(
            self.item, amount, charge.quantity, self.start, self.end, name, "Usage Charge", self.metadata, self.free,
            self.commitment,
        )  # fmt: skip


def _metered(scope: Scope, subscription: Row, item: Row, period: Period) -> Metered | None:
    part = period.of(item)
    if part is None:
        return None
    meter = scope.need("meters", item["meter_id"])
    external_id = scope.need("customers", subscription["customer_id"])["external_id"]
    tariff = Tariff.of(scope.need("prices", item["price_id"]))
    counted = usage.buckets(scope, external_id, meter, (part.start, part.end), subscription["billing_anchor"])
    granted = granted_to(scope, subscription, item)
    metadata: dict[str, str] = {}
    if granted is not None and granted.reset in allowance.NAMED_RESETS:
        metadata["usage_reset_period"] = granted.reset.lower()
    if counted is not None:
        return _bucketed(Metered(item, ZERO, ZERO, part.start, part.end, metadata, None), tariff, counted, granted)
    quantity = usage.quantity(scope, external_id, meter, part.start, part.end)
    free = None
    if granted is not None:

        def count(start: datetime, end: datetime) -> Decimal:
            return usage.quantity(scope, external_id, meter, start, end)

        window = allowance.Window(part.start, part.end, item["billing_period"], subscription["start_date"], count)
        payable = allowance.billable(granted, quantity, window)
        quantity, free = payable, quantity - payable
    metered = Metered(item, quantity, tariff.cost(quantity), part.start, part.end, metadata, free)
    return _with_commitment(metered, tariff, [metered.cost])


def _bucketed(metered: Metered, tariff: Tariff, counted: list[Decimal], granted: allowance.Allowance | None) -> Metered:
    """A bucketed meter: priced bucket by bucket, but an allowance that takes something off comes off the sum, and what
    is left is priced as a whole."""
    used = sum(counted, ZERO)
    metered.quantity, metered.cost = used, bucketed_cost(tariff, counted)
    if granted is not None:
        metered.quantity = ZERO if granted.limit is None else max(used - granted.limit, ZERO)
        metered.free = used - metered.quantity
        if metered.free:
            metered.cost = tariff.cost(metered.quantity)
    return _with_commitment(metered, tariff, [tariff.cost(bucket) for bucket in counted])


def granted_to(scope: Scope, subscription: Row, item: Row) -> allowance.Allowance | None:
    """What entitlements make free of the usage of a line item."""
    features = {row["id"] for row in scope.find("features", meter_id=item["meter_id"], status="published")}
    if not features:
        return None
    owners = (subscription["plan_id"], subscription["id"])
    rows = [row for owner in owners for row in scope.find("entitlements", entity_id=owner, status="published")]
    return allowance.combine(
        allowance.Allowance(
            None if row["usage_limit"] is None else number(row["usage_limit"]), row.get("usage_reset_period") or ""
        )
        for row in rows
        if row["feature_id"] in features and row.get("is_enabled", True)
    )


def _with_commitment(metered: Metered, tariff: Tariff, costs: list[Decimal]) -> Metered:
    agreed: LineCommitment | None = metered.item.get("_commitment")
    if agreed is None:
        return metered
    committed = agreed.committed(tariff)
    outcome = commitment.of_windows(agreed, costs if agreed.windowed else [metered.cost], committed)
    currency = metered.item["currency"]
    metered.cost = outcome.amount
    metered.commitment = {
        "type": agreed.kind,
        "amount": agreed.amount,
        "quantity": agreed.quantity,
        "overage_factor": agreed.overage_factor,
        "true_up_enabled": agreed.true_up,
        "is_windowed": agreed.windowed,
        "computed_true_up_amount": to_currency(outcome.true_up, currency),
        "computed_overage_amount": to_currency(outcome.overage, currency),
        "computed_commitment_utilized_amount": to_currency(outcome.utilized, currency),
    }
    return metered


def _committed(scope: Scope, subscription: Row, metered: list[Metered], period: Period) -> list[Line]:
    committed = number(subscription.get("commitment_amount"))
    factor = number(subscription["overage_factor"])
    charges = [one.charge for one in metered]
    if committed <= 0 or factor <= ONE:  # without a dearer overage the server takes no notice of a commitment
        return [one.line(one.charge) for one in metered]
    found: list[Line] = []
    for index, part in enumerate(commitment.split(charges, committed, factor)):
        if part.within is not None:
            found.append(metered[index].line(part.within))
        if part.overage is not None:
            found.append(metered[index].line(part.overage, suffix=" (Overage)"))
    missing = commitment.true_up(charges, committed) if subscription["enable_true_up"] else ZERO
    if missing > 0 and metered:
        found.append(_true_up(scope, subscription, metered[0].item, missing, period))
    return found


def _true_up(scope: Scope, subscription: Row, item: Row, missing: Decimal, period: Period) -> Line:
    plan = scope.need("plans", subscription["plan_id"])["name"]
    amount = to_currency(missing, subscription["currency"])
    return Line(item, amount, ONE, period.start, period.end, f"{plan} True Up", "True Up", usage=False)


def subtotal(lines: Iterable[Line]) -> Decimal:
    """The sum of the rounded amounts."""
    return sum((line.amount for line in lines), ZERO)
