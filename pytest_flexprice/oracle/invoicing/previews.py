"""The preview of a running subscription against its own usage, prices, allowances and deals (checklist 5.3, read level)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from pytest_flexprice.model.decimals import ZERO, decimal, words
from pytest_flexprice.model.finding import Finding, Kind, Severity
from pytest_flexprice.model.grouping import Told, shape
from pytest_flexprice.model.meters import Meter
from pytest_flexprice.model.prices import Price
from pytest_flexprice.model.subscriptions import INHERITED, PARENT
from pytest_flexprice.oracle.invoicing.coupons import Attached, acting
from pytest_flexprice.oracle.invoicing.expected import ExpectedInvoice
from pytest_flexprice.oracle.invoicing.findings import READERS_DIFFER, compare_invoice
from pytest_flexprice.oracle.invoicing.invoice import expected_invoice
from pytest_flexprice.oracle.invoicing.line_findings import OWN_DISCOUNT
from pytest_flexprice.oracle.invoicing.running_period import period_findings
from pytest_flexprice.oracle.invoicing.sampling import Sample
from pytest_flexprice.oracle.invoicing.subscription import BilledSubscription
from pytest_flexprice.oracle.metering.meters import Usage
from pytest_flexprice.oracle.pricing.allowances import Allowance
from pytest_flexprice.oracle.pricing.deductions import Tax

ITEM = "5.3"
SHOWN = 20


class Unread(NamedTuple):
    """A subscription whose preview could not be read, and why."""

    subscription_id: str
    reason: str


@dataclass(frozen=True)
class Preview:
    """A subscription's preview with what it should follow from: lines, prices, allowances, and usage read apart from it.

    ``doubts`` says of meters, by id, why what they bill is not known; ``taxes`` are those attached to it, by the rate's id;
    ``foreign_taxes`` those on the invoice that nothing attaches to it.
    """

    subscription: BilledSubscription
    external_id: str
    plan: str
    invoice: Mapping[str, Any]
    usages: Mapping[str, Usage]
    allowances: Mapping[str, Allowance]
    plan_prices: tuple[Price, ...] = ()
    meters: Mapping[str, Meter] = field(default_factory=dict)
    doubts: Mapping[str, str] = field(default_factory=dict)
    taxes: Mapping[str, Tax] = field(default_factory=dict)
    foreign_taxes: frozenset[str] = frozenset()

    @property
    def expected(self) -> ExpectedInvoice:
        """The preview that all this leads to.

        Taxes are those that are attached, and further ones that the preview names, as far as their rates are known.
        """
        return self.read[0]

    @property
    def read(self) -> tuple[ExpectedInvoice, Attached | None]:
        """The preview that all this leads to, with the coupons that act: the way that fits, where there are several."""
        billed, taxes = self.subscription, _taxes(self.invoice, self.taxes, self.foreign_taxes)
        if taxes is None:
            return self._expected(), None
        ways = [
            (self._expected(attached, taxes), attached)
            for attached in acting(
                billed.coupons or (), billed.period, billed.start, billed.currency, opened=billed.opened
            )
        ]
        off = decimal(self.invoice.get("total_discount"), ZERO)
        if len({each.deductions for each, _ in ways}) == 1:
            return ways[0][0], ways[0][1]._replace(doubt="")
        return next(((each, way) for each, way in ways if each.deductions and each.deductions.discount == off), ways[0])

    def _expected(self, attached: Attached | None = None, taxes: tuple[Tax, ...] = ()) -> ExpectedInvoice:
        return expected_invoice(
            self.subscription,
            self.usages,
            self.allowances,
            doubts=self.doubts,
            coupons=attached.whole if attached else None,
            line_coupons=dict(attached.by_line) if attached else None,
            taxes=taxes if attached else None,
            shown=self._shown(),
        )

    def _shown(self) -> dict[str, list[Decimal]]:
        """What the preview bills, by the subscription's line."""
        found: dict[str, list[Decimal]] = {}
        for line in self.invoice.get("line_items") or ():
            key = str(line.get("subscription_line_item_id") or "")
            found.setdefault(key, []).append(decimal(line.get("amount"), ZERO))
        return found


def _taxes(invoice: Mapping[str, Any], attached: Mapping[str, Tax], foreign: Collection[str]) -> tuple[Tax, ...] | None:
    rows = [row for row in invoice.get("taxes") or () if str(row.get("tax_rate_id")) not in {*attached, *foreign}]
    if any(not row.get("tax_rate") for row in rows):
        return None
    named = {str(row.get("tax_rate_id")): Tax.from_api(row["tax_rate"]) for row in rows}
    return tuple({**attached, **named}.values())


def preview_findings(preview: Preview, now: datetime) -> list[Finding]:
    """What is wrong with a preview: missing lines, wrong quantities, amounts and totals."""
    found = [finding for finding in _compared(preview) if finding.severity is not Severity.INFO]
    told = {finding.path for finding in found}
    if preview.subscription.kind == INHERITED:
        return [_paid_by_parent(finding) for finding in found]
    missing = unbilled_meters(preview.plan_prices, preview.invoice, preview.meters, now)
    found += [finding for finding in missing if finding.path not in told]
    found += period_findings(preview.subscription, ITEM)
    return [_doubted(preview, finding) for finding in (*found, *_taken_on_trust(preview))]


def _paid_by_parent(finding: Finding) -> Finding:
    """What is on the preview of a subscription that has no invoices, as its parent pays for it (contract 11.2)."""
    problem = f"{finding.problem}, although its parent pays for everything"
    return replace(finding, problem=problem, consequence="it is paid for twice")


def _compared(preview: Preview) -> list[Finding]:
    """The comparison; subscriptions that are grouped under a parent are on its preview too, and previewed by themselves."""
    own = {line.id for line in preview.subscription.lines}
    others = preview.subscription.kind == PARENT and bool(own)
    return compare_invoice(preview.expected, preview.invoice, ITEM, own if others else None)


def _doubted(preview: Preview, finding: Finding) -> Finding:
    """A parent's usage can be read by one reader only, which may count an event twice that was sent twice (contract 11.1)."""
    if preview.subscription.kind == PARENT and READERS_DIFFER in finding.problem:
        reason = "not verified: the usage of a parent with its children: "
        return replace(finding, problem=reason + finding.problem, consequence="", kind=Kind.NOT_VERIFIED)
    if finding.path in ("invoice.tax", "invoice.discount"):
        finding = replace(finding, problem=f"{finding.problem}{_cause(preview, finding.path)}")
    attached = preview.read[1]
    if (
        attached
        and attached.mixed
        and finding.kind is Kind.REQUIREMENT
        and (finding.path in ("invoice.discount", "invoice.tax", "invoice.total") or OWN_DISCOUNT in finding.problem)
    ):
        reason = f"not verified: {attached.mixed}: "
        return replace(finding, problem=reason + finding.problem, consequence="", kind=Kind.NOT_VERIFIED)
    return finding


def _cause(preview: Preview, path: str) -> str:
    """Which tax or coupon a wrong sum may come from, as words to append."""
    if path == "invoice.discount":
        own = preview.subscription
        over = [each.code for each in own.coupons or () if each.over(own.period) or each.spent(own.period, own.start)]
        return f"; coupon '{over[0]}' is over" if over else ""
    taxes = preview.invoice.get("taxes") or ()
    rows = {str(row.get("tax_rate_id")): row.get("tax_rate") or {} for row in taxes}
    if rows and preview.taxes.keys() - rows:
        return f"; it lacks {len(preview.taxes.keys() - rows)} of the {len(preview.taxes)} attached taxes"
    for key, rate in rows.items():
        if sum(str(row.get("tax_rate_id")) == key for row in taxes) > 1:
            return f"; tax '{rate.get('code') or key}' is taken more than once"
        if key in preview.foreign_taxes:
            return f"; nothing attaches tax '{rate.get('code') or key}' to the subscription"
        if key in preview.taxes and rate and Tax.from_api(rate) != preview.taxes[key]:
            return f"; tax '{rate.get('code') or key}' is taken at another rate than the attached one"
    return ""


def _taken_on_trust(preview: Preview) -> Iterator[Finding]:
    """A discount or a tax of which nobody can say whether it is right, because of a coupon or a rate that is not known."""
    expected, attached = preview.read
    off = decimal(preview.invoice.get("total_discount"), ZERO)
    if expected.subtotal is None:
        return
    if attached is None and preview.invoice.get("taxes"):
        problem = "not verified: the invoice's tax, as its rate is not shown"
        yield Finding(ITEM, "invoice.tax", problem, kind=Kind.NOT_VERIFIED)
    if attached and attached.doubt and expected.deductions and expected.deductions.discount == off:
        problem = f"not verified: the invoice's discount of {words(off)}: {attached.doubt}"
        yield Finding(ITEM, "invoice.discount", problem, observed=words(off), kind=Kind.NOT_VERIFIED)


def disputed(preview: Preview) -> list[str]:
    """The lines, by id, whose usage the preview and the usage query tell differently: usage may have changed meanwhile."""
    paths = {finding.path for finding in _compared(preview) if READERS_DIFFER in finding.problem}
    return [line.line.id for line in preview.expected.lines if line.line and f"invoice.lines.{line.place}" in paths]


def recounted(preview: Preview, otherwise: Mapping[str, Mapping[str, Decimal]]) -> Preview:
    """The preview, with what other aggregations come to of some lines' usage, by line id."""
    usages = {
        key: replace(usage, otherwise=otherwise.get(key, usage.otherwise)) for key, usage in preview.usages.items()
    }
    return replace(preview, usages=usages)


def told(preview: Preview, findings: Iterable[Finding]) -> Iterator[Told]:
    """The findings of one preview with its customer and plan, counted under their own words."""
    who = f"customer '{preview.external_id}' on plan '{preview.plan}'"
    for finding in findings:
        named = replace(
            finding, path=f"customers.{preview.external_id}.{finding.path}", problem=f"{who}: {finding.problem}"
        )
        yield Told(f'previews of which "{shape(finding.problem)}"', preview.external_id, named)


class Telling:
    """Turns previews, as they are read, into findings: only the first previews are kept, to be shown."""

    def __init__(self, now: datetime, shown: int = SHOWN) -> None:
        self.first: list[Preview] = []
        self.read = 0
        self._now, self._shown = now, shown

    def of(self, read: Iterable[Preview | Unread]) -> Iterator[Told]:
        """The findings of each preview, and each subscription that could not be read."""
        for each in read:
            if isinstance(each, Unread):
                yield unread(each)
                continue
            self.read += 1
            if len(self.first) < self._shown:
                self.first.append(each)
            yield from told(each, preview_findings(each, self._now))


def unread(one: Unread) -> Told:
    """A subscription whose preview could not be read."""
    problem = f"not verified: the next invoice of subscription '{one.subscription_id}': {one.reason}"
    finding = Finding(ITEM, f"subscriptions.{one.subscription_id}", problem, kind=Kind.NOT_VERIFIED)
    return Told("subscriptions whose next invoice could not be verified", one.subscription_id, finding)


def unbilled_meters(
    plan_prices: Iterable[Price], invoice: Mapping[str, Any], meters: Mapping[str, Meter], now: datetime
) -> list[Finding]:
    """Meters that the plan prices and the preview has no line for: a subscription drops prices of another currency or
    billing period without a word (contract 4.2)."""
    billed = {str(line.get("meter_id") or "") for line in invoice.get("line_items") or ()}
    priced = {price.meter_id for price in plan_prices if price.type == "USAGE" and price.in_force(now)}
    return [
        Finding(
            ITEM,
            f"invoice.lines.{meters[each].event_name if each in meters else each}",
            f"the invoice has no line for the event '{meters[each].event_name if each in meters else each}',"
            " although the plan has a price for it",
            consequence="it is never billed",
            remedy="give the plan a price in the subscription's currency and billing period, and subscribe again or sync",
        )
        for each in sorted(priced - billed)
    ]


def is_missing_line(finding: Finding) -> bool:
    """Whether a finding, or a summary of many, says that a line is missing."""
    return "the invoice has no line for" in finding.problem


def coverage(sample: Sample, read: int) -> str:
    """How many of how many were previewed, and why others were not."""
    text = f"{read:,} of {sample.active:,} active subscriptions were previewed"
    if len(sample.chosen) < sample.active:
        text += f", a sample of {len(sample.chosen):,} that covers {sample.groups:,} kinds of plan and deal and changes every day"
    others = [f"{count:,} {reason}" for reason, count in sorted(sample.left.items())]
    return f"{text} (besides: {'; '.join(others)})" if others else text


def table(expected: ExpectedInvoice) -> list[dict[str, str]]:
    """The expected lines as rows to show beside the observed ones."""
    return [
        {
            "line": line.event_name or line.name,
            "quantity": words(line.quantity),
            "formula": f"not verified: {line.unverified}" if line.unverified else line.formula,
            "amount": words(line.amount if line.amount else ZERO),
        }
        for line in expected.lines
    ]
