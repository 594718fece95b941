"""What is ours: proved by what Flexprice answers about an object, never by a filter, a name or a line in a file.

A customer is ours when it has our external id byte for byte, our mark, and was made after our run began; whatever else is ours belongs to
such a customer and was made after it, by the server's own clock. One row that does not fit shows that the server did not answer the
question: then none of its rows is believed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pytest_flexprice.model.finding import Finding, Kind, NotVerified
from pytest_flexprice.model.times import instant_of
from pytest_flexprice.testbed.naming import is_marked, run_of

_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
SKEW = timedelta(minutes=10)
"""How far the clocks of one server's parts may differ."""
WRONG_CLOCK = timedelta(hours=26)
"""How far the server's clock may be behind ours, its time zone included: what is ours must be taken away all the same (1.3 tells of it)."""


@dataclass(frozen=True)
class Owner:
    """A customer that a run made; ``published`` until it is deleted. What belongs to it was not made before ``earliest``."""

    id: str
    external_id: str
    published: bool = True
    earliest: datetime | None = None


class NotOurs(NotVerified):
    """Flexprice answered with an object that is not the run's own; nothing was done to it."""

    def __init__(self, where: str, problem: str) -> None:
        sentence = f"{where} {problem}; nothing of it was touched"
        super().__init__([Finding("", where, sentence, kind=Kind.NOT_VERIFIED)])


def owner_of(row: Mapping[str, Any], external_id: str, where: str, identifier: str = "") -> Owner:
    """The customer in an answer to ``where``, proved to be the run's own.

    Raises:
        NotOurs: it is another one.
    """
    made = _made(row)
    published = row.get("status", "published") == "published"
    owner = Owner(str(row.get("id") or ""), external_id, published, made and made - SKEW)
    problem = _foreign_customer(row, external_id, identifier) or _too_old(made, run_earliest(external_id))
    if problem:
        raise NotOurs(where, f"was asked for the customer '{external_id}' and answered {_called(row)}, {problem}")
    return owner


def run_earliest(external_id: str) -> datetime | None:
    """Before when nothing of the run that a customer's external id names was made; None where it names none."""
    named = run_of(external_id)
    return named and named[1] - WRONG_CLOCK


def _foreign_customer(row: Mapping[str, Any], external_id: str, identifier: str) -> str:
    named = run_of(external_id)
    if row.get("external_id") != external_id:
        return f"whose external id is {row.get('external_id')!r}"
    if not row.get("id") or (identifier and row.get("id") != identifier):
        return f"whose id is not '{identifier}'" if identifier else "which has no id"
    if not _ID.fullmatch(row["id"]):
        return f"whose id {row['id']!r} cannot be Flexprice's"
    if not is_marked(row):
        return "which does not carry our mark"
    if named and str(row["metadata"].get("run_id", "")).lower() != named[0]:
        return "which another run made"
    return ""


def belonging(rows: Iterable[Mapping[str, Any]], owner: Owner, where: str, **same: Any) -> list[Mapping[str, Any]]:
    """The rows that a search for what belongs to a customer answered, each of them compared; ``same`` as in ``foreign``.

    Raises:
        NotOurs: one of them belongs to somebody else: the server does not honour the filter, and no row is believed.
    """
    found: list[Mapping[str, Any]] = []
    for row in rows:
        problem = foreign(row, owner, **same)
        if problem:
            asked = " and ".join([f"customer {owner.id}", *(f"{key} {value}" for key, value in same.items())])
            raise NotOurs(
                where, f"does not honour its filter: asked for {asked}, it answered {_called(row)}, {problem}"
            )
        found.append(row)
    return found


def foreign(row: Mapping[str, Any], owner: Owner, **same: Any) -> str:
    """Why an object cannot be that customer's, or "" if it can; ``same`` names further values that it must have."""
    if not isinstance(row.get("id"), str) or not row["id"]:
        return "which has no id"
    if not _ID.fullmatch(row["id"]):
        return f"whose id {row['id']!r} cannot be Flexprice's"
    for key, value in {"customer_id": owner.id, **same}.items():
        if row.get(key) != value:
            return f"whose {key} is {row.get(key)!r}"
    return _too_old(_made(row), owner.earliest)


def _made(row: Mapping[str, Any]) -> datetime | None:
    try:
        return instant_of(row, "created_at")
    except (ValueError, AttributeError, TypeError):
        return None


def _too_old(made: datetime | None, earliest: datetime | None) -> str:
    if made is None:
        return "which does not say when it was made"
    if earliest and made < earliest:
        return f"which was made at {made:%Y-%m-%dT%H:%M:%SZ}, before what it belongs to"
    return ""


def _called(row: Mapping[str, Any]) -> str:
    return str(row.get("id") or "an object without an id")
