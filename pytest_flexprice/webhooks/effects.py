"""What the company's side did with probes: the effect behind an answer (checklist 6.2 and 6.4).

Whoever is asked is a witness, and a witness that says yes to everything proves nothing: it is asked first for an invoice that does not
exist (``trusted``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from pytest_flexprice.model.finding import Finding, Kind, NotDecided, NotVerified, Severity
from pytest_flexprice.webhooks import bodies
from pytest_flexprice.webhooks.mint import Expect, Mint, Probe
from pytest_flexprice.webhooks.processed import Processed, processed_findings
from pytest_flexprice.webhooks.sending import Result

Ask = Callable[[str], Processed]
ASKED_AT_MOST = 12
DEADLINE, SETTLING = 5.0, 0.5
_REPEATED = {"repeated": "arrives again", "simultaneous": "arrives twice at the same moment"}


class Poll(Protocol):
    """``Eventually.poll``: reads until a condition holds or a deadline has passed."""

    def __call__(
        self, what: str, read: Callable[[], Processed], until: Callable[[Processed], bool], deadline: float
    ) -> tuple[bool, object]:
        """Whether the condition held, and what was seen."""


def trusted(ask: Ask | None, mint: Mint) -> Ask | None:
    """The witness, or None where there is none, it cannot be asked, or it calls an invoice processed that nobody ever sent."""
    if ask is None:
        return None
    try:
        return None if ask(bodies.marked_id("inv", mint.mark, "never sent")).times else ask
    except (NotVerified, NotDecided):
        return None


def witness_findings(ask: Ask | None, mark: str, item: str = "7.4") -> list[Finding]:
    """Whether the witness says of an invoice that does not exist that it was processed."""
    invoice_id = bodies.marked_id("inv", mark, "never sent")
    if ask is None or not ask(invoice_id).times:
        return []
    return [
        Finding(
            item,
            "golive.toml: webhooks.processed",
            f"webhooks.processed says that invoice '{invoice_id}' was processed, which does not exist, so what it says proves nothing",
            expected="404, or a count of 0",
            observed="processed",
            consequence="a handler that books nothing would pass",
            remedy="let it look up what the handler booked for that very invoice, and answer 404 where there is nothing",
            kind=Kind.NOT_VERIFIED,
        )
    ]


def effects(results: Sequence[Result], ask: Ask | None, poll: Poll | None = None) -> dict[str, int]:
    """How often the company processed forged messages that may have been believed and their twins, by invoice id.

    Asked for a few of them; with ``poll``, after one true message is known to be processed, so that queues had their time.
    """
    suspects = [result for result in results if _suspect(result)][:ASKED_AT_MOST]
    if ask is None or not suspects:
        return {}
    wanted = dict.fromkeys(
        probe.invoice_id for result in suspects for probe in (result.probe, result.probe.twin) if probe is not None
    )
    control = next(
        (result.probe for result in results if result.accepted and result.probe.expect is Expect.ACCEPTED), None
    )
    try:
        _let_settle(ask, poll, control)
        return {invoice_id: ask(invoice_id).times for invoice_id in wanted}
    except (NotVerified, NotDecided):
        return {}  # that a forgery was accepted is to be told in any case


def _suspect(result: Result) -> bool:
    """Whether it matters what was done with a message: forged, about an invoice, and accepted or sent to see only that."""
    expect = result.probe.expect
    asked = (expect is Expect.REFUSED and result.accepted) or expect is Expect.NO_EFFECT
    return asked and result.probe.event_type in bodies.INVOICE_TYPES


def _let_settle(ask: Ask, poll: Poll | None, control: Probe | None) -> None:
    if poll is None or control is None:
        return
    invoice_id = control.invoice_id
    poll("a true message is processed", lambda: ask(invoice_id), lambda seen: seen.times > 0, DEADLINE)


def settled(results: Sequence[Result], ask: Ask | None, poll: Poll) -> dict[str, Processed]:
    """How often each message that was sent twice has been processed, by the kind of its probes, once that has happened and settled."""
    if ask is None:
        return {}
    kinds = dict.fromkeys(result.probe.kind for result in results if result.accepted)
    return {kind: _settled([one for one in results if one.probe.kind == kind], ask, poll) for kind in kinds}


def _settled(results: Sequence[Result], ask: Ask, poll: Poll) -> Processed:
    invoice_id = results[0].probe.invoice_id

    def read() -> Processed:
        return ask(invoice_id)

    met, _ = poll("the repeated message is processed", read, lambda seen: seen.times > 0, DEADLINE)
    if met:
        poll("the repeated message is not processed again", read, lambda seen: seen.times > 1, SETTLING)
    return read()


def repeat_findings(results: Sequence[Result], processed: Mapping[str, Processed]) -> list[Finding]:
    """Whether a message that came twice, or twice at once, was processed twice; pure."""
    found: list[Finding] = []
    for kind, words in _REPEATED.items():
        sent = [result for result in results if result.probe.kind == kind]
        if sent:
            found += _of_kind(sent, words, processed.get(kind))
    return found


def _of_kind(sent: Sequence[Result], words: str, processed: Processed | None) -> list[Finding]:
    if processed is not None and processed.times > 1:
        return processed_findings(sent[0].probe.invoice_id, processed, item="6.4", how=f"where it {words}")
    reason = _unseen(processed)
    if not reason:
        return []
    return [
        Finding(
            "6.4",
            f"webhook handler: {sent[-1].probe.name}",
            f"whether the handler processes a message once that {words} could not be seen: {reason}",
            severity=Severity.INFO,
        )
    ]


def _unseen(processed: Processed | None) -> str:
    if processed is None:
        return "nobody can tell (the plan names no webhooks.processed, it says yes to everything, or the handler took neither)"
    if processed.times == 0:
        return "the handler does nothing for an invoice that does not exist"
    return (
        ""
        if processed.counted
        else 'webhooks.processed says that it was processed and not how often (let it answer {"times": 1})'
    )
