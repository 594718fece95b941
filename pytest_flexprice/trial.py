"""Trying a webhook handler from a company's own tests and CI, in one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pytest_flexprice.model.finding import Finding, require_none
from pytest_flexprice.testbed.waiting import Eventually
from pytest_flexprice.webhooks import answers, effects, handler, repeats, sending
from pytest_flexprice.webhooks.mint import Mint
from pytest_flexprice.webhooks.processed_url import processed_reader

_NO_SECRETS: Mapping[str, str] = {}


def webhook_probes(
    url: str,
    secret: str,
    *,
    other_secrets: Mapping[str, str] = _NO_SECRETS,
    processed: Callable[[str], Any] | str | None = None,
    run_id: str = "trial",
    restart: Callable[[], object] | None = None,
    remembers: int = 0,
) -> list[Finding]:
    """Send a handler everything that the checklist's section 6 sends it, and return what is worth knowing beside.

    Fewer than 120 requests, several at a time; about a second where the handler answers at once. Also a fixture of the same name.

    Args:
        url: where the handler listens, such as on a port of this machine.
        secret: the signing secret that it verifies with, ``whsec_`` and base64.
        other_secrets: secrets that it must refuse, by a name to show.
        processed: tells how often it processed an invoice (a bool, a count or message ids), or a URL with ``{invoice_id}`` that
            does; without it only the handler's answers are judged.
        run_id: marks the invoices in the messages (``inv_golive_<run id>_…``).
        restart: restarts the handler and returns once it answers again; then what it processed before is sent once more.
        remembers: so many messages are sent between one and its repeat, beside all others.

    Raises:
        RequirementNotMet: the handler does something wrong; each finding is one sentence.
        NotVerified: the handler cannot be reached.
        SecretError: the secret is none.
    """
    __tracebackhide__ = True  # the sentences say what is wrong, and not where in here they were made
    override, template = (None, processed) if isinstance(processed, str) else (processed, "")
    ask = processed_reader(template, override)

    def mint() -> Mint:
        return Mint(secret, run_id, datetime.now(UTC))

    poll = Eventually().poll
    witness = effects.trusted(ask, mint())
    # Forgeries come last: a handler may shut out whoever sends them.
    answered = sending.try_answers(url, mint())
    twice = sending.try_twice(url, mint())
    signed = sending.try_signatures(url, mint(), other_secrets)
    findings = handler.signature_findings(signed, effects.effects(signed, witness, poll))
    findings += answers.answer_findings(answered)
    findings += repeats.unprocessed_findings(effects.unprocessed([*answered, *signed], witness, poll))
    restarted = sending.try_restart(url, mint(), restart, effects.settling(witness, poll)) if restart else []
    remembered = sending.try_memory(url, mint(), remembers) if remembers else []
    findings += answers.repeated_findings([*twice, *restarted, *remembered])
    again = [*twice, *answered, *restarted, *remembered]
    findings += repeats.repeat_findings(again, effects.settled(again, witness, poll))
    findings += effects.witness_findings(ask, mint().mark)
    told = list({finding.sentence: finding for finding in findings}.values())
    require_none(told)
    return told
