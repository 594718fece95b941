"""What the company's side did with probes: the effect behind an answer (checklist 6.2 and 6.4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from pytest_flexprice.model.finding import Finding, NotDecided, NotVerified, Severity
from pytest_flexprice.webhooks import bodies
from pytest_flexprice.webhooks.mint import Expect
from pytest_flexprice.webhooks.processed import Processed, processed_findings
from pytest_flexprice.webhooks.sending import Result

Ask = Callable[[str], Processed]
ASKED_AT_MOST = 5
DEADLINE, SETTLING = 5.0, 0.5


class Poll(Protocol):
    """``Eventually.poll``: reads until a condition holds or a deadline has passed."""

    def __call__(
        self, what: str, read: Callable[[], Processed], until: Callable[[Processed], bool], deadline: float
    ) -> tuple[bool, object]:
        """Whether the condition held, and what was seen."""


def effects(results: Sequence[Result], ask: Ask | None) -> dict[str, int]:
    """How often forged messages that were accepted have been processed, by their invoice id; asked for a few of them, once."""
    if ask is None:
        return {}
    accepted = [one for one in results if one.probe.expect is Expect.REFUSED and one.accepted]
    asked = [one.probe.invoice_id for one in accepted if one.probe.event_type == bodies.INVOICE_TYPES[0]]
    try:
        return {invoice_id: ask(invoice_id).times for invoice_id in asked[:ASKED_AT_MOST]}
    except (NotVerified, NotDecided):
        return {}  # that a forgery was accepted is to be told in any case


def settled(results: Sequence[Result], ask: Ask | None, poll: Poll) -> Processed | None:
    """How often the message that was sent twice has been processed, once that has happened and settled; None where nobody can tell."""
    if ask is None or not any(result.accepted for result in results):
        return None
    reader, invoice_id = ask, results[0].probe.invoice_id

    def read() -> Processed:
        return reader(invoice_id)

    met, _ = poll("the repeated message is processed", read, lambda seen: seen.times > 0, DEADLINE)
    if met:
        poll("the repeated message is not processed again", read, lambda seen: seen.times > 1, SETTLING)
    return read()


def repeat_findings(results: Sequence[Result], processed: Processed | None) -> list[Finding]:
    """Whether a message that came twice was processed twice; pure."""
    if processed is not None and processed.times > 1:
        return processed_findings(results[0].probe.invoice_id, processed, item="6.4")
    if processed is None:
        reason = "nobody can tell (the plan names no webhooks.processed, or the handler took neither)"
    elif processed.times == 0:
        reason = "the handler does nothing for an invoice that does not exist"
    elif not processed.counted:
        reason = 'webhooks.processed says that it was processed and not how often (let it answer {"times": 1})'
    else:
        return []
    return [
        Finding(
            "6.4",
            "webhook handler: second",
            f"whether the handler processes a repeated message once could not be seen: {reason}",
            severity=Severity.INFO,
        )
    ]
