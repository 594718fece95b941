"""The invoice that Flexprice should make of a subscription's usage, computed without asking it (contract 5; billing vectors)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from pytest_flexprice.model.decimals import STORED_PLACES, ZERO, difference, quantized, rounded, total, words
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.model.times import Window
from pytest_flexprice.oracle.invoicing import fees
from pytest_flexprice.oracle.invoicing.committing import short_reason, with_commitment
from pytest_flexprice.oracle.invoicing.expected import ExpectedInvoice, ExpectedLine, Kind, Stage
from pytest_flexprice.oracle.invoicing.subscription import BilledLine, BilledSubscription
from pytest_flexprice.oracle.metering.meters import Usage, expected_usage
from pytest_flexprice.oracle.pricing.allowances import Allowance, billable
from pytest_flexprice.oracle.pricing.commitments import committed
from pytest_flexprice.oracle.pricing.deductions import Coupon, Tax, deductions, spread
from pytest_flexprice.oracle.pricing.prices import cost, formula

__all__ = ["ExpectedInvoice", "ExpectedLine", "Kind", "Stage", "expected_invoice", "line_usages"]


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
    line_coupons: Mapping[str, Coupon] | None = None,
    taxes: Sequence[Tax] | None = None,
    credit_balance: Decimal | None = None,
    doubts: Mapping[str, str] | None = None,
    shown: Mapping[str, Sequence[Decimal]] | None = None,
) -> ExpectedInvoice:
    """The invoice of a period: its ARREAR usage and fees, and the next period's ADVANCE fees.

    Args:
        usages: what was used, by line id (see ``line_usages``; read usage by ``usage_of_total``).
        allowances: free quantities, by meter id.
        closing: the subscription ends with this invoice (cancel and bill), so there is no next period.
        coupons, line_coupons, taxes, credit_balance: ``None`` when they are not known; if none is, no total is expected.
            ``line_coupons`` act on single lines, by the subscription line's id.
        doubts: why what a meter bills is not known, by the meter's id.
        shown: what the invoice bills, by line id: from what is not known, discounts and taxes are to follow all the same.

    Lines that this calculation does not know carry the reason in ``unverified``; then no subtotal is expected, unless all of them
    are shown.
    """
    window = period or subscription.period
    drafts = [
        drafted
        for line in subscription.lines
        if (drafted := _line(subscription, line, usages, allowances or {}, window, closing=closing)) is not None
    ]
    drafts = [_doubted(line, doubts or {}) for line in _shared(drafts)]
    lines = with_commitment(subscription, drafts, usages, allowances or {})
    if stage != "preview":
        lines = [replace(line, quantity=quantized(line.quantity, STORED_PLACES)) for line in lines]
    lines = [_shown(line, shown) for line in lines] if shown is not None else lines
    known = not any((line.unverified or line.optional) and line.shown is None for line in lines)
    subtotal = total(line.charged for line in lines) if known else None
    invoice = ExpectedInvoice(subscription.currency, stage, tuple(lines), subtotal, None, closing=closing)
    if subtotal is None or all(each is None for each in (coupons, line_coupons, taxes, credit_balance)):
        return invoice
    return _with_deductions(invoice, coupons or (), line_coupons or {}, taxes or (), credit_balance or ZERO)


def _shared(lines: Sequence[ExpectedLine]) -> list[ExpectedLine]:
    """The lines, marked where several bill events of one name, so that each can be told apart."""
    alike: dict[str, set[tuple[str, str]]] = {}
    for line in lines:
        alike.setdefault(line.event_name, set()).add((line.meter_id, line.name))
    return [replace(line, shared=bool(line.event_name) and len(alike[line.event_name]) > 1) for line in lines]


def _doubted(line: ExpectedLine, doubts: Mapping[str, str]) -> ExpectedLine:
    doubt = doubts.get(line.meter_id, "") if line.meter_id else ""
    return replace(line, unverified=doubt) if doubt else line


def _shown(line: ExpectedLine, shown: Mapping[str, Sequence[Decimal]]) -> ExpectedLine:
    """A line that may cost anything, with what is shown of it: nothing where an optional one is not there."""
    if line.line is None or not (line.unverified or line.optional):
        return line
    amounts = shown.get(line.line.id, ())
    absent = line.optional and not amounts
    return replace(line, shown=total(amounts)) if absent or len(amounts) == 1 else line


def _with_deductions(
    invoice: ExpectedInvoice,
    coupons: Sequence[Coupon],
    line_coupons: Mapping[str, Coupon],
    taxes: Sequence[Tax],
    balance: Decimal,
) -> ExpectedInvoice:
    lines, currency = [_discounted(line, invoice, line_coupons) for line in invoice.lines], invoice.currency
    taken = deductions(
        total(line.charged for line in lines),
        total(line.charged for line in lines if line.kind in ("usage", "overage")),
        currency,
        invoice.stage,
        coupons=coupons,
        taxes=taxes,
        balance=balance,
        on_lines=total(line.line_discount for line in lines),
    )
    off = difference(taken.discount, total(line.line_discount for line in lines))
    shares = spread(off if invoice.stage != "preview" else ZERO, [line.charged for line in lines], currency)
    if shares is not None:
        lines = [replace(line, discount=share) for line, share in zip(lines, shares, strict=True)]
    return replace(invoice, lines=tuple(lines), deductions=taken, coupons=tuple(coupons))


def _discounted(line: ExpectedLine, invoice: ExpectedInvoice, coupons: Mapping[str, Coupon]) -> ExpectedLine:
    coupon = coupons.get(line.line.id) if line.line else None
    return line if coupon is None else replace(line, line_discount=coupon.off(line.charged, invoice.currency))


def _line(
    subscription: BilledSubscription,
    line: BilledLine,
    usages: Mapping[str, Usage],
    allowances: Mapping[str, Allowance],
    window: Window,
    *,
    closing: bool,
) -> ExpectedLine | None:
    """The invoice's line of a subscription's line, or nothing where it bills nothing in that period."""
    if not line.is_usage:
        return _fixed_line(subscription, line, window, closing)
    span = line.within(window)
    usage = usages.get(line.id)
    start = _start(line, span, usage)
    if span.start >= span.end:
        doubt = "whether a commitment is filled up on a line that begins later is not known"
        filled = line.commitment is not None and line.commitment.true_up
        return replace(start, unverified=doubt, optional=True) if filled else None
    try:
        return _usage_line(subscription, line, start, usage, allowances)
    except NotVerified as reason:
        return replace(start, unverified=short_reason(reason))


def _start(line: BilledLine, span: Window, usage: Usage | None = None) -> ExpectedLine:
    return ExpectedLine(
        price_id=line.price.id,
        meter_id=line.meter_id,
        kind="usage" if line.is_usage else "fixed",
        name=line.display_name,
        event_name=usage.meter.event_name if usage else "",
        span=span,
        usage=usage,
        line=line,
    )


def _fixed_line(
    subscription: BilledSubscription, line: BilledLine, window: Window, closing: bool
) -> ExpectedLine | None:
    advance = line.price.invoice_cadence == "ADVANCE"
    if advance and closing:
        return None
    try:
        fee = fees.in_advance(subscription, line) if advance else fees.in_arrears(line, window, closing)
    except NotVerified as reason:
        fee = fees.Fee(doubt=short_reason(reason))
    if fee is None:
        return None
    span = line.within(subscription.coming_period if advance else window)
    return replace(
        _start(line, span),
        quantity=line.quantity,
        amount=fee.amount,
        formula=fee.formula,
        optional=fee.optional,
        unverified=fee.doubt,
    )


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
    least = line.price.min_quantity or ZERO
    if left.quantity < least:
        doubt = f"its price has a min_quantity of {words(least)}, and what Flexprice bills of less is not known"
        return replace(start, unverified=doubt)
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
        start,
        quantity=left.quantity,
        amount=amount,
        allowed=left.allowed,
        limit=allowance.limit if allowance else None,
        formula=text,
        commitment_info=info,
        buckets=tuple(buckets) if size else (),
    )


def _bucket_formula(line: BilledLine, buckets: Sequence[Decimal]) -> str:
    shown = " + ".join(f"({formula(line.price, each)})" for each in buckets[:6]) or "0"
    return shown + (f" + … ({len(buckets)} buckets)" if len(buckets) > 6 else "")
