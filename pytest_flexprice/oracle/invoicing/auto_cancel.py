"""Who would be cancelled for unpaid invoices, and when, whether or not auto-cancel is on (contract 4.7).

A finalized subscription invoice with something left to pay cancels its active subscription once its due date and the grace
period are over: to the second, not in calendar days.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from pytest_flexprice.model.decimals import ZERO, decimal, words
from pytest_flexprice.model.finding import Finding, Severity
from pytest_flexprice.model.parsing import parses
from pytest_flexprice.model.subscriptions import ACTIVE, Subscription
from pytest_flexprice.model.times import days, instant_of

LIMIT_PER_RUN = 50
_NAMED = 3


@dataclass(frozen=True)
class CancelPolicy:
    """The saved policy; ``saved`` is false where nobody ever stored it, and then nothing is cancelled."""

    grace_period_days: int
    enabled: bool
    saved: bool = True

    @classmethod
    @parses("setting")
    def from_api(cls, setting: Mapping[str, Any]) -> CancelPolicy:
        """The policy in the answer of ``GET /v1/settings/subscription_config``."""
        value = setting.get("value") or {}
        return cls(
            grace_period_days=int(value.get("grace_period_days", 0)),
            enabled=value.get("auto_cancellation_enabled") is True,
            saved=bool(setting.get("id")),
        )

    @property
    def acts(self) -> bool:
        """Whether the job cancels anything at all."""
        return self.saved and self.enabled


@dataclass(frozen=True)
class OpenInvoice:
    """An invoice that may cancel its subscription."""

    id: str
    subscription_id: str
    number: str
    due: datetime
    remaining: Decimal
    currency: str

    @classmethod
    @parses("invoice")
    def from_api(cls, data: Mapping[str, Any]) -> OpenInvoice | None:
        """The invoice in the API's JSON if it counts: of a subscription, finalized, due, pending or failed, not paid up."""
        due, remaining = instant_of(data, "due_date"), decimal(data.get("amount_remaining"), ZERO)
        counts = data.get("invoice_type") == "SUBSCRIPTION" and _waits(data) and remaining > 0
        if not counts or due is None or not data.get("subscription_id"):
            return None
        return cls(
            id=str(data.get("id", "")),
            subscription_id=str(data["subscription_id"]),
            number=data.get("invoice_number") or "",
            due=due,
            remaining=remaining,
            currency=str(data.get("currency") or ""),
        )

    def cancels_at(self, grace_period_days: int) -> datetime:
        """The instant after which it cancels: due date plus the grace period, in units of 24 hours."""
        return self.due + days(grace_period_days)


def _waits(data: Mapping[str, Any]) -> bool:
    return data.get("invoice_status") == "FINALIZED" and data.get("payment_status") in ("PENDING", "FAILED")


@dataclass(frozen=True)
class Cancellation:
    """An active subscription with the open invoice that will cancel it first, unless somebody pays or postpones it.

    ``rank`` is the subscription's place among those due, newest created first: a run cancels the first 50.
    """

    subscription: Subscription
    invoice: OpenInvoice
    at: datetime
    due: bool
    rank: int

    @property
    def this_run(self) -> bool:
        """Whether the next run of an active policy cancels it."""
        return self.due and self.rank <= LIMIT_PER_RUN

    @property
    def sentence(self) -> str:
        """Who, why and when, for a reader."""
        who = self.subscription.who or "a customer"
        left = f"{words(self.invoice.remaining)} {self.invoice.currency}".strip()
        return (
            f"subscription {self.subscription.id} of {who}: invoice {self.invoice.number or self.invoice.id}"
            f" over {left} was due {_day(self.invoice.due)}, cancelled {'since' if self.due else 'on'} {_day(self.at)}"
        )


def cancellations(
    policy: CancelPolicy,
    subscriptions: Iterable[Subscription],
    invoices: Iterable[Mapping[str, Any]],
    now: datetime,
) -> list[Cancellation]:
    """The active subscriptions that have an unpaid invoice, each with the instant of its cancellation, earliest first.

    The policy need not be on: this says what it does as soon as it is. ``invoices`` are the API's JSON.
    """
    first: dict[str, OpenInvoice] = {}
    for data in invoices:
        invoice = OpenInvoice.from_api(data)
        if invoice and (invoice.subscription_id not in first or invoice.due < first[invoice.subscription_id].due):
            first[invoice.subscription_id] = invoice
    active = [each for each in subscriptions if each.status == ACTIVE and each.id in first]
    active.sort(key=lambda each: each.value("created_at"), reverse=True)
    found, rank = [], 0
    for each in active:
        invoice = first[each.id]
        at = invoice.cancels_at(policy.grace_period_days)
        rank += now > at
        found.append(Cancellation(each, invoice, at, now > at, rank if now > at else 0))
    return sorted(found, key=lambda each: (each.at, each.subscription.id))


def overlooked(policy: CancelPolicy, invoices: Iterable[Mapping[str, Any]], now: datetime) -> list[Finding]:
    """Unpaid invoices of no subscription that are overdue for longer than the grace period: nothing ever acts on them.

    Those of type ONE_OFF and CREDIT never count for auto-cancel, even with a subscription (contract 4.7). ``invoices`` are the API's JSON.
    """
    late = []
    for data in invoices:
        due, remaining = instant_of(data, "due_date"), decimal(data.get("amount_remaining"), ZERO)
        alone = data.get("invoice_type") in ("ONE_OFF", "CREDIT") and _waits(data) and remaining > 0
        if alone and due and now > due + days(policy.grace_period_days):
            name = data.get("invoice_number") or data.get("id")
            late.append((due, f"{name} over {words(remaining)} {data.get('currency') or ''}".strip()))
    if not late:
        return []
    shown = ", ".join(f"{what}, due {_day(due)}" for due, what in sorted(late)[:_NAMED])
    return [
        Finding(
            "5.1",
            "invoices",
            f"invoices that belong to no billing period are unpaid beyond the grace period: {shown}"
            + (f", and {len(late) - _NAMED} more" if len(late) > _NAMED else ""),
            consequence="auto-cancel looks at invoices of subscriptions only, so nothing ever follows from them",
            remedy="collect or void them",
            severity=Severity.WARNING,
        )
    ]


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"
