"""What the newest real deliveries to an endpoint say (checklist 6.4, delivery service: attempts); pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pytest_flexprice.model.finding import Finding, Severity
from pytest_flexprice.webhooks.registration import place
from pytest_flexprice.webhooks.service import Attempt, Endpoint, State

ITEM = "6.4"


def failure_ratio(attempts: Sequence[Attempt]) -> tuple[int, int]:
    """How many finished attempts failed, and how many there are."""
    finished = [attempt for attempt in attempts if attempt.state in (State.SUCCESS, State.FAIL)]
    return sum(not attempt.acknowledged for attempt in finished), len(finished)


def recent_findings(endpoint: Endpoint, attempts: Sequence[Attempt]) -> list[Finding]:
    """Whether recent messages arrived: an error where the newest one or most of them did not, a warning where some did not.

    A message counts by the newest of its attempts: one that failed and then came through has arrived.
    """
    finished = [attempt for attempt in attempts if attempt.state in (State.SUCCESS, State.FAIL)]
    if not finished:
        return [_none_yet(endpoint)]
    messages = _by_message(finished)
    lost = [tried for tried in messages if not tried[-1].acknowledged]
    if not lost:
        failed, total = failure_ratio(finished)
        return [_came_through(endpoint, failed, total)] if failed else []
    newest = max(messages, key=lambda tried: tried[0].at)
    wrong = newest in lost or 2 * len(lost) > len(messages)
    return [_lost(endpoint, lost, len(messages), newest[-1] if newest in lost else None, wrong)]


def _by_message(finished: Sequence[Attempt]) -> list[list[Attempt]]:
    """The attempts of each message, oldest first."""
    messages: dict[str, list[Attempt]] = {}
    for attempt in sorted(finished, key=lambda one: one.at):
        messages.setdefault(attempt.message_id, []).append(attempt)
    return list(messages.values())


def _lost(endpoint: Endpoint, lost: list[list[Attempt]], total: int, newest: Attempt | None, wrong: bool) -> Finding:
    answers = Counter(str(tried[-1].response_status or "no answer") for tried in lost).most_common(3)
    last = f", the newest at {newest.at:%Y-%m-%d %H:%M:%S} UTC among them" if newest else ", though the newest one has"
    return Finding(
        ITEM,
        place(endpoint),
        f"{len(lost)} of the {total} newest messages to the webhook endpoint have not arrived{last}",
        expected="2xx",
        observed=", ".join(f"{status} ({count} times)" for status, count in answers),
        consequence="each is tried eight times over about 28 hours and then given up",
        remedy="mend what the handler answers with, then recover the failed messages in the webhook portal",
        severity=Severity.ERROR if wrong else Severity.WARNING,
    )


def _came_through(endpoint: Endpoint, failed: int, total: int) -> Finding:
    return Finding(
        ITEM,
        place(endpoint),
        f"{failed} of the {total} newest deliveries to the webhook endpoint failed, and each of these messages came through later",
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
