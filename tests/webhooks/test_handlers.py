"""Every handler of the table: none that believes a forger passes, no sound one is accused, and the cause is named."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from pytest_flexprice.model.finding import Finding, Kind, NotVerified, RequirementNotMet, Severity
from pytest_flexprice.trial import webhook_probes
from pytest_flexprice.webhooks import effects, probes, sending
from pytest_flexprice.webhooks.mint import Expect

from .builders import SECRET, mint
from .dripping import Dripping
from .handler_table import BELIEVING, FIRST, LOSING, PUBLIC, REFUSING, SOUND, STRANGE, TABLE, UNUSUAL
from .handlers import Handler
from .handlers_losing import RemembersFew

IN_VAIN = (
    "a limit that lets nothing more pass",
    "a queue for small messages",
    "books one invoice",
    "drops a finalization after its payment",
    "its queue loses some",
    "loses letters beyond ASCII",
    "remembers before it works",
    "remembers ids before it verifies",
    "shuts out who sends forged messages with 429",
)
"""What is waited for of these never comes: two seconds tell as much as thirty."""


def found(name: str) -> list[Finding]:
    """What is said of a handler."""
    kind, _, can_be_asked = TABLE[name]
    with pytest.MonkeyPatch.context() as changed, kind() as company:
        if name in IN_VAIN:
            changed.setattr(effects, "DEADLINE", 2.0)
            changed.setattr(effects, "QUEUE", 2.0)
            changed.setattr(effects, "LATE", 2.0)
            changed.setattr(sending, "PAUSES", (0.01,) * len(sending.PAUSES))
        try:
            return webhook_probes(company.url, SECRET, processed=company.processed if can_be_asked else None)
        except (RequirementNotMet, NotVerified) as error:
            return list(error.findings)


def told(name: str, *severities: Severity) -> list[str]:
    """The sentences of errors, or of what else is wanted."""
    wanted = severities or (Severity.ERROR,)
    return [finding.sentence for finding in found(name) if finding.severity in wanted]


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if not row[1]])
def test_no_sound_handler_is_accused(name: str) -> None:
    assert told(name) == []


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row[1]])
def test_every_mistake_is_named(name: str) -> None:
    sentences = told(name)
    assert any(TABLE[name][1] in sentence for sentence in sentences), sentences


def test_the_table_holds_enough() -> None:
    assert len(TABLE) == sum(map(len, (FIRST, BELIEVING, LOSING, REFUSING, PUBLIC, SOUND, UNUSUAL, STRANGE))) >= 220
    assert sum(not row[1] for row in TABLE.values()) >= 45


@pytest.mark.parametrize(
    "name",
    ["URL-safe signatures", "verifies finalized only", "a clock an hour behind", "decodes in pieces"],
)
def test_the_same_handler_gets_the_same_words_in_every_run(name: str) -> None:
    first, second = ([re.sub(r"trial-[0-9a-f]{8}", "trial", sentence) for sentence in told(name)] for _ in range(2))
    assert first == second != []


WARNED = {
    "redirects forgeries": "forged messages by a redirect (expected '4xx', found '302 to /login')",
    "recognises repeats by their bytes": "a repeat is recognised by its bytes",
    "breaks on bytes beyond ASCII": "fails on a message whose signature is beyond ASCII",
    "refuses in words": "a body that says 'error', while the delivery service looks at the status only",
    "refuses in words, cannot be asked": "a body that says 'error'",
}


@pytest.mark.parametrize("name", WARNED)
def test_what_is_sound_and_odd_is_told_once(name: str) -> None:
    (sentence,) = told(name, Severity.WARNING)
    assert WARNED[name] in sentence


def test_one_answer_that_says_nothing_is_told_once() -> None:
    sentences = told("a limit that lets nothing more pass")
    assert len(sentences) == len({sentence[:60] for sentence in sentences}) == 2
    assert all("429" in sentence for sentence in sentences)


@pytest.mark.parametrize(
    "name", ["a limit that lets nothing more pass", *(name for name in TABLE if name.startswith("shuts out"))]
)
def test_what_a_limit_hides_is_not_verified_rather_than_wrong(name: str) -> None:
    assert {finding.kind for finding in found(name) if finding.severity is Severity.ERROR} == {Kind.NOT_VERIFIED}


def test_what_is_sent_late_is_signed_anew() -> None:
    """A handler may take what is a minute old and no more, and a slow one gets its last message after that."""
    early = mint().renewed(datetime.now(UTC) - timedelta(minutes=1))
    renew = sending.Renewal(lambda now: probes.signature_probes(early.renewed(now)), early.now)
    for probe in probes.signature_probes(early):
        sent = renew(probe)
        assert (sent.name, sent.invoice_id, sent.expect) == (probe.name, probe.invoice_id, probe.expect)
        if probe.expect is Expect.ACCEPTED:
            assert int(sent.headers["svix-timestamp"]) > early.now.timestamp() + 20
            assert sent.headers["svix-id"] == probe.headers["svix-id"] or probe.name == "control"
        if probe.expect is Expect.NO_EFFECT:
            assert sent is probe  # under the very headers that were accepted


def test_what_is_sent_at_once_stays_as_it_is() -> None:
    new = mint()
    renew = sending.Renewal(lambda now: probes.signature_probes(new.renewed(now)), new.now)
    probe = probes.signature_probes(new)[1]
    assert renew(probe) is probe


def test_a_handler_that_drips_its_answer_is_given_up_in_time() -> None:
    with Dripping() as server:
        result = sending.HandlerLine(server.url, time_limit=0.5).send(probes.control(mint()))
    assert (result.status, result.timed_out) == (0, True)
    assert result.elapsed < 10


class Forgetful(Handler):
    """Remembers what it processed in its memory only; its books are kept."""

    def restart(self) -> None:
        with self.lock:
            self.seen.clear()


def test_what_is_forgotten_in_a_restart_is_told() -> None:
    with (
        Forgetful() as company,
        pytest.raises(RequirementNotMet, match="2 times where it arrives again after a restart"),
    ):
        webhook_probes(company.url, SECRET, processed=company.processed, restart=company.restart)


def test_a_restart_that_nothing_is_forgotten_in_is_no_mistake() -> None:
    restarts: list[int] = []
    with Handler() as company:
        assert (
            webhook_probes(company.url, SECRET, processed=company.processed, restart=lambda: restarts.append(1)) == []
        )
    assert restarts == [1]


def test_a_memory_of_sixty_messages_is_found_by_a_crowd() -> None:
    class Remembers60(RemembersFew):
        most = 60

    with Remembers60() as company, pytest.raises(RequirementNotMet, match="2 times where it arrives again after many"):
        webhook_probes(company.url, SECRET, processed=company.processed, remembers=80)
    with Handler() as company:
        assert webhook_probes(company.url, SECRET, processed=company.processed, remembers=80) == []
