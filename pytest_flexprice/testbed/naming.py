"""How a run names what it makes: from the run id, never from Faker (whose fixture repeats itself per test)."""

from __future__ import annotations

import secrets
from datetime import datetime, timezone

PREFIX = "golive-"
MARK = "pytest-flexprice"


def new_run_id(now: datetime) -> str:
    """A run id that sorts by time and never repeats."""
    return f"{now.astimezone(timezone.utc):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def external_id(run_id: str, role: str, worker: str = "main") -> str:
    """The external id of one test customer: unique, never used before (reuse would inherit usage; contract 4.1)."""
    return f"{PREFIX}{run_id}-{role}-{worker}".lower()
