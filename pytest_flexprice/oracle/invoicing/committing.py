"""A subscription's commitment on the lines of an invoice (contract 2.4; billing vectors ``commit-*``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from pytest_flexprice.model.decimals import difference, total, words
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.oracle.invoicing.expected import ExpectedLine
from pytest_flexprice.oracle.invoicing.subscription import BilledSubscription
from pytest_flexprice.oracle.metering.meters import Usage
from pytest_flexprice.oracle.pricing.allowances import Allowance
from pytest_flexprice.oracle.pricing.commitments import Charge, Commitment, Split, split
from pytest_flexprice.oracle.pricing.prices import cost, formula

_OTHERS = "a subscription's commitment together with usage that is not known"


def with_commitment(
    subscription: BilledSubscription,
    lines: list[ExpectedLine],
    usages: Mapping[str, Usage],
    allowances: Mapping[str, Allowance],
) -> list[ExpectedLine]:
    """The lines under the subscription's commitment: cut where usage exceeds it, with a true-up where it falls short."""
    commitment = subscription.commitment
    charged = [line for line in lines if line.kind == "usage" and line.line is not None]
    if commitment is None:
        return lines
    if any(line.unverified for line in charged):
        unknown = replace(_true_up(subscription), unverified=_OTHERS, optional=True)
        return [*_unknown(lines, _OTHERS), *([unknown] if commitment.true_up else [])]
    if commitment.duration not in ("", subscription.billing_period):
        return _unknown(lines, f"a commitment over {commitment.duration}")
    gap = _commitment_gap(charged, allowances, usages)
    if gap:
        return _below(subscription, lines, charged, gap)
    try:
        charges = [Charge(line.line.price, line.quantity, line.amount) for line in charged if line.line is not None]
        cuts, left = split(commitment, charges, subscription.currency)
    except NotVerified as error:
        return _unknown(lines, short_reason(error))
    result = [line for line in lines if line.kind != "usage"]
    for line, cut in zip(charged, cuts, strict=True):
        result += _cut(line, cut, commitment)
    if left > 0:
        spent = difference(commitment.amount, left)
        text = f"{words(commitment.amount)} committed − {words(spent)} used"
        fees = total(line.amount for line in lines if line.kind == "fixed")
        start = replace(_true_up(subscription), fees=fees, used=spent, overage_factor=commitment.overage_factor)
        result.append(replace(start, amount=left, formula=text))
    return result


def _unknown(lines: Sequence[ExpectedLine], reason: str) -> list[ExpectedLine]:
    return [replace(line, unverified=line.unverified or reason) if line.kind == "usage" else line for line in lines]


def _below(
    subscription: BilledSubscription, lines: list[ExpectedLine], charged: Sequence[ExpectedLine], gap: str
) -> list[ExpectedLine]:
    """The lines where nobody knows what the commitment counts: below it, whatever it counts, they are as without it."""
    commitment = subscription.commitment
    if commitment is None or total(map(_gross, charged)) > commitment.amount:
        return _unknown(lines, gap)
    unknown = replace(_true_up(subscription), unverified=gap, optional=True)
    return [*lines, unknown] if commitment.true_up else lines


def _gross(line: ExpectedLine) -> Decimal:
    """What a line's usage costs with nothing free of it, at least what is billed."""
    if line.line is None or line.allowed is None:
        return line.amount
    return max(line.amount, cost(line.line.price, total((line.quantity, line.allowed))))


def _true_up(subscription: BilledSubscription) -> ExpectedLine:
    return ExpectedLine("", "", "true-up", f"{subscription.plan_name} True Up", Decimal(1), span=subscription.period)


def _cut(line: ExpectedLine, cut: Split, commitment: Commitment) -> list[ExpectedLine]:
    """A line's part inside the commitment, and the one above it."""
    found = []
    if cut.inside_quantity or not cut.overage_quantity:
        inside = _inside(line, cut.inside_quantity, cut.inside_amount) if cut.overage_quantity else line
        found.append(replace(inside, overage_factor=commitment.overage_factor))
    if cut.overage_quantity:
        found.append(_overage(line, cut.overage_quantity, cut.overage_amount, commitment.overage_factor))
    return found


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
    return replace(
        line,
        kind="overage",
        name=f"{line.name} (Overage)",
        quantity=quantity,
        amount=amount,
        formula=text,
        overage_factor=factor,
    )


def short_reason(reason: NotVerified) -> str:
    """Why something is not verified, in the words of its first finding."""
    return reason.findings[0].problem.removeprefix("not verified: ")
