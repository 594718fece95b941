"""The third way: what a preview bills a customer equals the log's quantity, priced by the oracle (checklist 5.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple

from pytest_flexprice.api import Flexprice
from pytest_flexprice.api.traffic import read_preview_until
from pytest_flexprice.model.decimals import ZERO, words
from pytest_flexprice.model.finding import Finding, Kind, NotVerified, not_verified
from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.model.times import Window, instant_of
from pytest_flexprice.oracle.invoicing.findings import compare_invoice
from pytest_flexprice.oracle.invoicing.invoice import expected_invoice
from pytest_flexprice.oracle.invoicing.subscription import BilledLine, BilledSubscription
from pytest_flexprice.oracle.metering.meters import Usage, expected_usage, usage_of_total
from pytest_flexprice.oracle.pricing.allowances import by_meter
from pytest_flexprice.traffic.log import Log
from pytest_flexprice.traffic.metering import Counted

MOST_EVENTS = 200_000
LONGEST_DAYS = 62


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


@dataclass(frozen=True)
class Asked:
    """One subscription to compare: the part of its period that the log covers, or why it is left out."""

    customer: str
    subscription: BilledSubscription
    data: Mapping[str, Any]
    period: Window
    skipped: str = ""

    @property
    def lines(self) -> list[BilledLine]:
        """Its usage lines."""
        return [line for line in self.subscription.lines if line.is_usage]


def read(flexprice: Flexprice, customer: str, subscription_id: str, window: Window) -> Asked:
    """A subscription with what prices it."""
    data = flexprice.get(f"/v1/subscriptions/{subscription_id}")
    subscription = BilledSubscription.from_api(data)
    period = Window(subscription.period.start, min(subscription.period.end, window.end))
    skipped = ""
    if period.start >= period.end:
        skipped = "its period began only after the days that are compared"
    elif period.start < window.start:
        skipped = "its period began before the days that are compared"
    return Asked(customer, subscription, data, period, skipped)


def compare(flexprice: Flexprice, log: Log, asked: Sequence[Asked], meters: Mapping[str, Meter]) -> Iterator[Billed]:
    """The preview of each subscription, for the part of its period that the log covers, against the log."""
    known = _Usages(log, asked, meters)
    for one in asked:
        if one.skipped:
            yield _left_out(one, one.skipped)
            continue
        try:
            yield _compared(flexprice, one, known.of(one))
        except NotVerified as reason:
            yield _left_out(one, reason.findings[0].problem)


def _compared(flexprice: Flexprice, one: Asked, usages: Mapping[str, Usage]) -> Billed:
    allowances = by_meter(_entitlements(flexprice, one.data))
    expected = expected_invoice(one.subscription, usages, allowances, period=one.period, stage="preview")
    invoice = read_preview_until(flexprice, one.subscription.id, one.period)
    found = _usage_only(compare_invoice(expected, invoice, "5.3"), usages.values())
    return Billed(
        one.customer,
        one.subscription.id,
        [_expected(line) for line in expected.lines if line.event_name],
        [_observed(line) for line in invoice.get("line_items") or () if line.get("meter_id")],
        [_of_the_log(each, one.customer) for each in found if each.kind is not Kind.NOT_VERIFIED],
    )


class _Usages:
    """The log's usage of every line, counted by the engine for all customers at once; bucketed meters event by event."""

    def __init__(self, log: Log, asked: Sequence[Asked], meters: Mapping[str, Meter]) -> None:
        self._log, self._meters = log, meters
        wanted: dict[tuple[str, int], dict[str, Window]] = {}
        for one in asked:
            turns: dict[str, int] = {}
            for line in one.lines if not one.skipped else ():
                turn = turns[line.meter_id] = turns.get(line.meter_id, -1) + 1
                wanted.setdefault((line.meter_id, turn), {})[one.customer] = line.within(one.period)
        self._counted: dict[tuple[str, int], dict[str, Counted]] = {}
        for (meter_id, turn), windows in wanted.items():
            meter = meters.get(meter_id)
            if meter is not None and not meter.aggregation.bucket_size:
                self._counted[meter_id, turn] = log.usages(meter, windows)

    def of(self, one: Asked) -> dict[str, Usage]:
        """The usages of a subscription by line."""
        found: dict[str, Usage] = {}
        turns: dict[str, int] = {}
        events: list[Event] | None = None
        for line in one.lines:
            turn = turns[line.meter_id] = turns.get(line.meter_id, -1) + 1
            meter = self._meters.get(line.meter_id)
            if meter is None:
                continue
            if (line.meter_id, turn) in self._counted:
                counted = self._counted[line.meter_id, turn].get(one.customer, Counted(ZERO, 0))
                found[line.id] = usage_of_total(meter, counted.value, counted.event_count)
            else:
                events = self._events(one) if events is None else events
                found[line.id] = expected_usage(meter, events, line.within(one.period))
        return found

    def _events(self, one: Asked) -> list[Event]:
        events = self._log.events_of(one.customer, one.period, MOST_EVENTS)
        if len(events) == MOST_EVENTS:
            raise not_verified("5.3", f"customers.{one.customer}", f"it has more than {MOST_EVENTS:,} events")
        return events


def _left_out(one: Asked, reason: str) -> Billed:
    return Billed(one.customer, one.subscription.id, [], [], [], reason)


def _entitlements(flexprice: Flexprice, data: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    for kind, owner in (("PLAN", data["plan_id"]), ("SUBSCRIPTION", data["id"])):
        body = {"entity_type": kind, "entity_ids": [owner], "expand": "features"}
        yield from flexprice.search("/v1/entitlements/search", body)


def _usage_only(found: Sequence[Finding], usages: Iterable[Usage]) -> list[Finding]:
    """Fees of a part of a period follow other rules, and totals contain them."""
    names = {usage.meter.event_name for usage in usages}
    return [each for each in found if each.path.removeprefix("invoice.lines.").partition(" (")[0] in names]


def _of_the_log(finding: Finding, customer: str) -> Finding:
    """The finding in terms of the log, which stands where a reader of usage stood."""
    event = finding.path.removeprefix("invoice.lines.")
    other_usage = "usage" in finding.problem and finding.expected is not None
    problem = f"the invoice does not bill what the company's log holds of '{event}'" if other_usage else finding.problem
    return replace(
        finding,
        path=f"customers.{customer}.{finding.path}",
        problem=f"customer '{customer}': {problem}",
        consequence="what is billed is not what was logged" if other_usage else finding.consequence,
        remedy="look at item 3.1 for the events that differ",
    )


def _expected(line: Any) -> dict[str, str]:
    return {"event": line.event_name, "quantity": words(line.quantity), "amount": words(line.amount)}


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
