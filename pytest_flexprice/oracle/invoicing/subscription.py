"""A subscription as billing sees it: its lines with their prices, its period, its commitments (contract 4.2–4.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pytest_flexprice.model.decimals import ZERO, decimal
from pytest_flexprice.model.parsing import parses
from pytest_flexprice.model.prices import Price
from pytest_flexprice.model.subscriptions import STANDALONE
from pytest_flexprice.model.times import Window, instant, instant_of
from pytest_flexprice.oracle.invoicing.coupons import AttachedCoupon
from pytest_flexprice.oracle.pricing.commitments import Commitment, LineCommitment
from pytest_flexprice.oracle.pricing.periods import next_boundary, next_period


@dataclass(frozen=True)
class BilledLine:
    """A line of a subscription: a price from ``start`` until ``end`` (``None``: open), bought ``quantity`` times if FIXED.

    ``listed`` is the price of everybody else, where this one was agreed with the customer; ``others`` are the plan's further prices
    for the same.
    """

    id: str
    price: Price
    meter_id: str = ""
    display_name: str = ""
    quantity: Decimal = Decimal(1)
    start: datetime | None = None
    end: datetime | None = None
    commitment: LineCommitment | None = None
    listed: Price | None = field(default=None, compare=False)
    others: tuple[Price, ...] = field(default=(), compare=False)

    @property
    def is_usage(self) -> bool:
        """Whether it is billed by a meter."""
        return self.price.type == "USAGE"

    def within(self, period: Window) -> Window:
        """The part of a period in which the line bills."""
        return Window(max(period.start, self.start or period.start), min(period.end, self.end or period.end))


@dataclass(frozen=True)
class BilledSubscription:
    """A subscription with everything that prices it.

    Attributes:
        period: the running one; ``anchor`` starts its months, or the calendar does (``calendar_cycle``).
        kind: ``parent``: it bills the usage of its children too; ``inherited``: its parent bills everything (contract 11.2).
        coupons: what is attached to it; ``None`` where nobody asked.
        ends: when it ends, if that is planned.
        zone: whose clock its periods go by.
        trial: it begins with one.
        billed_early: an invoice may come before the period ends, and begins another one (contract 5.5).
    """

    id: str
    currency: str
    billing_period: str
    start: datetime
    period: Window
    lines: tuple[BilledLine, ...]
    anchor: datetime
    commitment: Commitment | None = None
    plan_name: str = ""
    billing_period_count: int = 1
    calendar_cycle: bool = False
    kind: str = STANDALONE
    coupons: tuple[AttachedCoupon, ...] | None = None
    ends: datetime | None = None
    zone: tzinfo = UTC
    billed_early: bool = False
    trial: bool = False

    @property
    def opened(self) -> bool:
        """Whether its opening invoice billed a fee in advance, as far as that is known."""
        fees = (line for line in self.lines if not line.is_usage and line.price.invoice_cadence == "ADVANCE")
        return not self.trial and any(fee.price.amount > 0 and not _later(fee, self.start) for fee in fees)

    @property
    def coming_period(self) -> Window:
        """The period after the running one, whose fees in advance a preview and the period's invoice contain."""
        if self.calendar_cycle:
            return Window(
                self.period.end,
                next_boundary(self.period.end, self.billing_period, self.billing_period_count, self.zone),
            )
        return next_period(self.period, self.billing_period, self.anchor, self.billing_period_count, self.zone)

    @classmethod
    @parses("subscription")
    def from_api(cls, data: Mapping[str, Any], prices: Iterable[Mapping[str, Any]] = ()) -> BilledSubscription:
        """A subscription from ``GET /v1/subscriptions/:id``, whose lines carry their prices.

        ``prices`` adds prices' JSON for lines that carry none, as lines of a list do.

        Raises:
            Unparsed: a line's price is neither in it nor among ``prices``.
        """
        known = {str(price["id"]): price for price in prices}
        for price in (data.get("plan") or {}).get("prices") or ():
            known.setdefault(str(price["id"]), price)
        start = instant(data["start_date"])
        return cls(
            id=str(data["id"]),
            currency=str(data["currency"]).lower(),
            billing_period=data["billing_period"],
            start=start,
            period=Window(instant(data["current_period_start"]), instant(data["current_period_end"])),
            lines=tuple(_line(each, known) for each in data.get("line_items") or ()),
            anchor=instant_of(data, "billing_anchor") or start,
            commitment=Commitment.from_api(data),
            plan_name=(data.get("plan") or {}).get("name") or "",
            billing_period_count=int(data.get("billing_period_count") or 1),
            calendar_cycle=data.get("billing_cycle") == "calendar",
            kind=data.get("subscription_type") or STANDALONE,
            coupons=tuple(AttachedCoupon.from_api(each) for each in data.get("coupon_associations") or ()),
            ends=_end(data),
            zone=_zone(str(data.get("timezone") or "UTC")),
            billed_early=data.get("auto_invoice_threshold") is not None,
            trial=instant_of(data, "trial_end") is not None,
        )


def _later(line: BilledLine, start: datetime) -> bool:
    return line.start is not None and line.start > start


OWN = "SUBSCRIPTION"
"""What a price belongs to that was agreed with one customer."""
_SHORT = {"IST": "Asia/Kolkata"}
"""Short forms of zones that Flexprice knows and the zone database does not."""


def _zone(name: str) -> tzinfo:
    """The customer's time zone; Flexprice takes any text for one, and goes by UTC where it is none."""
    try:
        return ZoneInfo(_SHORT.get(name, name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def _end(data: Mapping[str, Any]) -> datetime | None:
    if data.get("cancel_at_period_end"):
        return instant(data["current_period_end"])
    return instant_of(data, "cancel_at") or instant_of(data, "end_date")


def _line(data: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> BilledLine:
    price = data.get("price") or known.get(str(data["price_id"]))
    if price is None:
        raise ValueError(
            f"subscription line '{data.get('display_name', '')}': its price '{data['price_id']}' is not given"
        )
    listed = known.get(str(price.get("parent_price_id") or "")) if price.get("entity_type", OWN) == OWN else None
    others = tuple(Price.from_api(each) for each in known.values() if _for_the_same(each, price) and each is not listed)
    return BilledLine(
        id=str(data.get("id", "")),
        price=Price.from_api(price),
        meter_id=data.get("meter_id") or price.get("meter_id") or "",
        display_name=data.get("display_name") or "",
        quantity=decimal(data.get("quantity"), ZERO),
        start=instant_of(data, "start_date"),
        end=instant_of(data, "end_date"),
        commitment=LineCommitment.from_api(data),
        listed=Price.from_api(listed) if listed else None,
        others=others,
    )


def _for_the_same(one: Mapping[str, Any], price: Mapping[str, Any]) -> bool:
    """Whether another price bills what this one does: the same meter, or a fee of the same name."""
    keys = ("type", "meter_id") if price.get("meter_id") else ("type", "display_name")
    return one["id"] != price["id"] and all(one.get(key) == price.get(key) for key in keys)
