"""What time it is for the server."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from pytest_flexprice.api.client import Flexprice


def read_server_time(flexprice: Flexprice) -> datetime | None:
    """The server's clock, to the second, as one answer's head shows it; None where it shows none."""
    try:
        return parsedate_to_datetime(flexprice.request("GET", "/health").headers.get("date", "")).astimezone(UTC)
    except ValueError:
        return None
