"""What became of messages that came more than once, or in another order (checklist 6.4, contract 6.3, 6.5); pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from pytest_flexprice.model.finding import Finding, Severity
from pytest_flexprice.webhooks.probes import REFUSED_BEFORE
from pytest_flexprice.webhooks.processed import Processed, processed_findings
from pytest_flexprice.webhooks.results import ProbeResult

ITEM = "6.4"
PATH = "webhook handler"
_AFTER_FAILURE = "arrives again after a failure answer"
_OUT_OF_ORDER = "out of order"
REPEATED: Mapping[str, str] = {
    "repeated": "arrives again",
    "simultaneous": "arrives several times at the same moment",
    _OUT_OF_ORDER: "arrives again with a later state",
    "received": "arrives again after others",
    "after failure": _AFTER_FAILURE,
    "restart": "arrives again after a restart",
    "memory": "arrives again after many others",
}
"""The kinds of probes that carry one message more than once: in which case."""
_TOGETHER = "remember a message's id only together with the work that it asks for, in one transaction"
_NAMED = 2
_IMPLIED = ("received", "restart", "memory")
"""What is processed twice, too, where any repeat is."""
_TOLD_UNSEEN = ("repeated", "simultaneous")


def repeat_findings(results: Sequence[ProbeResult], processed: Mapping[str, Processed]) -> list[Finding]:
    """Whether a message that came more than once was processed twice, or not at all.

    Args:
        results: those of the probes that repeat.
        processed: how often the company's side processed each, by the kind of its probes.
    """
    books = any(seen.times for seen in processed.values())
    found: list[Finding] = []
    twice = processed.get("repeated")
    for kind in REPEATED:
        if kind in _IMPLIED and twice is not None and twice.times > 1:
            continue
        sent = [result for result in results if result.probe.kind == kind]
        if sent:
            found += _of_kind(kind, sent, processed.get(kind), books)
    return found


def _of_kind(kind: str, sent: Sequence[ProbeResult], processed: Processed | None, books: bool) -> Iterator[Finding]:
    words = _AFTER_FAILURE if kind == "repeated" and sent[0].failed else REPEATED[kind]
    if kind == _OUT_OF_ORDER and processed is not None and processed.times > 1:
        yield from _other_state(sent, processed)
        return
    if processed is not None and processed.times > 1:
        yield from processed_findings(sent[0].probe.invoice_id, processed, item=ITEM, how=f"where it {words}")
        return
    if processed is not None and processed.times == 0 and books:
        yield from _lost(kind, words, sent)
        return
    reason = _unseen(processed)
    if reason and kind in _TOLD_UNSEEN:
        yield Finding(
            ITEM,
            f"{PATH}: {sent[-1].probe.name}",
            f"whether the handler processes a message once that {words} could not be seen: {reason}",
            severity=Severity.INFO,
        )


def _other_state(sent: Sequence[ProbeResult], processed: Processed) -> Iterator[Finding]:
    """An invoice with a payment and a finalization, and that again in a later state: two messages, and the bytes of three."""
    each_once = len(set(processed.message_ids)) == processed.times
    if each_once or not processed.counted:
        return
    yield Finding(
        ITEM,
        f"{PATH}: {sent[-1].probe.name}",
        "the invoice whose payment arrived first, and whose finalization arrived again with a later state, was processed "
        f"{processed.times} times: either its payment is counted as well, or a repeat is recognised by its bytes",
        expected="once",
        observed=f"{processed.times} times",
        consequence="an event that Flexprice sends anew, with what the invoice has become, is booked again",
        remedy="recognise a repeat by the event type with the invoice id, or let webhooks.processed name message_ids",
        severity=Severity.WARNING,
    )


def unprocessed_findings(unprocessed: Sequence[ProbeResult], item: str = ITEM) -> list[Finding]:
    """What is said of messages that were answered with success and never processed, while others were; see ``effects.unprocessed``."""
    if not unprocessed:
        return []
    if all(result.probe.kind == REFUSED_BEFORE for result in unprocessed):
        problem = "a message is never processed whose id came before with a wrong signature, though it is answered with success"
        return [replace(_never(unprocessed[0], problem, f"verify before remembering an id; {_TOGETHER}"), item=item)]
    titles = list(dict.fromkeys(result.probe.title for result in unprocessed))
    if len(titles) > _NAMED:
        titles = [*titles[:_NAMED], f"{len(titles) - _NAMED} other messages"]
    return [
        replace(
            _never(
                unprocessed[0],
                f"the webhook handler answers {' and '.join(titles)} with success and never processes it, though it processes others",
                "look into what the handler does after it answers: its queue, its limits and its errors",
            ),
            item=item,
        )
    ]


def _lost(kind: str, words: str, sent: Sequence[ProbeResult]) -> Iterator[Finding]:
    """A message that never had an effect, though others have, and that the delivery service thinks to be taken."""
    if not sent[-1].accepted:
        return
    if kind == "out of order" and all(result.accepted for result in sent):
        yield _never(
            sent[1],
            "an invoice whose payment arrives before its finalization is never processed, though both were answered with success",
            "take each message for itself, whatever came before: the order of webhooks is not guaranteed",
        )
    elif words == _AFTER_FAILURE:
        yield _never(
            sent[-1],
            f"a message that {words} is answered with success and never processed",
            _TOGETHER,
        )
    else:
        yield _never(sent[-1], f"a message that {words} is answered with success and never processed", _TOGETHER)


def _never(result: ProbeResult, problem: str, remedy: str) -> Finding:
    return Finding(
        ITEM,
        f"{PATH}: {result.probe.name}",
        problem,
        expected="processed once",
        observed="not processed",
        consequence="the delivery service does not send it again, and the company's books do not know of the invoice",
        remedy=remedy,
    )


def _unseen(processed: Processed | None) -> str:
    if processed is None:
        return "nobody can tell (the plan names no webhooks.processed, it says yes to everything, or the handler took neither)"
    if processed.times == 0:
        return (
            f"webhooks.processed {processed.doubt}: its URL may be wrong"
            if processed.doubt
            else "the handler does nothing for an invoice that does not exist"
        )
    return (
        ""
        if processed.counted
        else 'webhooks.processed says that it was processed and not how often (let it answer {"times": 1})'
    )
