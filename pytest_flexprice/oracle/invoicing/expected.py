"""An invoice as it should be: lines with the arithmetic behind each, subtotal, deductions (contract 5.2–5.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from pytest_flexprice.model.decimals import ZERO
from pytest_flexprice.model.times import Window
from pytest_flexprice.oracle.invoicing.subscription import BilledLine
from pytest_flexprice.oracle.metering.meters import Usage
from pytest_flexprice.oracle.pricing.deductions import Coupon, Deductions

Stage = Literal["preview", "draft", "finalized"]
Kind = Literal["usage", "fixed", "overage", "true-up"]


@dataclass(frozen=True)
class ExpectedLine:
    """A line that must be on the invoice.

    Attributes:
        quantity: net of the allowance; ``allowed`` is what the allowance took off, ``None`` without an entitlement.
        shown: what the invoice bills where that cannot be verified; discount and tax follow from it.
        limit: what is free in one of the allowance's reset periods.
        formula: how the amount comes about, in words of arithmetic.
        unverified: why quantity and amount could not be computed; empty when they were.
        optional: it may be on the invoice or not, as a one-time fee that an earlier invoice has charged.
        span: the time that the line bills.
        line_discount: what a coupon on this line takes off; ``discount`` is its share of what comes off the whole.
        usage: what the line bills by its meter; ``buckets`` are its values in each bucket of a bucketed one.
        overage_factor: of the subscription's commitment, on the lines that it changes.
        fees, used: of a true-up, what fees and usage of the invoice cost.
        shared: whether another line bills events of the same name.
    """

    price_id: str
    meter_id: str
    kind: Kind
    name: str
    quantity: Decimal = ZERO
    amount: Decimal = ZERO
    allowed: Decimal | None = None
    formula: str = ""
    event_name: str = ""
    commitment_info: Mapping[str, Any] | None = None
    discount: Decimal | None = None
    unverified: str = ""
    optional: bool = False
    span: Window | None = None
    line_discount: Decimal = ZERO
    shared: bool = False
    shown: Decimal | None = field(default=None, compare=False)
    overage_factor: Decimal | None = field(default=None, compare=False)
    fees: Decimal = field(default=ZERO, compare=False)
    used: Decimal = field(default=ZERO, compare=False)
    limit: Decimal | None = field(default=None, compare=False)
    buckets: tuple[Decimal, ...] = field(default=(), compare=False)
    usage: Usage | None = field(default=None, compare=False, repr=False)
    line: BilledLine | None = field(default=None, compare=False, repr=False)

    @property
    def place(self) -> str:
        """The line as a path names it: by the event that it bills, else by its name."""
        if not self.event_name:
            return self.name
        return f"{self.event_name} ({self.name})" if self.shared and self.name else self.event_name

    @property
    def label(self) -> str:
        """The line as a sentence names it."""
        if not self.event_name or self.kind != "usage":
            return f"'{self.name}'"
        return f"'{self.event_name}' ('{self.name}')" if self.shared and self.name else f"'{self.event_name}'"

    @property
    def charged(self) -> Decimal:
        """What of it discount and tax are taken on: the amount, or what is shown of it where that is all one knows."""
        return self.amount if self.shown is None else self.shown

    @property
    def as_read(self) -> bool:
        """Whether its usage was read from Flexprice, and is not what somebody is known to have sent."""
        return self.usage is not None and self.usage.rows is None


@dataclass(frozen=True)
class ExpectedInvoice:
    """An invoice as it should be at one stage. ``deductions`` are ``None`` when coupons, taxes and credits were not given.

    ``coupons`` are those that act on the whole of it, in their order; ``closing`` tells that the subscription ends with it.
    """

    currency: str
    stage: Stage
    lines: tuple[ExpectedLine, ...]
    subtotal: Decimal | None
    deductions: Deductions | None
    coupons: tuple[Coupon, ...] = ()
    closing: bool = False

    @property
    def total(self) -> Decimal | None:
        """The total, where everything in it is known."""
        return None if self.subtotal is None or self.deductions is None else self.deductions.applied(self.subtotal)

    @property
    def skipped(self) -> bool:
        """Whether the server makes only a SKIPPED invoice of it, as nothing is to be billed (contract 5.5)."""
        return self.subtotal == 0
