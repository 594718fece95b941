"""The webhook of one finalized invoice: delivered, acknowledged, processed (checklist 7.4, contract 6.3 to 6.5).

Traps: an endpoint younger than a minute misses events without a trace; the body is built at delivery and may show a later state;
the first delivery may take 15 seconds and more; other invoices' webhooks arrive at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote

import requests

from pytest_flexprice.model.finding import Finding, Kind, not_decided, not_verified
from pytest_flexprice.webhooks.portal import Portal
from pytest_flexprice.webhooks.registration import CACHED, same_url
from pytest_flexprice.webhooks.service import EPOCH, Attempt, Endpoint, Message, State

ITEM = "7.4"
FINALIZED = "invoice.update.finalized"
CLOCK_SKEW = timedelta(seconds=5)
Grade = Literal["delivered", "acknowledged", "processed"]


@dataclass(frozen=True)
class Processed:
    """How often the company processed an invoice's webhook, and by which messages, as far as it tells.

    ``counted``: whether ``times`` is a count, or merely says whether it happened.
    """

    times: int
    message_ids: tuple[str, ...] = ()
    counted: bool = True


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


def processed_findings(
    invoice_id: str, processed: Processed | None, *, item: str = ITEM, how: str = ""
) -> list[Finding]:
    """Whether the company's side processed a webhook exactly once; pure. ``how`` says in which case, for the sentence."""
    if processed is None:
        return [_undecided(item)]
    if processed.times == 0:
        return [
            Finding(
                item,
                f"invoice {invoice_id}",
                f"the webhook of invoice '{invoice_id}' was answered with success and not processed",
                expected="processed once",
                observed="not processed",
                consequence="the company's own books do not know of the invoice",
                remedy="look into what the handler does after it answers: its queue, its errors, the types it handles",
            )
        ]
    return list(_twice(invoice_id, processed, item, how))


def _twice(invoice_id: str, processed: Processed, item: str, how: str) -> Iterator[Finding]:
    if processed.counted and processed.times > 1:
        ids = ", ".join(f"'{one}'" for one in processed.message_ids)
        yield Finding(
            item,
            f"invoice {invoice_id}",
            f"the webhook of invoice '{invoice_id}' was processed {processed.times} times"
            + (f" {how}" if how else "")
            + (f" (messages {ids})" if ids else ""),
            expected="once",
            observed=f"{processed.times} times",
            consequence="retries keep the message id and are part of every day, and each books the invoice again",
            remedy="remember the svix-id of each message that was processed, and the event type with the invoice id, in one step "
            "that only one of two requests can win (a unique key), and skip repeats",
        )


def as_processed(answer: Any) -> Processed:
    """What ``handler_has_processed`` may return: a bool, a count, the message ids, a ``Processed``, or JSON with ``times``
    and ``message_ids``; None means that it was not processed."""
    if isinstance(answer, Processed):
        return answer
    if answer is None or isinstance(answer, bool):
        return Processed(int(bool(answer)), counted=False)
    if isinstance(answer, int):
        return Processed(max(0, answer))
    if isinstance(answer, Mapping):
        return _from_json(answer)
    if isinstance(answer, (list, tuple, set, frozenset)):
        return Processed(len(answer), _ids(answer))
    return Processed(int(bool(answer)), counted=False)


def _from_json(answer: Mapping[str, Any]) -> Processed:
    ids, times, done = _ids(answer.get("message_ids")), answer.get("times"), answer.get("processed")
    if isinstance(times, int) and not isinstance(times, bool):
        return Processed(max(0, times), ids)
    if ids:
        return Processed(len(ids), ids)
    return Processed(int(done) if isinstance(done, bool) else 1, counted=False)


def ask_processed(template: str, invoice_id: str, get: Callable[..., requests.Response] = requests.get) -> Processed:
    """Ask the plan's ``webhooks.processed`` URL about an invoice: 200 means processed, 404 not yet.

    A JSON answer with ``times`` and ``message_ids`` is taken as a count.

    Raises:
        NotDecided: the plan has no such URL, or no ``{invoice_id}`` in it.
        NotVerified: the URL cannot be read.
    """
    if not template:
        raise not_decided(
            ITEM, "golive.toml: webhooks.processed", _undecided(ITEM).problem, remedy=_undecided(ITEM).remedy
        )
    if "{invoice_id}" not in template:
        raise not_decided(ITEM, "golive.toml: webhooks.processed", "webhooks.processed has no '{invoice_id}' in it")
    try:
        reply = get(
            template.replace("{invoice_id}", quote(invoice_id, safe="")),
            timeout=10,
            allow_redirects=False,
        )
    except requests.RequestException as error:
        raise _no_answer(f"no answer came ({type(error).__name__})") from None
    if reply.status_code in (204, 404):
        return Processed(0)
    if reply.status_code != 200:
        raise _no_answer(f"it answered {reply.status_code}")
    try:
        return as_processed(reply.json())
    except ValueError:
        return Processed(1, counted=False)


def processed_reader(template: str, override: Callable[[str], Any] | None = None) -> Callable[[str], Processed] | None:
    """How to ask whether an invoice's webhook was processed: the company's own function, else the plan's URL, else None."""
    if override is not None:
        return lambda invoice_id: as_processed(override(invoice_id))
    return (lambda invoice_id: ask_processed(template, invoice_id)) if template else None


def _no_answer(reason: str) -> Exception:
    return not_verified(
        ITEM,
        "golive.toml: webhooks.processed",
        f"whether the handler processed the webhook could not be asked: {reason}",
        remedy="make webhooks.processed answer 200 for a processed invoice and 404 for another, from here and without a login",
    )


def _undecided(item: str) -> Finding:
    return Finding(
        item,
        "golive.toml: webhooks.processed",
        "the plan does not say how to see that the handler processed a webhook",
        remedy="name a URL in webhooks.processed, override the fixture handler_has_processed, or lower webhooks.grade",
        kind=Kind.NOT_DECIDED,
    )


def _ids(values: Any) -> tuple[str, ...]:
    return tuple(map(str, values)) if isinstance(values, (list, tuple, set, frozenset)) else ()


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
