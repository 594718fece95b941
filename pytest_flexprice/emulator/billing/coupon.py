"""What coupons take off, and how it falls on the lines (contract 5.4; vectors coupon)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from .pricing import number
from .rounding import ZERO, exact, to_currency

_HUNDRED = Decimal(100)


@exact
def discount(coupon: Mapping[str, Any], price: Decimal, currency: str) -> Decimal:
    """What ``coupon`` takes off ``price``: rounded to the currency, never more than the price itself."""
    if price <= 0:
        return ZERO
    share, fixed = number(coupon.get("percentage_off")), number(coupon.get("amount_off"))
    off = price * share / _HUNDRED if coupon["type"] == "percentage" else fixed
    return min(to_currency(off, currency), price)


@exact
def spread(total: Decimal, amounts: Sequence[Decimal], currency: str) -> list[Decimal]:
    """``total`` shared out over lines in proportion to their amounts; the last payable one takes the remainder."""
    whole = sum((amount for amount in amounts if amount > 0), ZERO)
    shares = [ZERO] * len(amounts)
    payable = [index for index, amount in enumerate(amounts) if amount > 0]
    left = total
    for index in payable:
        last = index == payable[-1]
        shares[index] = left if last else min(to_currency(total * amounts[index] / whole, currency), left)
        left -= shares[index]
    return shares


def applies(coupon: Mapping[str, Any], used: int) -> bool:
    """Whether a coupon still counts after ``used`` invoices of the subscription took it.

    One for once is taken twice: from the opening invoice and from that of the first period (recording
    deals_addons_coupons_tax).
    """
    if coupon["cadence"] == "once":
        return used <= 1
    if coupon["cadence"] == "repeated":
        return used < int(coupon.get("duration_in_periods") or 0)
    return True


def redeemable(coupon: Mapping[str, Any], currency: str, now: datetime) -> bool:
    """Whether a coupon can be attached, and taken off an invoice, now.

    Attaching counts as a redemption, so what takes the last one is discounted by nothing (vector coupon-last).
    """
    early = coupon["redeem_after"] is not None and coupon["redeem_after"] > now
    late = coupon["redeem_before"] is not None and coupon["redeem_before"] < now
    limit = coupon["max_redemptions"]
    foreign = coupon["type"] == "fixed" and coupon["currency"] not in ("", currency)
    spent = limit is not None and coupon["total_redemptions"] >= limit
    return coupon["status"] == "published" and not (early or late or foreign or spent)
