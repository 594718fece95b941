"""The webhook of one finalized invoice: delivered, acknowledged, processed (checklist 7.4, contract 6.3 to 6.5).

Traps: an endpoint younger than a minute misses events without a trace; the body is built at delivery and may show a later state;
the first delivery may take 15 seconds and more; other invoices' webhooks arrive at the same time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from pytest_flexprice.model.finding import Finding
from pytest_flexprice.webhooks.portal import Portal
from pytest_flexprice.webhooks.processed import ITEM, Processed, processed_findings
from pytest_flexprice.webhooks.registration import CACHED, same_url
from pytest_flexprice.webhooks.service import EPOCH, Attempt, Endpoint, Message, State

FINALIZED = "invoice.update.finalized"
CLOCK_SKEW = timedelta(seconds=5)
Grade = Literal["delivered", "acknowledged", "processed"]


@dataclass(frozen=True)
class Delivery:
    """What the delivery service knows of one invoice's webhook since the finalize call.

    Attributes:
        messages: the ``invoice.update.finalized`` messages about this invoice, newest first.
        attempts: the attempts of each message to the plan's endpoint, newest first.
        others: the ids of other invoices whose finalization was sent since, newest first.
        foreign: whether those are known to be other customers' invoices, whose webhooks have nothing to do with this one.
        endpoint: the plan's endpoint as registered, or None.
    """

    invoice_id: str
    finalized_at: datetime
    messages: tuple[Message, ...] = ()
    attempts: Mapping[str, tuple[Attempt, ...]] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    endpoint: Endpoint | None = None
    foreign: bool = False

    @property
    def tried(self) -> list[Attempt]:
        """All attempts, newest first."""
        return sorted((one for each in self.attempts.values() for one in each), key=lambda one: one.at, reverse=True)

    @property
    def acknowledged(self) -> bool:
        """Whether the company's endpoint answered 2xx for one of them."""
        return any(attempt.acknowledged for attempt in self.tried)


def read_delivery(
    portal: Portal, endpoint_url: str, invoice_id: str, finalized_at: datetime, customer_id: str = ""
) -> Delivery:
    """Ask the delivery service for an invoice's webhook; ask again until ``acknowledged`` or a deadline.

    Args:
        endpoint_url: the plan's ``webhooks.endpoint``.
        finalized_at: when the finalize call was sent (aware).
        customer_id: the invoice's customer; tells a webhook with a wrong invoice id from one for somebody else.

    Raises:
        NotVerified: the delivery service cannot be read.
    """
    own = [endpoint for endpoint in portal.endpoints() if same_url(endpoint.url, endpoint_url)]
    own.sort(key=lambda endpoint: endpoint.disabled)
    sent = [one for one in portal.messages(finalized_at - CLOCK_SKEW) if one.event_type == FINALIZED]
    ours = tuple(one for one in sent if one.object_id == invoice_id)
    ids = {endpoint.id for endpoint in own}
    attempts = {one.id: tuple(each for each in portal.attempts_of(one.id) if each.endpoint_id in ids) for one in ours}
    rest = [one for one in sent if one.object_id != invoice_id and one.at >= finalized_at]
    suspects = [one for one in rest if one.customer_id == customer_id] if customer_id else rest
    others = tuple(dict.fromkeys(one.object_id for one in suspects or rest))
    return Delivery(
        invoice_id, finalized_at, ours, attempts, others, own[0] if own else None, foreign=bool(rest) and not suspects
    )


def delivery_findings(
    delivery: Delivery, processed: Processed | None = None, grade: Grade = "processed", waited: float = 0.0
) -> list[Finding]:
    """Grade one invoice's webhook up to what the plan asks for; pure.

    Args:
        processed: what the company's own system says, or None where nobody can tell.
        grade: how far it must be proved.
        waited: seconds spent waiting, for the sentence.
    """
    if not delivery.messages:
        mistaken = delivery.others and not delivery.foreign
        return [_mismatch(delivery, waited) if mistaken else _never(delivery, waited)]
    reached = [attempt for attempt in delivery.tried if attempt.response_status]
    if not reached:
        return [_not_delivered(delivery, waited)]
    if grade != "delivered" and not delivery.acknowledged:
        return [_not_acknowledged(delivery, waited)]
    return processed_findings(delivery.invoice_id, processed) if grade == "processed" else []


def _mismatch(delivery: Delivery, waited: float) -> Finding:
    shown = list(delivery.others[:5])
    return Finding(
        ITEM,
        f"invoice {delivery.invoice_id}",
        f"no {FINALIZED} webhook was sent for this invoice{_within(waited)}, only for {_number(delivery.others)}",
        expected=delivery.invoice_id,
        observed=shown[0] if len(shown) == 1 else shown,
        consequence="the handler would book another invoice than the one that was finalized",
        remedy="compare the invoice ids in the webhook portal's messages with the invoice that was finalized",
    )


def _never(delivery: Delivery, waited: float) -> Finding:
    return Finding(
        ITEM,
        f"invoice {delivery.invoice_id}",
        f"no {FINALIZED} webhook for invoice '{delivery.invoice_id}' was sent since it was finalized{_ago(waited)}: "
        f"no attempt{_state(delivery)}{_meanwhile(delivery)}",
        consequence="the company does not learn that an invoice is final",
        remedy="check the endpoint's event types, that it is enabled and was registered over a minute before the finalize call, "
        "and the operator's webhook queue",
    )


def _state(delivery: Delivery) -> str:
    endpoint = delivery.endpoint
    if endpoint is None:
        return "; the plan's endpoint is not registered"
    if endpoint.disabled:
        return "; the endpoint is disabled, and nothing is sent to it"
    if endpoint.event_types is not None and FINALIZED not in endpoint.event_types:
        return "; the endpoint is not subscribed to this event type"
    if endpoint.created_at != EPOCH and delivery.finalized_at - endpoint.created_at < CACHED:
        return "; the endpoint was younger than a minute, and such events are lost without a trace"
    return "; the endpoint is enabled and subscribed"


def _not_delivered(delivery: Delivery, waited: float) -> Finding:
    tried = delivery.tried
    last = f"the last state is '{tried[0].said}'" if tried else "none was begun" + _state(delivery)
    pending = not tried or tried[0].state in (State.PENDING, State.SENDING)
    return Finding(
        ITEM,
        f"message {delivery.messages[0].id}",
        f"the {FINALIZED} webhook of invoice '{delivery.invoice_id}' did not reach the handler{_within(waited)}: "
        f"{len(tried)} attempts, {last}",
        consequence="the company does not learn that an invoice is final",
        remedy="wait longer and look at the message in the webhook portal"
        if pending
        else "make the endpoint's URL reachable from the internet",
    )


def _not_acknowledged(delivery: Delivery, waited: float) -> Finding:
    tried = delivery.tried
    return Finding(
        ITEM,
        f"message {delivery.messages[0].id}",
        f"the {FINALIZED} webhook of invoice '{delivery.invoice_id}' reached the handler and got no success{_within(waited)} "
        f"in {len(tried)} attempts",
        expected="2xx",
        observed=tried[0].said,
        consequence="the delivery service gives up after eight attempts",
        remedy="mend what the handler answers with: the probes of item 6.2 and 6.4 name the usual causes",
    )


def _within(waited: float) -> str:
    return f" within {waited:.0f} seconds" if waited else ""


def _ago(waited: float) -> str:
    return f" {waited:.0f} seconds ago" if waited else ""


def _meanwhile(delivery: Delivery) -> str:
    shown = ", ".join(f"'{one}'" for one in delivery.others[:5])
    return f"; meanwhile other customers' webhooks were sent (for {shown})" if shown else ""


def _number(others: Sequence[str]) -> str:
    return "another invoice" if len(others) == 1 else f"{len(others)} other invoices"
