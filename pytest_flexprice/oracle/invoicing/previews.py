"""The preview of a running subscription against its own usage, prices and allowances (checklist 5.3, read level)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pytest_flexprice.model.decimals import words
from pytest_flexprice.model.finding import Finding
from pytest_flexprice.model.times import instant
from pytest_flexprice.oracle.invoicing.findings import compare_invoice
from pytest_flexprice.oracle.invoicing.invoice import ExpectedInvoice, expected_invoice
from pytest_flexprice.oracle.invoicing.subscription import BilledSubscription
from pytest_flexprice.oracle.metering.meters import Meter, Usage
from pytest_flexprice.oracle.metering.usage import Reading, compare_usage
from pytest_flexprice.oracle.pricing.allowances import Allowance
from pytest_flexprice.oracle.pricing.prices import Price

MOST = 20


def representatives(subscriptions: Iterable[Mapping[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """One subscription for each plan, currency and billing period, always the same; at most 20.

    It has begun, and no end of it is planned: what a next period costs then is not known.
    """
    found: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for each in sorted(subscriptions, key=lambda one: str(one.get("id"))):
        ending = each.get("cancel_at_period_end") or each.get("cancel_at") or each.get("end_date")
        if not ending and instant(str(each["start_date"])) <= now:
            found.setdefault((each.get("plan_id"), each.get("currency"), each.get("billing_period")), each)
    return [dict(each) for each in list(found.values())[:MOST]]


def expected_preview(
    subscription: BilledSubscription, usages: Mapping[str, Usage], allowances: Mapping[str, Allowance]
) -> ExpectedInvoice:
    """The preview that usage, prices and allowances lead to; coupons and taxes are taken from the preview itself."""
    return expected_invoice(subscription, usages, allowances, stage="preview")


def preview_findings(
    expected: ExpectedInvoice,
    invoice: Mapping[str, Any],
    usages: Mapping[str, Usage],
    readings: Mapping[str, tuple[Reading, ...]],
    anchor: datetime,
) -> list[Finding]:
    """What is wrong with a preview: its lines, its totals, and readers of usage that disagree with each other."""
    found = compare_invoice(expected, invoice, "5.3")
    wrong = {finding.path for finding in found}
    for line_id, usage in usages.items():
        if f"invoice.lines.{usage.meter.event_name}" not in wrong and _readable(usage):
            found += compare_usage(usage, readings.get(line_id, ()), anchor=anchor)
    return found


def unbilled_meters(
    plan_prices: Iterable[Price], invoice: Mapping[str, Any], meters: Mapping[str, Meter], now: datetime
) -> list[Finding]:
    """Meters that the plan prices and the preview has no line for: a subscription drops prices of another currency or
    billing period without a word (contract 4.2)."""
    billed = {str(line.get("meter_id") or "") for line in invoice.get("line_items") or ()}
    priced = {price.meter_id for price in plan_prices if price.type == "USAGE" and price.in_force(now)}
    return [
        Finding(
            "5.3",
            f"invoice.lines.{meters[each].event_name if each in meters else each}",
            f"the invoice has no line for the event '{meters[each].event_name if each in meters else each}',"
            " although the plan has a price for it",
            consequence="it is never billed",
            remedy="give the plan a price in the subscription's currency and billing period, and subscribe again or sync",
        )
        for each in sorted(priced - billed)
    ]


def _readable(usage: Usage) -> bool:
    size = usage.meter.aggregation.bucket_size
    return not size or (size in (usage.points or {}) and not usage.meter.aggregation.group_by)


def is_missing_line(finding: Finding) -> bool:
    """Whether a finding says that a line is missing."""
    return finding.path.startswith("invoice.lines.") and "has no line for" in finding.problem


def table(expected: ExpectedInvoice) -> list[dict[str, str]]:
    """The expected lines as rows to show beside the observed ones."""
    return [
        {
            "line": line.event_name or line.name,
            "quantity": words(line.quantity),
            "formula": f"not verified: {line.unverified}" if line.unverified else line.formula,
            "amount": words(line.amount),
        }
        for line in expected.lines
    ]
