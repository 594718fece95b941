"""The coupons that are attached to a subscription: what each takes off, and whether it still does (contract 11.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from pytest_flexprice.model.decimals import decimal
from pytest_flexprice.model.parsing import parses
from pytest_flexprice.model.times import Window, instant_of
from pytest_flexprice.oracle.pricing.deductions import Coupon

FOREVER, ONCE = "forever", "once"


@dataclass(frozen=True)
class AttachedCoupon:
    """A coupon on a subscription or on one of its lines.

    Attributes:
        line_id: the subscription line whose amount it reduces; empty: the whole invoice.
        redemptions, most: how often it was attached, and how often it may be (``None``: any number).
    """

    coupon: Coupon
    code: str = ""
    line_id: str = ""
    cadence: str = FOREVER
    currency: str = ""
    redemptions: int = 0
    most: int | None = None
    start: datetime | None = None
    end: datetime | None = None

    @classmethod
    @parses("coupon")
    def from_api(cls, data: Mapping[str, Any]) -> AttachedCoupon:
        """The coupon of an association in the API's JSON, as ``GET /v1/subscriptions/:id`` holds them."""
        coupon = data.get("coupon") or {}
        most = coupon.get("max_redemptions")
        return cls(
            coupon=Coupon.from_api(coupon),
            code=str(coupon.get("coupon_code") or coupon.get("name") or data.get("coupon_id") or ""),
            line_id=str(data.get("subscription_line_item_id") or ""),
            cadence=coupon.get("cadence") or FOREVER,
            currency=str(coupon.get("currency") or "").lower(),
            redemptions=int(decimal(coupon.get("total_redemptions") or 0)),
            most=None if most is None else int(decimal(most)),
            start=instant_of(data, "start_date"),
            end=instant_of(data, "end_date"),
        )

    @property
    def percent(self) -> bool:
        """Whether it takes a share off, and not an amount."""
        return bool(self.coupon.percentage)

    def doubt(self, period: Window, subscribed: datetime, currency: str) -> str:
        """Why nobody can say whether it acts on the invoice of a period; empty where it is known."""
        if self.end is not None or (self.start is not None and self.start > subscribed):
            return f"coupon '{self.code}' was attached or ends within the subscription's life"
        if self.cadence == ONCE and period.start > subscribed:
            return f"coupon '{self.code}' for once in a later period"
        if self.cadence not in (ONCE, FOREVER):
            return f"coupon '{self.code}' for some periods only"
        if self.most is not None and self.most > 1 and self.redemptions >= self.most:
            return f"coupon '{self.code}' whose redemptions are used up"
        if not self.percent and self.currency not in ("", currency):
            return f"coupon '{self.code}' in {self.currency}"
        return ""

    @property
    def acts(self) -> bool:
        """Whether it takes anything off: the only redemption of a coupon is spent by attaching it."""
        return self.most is None or self.redemptions < self.most


class Attached(NamedTuple):
    """The coupons that act on an invoice: on the whole of it in their order, and on lines by the line's id."""

    whole: tuple[Coupon, ...] = ()
    by_line: tuple[tuple[str, Coupon], ...] = ()
    doubt: str = ""


def acting(coupons: Sequence[AttachedCoupon], period: Window, subscribed: datetime, currency: str) -> Attached:
    """Which coupons act on the invoice of a period: percentages first, then amounts on the rest (contract 11.2)."""
    doubts = [text for each in coupons if (text := each.doubt(period, subscribed, currency))]
    acting_ones = sorted((each for each in coupons if each.acts), key=lambda each: not each.percent)
    whole = tuple(each.coupon for each in acting_ones if not each.line_id)
    by_line = tuple((each.line_id, each.coupon) for each in acting_ones if each.line_id)
    if whole and by_line:
        doubts.append("coupons on lines together with coupons on the whole invoice")
    if len({line for line, _ in by_line}) < len(by_line):
        doubts.append("several coupons on one line")
    return Attached(whole, by_line, doubts[0] if doubts else "")
