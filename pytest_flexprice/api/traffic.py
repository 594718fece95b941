"""What Flexprice holds and counted of a stretch of time, in as few requests as its readers allow (contract 3.7, 3.9, 11.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from pytest_flexprice.api.client import Flexprice
from pytest_flexprice.model.decimals import ZERO, decimal
from pytest_flexprice.model.finding import not_verified
from pytest_flexprice.model.times import Window, instant

PAGE = 1000
_MILLISECOND = timedelta(milliseconds=1)


class Point(NamedTuple):
    """What a meter counted in one stretch, over all customers."""

    usage: Decimal
    event_count: int


def read_ids_by_name(flexprice: Flexprice, name: str, window: Window, size: str) -> dict[datetime, int]:
    """How many different event ids of a name arrived, by stretches of ``size``; names that no meter knows too: one request."""
    body = {
        "event_name": name,
        "aggregation_type": "COUNT",
        "window_size": size,
        **_bounds(window),
    }
    answer = flexprice.post("/v1/events/usage", body)
    rows = _rows(answer, "results", "POST /v1/events/usage")
    return {instant(str(row["window_size"])): int(decimal(row.get("value"), ZERO)) for row in rows}


def read_ids_of(flexprice: Flexprice, name: str, window: Window, customer: str) -> int:
    """How many different event ids of a name arrived for a customer, by external id: one request."""
    body = {"event_name": name, "external_customer_id": customer, "aggregation_type": "COUNT", **_bounds(window)}
    answer = flexprice.post("/v1/events/usage", body)
    if not isinstance(answer, dict):
        raise not_verified("3.1", "POST /v1/events/usage", "POST /v1/events/usage answered with no object")
    return int(decimal(answer.get("value"), ZERO))  # where nothing arrived there is no value


def read_points(
    flexprice: Flexprice, window: Window, size: str, features: Sequence[str] = ()
) -> dict[str, dict[datetime, Point]]:
    """What the meters of the whole environment counted, by meter and stretch: one request.

    Points are those of a bucketed meter's own buckets where ``size`` is larger; several of one stretch (its groups) are added up.
    """
    body = {"window_size": size, **_bounds(window), **({"feature_ids": list(features)} if features else {})}
    answer = flexprice.post("/v1/events/analytics", body)
    found: dict[str, dict[datetime, Point]] = {}
    for item in _rows(answer, "items", "POST /v1/events/analytics"):
        own: dict[datetime, Point] = {}
        for row in item.get("points") or ():
            at = instant(str(row["timestamp"]))
            known = own.get(at, Point(ZERO, 0))
            own[at] = Point(known.usage + decimal(row.get("usage"), ZERO), known.event_count + int(row["event_count"]))
        found[str(item.get("meter_id"))] = own
    return found


_FIELDS = {"event_id": "id", "external_customer_id": "external_customer_id"}
"""What an event's row calls what is asked for."""


def read_arrived(flexprice: Flexprice, window: Window, **only: str) -> Iterator[dict[str, Any]]:
    """The raw events of a window, newest first; 1,000 a request. Ascending pages go backwards (contract 11.1).

    Raises:
        NotVerified: the answer holds events that were not asked for: an unknown field answers with the whole environment.
    """
    body: dict[str, Any] = {
        "start_time": _text(window.start),
        "end_time": _text(window.end - _MILLISECOND),
        "page_size": PAGE,
        **only,
    }
    while True:
        answer = flexprice.post("/v1/events/query", body)
        rows = _rows(answer, "events", "POST /v1/events/query")
        for row in rows:
            _check_asked(row, only)
        yield from rows
        last = answer.get("iter_last_key")
        if len(rows) < PAGE or not answer.get("has_more") or not last:
            return
        body["iter_last_key"] = last


def _check_asked(row: Mapping[str, Any], only: Mapping[str, str]) -> None:
    other = next((key for key, value in only.items() if row.get(_FIELDS[key]) != value), "")
    if other:
        where = "POST /v1/events/query"
        problem = (
            f"{where} answered with events of another {other} than '{only[other]}', so it cannot tell what arrived"
        )
        raise not_verified("3.1", where, problem)


def read_preview_until(flexprice: Flexprice, subscription_id: str, window: Window) -> dict[str, Any]:
    """The preview of a subscription for a part of its period."""
    period = {"period_start": _text(window.start), "period_end": _text(window.end)}
    return dict(flexprice.post("/v1/invoices/preview", {"subscription_id": subscription_id, **period}))


def _bounds(window: Window) -> dict[str, str]:
    return {"start_time": _text(window.start), "end_time": _text(window.end)}


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _rows(answer: Any, key: str, where: str) -> list[dict[str, Any]]:
    rows = answer.get(key) if isinstance(answer, dict) else None
    if rows is None and isinstance(answer, dict) and key == "results":
        rows = []  # nothing arrived: the answer has neither results nor a value
    if not isinstance(rows, list):
        raise not_verified("3.1", where, f"{where} answered without '{key}', so nothing can be compared")
    return rows
