"""The lines of an invoice: which line items of a subscription are charged for which window, and how much.

Usage and fees in arrear belong to the finished period, fees in advance to the next one (contract 5.4, 5.5).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from ..kernel.render import dec
from ..kernel.tables import Row
from . import allowance, commitment, entitling, line_items, promised_windows, readings, usage
from .commitment import Charge, LineCommitment
from .periods import ONETIME
from .pricing import Tariff, number
from .readings import Period, Reading
from .rounding import ONE, ZERO, exact, to_currency
from .scope import Scope

__all__ = ["Line", "Period", "advance", "arrear", "granted_to"]


@dataclass
class Line:
    """One line before it becomes a part of an invoice; ``amount`` is rounded to the currency.

    ``item`` is the line item it comes from; a true-up has none and belongs to the plan. ``child`` is the grouped
    subscription it comes from, if it does not come from that of the invoice.
    """

    item: Row | None
    amount: Decimal
    quantity: Decimal
    start: datetime
    end: datetime
    name: str
    metadata: dict[str, str] = field(default_factory=dict)
    free: Decimal | None = None
    commitment: dict[str, Any] | None = None
    child: Row | None = None

    @property
    def kind(self) -> str:
        """``FIXED`` or ``USAGE``; "" where no line item is behind it."""
        return str(self.item["price_type"]) if self.item is not None else ""


def advance(scope: Scope, subscription: Row, period: Period) -> list[Line]:
    """The fees that are due at the start of ``period``."""
    return _fees(scope, subscription, period, "ADVANCE")


def arrear(scope: Scope, subscription: Row, period: Period, *, whole: bool = False) -> list[Line]:
    """The fees and the usage of a finished (or running) ``period``, with commitments of the subscription.

    With ``whole``, fees of lines that were in force for a part of it are not prorated.
    """
    split = readings.committed(scope, subscription, readings.read(scope, subscription, period), period)
    found = _fees(scope, subscription, period, "ARREAR", whole=whole)
    found += [_usage_line(scope, subscription, reading, charge) for reading, charge in split.within]
    found += [_overage_line(subscription, reading, charge) for reading, charge in split.overage]
    if subscription["enable_true_up"] and split.missing > 0:
        found.append(_true_up(scope, subscription, split, period))
    return found


def _fees(scope: Scope, subscription: Row, period: Period, cadence: str, *, whole: bool = False) -> list[Line]:
    fixed = line_items.of(scope, subscription, price_type="FIXED", invoice_cadence=cadence)
    return [line for item in fixed if (line := _fixed(scope, item, period, whole)) is not None]


def _fixed(scope: Scope, item: Row, period: Period, whole: bool) -> Line | None:
    part = period.of(item)
    if part is None:
        return None
    quantity = item["quantity"] or ONE
    cost = Tariff.of(scope.need("prices", item["price_id"])).cost(quantity)
    if item["billing_period"] == ONETIME:
        if item["start_date"] < period.start:
            return None
    elif not whole:
        cost = prorated(cost, period, part)
    name = item["display_name"]
    amount = to_currency(cost, item["currency"])
    return Line(item, amount, quantity, part.start, part.end, name, {"description": f"{name} (Fixed Charge)"})


@exact
def prorated(cost: Decimal, period: Period, part: Period) -> Decimal:
    """What a fee costs for the part of a period in which its line was in force."""
    return cost if part == period else cost * period.share(part)


def _usage_line(scope: Scope, subscription: Row, reading: Reading, charge: Charge) -> Line:
    """The usage that no commitment of the subscription makes dearer, less its allowance."""
    item, currency = reading.item, reading.item["currency"]
    name = item["display_name"]
    line = Line(item, ZERO, charge.quantity, reading.period.start, reading.period.end, name,
                {"description": f"{name} (Usage Charge)"})  # fmt: skip
    whole = reading.buckets is not None and charge.quantity == reading.quantity
    cost = reading.cost if whole else reading.tariff.cost(charge.quantity)
    granted = granted_to(scope, subscription, item)
    if granted is not None:
        line.quantity = _payable(scope, subscription, reading, charge.quantity, granted)
        line.free = max(charge.quantity - line.quantity, ZERO)
        if not whole or line.free:
            cost = reading.tariff.cost(line.quantity)
        if granted.reset in allowance.NAMED_RESETS:
            line.metadata["usage_reset_period"] = granted.reset.lower()
    line.amount = to_currency(cost, currency)
    _apply_line_commitment(scope, subscription, line, reading)
    return line


def _payable(
    scope: Scope, subscription: Row, reading: Reading, quantity: Decimal, granted: allowance.Allowance
) -> Decimal:
    """What an allowance leaves to pay; that of a bucketed meter comes off the sum, whatever its reset period."""
    if reading.buckets is not None:
        return ZERO if granted.limit is None else max(quantity - granted.limit, ZERO)

    def count(start: datetime, end: datetime) -> Decimal:
        return usage.quantity(scope, reading.customers, reading.meter, start, end)

    start, anchor = subscription["start_date"], subscription["billing_anchor"]
    period = reading.period
    window = allowance.Window(period.start, period.end, subscription["billing_period"], start, anchor, count)
    return allowance.billable(granted, quantity, window)


def _overage_line(subscription: Row, reading: Reading, charge: Charge) -> Line:
    name = reading.item["display_name"]
    metadata = {
        "description": f"{name} (Overage Charge)",
        "is_overage": "true",
        "overage_factor": dec(number(subscription["overage_factor"])),
    }
    amount = to_currency(charge.cost, reading.item["currency"])
    period = reading.period
    return Line(reading.item, amount, charge.quantity, period.start, period.end, f"{name} (Overage)", metadata)


def _true_up(scope: Scope, subscription: Row, split: readings.Committed, period: Period) -> Line:
    plan = scope.need("plans", subscription["plan_id"])["name"]
    amount = to_currency(split.missing, subscription["currency"])
    metadata = {
        "is_commitment_trueup": "true",
        "description": "Remaining commitment amount for billing period",
        "commitment_amount": dec(split.promised),
        "commitment_utilized": dec(split.promised - amount),
    }
    return Line(None, amount, ONE, period.start, period.end, f"{plan} True Up", metadata)


def granted_to(scope: Scope, subscription: Row, item: Row) -> allowance.Allowance | None:
    """What entitlements make free of the usage of a line item."""
    features = {row["id"] for row in scope.find("features", meter_id=item["meter_id"], status="published")}
    if not features:
        return None
    return allowance.combine(
        allowance.Allowance(
            None if row["usage_limit"] is None else number(row["usage_limit"]), row.get("usage_reset_period") or ""
        )
        for row in entitling.of(scope, subscription)
        if row["feature_id"] in features and row.get("is_enabled", True)
    )


def _apply_line_commitment(scope: Scope, subscription: Row, line: Line, reading: Reading) -> None:
    agreed: LineCommitment | None = reading.item["_commitment"]
    if agreed is None:
        return
    outcome, line.commitment = promised(scope, subscription, reading, agreed, line.amount)
    line.amount = to_currency(outcome.amount, reading.item["currency"])


def promised(
    scope: Scope, subscription: Row, reading: Reading, agreed: LineCommitment, cost: Decimal
) -> tuple[commitment.LineOutcome, dict[str, Any]]:
    """What a line comes to under its commitment when its usage costs ``cost``, and how an invoice explains it."""
    committed = agreed.committed(reading.tariff)
    if not agreed.windowed:
        outcome = commitment.of_line(agreed, cost, committed)
        return outcome, commitment.explained(agreed, outcome, committed)
    found = promised_windows.quantities(scope, reading, subscription["billing_anchor"], idle=agreed.true_up)
    costs = [reading.tariff.cost(quantity) for _start, quantity in found]
    outcome = commitment.of_windows(agreed, costs, committed)
    return outcome, commitment.explained(agreed, outcome, agreed.amount)
