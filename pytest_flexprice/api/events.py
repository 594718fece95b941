"""Reading recent events back (contract 3.7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_flexprice.api.client import Flexprice
from pytest_flexprice.api.shapes import rows_of

_PAGE = 1000


def recent_events(flexprice: Flexprice, most: int) -> Iterator[dict[str, Any]]:
    """The newest events of the last seven days, at most ``most``, in the form in which they were sent; 1,000 a request."""
    for offset in range(0, most, _PAGE):
        answer = flexprice.post("/v1/events/query", {"page_size": _PAGE, "offset": offset})
        rows = rows_of(answer, "events", "POST /v1/events/query")
        for row in rows:
            yield {**row, "event_id": row.get("id")}
        if len(rows) < _PAGE:
            return
