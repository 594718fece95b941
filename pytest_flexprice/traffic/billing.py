"""The third way: what a preview bills a customer equals the log's quantity, priced by the oracle (checklist 5.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from pytest_flexprice.api import Flexprice
from pytest_flexprice.api.traffic import read_preview_until
from pytest_flexprice.model.finding import Finding, NotVerified
from pytest_flexprice.model.times import Window, instant_of
from pytest_flexprice.oracle.invoicing.findings import compare_invoice
from pytest_flexprice.oracle.invoicing.invoice import expected_invoice
from pytest_flexprice.oracle.invoicing.subscription import BilledSubscription
from pytest_flexprice.oracle.metering.meters import Meter, Usage, expected_usage
from pytest_flexprice.oracle.pricing.allowances import by_meter
from pytest_flexprice.traffic.log import Log

MOST_EVENTS = 200_000
LONGEST_DAYS = 62


class Subscriber(NamedTuple):
    """A customer's external id and the id of one of its subscriptions."""

    customer: str
    subscription: str


class Billed(NamedTuple):
    """One subscription that was compared: what the log prices and the preview bills, and what differs; or why it was not."""

    customer: str
    subscription: str
    expected: list[dict[str, str]]
    observed: list[dict[str, str]]
    findings: list[Finding]
    skipped: str = ""


def chosen(customers: Mapping[str, int], differing: Iterable[str], most: int | str, today: date) -> list[str]:
    """The customers to compare one by one: those that differ, and the next ones of all, others each day."""
    first = [each for each in dict.fromkeys(differing) if each in customers]
    rest = sorted(set(customers) - set(first))
    if most == "all" or not rest:
        return first + rest
    count = min(int(most), len(rest))
    start = today.toordinal() * count % len(rest)
    return first[: max(count, 50)] + (rest + rest)[start : start + count]


def compare(
    flexprice: Flexprice, log: Log, subscriber: Subscriber, window: Window, meters: Mapping[str, Meter]
) -> Billed:
    """A subscription's preview for the part of its period that the window holds, against the log."""
    customer, subscription_id = subscriber
    data = flexprice.get(f"/v1/subscriptions/{subscription_id}")
    subscription = BilledSubscription.from_api(data)
    period = Window(subscription.period.start, min(subscription.period.end, window.end))
    if period.start >= period.end:
        return _skipped(customer, subscription_id, "its period began only after the days that are compared")
    if period.start < window.start:
        return _skipped(customer, subscription_id, "its period began before the days that are compared")
    lines = [line for line in subscription.lines if line.is_usage and line.meter_id in meters]
    events = log.events_of(customer, period, MOST_EVENTS)
    if len(events) == MOST_EVENTS:
        return _skipped(customer, subscription_id, f"it has more than {MOST_EVENTS:,} events")
    usages: dict[str, Usage] = {}
    for line in lines:
        try:
            usages[line.id] = expected_usage(meters[line.meter_id], events, line.within(period))
        except NotVerified as reason:
            return _skipped(customer, subscription_id, reason.findings[0].problem)
    allowances = by_meter(_entitlements(flexprice, data))
    expected = expected_invoice(subscription, usages, allowances, period=period, stage="preview")
    invoice = read_preview_until(flexprice, subscription_id, period)
    return Billed(
        customer,
        subscription_id,
        [_expected(line) for line in expected.lines if line.event_name],
        [_observed(line) for line in invoice.get("line_items") or () if line.get("meter_id")],
        [
            _of_the_log(each, customer)
            for each in _usage_only(compare_invoice(expected, invoice, "5.3"), usages.values())
        ],
    )


def _skipped(customer: str, subscription: str, reason: str) -> Billed:
    return Billed(customer, subscription, [], [], [], reason)


def _entitlements(flexprice: Flexprice, data: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    for kind, owner in (("PLAN", data["plan_id"]), ("SUBSCRIPTION", data["id"])):
        body = {"entity_type": kind, "entity_ids": [owner], "expand": "features"}
        yield from flexprice.search("/v1/entitlements/search", body)


def _usage_only(found: Sequence[Finding], usages: Iterable[Usage]) -> list[Finding]:
    """Fees of a part of a period follow other rules, and totals contain them."""
    paths = {f"invoice.lines.{usage.meter.event_name}" for usage in usages}
    return [finding for finding in found if finding.path in paths]


def _of_the_log(finding: Finding, customer: str) -> Finding:
    return Finding(
        "5.3",
        f"customers.{customer}.{finding.path}",
        f"by the company's log, for customer '{customer}': {finding.problem}",
        expected=finding.expected,
        observed=finding.observed,
        consequence=finding.consequence,
        remedy="look at item 3.1 for the events that differ",
        severity=finding.severity,
        kind=finding.kind,
    )


def _expected(line: Any) -> dict[str, str]:
    return {"event": line.event_name, "quantity": str(line.quantity), "amount": str(line.amount)}


def _observed(line: Mapping[str, Any]) -> dict[str, str]:
    return {
        "event": str(line.get("display_name")),
        "quantity": str(line.get("quantity")),
        "amount": str(line.get("amount")),
    }


def begun(subscriptions: Iterable[Mapping[str, Any]], now: datetime) -> datetime | None:
    """The start of the earliest running period of active subscriptions, at most two months ago."""
    starts = [
        instant_of(each, "current_period_start")
        for each in subscriptions
        if each.get("subscription_status") == "active"
    ]
    return min((start for start in starts if start and (now - start).days <= LONGEST_DAYS), default=None)
