"""Limits, offsets, sorting, status and filters of every list and search (contract 1.10, recordings pagination,
list_conventions, errors_read)."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from . import binding, errors
from .binding import Schema, array, instant, integer, number, several, text
from .call import Call

DEFAULT_LIMIT = 50
MAX_LIMIT = 1000
INVALID_FILTER = "Invalid filter parameters"
_WHOLE = re.compile(r"[+-]?\d{1,18}\Z", re.ASCII)

_VALUE = Schema(
    "Value",
    binding.field("string"),
    binding.field("number", number),
    binding.field("boolean", binding.boolean),
    binding.field("date", instant),
    binding.field("array", array(text)),
)
_FILTER = Schema(
    "FilterCondition",
    *several(text, "field operator data_type"),
    binding.field("value", _VALUE),
)
_SORT = Schema("SortCondition", *several(text, "field direction"))

PAGE_FIELDS = (*several(integer, "limit offset"), *several(text, "status order expand"))
"""The fields of a page; the query of a list has the same."""

SEARCH_FIELDS = (
    *PAGE_FIELDS,
    *several(instant, "start_time end_time"),
    binding.field("sort", array(_SORT)),
    binding.field("filters", array(_FILTER)),
)
"""The fields every search body has, before its own."""


@dataclass
class Page:
    """What part of a list is asked for. ``status`` is ``None`` when the request names none."""

    limit: int = DEFAULT_LIMIT
    offset: int = 0
    order: str = "desc"
    status: str | None = None
    expand: tuple[str, ...] = ()
    sort: list[dict[str, Any]] = field(default_factory=list)
    filters: list[dict[str, Any]] = field(default_factory=list)
    start_time: datetime | None = None
    end_time: datetime | None = None


def page_of(values: Mapping[str, Any], message: str = INVALID_FILTER) -> Page:
    """A checked page from bound values (query or body)."""
    limit = values.get("limit") or DEFAULT_LIMIT
    offset = values.get("offset") or 0
    order = values.get("order") or "desc"
    errors.refuse(not 1 <= limit <= MAX_LIMIT, message, limit=f"must be between 1 and {MAX_LIMIT}")
    errors.refuse(offset < 0, message, offset="must be non-negative")
    errors.refuse(order not in ("asc", "desc"), message, order="must be either 'asc' or 'desc'")
    errors.refuse(None in (values.get("sort") or ()) or None in (values.get("filters") or ()), message)
    start, end = values.get("start_time"), values.get("end_time")
    errors.refuse(start and end and end < start, message)
    return Page(
        limit,
        offset,
        order,
        values.get("status") or None,
        tuple(part.strip() for part in (values.get("expand") or "").split(",") if part.strip()),
        values.get("sort") or [],
        values.get("filters") or [],
        start,
        end,
    )


def whole(value: str) -> int:
    """A query value as an integer."""
    if not _WHOLE.match(value):
        raise binding.BindError("not an integer")
    return int(value)


@dataclass(frozen=True)
class Words:
    """What an area of the API says to a query and to a body that cannot be read, and to a page that cannot be."""

    query: str = INVALID_FILTER
    body: str = INVALID_FILTER
    page: str = INVALID_FILTER


GENERAL = Words()


def query_page(call: Call, *, sort: str = "refused", noun: str = "", words: Words = GENERAL) -> Page:
    """The page a GET asks for.

    ``sort`` says what ``?sort=`` does: "refused" (400; a JSON object passes binding and fails in the database with
    500 "Failed to list {noun}") or "ignored".
    """
    values: dict[str, Any] = {}
    for name, kind in (("limit", whole), ("offset", whole), ("start_time", instant), ("end_time", instant)):
        values[name] = call.query_value(name, kind, words.query)
    for name in ("status", "order", "expand"):
        values[name] = call.query.get(name)
    if sort == "refused":
        for given in call.query.getlist("sort"):
            _refuse_sort(given, noun, words.query)
    return page_of(values, words.page)


def _refuse_sort(given: str, noun: str, message: str) -> None:
    try:
        array(_SORT)([binding.parse(given.encode())])
    except binding.BindError as error:
        raise errors.validation(message) from error
    raise errors.database_error(f"Failed to list {noun}")


Offset = str
NEXT: Offset = "next"
OWN: Offset = "own"


def listing(items: Sequence[Any], page: Page, *, total: int | None = None, offset: Offset = NEXT) -> dict[str, Any]:
    """The answer of a list from all matching items (or, with ``total``, from the page's items only).

    ``offset`` is the meaning of the returned offset: the "next" page's, or the request's "own" (contract 1.10).
    """
    shown = list(items[page.offset : page.offset + page.limit]) if total is None else list(items)
    return {
        "items": shown,
        "pagination": {
            "total": len(items) if total is None else total,
            "limit": page.limit,
            "offset": page.offset + page.limit if offset == NEXT else page.offset,
        },
    }


def select(
    rows: Iterable[Any],
    page: Page,
    fields: Iterable[str],
    noun: str,
    *,
    statuses: Sequence[str] = ("published",),
    unknown: str = "",
) -> list[Any]:
    """The rows (oldest first) of the page's status, time range and filters, in the asked order.

    ``fields`` are the columns that may be sorted and filtered by; another one is refused, with the words of ``unknown``.
    """
    known = set(fields) | {"id", "status", "created_at", "updated_at", "created_by", "updated_by", "environment_id"}
    for condition in [*page.sort, *page.filters]:
        errors.refuse(condition["field"] not in known, unknown or f"Failed to list {noun}")
    for condition in page.filters:
        errors.refuse((condition["operator"] or "eq") not in _OPERATORS, INVALID_FILTER, operator=condition["operator"])
    wanted = (page.status,) if page.status else statuses
    kept = [row for row in rows if row.get("status") in wanted and _in_range(row, page) and matches(row, page.filters)]
    return order(kept, page)


def _in_range(row: Mapping[str, Any], page: Page) -> bool:
    return not (
        (page.start_time and row["created_at"] < page.start_time)
        or (page.end_time and row["created_at"] > page.end_time)
    )


def order(rows: list[Any], page: Page) -> list[Any]:
    """Rows given oldest first, in the order of the page: its sort conditions, else by creation."""
    if not page.sort:
        return rows if page.order == "asc" else rows[::-1]
    rows = rows[::-1]
    for condition in reversed(page.sort):
        descending = (condition["direction"] or "asc").lower() == "desc"
        rows = sorted(rows, key=lambda row: _sortable(row.get(condition["field"])), reverse=descending)
    return rows


def _sortable(value: Any) -> tuple[int, Any]:
    if value is None:
        return (1, 0)
    if isinstance(value, bool):
        return (0, int(value))
    return (0, str(value) if isinstance(value, (dict, list)) else value)


def matches(row: Mapping[str, Any], filters: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a row passes every filter condition."""
    return all(_passes(row.get(condition["field"]), condition) for condition in filters)


def _passes(actual: Any, condition: Mapping[str, Any]) -> bool:
    value: Mapping[str, Any] = condition["value"] or {}
    given = value.get(condition["data_type"] or "string")
    return _OPERATORS[condition["operator"] or "eq"](actual, given)


def _comparable(actual: Any, given: Any) -> tuple[Any, Any] | None:
    if isinstance(given, float) and isinstance(actual, (int, float, Decimal)):
        return float(actual), given
    if actual is None or given is None or type(actual) is not type(given):
        return None
    return actual, given


def _compared(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda actual, given: (pair := _comparable(actual, given)) is not None and bool(test(*pair))


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": _compared(operator.eq),
    "contains": lambda actual, given: str(given or "").lower() in str(actual or "").lower(),
    "not_contains": lambda actual, given: str(given or "").lower() not in str(actual or "").lower(),
    "gt": _compared(operator.gt),
    "lt": _compared(operator.lt),
    "gte": _compared(operator.ge),
    "in": lambda actual, given: actual in (given or ()),
    "not_in": lambda actual, given: actual not in (given or ()),
    "before": _compared(operator.lt),
    "after": _compared(operator.gt),
}
