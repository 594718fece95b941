"""The third way: what a preview bills a customer equals the log's quantity, priced by the oracle (checklist 5.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple

from pytest_flexprice.api import Flexprice
from pytest_flexprice.api.traffic import read_preview_until
from pytest_flexprice.model.decimals import words
from pytest_flexprice.model.finding import Finding, Kind, NotVerified
from pytest_flexprice.model.meters import Meter
from pytest_flexprice.model.subscriptions import PARENT
from pytest_flexprice.model.times import Window, instant_of
from pytest_flexprice.oracle.invoicing.findings import compare_invoice
from pytest_flexprice.oracle.invoicing.invoice import expected_invoice
from pytest_flexprice.oracle.invoicing.subscription import BilledLine, BilledSubscription
from pytest_flexprice.oracle.metering.meters import Usage
from pytest_flexprice.oracle.pricing.allowances import by_meter
from pytest_flexprice.traffic.repricing import Bill
from pytest_flexprice.traffic.search import Search
from pytest_flexprice.traffic.usage import LoggedUsage

LONGEST_DAYS = 62
NO_TIME = "there was no time left in this run"


class ComparedBill(NamedTuple):
    """One subscription that was compared: what the log prices and the preview bills, and what differs; or why it was not.

    ``unseen`` tells that it was skipped although it could be compared. ``bill`` calculates it with other quantities.
    """

    customer: str
    subscription: str
    expected: list[dict[str, str]]
    observed: list[dict[str, str]]
    findings: list[Finding]
    skipped: str = ""
    unseen: bool = False
    bill: Bill | None = None


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
    """One subscription to compare, of the first of ``customers``; it bills the usage of all of them.

    ``period`` is the part of its period that the log covers. ``skipped`` is why it is left out, ``unseen`` whether that is nobody's choice.
    """

    customers: tuple[str, ...]
    id: str
    subscription: BilledSubscription | None
    data: Mapping[str, Any]
    period: Window
    skipped: str = ""
    unseen: bool = False

    @property
    def lines(self) -> list[BilledLine]:
        """Its usage lines, none where it is left out."""
        if self.skipped or self.subscription is None:
            return []
        return [line for line in self.subscription.lines if line.is_usage]


def read(search: Search, customers: tuple[str, ...], subscription_id: str, window: Window) -> Asked:
    """A subscription with what prices it."""
    if search.is_over():
        return Asked(customers, subscription_id, None, {}, window, NO_TIME, unseen=True)
    try:
        data = search.flexprice.get(f"/v1/subscriptions/{subscription_id}")
    except NotVerified as reason:
        return Asked(customers, subscription_id, None, {}, window, reason.findings[0].problem, unseen=True)
    subscription = BilledSubscription.from_api(data)
    period = Window(subscription.period.start, min(subscription.period.end, window.end))
    skipped = ""
    if period.start >= period.end:
        skipped = "its period began only after the days that are compared"
    elif period.start < window.start:
        skipped = "its period began before the days that are compared"
    return Asked(customers, subscription_id, subscription, data, period, skipped)


def compare(search: Search, asked: Sequence[Asked], meters: Mapping[str, Meter]) -> Iterator[ComparedBill]:
    """The preview of each subscription, for the part of its period that the log covers, against the log."""
    known = LoggedUsage(search.log, asked, meters)
    for one in asked:
        if one.skipped or one.subscription is None:
            yield _left_out(one, one.skipped, unseen=one.unseen)
            continue
        if search.is_over():
            yield _left_out(one, NO_TIME, unseen=True)
            continue
        search.progress(f"comparing the next invoice of '{one.customers[0]}'")
        try:
            yield _compared(search.flexprice, one, one.subscription, known.of(one))
        except NotVerified as reason:
            yield _left_out(one, reason.findings[0].problem, unseen=True)


def _compared(
    flexprice: Flexprice, one: Asked, subscription: BilledSubscription, usages: Mapping[str, Usage]
) -> ComparedBill:
    allowances = by_meter(_entitlements(flexprice, one.data))
    expected = expected_invoice(subscription, usages, allowances, period=one.period, stage="preview")
    invoice = read_preview_until(flexprice, subscription.id, one.period)
    # On the preview of a parent stand the lines of those too that are grouped under it, which have previews of their own.
    own = {line.id for line in subscription.lines} if subscription.kind == PARENT else None
    found = _usage_only(compare_invoice(expected, invoice, "5.3", own or None), usages.values())
    return ComparedBill(
        one.customers[0],
        subscription.id,
        [_expected(line) for line in expected.lines if line.event_name],
        [_observed(line) for line in invoice.get("line_items") or () if line.get("meter_id")],
        [_of_the_log(each, one.customers[0]) for each in found if each.kind is not Kind.NOT_VERIFIED],
        bill=Bill(one.customers, subscription, one.period, usages, allowances),
    )


def _left_out(one: Asked, reason: str, *, unseen: bool) -> ComparedBill:
    return ComparedBill(one.customers[0], one.id, [], [], [], reason, unseen)


def uncompared(billed: Sequence[ComparedBill]) -> Iterator[Finding]:
    """What was not compared although it should have been, and that nothing was."""
    unseen = [one for one in billed if one.unseen]
    nothing = bool(billed) and all(one.skipped for one in billed)
    told = unseen or (billed if nothing else ())
    if told:
        first = told[0]
        yield Finding(
            "5.3",
            "traffic.invoices",
            f"the next invoices of {len(told):,} of {len(billed):,} subscriptions were not compared with the company's log,"
            f" such as that of '{first.customer}': {first.skipped}",
            consequence="what they bill is not known to be what was logged",
            remedy="run again, with more time by --flexprice-deadline or fewer traffic.customers"
            if unseen
            else "set traffic.first_day to the start of the running period",
            kind=Kind.NOT_VERIFIED,
        )


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
