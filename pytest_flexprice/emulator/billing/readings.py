"""What the usage line items of a subscription counted in a window, and what that costs before anything is taken off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from ..kernel.tables import Row
from ..metering.reads import Customers
from . import commitment, inheritance, line_items, periods, usage
from .commitment import Charge
from .config import zone as zone_of
from .pricing import Tariff, bucketed_cost, number
from .rounding import ONE, ZERO, exact, to_currency, to_places
from .scope import Scope

_QUOTIENT_PLACES = 16
"""Decimals of a quotient on the real server."""
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Period:
    """A period of a subscription."""

    start: datetime
    end: datetime

    @classmethod
    def running(cls, subscription: Row) -> Period:
        """The running period of a subscription."""
        return cls(subscription["current_period_start"], subscription["current_period_end"])

    def touched_by(self, row: Row) -> bool:
        """Whether something with dates is in force at any time of the period, its ends included."""
        return bool(row["start_date"] <= self.end and (row["end_date"] is None or row["end_date"] >= self.start))

    def clip(self, item: Row) -> Period:
        """The period cut to a line item's dates; one that begins later starts after it ends."""
        return Period(max(self.start, item["start_date"]), min(self.end, item["end_date"] or self.end))

    def of(self, item: Row) -> Period | None:
        """The part of the period in which a line item is in force."""
        part = self.clip(item)
        return part if part.start < part.end else None

    @exact
    def share(self, part: Period) -> Decimal:
        """How much of the period a part of it is."""
        whole = (self.end - self.start) / _SECOND
        return _quotient(Decimal(repr((part.end - part.start) / _SECOND)), Decimal(repr(whole)))


@dataclass
class Reading:
    """The usage of one line item: its window, quantity and buckets (of a bucketed meter)."""

    item: Row
    meter: Row
    tariff: Tariff
    customers: Customers
    period: Period
    quantity: Decimal
    buckets: list[Decimal] | None = None

    @property
    def cost(self) -> Decimal:
        """What the quantity costs, rounded to the currency."""
        by_bucket = self.buckets is not None
        cost = bucketed_cost(self.tariff, self.buckets or []) if by_bucket else self.tariff.cost(self.quantity)
        return to_currency(cost, self.item["currency"])

    @property
    def unit(self) -> Decimal:
        """The price of one unit: the flat price's own, else the average."""
        if self.tariff.model == "FLAT_FEE":
            return self.tariff.amount
        return _quotient(self.cost, self.quantity) if self.quantity > 0 else ZERO


@exact
def _quotient(one: Decimal, other: Decimal) -> Decimal:
    return to_places(one / other, _QUOTIENT_PLACES)


def read(scope: Scope, subscription: Row, period: Period, *, inherited: bool = False) -> list[Reading]:
    """The reading of each usage line item that has not ended before ``period``, also of those that begin later.

    With ``inherited`` a child's usage is read by the lines of its parent.
    """
    owner = inheritance.lines_from(scope, subscription) if inherited else subscription
    customers = inheritance.users(scope, subscription)
    return [
        _reading(scope, subscription, item, customers, period.clip(item))
        for item in line_items.of(scope, owner, price_type="USAGE")
        if item["end_date"] is None or item["end_date"] >= period.start
    ]


def _reading(scope: Scope, subscription: Row, item: Row, customers: Customers, part: Period) -> Reading:
    meter = scope.need("meters", item["meter_id"])
    tariff = Tariff.of(scope.need("prices", item["price_id"]))
    window, anchor = (part.start, part.end), subscription["billing_anchor"]
    counted = usage.buckets(scope, customers, meter, window, anchor)
    quantity = usage.quantity(scope, customers, meter, *window) if counted is None else sum(counted, ZERO)
    return Reading(item, meter, tariff, customers, part, quantity, counted)


@dataclass(frozen=True)
class Committed:
    """The readings of a subscription under its commitment: which parts are dearer, and what is missing to it.

    ``before`` is what earlier invoices used of it; ``due`` whether this is the period in which it has to be reached.
    """

    within: list[tuple[Reading, Charge]]
    overage: list[tuple[Reading, Charge]]
    promised: Decimal = ZERO
    before: Decimal = ZERO
    due: bool = True

    @property
    def utilized(self) -> Decimal:
        """What is used of the promise; nothing without one."""
        return sum((charge.cost for _reading, charge in self.within), self.before) if self.promised else ZERO

    @property
    def missing(self) -> Decimal:
        """What is missing to the promise; nothing once there is any overage."""
        return ZERO if self.overage or not self.due else max(self.promised - self.utilized, ZERO)


def promised(subscription: Row) -> Decimal:
    """The commitment of a subscription; it only counts with an overage factor above 1."""
    amount = number(subscription["commitment_amount"])
    return amount if number(subscription["overage_factor"]) > ONE else ZERO


def committed(scope: Scope, subscription: Row, readings: list[Reading], period: Period) -> Committed:
    """Split the readings of a period into what the commitment covers and what exceeds it."""
    amount = promised(subscription)
    charges = [Charge(one.quantity, one.cost, one.unit) for one in readings]
    if amount <= 0:
        return Committed(list(zip(readings, charges, strict=True)), [])
    span = _commitment_span(subscription, period)
    before = _used(scope, subscription, Period(span.start, period.start))
    left = max(amount - before, ZERO)
    splits = commitment.split(charges, left, number(subscription["overage_factor"]))
    pairs = list(zip(readings, splits, strict=True))
    within = [(reading, split.within) for reading, split in pairs if split.within is not None]
    above = [(reading, split.overage) for reading, split in pairs if split.overage is not None]
    return Committed(within, above, amount, before, period.end >= span.end)


def _commitment_span(subscription: Row, period: Period) -> Period:
    """The time in which a commitment counts: each period by itself, or the ``commitment_duration`` in which it lies."""
    duration = subscription["commitment_duration"]
    if not duration or duration == subscription["billing_period"]:
        return period
    start, anchor, zone = subscription["start_date"], subscription["billing_anchor"], zone_of(subscription["timezone"])
    end = periods.next_boundary(start, anchor, duration, 1, zone)
    while end <= period.start:
        start, end = end, periods.next_boundary(end, anchor, duration, 1, zone)
    return Period(start, end)


def _used(scope: Scope, subscription: Row, span: Period) -> Decimal:
    """What the invoices of earlier periods charged for usage within the commitment."""
    invoices = scope.find("invoices", subscription_id=subscription["id"], status="published")
    counted = (row for row in invoices if row["invoice_status"] in ("DRAFT", "FINALIZED") and row["period_start"])
    lines = (line for row in counted if span.start <= row["period_start"] < span.end for line in row["_lines"])
    covered = (line for line in lines if line["price_type"] == "USAGE" and "is_overage" not in (line["metadata"] or {}))
    return sum((number(line["amount"]) for line in covered), ZERO)
