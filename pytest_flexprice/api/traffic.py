"""What Flexprice holds and counted of a stretch of time, in as few requests as its readers allow (contract 3.7, 3.9, 11.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from pytest_flexprice.api.client import Flexprice
from pytest_flexprice.model.decimals import ZERO, decimal
from pytest_flexprice.model.finding import NotVerified, not_verified
from pytest_flexprice.model.times import Window, instant

PAGE = 1000
_USAGE = "/v1/events/usage"
_USAGE_READER, POINTS_READER, _EVENTS_READER = f"POST {_USAGE}", "POST /v1/events/analytics", "POST /v1/events/query"
_MILLISECOND = timedelta(milliseconds=1)


class CountedStretch(NamedTuple):
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
    answer = flexprice.post(_USAGE, body)
    with _understood(_USAGE_READER):
        rows = [
            (instant(row["window_size"]), int(decimal(row.get("value"), ZERO)))
            for row in _rows(answer, "results", _USAGE_READER)
        ]
    check_within([start for start, _ in rows], window, _USAGE_READER)
    if len(dict(rows)) < len(rows):
        raise _untold(_USAGE_READER, "answered twice for one stretch of time")
    return dict(rows)


def read_ids_of(flexprice: Flexprice, name: str, window: Window, customer: str) -> int:
    """How many different event ids of a name arrived for a customer, by external id: one request."""
    body = {"event_name": name, "external_customer_id": customer, "aggregation_type": "COUNT", **_bounds(window)}
    answer = flexprice.post(_USAGE, body)
    if not isinstance(answer, dict):
        raise _untold(_USAGE_READER, "answered with no object")
    return int(decimal(answer.get("value"), ZERO))  # where nothing arrived there is no value


def read_points(
    flexprice: Flexprice, window: Window, size: str, features: Sequence[str] = ()
) -> dict[str, dict[datetime, CountedStretch]]:
    """What the meters of the whole environment counted, by meter and stretch: one request.

    Points are those of a bucketed meter's own buckets where ``size`` is larger; several of one stretch (its groups) are added up.
    """
    body = {"window_size": size, **_bounds(window), **({"feature_ids": list(features)} if features else {})}
    answer = flexprice.post("/v1/events/analytics", body)
    found: dict[str, dict[datetime, CountedStretch]] = {}
    with _understood(POINTS_READER):
        for item in _rows(answer, "items", POINTS_READER):
            own: dict[datetime, CountedStretch] = {}
            for row in item.get("points") or ():
                at, count = instant(row["timestamp"]), int(row["event_count"])
                known = own.get(at, CountedStretch(ZERO, 0))
                own[at] = CountedStretch(known.usage + decimal(row.get("usage"), ZERO), known.event_count + count)
            found[str(item.get("meter_id"))] = own
    return found


_FIELDS = {"event_id": "id", "external_customer_id": "external_customer_id"}
"""What an event's row calls what is asked for."""


def read_arrived(flexprice: Flexprice, window: Window, **only: str) -> Iterator[dict[str, Any]]:
    """The raw events of a window, newest first; 1,000 a request. Ascending pages go backwards (contract 11.1).

    Raises:
        NotVerified: the answers hold events that were not asked for (an unknown field answers with the whole environment), or pages
            repeat or lose some.
    """
    body: dict[str, Any] = {
        "start_time": _text(window.start),
        "end_time": _text(window.end - _MILLISECOND),
        "page_size": PAGE,
        **only,
    }
    seen, total, cursors, newest = 0, 0, set[str](), window.end
    while True:
        answer = flexprice.post("/v1/events/query", body)
        with _understood(_EVENTS_READER):
            rows = _rows(answer, "events", _EVENTS_READER)
            times = [instant(row["timestamp"]) for row in rows]
            total = max(total, int(answer.get("total_count") or 0))
            last = str(answer.get("iter_last_key") or "")
        _check_asked(rows, only)
        check_within(times, window, _EVENTS_READER)
        if (times and max(times) > newest) or last in cursors:
            raise _untold(_EVENTS_READER, "answered with pages that do not go on where the one before ended")
        yield from rows
        seen, newest = seen + len(rows), min(times, default=newest)
        if not rows or not last or not answer.get("has_more"):
            break
        cursors.add(last)
        body["iter_last_key"] = last
    if seen < total - 1:  # a row that arrives meanwhile may be counted and not be shown
        raise _untold(_EVENTS_READER, f"answered with {seen:,} of {total:,} events")


def _check_asked(rows: Iterable[Mapping[str, Any]], only: Mapping[str, str]) -> None:
    for key, value in only.items():
        if any(row.get(_FIELDS[key]) != value for row in rows):
            raise _untold(_EVENTS_READER, f"answered with events of another {key} than '{value}'")


def check_within(times: Iterable[datetime], window: Window, where: str) -> None:
    """Nothing is believed of an answer that holds what lies outside of the window that was asked for.

    Raises:
        NotVerified: it does.
    """
    other = next((each for each in times if not window.holds(each)), None)
    if other is not None:
        span = f"from {_text(window.start)} to {_text(window.end)}"
        raise _untold(where, f"was asked for the time {span} and answered for {_text(other)}")


@contextmanager
def _understood(where: str) -> Iterator[None]:
    """Read an answer, whatever it holds."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise _untold(where, f"answered with what cannot be read ({type(error).__name__}: {error})") from None


def _untold(where: str, problem: str) -> NotVerified:
    return not_verified("3.1", where, f"{where} {problem}, so it cannot tell what arrived")


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
        raise _untold(where, f"answered without '{key}'")
    return rows
