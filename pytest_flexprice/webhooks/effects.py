"""What the company's side did with probes: the effect behind an answer (checklist 6.2 and 6.4).

Whoever is asked is a witness, and a witness that says yes to everything proves nothing: it is asked first for an invoice that does not
exist (``trusted``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from pytest_flexprice.model.finding import Finding, Kind, NotDecided, NotVerified
from pytest_flexprice.webhooks import bodies
from pytest_flexprice.webhooks.beliefs import UNASKABLE
from pytest_flexprice.webhooks.mint import Expect, Mint, Probe
from pytest_flexprice.webhooks.processed import Processed
from pytest_flexprice.webhooks.repeats import REPEATED
from pytest_flexprice.webhooks.results import ProbeResult

Ask = Callable[[str], Processed]
DEADLINE, SETTLING = 5.0, 0.5
QUEUE = 12.0  # seconds for what is late while other messages have been processed
LATE = 30.0  # and where forged messages are answered with success, which may be verified only when they are worked off
BOOKED_FIRST = ("no signature", "wrong secret", "tampered")
"""Forged messages that are asked about also where they were refused: a handler may have done its work before."""
PATIENCE = 30.0  # seconds for asking about forged messages


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
    """Whether the witness can be asked, and says of an invoice that does not exist that it was processed."""
    invoice_id = bodies.marked_id("inv", mark, "never sent")
    try:
        if ask is None or not ask(invoice_id).times:
            return []
    except (NotVerified, NotDecided) as error:
        return [replace(finding, item=item) for finding in error.findings]
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


def early_findings(invoice_id: str, before: Processed | None, item: str = "7.4") -> list[Finding]:
    """Whether the witness said of the run's own invoice, before it was finalized, that its webhook was processed; pure."""
    if before is None or not before.times:
        return []
    return [
        Finding(
            item,
            "golive.toml: webhooks.processed",
            f"webhooks.processed said that invoice '{invoice_id}' was processed before it was finalized, so what it says proves nothing",
            expected="404, or a count of 0",
            observed="processed",
            consequence="a handler that books nothing would pass",
            remedy="let it tell only of invoices whose invoice.update.finalized was processed",
            kind=Kind.NOT_VERIFIED,
        )
    ]


def effects(results: Sequence[ProbeResult], ask: Ask | None, poll: Poll | None = None) -> dict[str, int]:
    """How often the company processed forged messages that may have been believed and their twins, by invoice id.

    With ``poll``, after one true message is known to be processed, so that queues had their time.
    """
    suspects = [result for result in results if _suspect(result)]
    if ask is None or not suspects:
        return {}
    true = [result.probe for result in results if result.accepted and result.probe.expect is Expect.ACCEPTED]
    asked = [probe for result in suspects for probe in (result.probe, result.probe.twin) if probe is not None]
    wanted = dict.fromkeys(probe.invoice_id for probe in [*true[:1], *asked])
    try:
        forged = any(result.accepted and result.probe.kind != "carried" for result in suspects)
        _let_settle(ask, poll, true, LATE if forged else DEADLINE)
        until = time.monotonic() + PATIENCE
        return {invoice_id: ask(invoice_id).times for invoice_id in wanted if time.monotonic() < until}
    except (NotVerified, NotDecided):
        return {}  # that a forgery was accepted is to be told in any case


def _suspect(result: ProbeResult) -> bool:
    """Whether it matters what was done with a message: forged, about an invoice, and accepted or sent to see only that."""
    expect = result.probe.expect
    if result.probe.name in UNASKABLE:
        return False
    looked_at = result.accepted or result.redirected or result.probe.name in BOOKED_FIRST
    asked = (expect is Expect.REFUSED and looked_at) or expect is Expect.NO_EFFECT
    return asked and result.probe.event_type in bodies.INVOICE_TYPES


def _let_settle(ask: Ask, poll: Poll | None, true: Sequence[Probe], deadline: float = DEADLINE) -> None:
    """Wait until the true message that was sent last is processed."""
    if poll is None or not true:
        return
    invoice_id = true[-1].invoice_id
    poll("a true message is processed", lambda: ask(invoice_id), lambda seen: seen.times > 0, deadline)


def unprocessed(results: Sequence[ProbeResult], ask: Ask | None, poll: Poll) -> list[ProbeResult]:
    """The accepted messages about a finalized invoice that were never processed, while the first of them was."""
    told = [result for result in results if result.accepted and result.probe.expect is Expect.ACCEPTED]
    sent = [result for result in told if result.probe.event_type == bodies.INVOICE_TYPES[0]]
    if ask is None or not sent:
        return []
    witness = ask

    def missing() -> list[ProbeResult]:
        return [result for result in sent if not witness(result.probe.invoice_id).times]

    try:
        if not witness(sent[0].probe.invoice_id).times or not missing():
            return []
        poll(
            "every accepted message is processed",
            lambda: Processed(len(missing())),
            lambda seen: seen.times == 0,
            QUEUE,
        )
        return missing()
    except (NotVerified, NotDecided):
        return []


def settling(ask: Ask | None, poll: Poll) -> Callable[[ProbeResult], object]:
    """Waits for one message to be processed, where somebody can tell."""
    return lambda result: None if ask is None else _let_settle(ask, poll, [result.probe])


def settled(results: Sequence[ProbeResult], ask: Ask | None, poll: Poll) -> dict[str, Processed]:
    """How often each message that was sent again has been processed, by the kind of its probes, once that has happened and settled."""
    if ask is None:
        return {}
    accepted = {result.probe.kind: result.probe.invoice_id for result in results if result.accepted}
    wanted = {kind: accepted[kind] for kind in REPEATED if kind in accepted}
    deadline = DEADLINE
    for invoice_id in wanted.values():
        poll("the repeated message is processed", lambda i=invoice_id: ask(i), lambda seen: seen.times > 0, deadline)  # type: ignore[misc]
        deadline = SETTLING  # the others were sent at the same time, and have had that of the first as well

    def most() -> Processed:
        return max((ask(invoice_id) for invoice_id in wanted.values()), key=lambda seen: seen.times)

    def least() -> Processed:
        return min((ask(invoice_id) for invoice_id in wanted.values()), key=lambda seen: seen.times)

    if wanted and least().times == 0 < most().times:
        poll("the last of the repeated messages is processed", least, lambda seen: seen.times > 0, QUEUE)
    if wanted:
        poll("no repeated message is processed again", most, lambda seen: seen.times > 1, SETTLING)
    return {kind: ask(invoice_id) for kind, invoice_id in wanted.items()}
