"""A subscription's commitment on the lines of an invoice (contract 2.4; billing vectors ``commit-*``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from pytest_flexprice.model.decimals import ZERO, words
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.oracle.invoicing.expected import ExpectedLine
from pytest_flexprice.oracle.invoicing.subscription import BilledSubscription
from pytest_flexprice.oracle.metering.meters import Usage
from pytest_flexprice.oracle.pricing.allowances import Allowance
from pytest_flexprice.oracle.pricing.commitments import Charge, split
from pytest_flexprice.oracle.pricing.prices import formula


def with_commitment(
    subscription: BilledSubscription,
    lines: list[ExpectedLine],
    usages: Mapping[str, Usage],
    allowances: Mapping[str, Allowance],
) -> list[ExpectedLine]:
    """The lines under the subscription's commitment: cut where usage exceeds it, with a true-up where it falls short."""
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
        reason, cuts, left = reason or short_reason(error), [], ZERO
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


def short_reason(reason: NotVerified) -> str:
    """Why something is not verified, in the words of its first finding."""
    return reason.findings[0].problem.removeprefix("not verified: ")
