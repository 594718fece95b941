"""The coupons that are attached to a subscription: what each takes off, and whether it still does (contract 11.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from typing import Any, NamedTuple

from pytest_flexprice.model.decimals import decimal
from pytest_flexprice.model.parsing import parses
from pytest_flexprice.model.times import Window, instant_of
from pytest_flexprice.oracle.pricing.deductions import Coupon

FOREVER, ONCE = "forever", "once"
_MOST_OPEN = 4
_ORDER = "a coupon over an amount was attached before one over a percentage"
_NEVER = datetime.min.replace(tzinfo=UTC)


class Doubt(NamedTuple):
    """Why nobody can say whether a coupon acts; ``acts`` is what its terms say, if they do."""

    reason: str
    acts: bool | None = None


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
    created: datetime | None = None

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
            created=_created(data),
        )

    @property
    def percent(self) -> bool:
        """Whether it takes a share off, and not an amount."""
        return bool(self.coupon.percentage)

    def over(self, period: Window) -> bool:
        """Whether it was taken away before a period, or is given after it."""
        ended = self.end is not None and self.end < period.start
        return ended or (self.start is not None and self.start >= period.end)

    def spent(self, period: Window, subscribed: datetime) -> bool:
        """Whether one for once, given with the subscription, was taken off the two invoices that it is for: the opening and the first."""
        given = self.start is None or self.start <= subscribed
        backdated = self.created is not None and self.created >= period.start
        return self.cadence == ONCE and given and period.start > subscribed and not backdated

    def doubt(self, period: Window, subscribed: datetime, currency: str) -> Doubt | None:
        """Why nobody can say whether it acts on the invoice of a period; none where it is known."""
        attached = self.start is not None and self.start > max(period.start, subscribed)
        spent = self.most is not None and self.most > 1 and self.redemptions >= self.most
        foreign = not self.percent and self.currency not in ("", currency)
        known: list[tuple[bool, str, bool | None]] = [
            (self.end is not None and self.end < period.end, "ends within the period", None),
            (attached, "was attached within the period", None),
            (self.cadence == ONCE and period.start > subscribed, "is for once, and this is a later period", False),
            (self.cadence not in (ONCE, FOREVER), "is for some periods only", True if self.end else None),
            (spent, "has no redemptions left", None),
            (foreign, f"is in {self.currency}", False),
        ]
        if self.cadence == ONCE and self.created is not None and self.created >= period.start > subscribed:
            return Doubt("", acts=True)  # of a backdated subscription: no invoice had it yet, and either is as agreed
        return next((Doubt(f"coupon '{self.code}' {why}", acts) for does, why, acts in known if does), None)

    @property
    def acts(self) -> bool:
        """Whether it takes anything off: the only redemption of a coupon is spent by attaching it."""
        return self.most is None or self.redemptions < self.most


def _created(data: Mapping[str, Any]) -> datetime | None:
    """When it was attached; nothing hangs on an answer that does not tell."""
    try:
        return instant_of(data, "created_at")
    except ValueError:
        return None


class Attached(NamedTuple):
    """The coupons that act on an invoice: on the whole of it in their order, and on lines by the line's id.

    ``doubt`` says why it may be others; ``mixed`` why nobody knows how these go together.
    """

    whole: tuple[Coupon, ...] = ()
    by_line: tuple[tuple[str, Coupon], ...] = ()
    doubt: str = ""
    mixed: str = ""


def acting(
    coupons: Sequence[AttachedCoupon], period: Window, subscribed: datetime, currency: str, *, opened: bool = False
) -> list[Attached]:
    """Which coupons act on the invoice of a period: percentages first, then amounts on the rest (contract 11.2).

    Where that is not known, each way in which it may be, the likeliest first. Of an amount that was attached before a percentage no
    recording tells, so that it may act first, too. ``opened`` tells that the opening invoice billed something, so that a coupon for once
    was taken off it.
    """
    left = (each for each in coupons if not each.over(period) and not (opened and each.spent(period, subscribed)))
    attached = sorted(left, key=_attaching)
    given = sorted(attached, key=lambda each: not each.percent)
    found = _ways(given, period, subscribed, currency)
    if [each.percent for each in given] != [each.percent for each in attached]:
        later = _ways(attached, period, subscribed, currency)
        found += [each._replace(doubt=each.doubt or _ORDER) for each in later]
    return found


def _attaching(coupon: AttachedCoupon) -> tuple[datetime, datetime, bool]:
    return coupon.start or _NEVER, coupon.created or _NEVER, not coupon.percent


def _ways(given: Sequence[AttachedCoupon], period: Window, subscribed: datetime, currency: str) -> list[Attached]:
    doubts = [each.doubt(period, subscribed, currency) for each in given]
    open_ones = [number for number, doubt in enumerate(doubts) if doubt][:_MOST_OPEN]
    ways = product(*([True, False] if _likely(doubts[number]) else [False, True] for number in open_ones))
    return [_attached(given, doubts, dict(zip(open_ones, way, strict=True))) for way in ways]


def _likely(doubt: Doubt | None) -> bool:
    return doubt is None or doubt.acts is not False


def _attached(given: Sequence[AttachedCoupon], doubts: Sequence[Doubt | None], decided: Mapping[int, bool]) -> Attached:
    acts = [decided.get(number, each.acts) for number, each in enumerate(given)]
    unsure = [doubt.reason for number, doubt in enumerate(doubts) if doubt and doubt.acts is not acts[number]]
    used = [each for each, does in zip(given, acts, strict=True) if does]
    whole = tuple(each.coupon for each in used if not each.line_id)
    by_line = tuple((each.line_id, each.coupon) for each in used if each.line_id)
    mixed = "several coupons on one line" if len({line for line, _ in by_line}) < len(by_line) else ""
    if whole and by_line:
        mixed = "coupons on lines together with coupons on the whole invoice"
    return Attached(whole, by_line, unsure[0] if unsure else "", mixed)
