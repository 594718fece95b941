"""Lists of the delivery service: ``{data, iterator, prevIterator, done}`` (recording 05_pagination)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from .replies import bad_query, invalid, problem

T = TypeVar("T")
DEFAULT_LIMIT = 50
MAX_LIMIT = 250
_U64 = 2**64
_TIME = re.compile(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)")


class Query(Protocol):
    """A query string."""

    def get(self, key: str, /) -> str | None: ...

    def getlist(self, key: str, /) -> list[str]: ...


def limit_of(query: Query) -> int:
    """``limit``, 0 to 250, 50 when left out."""
    text = query.get("limit")
    if text is None:
        return DEFAULT_LIMIT
    limit = whole_number("limit", text)
    if limit > MAX_LIMIT:
        message = f"Given limit must not exceed {MAX_LIMIT}"
        raise invalid(problem(["query", "limit", "limit"], message))
    return limit


def whole_number(name: str, text: str) -> int:
    """An unsigned number of a query string."""
    if not text:
        raise bad_query(f"{name}: cannot parse integer from empty string")
    if not (text.isascii() and text.isdigit()):
        raise bad_query(f"{name}: invalid digit found in string")
    number = int(text[:40])
    if number >= _U64:
        raise bad_query(f"{name}: number too large to fit in target type")
    return number


def flag(query: Query, name: str, default: bool) -> bool:
    """``true`` or ``false`` of a query string."""
    text = query.get(name)
    if text is None:
        return default
    if text not in ("true", "false"):
        raise bad_query(f"{name}: provided string was not `true` or `false`")
    return text == "true"


def moment(query: Query, name: str) -> datetime | None:
    """An RFC 3339 time of a query string."""
    text = query.get(name)
    if text is None:
        return None
    try:
        return parse_time(text.replace(" ", "+"))
    except ValueError:
        raise bad_query(f"{name}: input contains invalid characters") from None


def parse_time(text: str) -> datetime:
    """An RFC 3339 time with its zone; raises ``ValueError``."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError("input contains invalid characters")
    seconds, fraction, zone = match.groups()
    zone = "+00:00" if zone in ("Z", "z") else zone
    found = datetime.fromisoformat(f"{seconds.upper()}.{(fraction or '')[:6].ljust(6, '0')}{zone}")
    return found.astimezone(UTC)


def names(query: Query, name: str) -> set[str]:
    """The values of a parameter that may be repeated or hold a comma-separated list."""
    return {part for text in query.getlist(name) for part in text.split(",") if part}


def page(
    items: Sequence[T],
    query: Query,
    key: Callable[[T], str],
    render: Callable[[T], Any],
    prefix: str = "",
    *,
    ascending: bool = False,
) -> dict[str, Any]:
    """One page of ``items`` (in any order), newest first unless ``ascending``, as ``limit`` and ``iterator`` ask.

    The key of an item is its iterator; ``prefix`` is what an id of this list begins with.
    """
    limit = limit_of(query)
    iterator = query.get("iterator") or ""
    backward, place = iterator.startswith("-"), iterator.removeprefix("-")
    if place and not place.startswith(prefix):
        raise invalid(problem(["query", "iterator", "__all__"], "Invalid id. Expected different prefix"))
    ordered = sorted(items, key=key, reverse=not ascending)
    if place:
        behind = backward != ascending
        ordered = [item for item in ordered if (key(item) > place if behind else key(item) < place)]
    chosen = (ordered[-limit:] if limit else []) if backward else ordered[:limit]
    done = len(ordered) <= limit
    answer: dict[str, Any] = {"data": [render(item) for item in chosen]}
    if not chosen:
        return {**answer, "iterator": None, "done": done}
    return {**answer, "iterator": key(chosen[-1]), "prevIterator": f"-{key(chosen[0])}", "done": done}
