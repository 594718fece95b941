"""What the newest real deliveries to an endpoint say (checklist 6.4, delivery service: attempts); pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pytest_flexprice.evidence.finding import Finding, Severity
from pytest_flexprice.plan import Webhooks
from pytest_flexprice.webhooks.registration import place
from pytest_flexprice.webhooks.service import Attempt, Endpoint, State

ITEM = "6.4"


def failure_ratio(attempts: Sequence[Attempt]) -> tuple[int, int]:
    """How many finished attempts failed, and how many there are."""
    finished = [attempt for attempt in attempts if attempt.state in (State.SUCCESS, State.FAIL)]
    return sum(not attempt.acknowledged for attempt in finished), len(finished)


def recent_findings(endpoint: Endpoint, attempts: Sequence[Attempt]) -> list[Finding]:
    """Whether recent deliveries succeed: an error where the newest one failed, a warning where older ones did.

    A message counts by the newest of its attempts, so that one that failed and then came through is no error.
    """
    finished = [attempt for attempt in attempts if attempt.state in (State.SUCCESS, State.FAIL)]
    if not finished:
        return [_none_yet(endpoint)]
    failed, total = failure_ratio(attempts)
    if not failed:
        return []
    newest = max(finished, key=lambda attempt: attempt.at)
    failing = not newest.acknowledged
    answers = Counter(
        str(attempt.response_status or "no answer") for attempt in finished if not attempt.acknowledged
    ).most_common(3)
    said = ", ".join(f"{status} ({count} times)" for status, count in answers)
    return [
        Finding(
            ITEM,
            place(endpoint),
            f"{failed} of the {total} newest deliveries to the webhook endpoint failed"
            + (
                f", the newest at {newest.at:%Y-%m-%d %H:%M:%S} UTC among them"
                if failing
                else ", the newest one succeeded"
            ),
            expected="2xx",
            observed=said,
            consequence="each is tried eight times over about 28 hours and then given up" if failing else "",
            remedy="mend what the handler answers with, then recover the failed messages in the webhook portal"
            if failing
            else "make sure that the failed messages came through later, or recover them in the webhook portal",
            severity=Severity.ERROR if failing else Severity.WARNING,
        )
    ]


def unregistered(webhooks: Webhooks) -> Finding:
    """What to say where the plan's endpoint is not registered: that fails item 6.1, and leaves nothing to look at here."""
    return Finding(
        ITEM,
        "webhook endpoints",
        "the plan's webhook endpoint is not registered, so there are no real deliveries to look at",
        expected=webhooks.endpoint,
        remedy="see item 6.1",
        severity=Severity.INFO,
    )


def _none_yet(endpoint: Endpoint) -> Finding:
    return Finding(
        ITEM,
        place(endpoint),
        "no real delivery to the webhook endpoint has been finished in the time that the delivery service remembers, so only the "
        "probes speak for it",
        severity=Severity.INFO,
    )
