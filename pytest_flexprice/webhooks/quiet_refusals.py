"""Forged messages that are refused, and not by the status that the delivery service would see (checklist 6.2); pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pytest_flexprice.model.finding import Finding, Severity
from pytest_flexprice.webhooks.beliefs import Belief, refusing_words
from pytest_flexprice.webhooks.mint import Expect
from pytest_flexprice.webhooks.results import ProbeResult

ITEM = "6.2"
PATH = "webhook handler"


def quiet_refusals(forged: Sequence[ProbeResult], became: Mapping[str, Belief]) -> list[Finding]:
    """One finding for each such way: after the answer, in the answer's body, by a redirect."""
    return [*_without_effect(forged, became), *_in_words(forged, became), *_redirected(forged)]


def _without_effect(forged: Sequence[ProbeResult], became: Mapping[str, Belief]) -> Iterable[Finding]:
    found = [result for result in forged if became[result.probe.name] is Belief.WITHOUT_EFFECT]
    if found:
        others = any(
            became[result.probe.name] is not Belief.WITHOUT_EFFECT
            for result in forged
            if result.probe.expect is Expect.REFUSED
        )
        more = f" and {len(found) - 1} more" if found[1:] else ""
        yield _warning(
            found[0],
            f"the webhook handler answers success to the forged message '{found[0].probe.name}'{more}, and processed none that it was "
            f"asked about: {'what is forged so leaves it before it is verified' if others else 'it verifies after it answers'}",
            consequence="its answers say nothing of whether a webhook was taken, so the delivery service cannot send it again",
            remedy="verify before answering: it takes microseconds",
        )


def _in_words(forged: Sequence[ProbeResult], became: Mapping[str, Belief]) -> Iterable[Finding]:
    found = [result for result in forged if became[result.probe.name] is Belief.IN_WORDS]
    if found:
        yield _warning(
            found[0],
            f"the webhook handler refuses {len(found)} forged messages by {found[0].said} and a body that says "
            f"'{refusing_words(found[0])}', while the delivery service looks at the status only",
            expected="4xx",
            consequence="a true message that cannot be verified, as after a rotation of the secret, counts as delivered and is lost",
            remedy="answer 401 to what does not verify, and 5xx to what could not be processed",
        )


def _redirected(forged: Sequence[ProbeResult]) -> Iterable[Finding]:
    """True messages are answered with success, so a redirect is a refusal, in the manner of a website."""
    found = [result for result in forged if result.redirected and result.probe.kind != "carried"]
    if found:
        yield _warning(
            found[0],
            f"the webhook handler refuses {len(found)} forged messages by a redirect",
            expected="4xx",
            consequence="whoever follows it sees a page and not that it was refused",
            remedy="answer 401 to what does not verify",
        )


def _warning(
    first: ProbeResult, problem: str, *, consequence: str, remedy: str, expected: str | None = None
) -> Finding:
    return Finding(
        ITEM,
        f"{PATH}: {first.probe.name}",
        problem,
        expected=expected,
        observed=first.said,
        consequence=consequence,
        remedy=remedy,
        severity=Severity.WARNING,
    )
