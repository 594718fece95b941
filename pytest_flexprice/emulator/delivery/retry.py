"""When a failed attempt is made again (recordings 07_retries, 07b_timeout_retries, 09_default_schedule_and_restart)."""

from __future__ import annotations

import random

from .settings import DeliverySettings
from .transport import Outcome

_RESPECTS_RETRY_AFTER = (429, 503)


def wait_before_next(
    settings: DeliverySettings, failures: int, outcome: Outcome, chance: random.Random
) -> float | None:
    """Seconds until the next attempt after ``failures`` failed ones, or ``None`` when none follows.

    Every failure is alike, whether 3xx, 4xx, 5xx or no answer. ``Retry-After`` of a 429 or 503 counts between once and
    twice the scheduled time, and a timeout waits its own minimum.
    """
    if failures > len(settings.retry_schedule):
        return None
    step = settings.retry_schedule[failures - 1]
    wait = step
    if outcome.timed_out:
        wait = max(step, settings.timeout_wait_seconds)
    elif outcome.status in _RESPECTS_RETRY_AFTER and outcome.retry_after is not None:
        wait = min(max(step, outcome.retry_after), 2 * step)
    return wait * settings.retry_scale * (1 + chance.uniform(-settings.retry_jitter, settings.retry_jitter))
