"""The invoice that Flexprice should make of a subscription's usage, computed without asking it (contract 5; billing vectors)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal

from pytest_flexprice.model.decimals import STORED_PLACES, ZERO, quantized, rounded, total, words
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.model.times import Window
from pytest_flexprice.oracle.invoicing.subscription import BilledLine, BilledSubscription
from pytest_flexprice.oracle.metering.meters import Event, Meter, Usage, expected_usage
from pytest_flexprice.oracle.pricing.allowances import Allowance, billable
from pytest_flexprice.oracle.pricing.commitments import Charge, committed, split
from pytest_flexprice.oracle.pricing.deductions import Coupon, Deductions, Tax, deductions, spread
from pytest_flexprice.oracle.pricing.prices import cost, formula

Stage = Literal["preview", "draft", "finalized"]
Kind = Literal["usage", "fixed", "overage", "true-up"]


@dataclass(frozen=True)
class ExpectedLine:
    """A line that must be on the invoice.

    Attributes:
        quantity: net of the allowance; ``allowed`` is what the allowance took off, ``None`` without an entitlement.
        formula: how the amount comes about, in words of arithmetic.
        unverified: why quantity and amount could not be computed; empty when they were.
        optional: it may be on the invoice or not, as a one-time fee that an earlier invoice has charged.
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
    line: BilledLine | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class ExpectedInvoice:
    """An invoice as it should be at one stage. ``deductions`` are ``None`` when coupons, taxes and credits were not given."""

    currency: str
    stage: Stage
    lines: tuple[ExpectedLine, ...]
    subtotal: Decimal | None
    deductions: Deductions | None

    @property
    def total(self) -> Decimal | None:
        """The total, where everything in it is known."""
        return None if self.subtotal is None or self.deductions is None else self.deductions.applied(self.subtotal)

    @property
    def skipped(self) -> bool:
        """Whether the server makes only a SKIPPED invoice of it, as nothing is to be billed (contract 5.5)."""
        return self.subtotal == 0


def line_usages(
    subscription: BilledSubscription,
    meters: Iterable[Meter],
    events: Sequence[Event],
    period: Window | None = None,
) -> dict[str, Usage]:
    """What each line's meter counts of the events of its customer, by line id, each clipped to its line's dates."""
    known = {meter.id: meter for meter in meters}
    window = period or subscription.period
    return {
        line.id: expected_usage(
            known[line.meter_id], events, line.within(window), since=line.start or subscription.start
        )
        for line in subscription.lines
        if line.is_usage and line.meter_id in known
    }


def expected_invoice(
    subscription: BilledSubscription,
    usages: Mapping[str, Usage],
    allowances: Mapping[str, Allowance] | None = None,
    *,
    stage: Stage = "preview",
    period: Window | None = None,
    closing: bool = False,
    coupons: Sequence[Coupon] | None = None,
    taxes: Sequence[Tax] | None = None,
    credit_balance: Decimal | None = None,
) -> ExpectedInvoice:
    """The invoice of a period: its ARREAR usage and fees, and the next period's ADVANCE fees.

    Args:
        usages: what was used, by line id (see ``line_usages``; read usage by ``usage_of_total``).
        allowances: free quantities, by meter id.
        closing: the subscription ends with this invoice (cancel and bill), so there is no next period.
        coupons, taxes, credit_balance: ``None`` when they are not known; then no total is expected.

    Lines that this calculation does not know carry the reason in ``unverified``; then no subtotal is expected.
    """
    window = period or subscription.period
    drafts = [
        _line(subscription, line, usages, allowances or {}, None if closing else window)
        for line in subscription.lines
        if _is_billed(line, window, closing)
    ]
    lines = _with_commitment(subscription, drafts, usages, allowances or {})
    if stage != "preview":
        lines = [replace(line, quantity=quantized(line.quantity, STORED_PLACES)) for line in lines]
    if any(line.unverified for line in lines):
        return ExpectedInvoice(subscription.currency, stage, tuple(lines), None, None)
    subtotal = total(line.amount for line in lines)
    if any(line.optional for line in lines):
        return ExpectedInvoice(subscription.currency, stage, tuple(lines), None, None)
    if coupons is None and taxes is None and credit_balance is None:
        return ExpectedInvoice(subscription.currency, stage, tuple(lines), subtotal, None)
    usage = total(line.amount for line in lines if line.kind in ("usage", "overage"))
    taken = deductions(
        subtotal,
        usage,
        subscription.currency,
        stage,
        coupons=coupons or (),
        taxes=taxes or (),
        balance=credit_balance or ZERO,
    )
    off = taken.discount if stage != "preview" else ZERO
    shares = spread(off, [line.amount for line in lines], subscription.currency)
    if shares is not None:
        lines = [replace(line, discount=share) for line, share in zip(lines, shares, strict=True)]
    return ExpectedInvoice(subscription.currency, stage, tuple(lines), subtotal, taken)


def _is_billed(line: BilledLine, window: Window, closing: bool) -> bool:
    if line.price.invoice_cadence == "ADVANCE":
        ended = line.end is not None and line.end <= window.end
        return not closing and not ended
    span = line.within(window)
    return span.start < span.end


def _line(
    subscription: BilledSubscription,
    line: BilledLine,
    usages: Mapping[str, Usage],
    allowances: Mapping[str, Allowance],
    whole: Window | None,
) -> ExpectedLine:
    usage = usages.get(line.id)
    start = ExpectedLine(
        price_id=line.price.id,
        meter_id=line.meter_id,
        kind="usage" if line.is_usage else "fixed",
        name=line.display_name,
        event_name=usage.meter.event_name if usage else "",
        line=line,
    )
    try:
        if line.is_usage:
            return _usage_line(subscription, line, start, usage, allowances)
        return _fixed_line(line, start, whole)
    except NotVerified as reason:
        return replace(start, unverified=_short(reason))


def _short(reason: NotVerified) -> str:
    return reason.findings[0].problem.removeprefix("not verified: ")


def _fixed_line(line: BilledLine, start: ExpectedLine, whole: Window | None) -> ExpectedLine:
    if line.price.invoice_cadence == "ARREAR" and (whole is None or line.within(whole) != whole):
        return replace(start, unverified=f"the fee '{line.display_name}' for a part of a period")
    amount = rounded(cost(line.price, line.quantity), line.price.currency)
    text, once = formula(line.price, line.quantity), line.price.billing_period == "ONETIME"
    return replace(start, quantity=line.quantity, amount=amount, formula=text, optional=once)


def _usage_line(
    subscription: BilledSubscription,
    line: BilledLine,
    start: ExpectedLine,
    usage: Usage | None,
    allowances: Mapping[str, Allowance],
) -> ExpectedLine:
    if usage is None:
        return replace(start, unverified=f"the usage of '{line.display_name}' is not known")
    if usage.meter.reset_usage != "BILLING_PERIOD":
        return replace(start, unverified=f"meter '{usage.meter.name}' resets {usage.meter.reset_usage}")
    size = usage.meter.aggregation.bucket_size
    buckets = usage.per(size, subscription.anchor) if size else (usage.total,)
    used, allowance = total(buckets), allowances.get(line.meter_id)
    left = billable(usage, used, allowance, subscription.billing_period, subscription.anchor)
    if size and left.quantity == used:
        price_of, text = total(cost(line.price, each) for each in buckets), _bucket_formula(line, buckets)
    else:
        price_of, text = cost(line.price, left.quantity), formula(line.price, left.quantity)
    if allowance is not None and allowance.limit is None:
        price_of, text = ZERO, "everything is free"
    amount, info = rounded(price_of, subscription.currency), None
    if line.commitment is not None:
        amount, info = committed(line.commitment, line.price, amount)
        amount, text = rounded(amount, subscription.currency), f"{text}, under its commitment"
    return replace(
        start, quantity=left.quantity, amount=amount, allowed=left.allowed, formula=text, commitment_info=info
    )


def _bucket_formula(line: BilledLine, buckets: Sequence[Decimal]) -> str:
    shown = " + ".join(f"({formula(line.price, each)})" for each in buckets[:6]) or "0"
    return shown + (f" + … ({len(buckets)} buckets)" if len(buckets) > 6 else "")


def _with_commitment(
    subscription: BilledSubscription,
    lines: list[ExpectedLine],
    usages: Mapping[str, Usage],
    allowances: Mapping[str, Allowance],
) -> list[ExpectedLine]:
    commitment = subscription.commitment
    charged = [line for line in lines if line.kind == "usage" and line.line is not None]
    if commitment is None or any(line.unverified for line in charged):
        return lines
    reason = _commitment_gap(charged, allowances, usages)
    if commitment.duration not in ("", subscription.billing_period):
        reason = f"a commitment over {commitment.duration}"
    try:
        charges = [Charge(line.line.price, line.quantity, line.amount) for line in charged if line.line is not None]
        cuts, left = split(commitment, charges, subscription.currency)
    except NotVerified as error:
        reason, cuts, left = reason or _short(error), [], ZERO
    if reason:
        return [replace(line, unverified=reason) if line.kind == "usage" else line for line in lines]
    result = [line for line in lines if line.kind != "usage"]
    for line, cut in zip(charged, cuts, strict=True):
        if cut.inside_quantity or not cut.overage_quantity:
            inside = line if not cut.overage_quantity else _inside(line, cut.inside_quantity, cut.inside_amount)
            result.append(inside)
        if cut.overage_quantity:
            result.append(_overage(line, cut.overage_quantity, cut.overage_amount, commitment.overage_factor))
    if left > 0:
        text = f"{words(commitment.amount)} committed − {words(commitment.amount - left)} used"
        result.append(
            ExpectedLine("", "", "true-up", f"{subscription.plan_name} True Up", Decimal(1), left, formula=text)
        )
    return result


def _commitment_gap(
    lines: Sequence[ExpectedLine], allowances: Mapping[str, Allowance], usages: Mapping[str, Usage]
) -> str:
    if any(line.meter_id in allowances for line in lines):
        return "a subscription's commitment together with an entitlement"
    if any(line.line and usages[line.line.id].meter.aggregation.bucket_size for line in lines):
        return "a subscription's commitment together with a bucketed meter"
    return ""


def _inside(line: ExpectedLine, quantity: Decimal, amount: Decimal) -> ExpectedLine:
    assert line.line is not None
    return replace(line, quantity=quantity, amount=amount, formula=formula(line.line.price, quantity))


def _overage(line: ExpectedLine, quantity: Decimal, amount: Decimal, factor: Decimal) -> ExpectedLine:
    assert line.line is not None
    text = f"{formula(line.line.price, quantity)} × {words(factor)}"
    return replace(line, kind="overage", name=f"{line.name} (Overage)", quantity=quantity, amount=amount, formula=text)
