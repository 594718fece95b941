"""Reading recent events back (contract 3.7)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from pytest_flexprice.api.client import Flexprice
from pytest_flexprice.api.shapes import rows_of
from pytest_flexprice.model.times import written

_PAGE = 1000
_BACK, _AHEAD = timedelta(days=7), timedelta(days=2)


def recent_events(flexprice: Flexprice, most: int, now: datetime) -> Iterator[dict[str, Any]]:
    """The newest events of the last seven days and the next two, at most ``most``, in the form in which they were sent; 1,000 a request.

    Events of a clock in another time zone lie some hours ahead.
    """
    window = {"start_time": written(now - _BACK), "end_time": written(now + _AHEAD)}
    for offset in range(0, most, _PAGE):
        answer = flexprice.post("/v1/events/query", {**window, "page_size": _PAGE, "offset": offset})
        rows = rows_of(answer, "events", "POST /v1/events/query")
        for row in rows:
            yield {**row, "event_id": row.get("id")}
        if len(rows) < _PAGE:
            return
