"""From a row of the customers file to the requests that make such a subscription.

Values are text, as a file has them; empty ones say nothing. What a row does not say is what the plan decided for everybody, else
what a rehearsal needs: a monthly subscription that began a few days ago.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_flexprice.model.payment_terms import payment_terms

#: Subscriptions are older than every test event (contract 4.2).
SUBSCRIBED_SINCE = timedelta(days=3)
TRIAL_DAYS = 14
_DAY = timedelta(days=1)
_COLLECTION = "send_invoice"
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)

Row = Mapping[str, Any]


class SeedError(Exception):
    """Something of a seed cannot be made; the message names what and why."""


@dataclass(frozen=True)
class Wanted:
    """One subscription to make: its request, what has to be done to it afterwards, and whether its first invoice is long paid."""

    body: dict[str, Any]
    afterwards: tuple[tuple[str, str, dict[str, Any]], ...] = ()
    trial_is_over: bool = False


def rfc3339(moment: datetime) -> str:
    """A time as Flexprice keeps it: UTC, milliseconds."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def moment_of(row: Row, column: str) -> datetime | None:
    """The instant of a column; a mere day is its midnight, UTC.

    Raises:
        SeedError: the value is no date.
    """
    given = str(row.get(column) or "").strip()
    if not given:
        return None
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        raise refused(row, column, "a day such as 2026-12-01 or an instant such as 2026-12-01T00:00:00Z") from None
    return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)


def refused(row: Row, column: str, expected: str) -> SeedError:
    """The sentence about a value that no subscription can have."""
    where = row.get("where") or f"the customer {row.get('external_id')!r}"
    return SeedError(f"{where}: {column} = {row.get(column)!r} cannot be used; write {expected}")


def wanted(row: Row, customer_id: str, plan_id: str, now: datetime, collection: str = "") -> Wanted:
    """What makes the subscription of a row.

    Raises:
        SeedError: a value of the row is none that a subscription can have.
    """
    status = str(row.get("subscription_status") or row.get("status") or "").strip().lower()
    body: dict[str, Any] = {
        "customer_id": customer_id,
        "plan_id": plan_id,
        "currency": str(row.get("currency") or "usd").lower(),
        "billing_period": str(row.get("billing_period") or "MONTHLY").upper(),
        "billing_period_count": _count(row),
        "collection_method": str(row.get("collection_method") or collection or _COLLECTION).lower(),
        **_trial(row, status, now),
    }
    if row.get("billing_cycle"):
        body["billing_cycle"] = str(row["billing_cycle"]).lower()
    if row.get("payment_terms"):
        body["payment_terms"] = payment_terms(str(row["payment_terms"]))
    for column in ("billing_anchor", "end_date"):
        moment = moment_of(row, column)
        if moment and not (column == "billing_anchor" and body.get("billing_cycle") == "calendar"):
            body[column] = rfc3339(moment)
    body |= _opening(status, body["collection_method"])
    over = "trial_period_days" in body and status != "trialing"
    return Wanted(body, _AFTERWARDS.get(status, ()), over)


_AFTERWARDS: dict[str, tuple[tuple[str, str, dict[str, Any]], ...]] = {
    "paused": (("PUT", "", {"status": "paused"}),),
    "cancelled": (("POST", "/cancel", {"cancellation_type": "immediate"}),),
}


def _opening(status: str, collection: str) -> dict[str, Any]:
    if status == "draft":
        return {"subscription_status": "draft"}
    if status == "incomplete":
        return {"payment_behavior": "default_incomplete" if collection == _COLLECTION else "allow_incomplete"}
    return {}


def _count(row: Row) -> int:
    given = str(row.get("billing_period_count") or "1").strip()
    if not given.isascii() or not given.isdigit() or int(given) < 1:
        raise refused(row, "billing_period_count", "a whole number from 1")
    return int(given)


def _trial(row: Row, status: str, now: datetime) -> dict[str, Any]:
    """Start and length of the trial: Flexprice takes days from the start, the file has the day on which the trial ends."""
    start, end = moment_of(row, "start_date"), moment_of(row, "trial_end")
    if end is None:
        days = {"trial_period_days": TRIAL_DAYS} if status == "trialing" else {}
        return {"start_date": rfc3339(start or now - SUBSCRIBED_SINCE), **days}
    if start is None:
        first = min(now - SUBSCRIBED_SINCE, end - _DAY)
        length = math.ceil((end - first) / _DAY)
        return {"start_date": rfc3339(end - length * _DAY), "trial_period_days": length}
    length = round((end - start) / _DAY)
    if length < 1 or (end.date() - start.date()).days != length:
        raise refused(row, "trial_end", "a moment that is whole days after start_date")
    return {"start_date": rfc3339(start), "trial_period_days": length}
