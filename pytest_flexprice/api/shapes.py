"""The shapes of answers (contract 1.10): what is none of them is not verified, never an empty list.

An empty list is green in many a check, so that ``{}`` or ``"hi"`` in its place would be a proof of nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_flexprice.model.finding import NotVerified, not_verified

Row = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """One page of a list: its rows, how many there are in all, and the limit that the server worked with."""

    rows: list[Row]
    total: int
    limit: int


def page_of(answer: Any, key: str, where: str) -> Page:
    """A page of rows under ``key``, with its numbers under ``pagination`` or beside the rows."""
    rows = rows_of(answer, key, where)
    beside = answer.get("pagination") if key == "items" else answer
    numbers = beside if isinstance(beside, dict) else {}
    total = _count(numbers.get("total"))
    if total is None:
        raise unknown(where, answer, "does not say how many rows there are")
    return Page(rows, total, _count(numbers.get("limit")) or 0)


def rows_of(answer: Any, key: str, where: str) -> list[Row]:
    """The rows under ``key``; ``null`` there means none.

    Raises:
        NotVerified: there is no such key, or no list under it, or a row is no object.
    """
    if not isinstance(answer, dict) or key not in answer:
        raise unknown(where, answer, f"is no list of rows under '{key}'")
    return array_of([] if answer[key] is None else answer[key], where)


def array_of(answer: Any, where: str) -> list[Row]:
    """A bare array of objects.

    Raises:
        NotVerified: it is none.
    """
    if not isinstance(answer, list) or not all(isinstance(row, dict) and row for row in answer):
        raise unknown(where, answer, "is no list of objects")
    return answer


def object_of(answer: Any, where: str, identifier: str = "") -> Row:
    """One object, and the one that was asked for where an id was.

    Raises:
        NotVerified: it is none, or another one.
    """
    if not isinstance(answer, dict) or not answer:
        raise unknown(where, answer, "is no object")
    if identifier and answer.get("id") != identifier:
        raise unknown(where, answer, f"is another object ({answer.get('id')!r}) than was asked for")
    return answer


def about(answer: Row, asked: Mapping[str, Any], where: str) -> Row:
    """The answer, which names what was asked for by the same ids, and how it was to be counted.

    Raises:
        NotVerified: it is about something else.
    """
    for key, value in asked.items():
        told = answer.get(key)
        if (key.endswith("_id") or key == "aggregation_type") and told and told != value:
            raise unknown(where, answer, f"is about another {key} ({told!r}) than was asked for")
    return answer


def unknown(where: str, answer: Any, problem: str) -> NotVerified:
    """What is raised for an answer that cannot be Flexprice's."""
    return not_verified(
        "",
        where,
        f"the answer to {where} {problem} (it is {_shown(answer)}), so nothing can be concluded from it",
        remedy="see what stands between this machine and Flexprice",
    )


def _shown(answer: Any) -> str:
    if isinstance(answer, Mapping):
        names = ", ".join(sorted(map(str, answer))[:5])
        return f"an object with {names}" if answer else "an empty object"
    if isinstance(answer, list):
        return f"a list of {len(answer)}"
    return "null" if answer is None else f"a {type(answer).__name__}"


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
