"""The eight aggregations over metered rows (contract 2.1, 3.3, 3.5; billing vectors)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from pytest_flexprice.model.decimals import ZERO, total
from pytest_flexprice.model.finding import not_verified


class CountedEvent(NamedTuple):
    """One counted event: its quantity, the second it is stamped with, its printed value where unique ones are counted."""

    event_id: str
    second: datetime
    quantity: Decimal
    unique: str | None = None
    group: str = ""


def aggregated(kind: str, rows: Sequence[CountedEvent], meter: str = "") -> Decimal:
    """The value of an aggregation; 0 without rows.

    WEIGHTED_SUM is a plain sum, COUNT counts event ids, AVG is a double of the surviving rows, LATEST goes by second.

    Raises:
        NotVerified: the latest second holds different quantities, and which one counts is arbitrary.
    """
    return _BY_KIND.get(kind, _summed)(rows, meter) if rows else ZERO


def _summed(rows: Sequence[CountedEvent], _meter: str) -> Decimal:
    return total(row.quantity for row in rows)


def _latest(rows: Sequence[CountedEvent], meter: str) -> Decimal:
    last = max(row.second for row in rows)
    values = {row.quantity for row in rows if row.second == last}
    if len(values) > 1:
        raise not_verified(
            "", f"meters.{meter}", f"not verified: meter '{meter}' takes the latest event, and several share its second"
        )
    return values.pop()


_BY_KIND: dict[str, Callable[[Sequence[CountedEvent], str], Decimal]] = {
    "COUNT": lambda rows, _meter: Decimal(len({row.event_id for row in rows})),
    "COUNT_UNIQUE": lambda rows, _meter: Decimal(len({row.unique for row in rows if row.unique is not None})),
    "MAX": lambda rows, _meter: max(row.quantity for row in rows),
    "AVG": lambda rows, _meter: Decimal(repr(float(total(row.quantity for row in rows)) / len(rows))),
    "LATEST": _latest,
}
