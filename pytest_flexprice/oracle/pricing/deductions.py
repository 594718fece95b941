"""Coupons, taxes and prepaid credits: what comes off and on to a subtotal, and when (contract 5.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from pytest_flexprice.model.decimals import ZERO, decimal, difference, product, quotient, rounded, total
from pytest_flexprice.model.parsing import parses


@dataclass(frozen=True)
class Coupon:
    """A coupon on the whole invoice: a percentage, or an amount in the invoice's currency."""

    percentage: Decimal = ZERO
    amount: Decimal = ZERO

    @classmethod
    @parses("coupon")
    def from_api(cls, data: Mapping[str, Any]) -> Coupon:
        """A coupon from the API's JSON (``type`` percentage or fixed)."""
        if data.get("type") == "percentage":
            return cls(percentage=decimal(data.get("percentage_off"), ZERO))
        return cls(amount=decimal(data.get("amount_off"), ZERO))

    def off(self, base: Decimal, currency: str, rounding: str = ROUND_HALF_UP) -> Decimal:
        """What it takes off a base, rounded to the currency (by another ``rounding`` if one is given) and never more than the base."""
        share = quotient(product(base, self.percentage), Decimal(100))
        return min(rounded(total((share, self.amount)), currency, rounding), base)


@dataclass(frozen=True)
class Tax:
    """A tax rate: a percentage of the discounted subtotal, or a fixed amount."""

    percentage: Decimal = ZERO
    fixed: Decimal = ZERO

    @classmethod
    @parses("tax rate")
    def from_api(cls, data: Mapping[str, Any]) -> Tax:
        """A tax rate from the API's JSON (``tax_rate_type`` percentage or fixed)."""
        if data.get("tax_rate_type") == "percentage":
            return cls(percentage=decimal(data.get("percentage_value"), ZERO))
        return cls(fixed=decimal(data.get("fixed_value"), ZERO))

    def on(self, base: Decimal, currency: str, rounding: str = ROUND_HALF_UP) -> Decimal:
        """The tax on a base, rounded to the currency, by another ``rounding`` if one is given."""
        share = quotient(product(base, self.percentage), Decimal(100))
        return rounded(total((share, self.fixed)), currency, rounding)

    def inside(self, gross: Decimal, currency: str) -> Decimal:
        """The tax that is inside of a gross amount, which Flexprice's never is."""
        share = quotient(product(gross, self.percentage), total((Decimal(100), self.percentage)))
        return rounded(total((share, self.fixed)), currency)


@dataclass(frozen=True)
class Deductions:
    """What an invoice takes off its subtotal and adds to it: total = subtotal − discount − credits + tax."""

    discount: Decimal = ZERO
    tax: Decimal = ZERO
    credits: Decimal = ZERO

    def applied(self, subtotal: Decimal) -> Decimal:
        """The total."""
        return difference(total((subtotal, self.tax)), total((self.discount, self.credits)))


def deductions(
    subtotal: Decimal,
    usage: Decimal,
    currency: str,
    stage: str,
    *,
    coupons: Sequence[Coupon] = (),
    taxes: Sequence[Tax] = (),
    balance: Decimal = ZERO,
    on_lines: Decimal = ZERO,
) -> Deductions:
    """What each stage of an invoice applies (contract 5.4).

    A ``preview`` has discount and tax, a ``draft`` only the discount, a ``finalized`` invoice all three. Tax is taken before
    credits; credits pay usage lines only, of which ``usage`` is the sum; coupons act one after the other. ``on_lines`` is what
    coupons on single lines take off.
    """
    rest = difference(subtotal, on_lines)
    discount = total((on_lines, discounted(coupons, rest, currency)))
    left = difference(subtotal, discount)
    tax = ZERO if stage == "draft" else total(each.on(left, currency) for each in taxes)
    payable = usage if not discount else rounded(quotient(product(usage, left), subtotal), currency)
    return Deductions(discount, tax, min(balance, payable) if stage == "finalized" else ZERO)


def discounted(coupons: Sequence[Coupon], base: Decimal, currency: str, rounding: str = ROUND_HALF_UP) -> Decimal:
    """What coupons take off a base, one after the other, each off what is left."""
    left = base
    for coupon in coupons:
        left = difference(left, coupon.off(left, currency, rounding))
    return difference(base, left)


def spread(discount: Decimal, amounts: Sequence[Decimal], currency: str) -> list[Decimal] | None:
    """An invoice's discount over its lines in proportion to their amounts; nothing where rounding leaves a choice."""
    whole = total(amounts)
    if not whole:
        return [ZERO for _ in amounts]
    shares = [rounded(quotient(product(discount, amount), whole), currency) for amount in amounts]
    return shares if total(shares) == discount else None
