"""How a run names what it makes: from the run id, never from Faker (whose fixture repeats itself per test)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

PREFIX = "golive-"
_RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}\b")
_NAMED = re.compile(rf"{PREFIX}(?P<run>(?P<began>\d{{8}}t\d{{6}}z)-[0-9a-f]{{8}})-", re.IGNORECASE)
MARK = "pytest-flexprice"


def new_run_id(now: datetime) -> str:
    """A run id that sorts by time and never repeats."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def external_id(run_id: str, role: str, worker: str = "main") -> str:
    """The external id of one test customer: unique, never used before (reuse would inherit usage; contract 4.1)."""
    return f"{PREFIX}{run_id.lower()}-{role}-{worker}"


def run_of(name: str) -> tuple[str, datetime] | None:
    """The run that an external id names, in lower case, and when it began; None where it names none."""
    match = _NAMED.match(name)
    if match is None:
        return None
    try:
        began = datetime.strptime(f"{match['began'].upper()}+0000", "%Y%m%dT%H%M%SZ%z")
    except ValueError:
        return None
    return match["run"].lower(), began


def is_marked(customer: Mapping[str, Any]) -> bool:
    """Whether a customer carries the mark of runs like this one, in its name and in its metadata."""
    metadata = customer.get("metadata")
    return (
        str(customer.get("external_id", "")).startswith(PREFIX)
        and isinstance(metadata, Mapping)
        and metadata.get("managed_by") == MARK
    )


def is_test_event(event: Mapping[str, Any]) -> bool:
    """Whether a run like this one sent an event: by its customer, or by its id where a pipeline changed the customer."""
    identifier = str(event.get("event_id") or event.get("id") or "")
    return str(event.get("external_customer_id", "")).startswith(PREFIX) or _RUN_ID.match(identifier) is not None
