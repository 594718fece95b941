"""From a row of the customers file to the requests that make such a subscription.

What a row does not say is what the plan decided for everybody, else what a rehearsal needs: a monthly subscription that began a few
days ago.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from pytest_flexprice.model.cell_values import as_instant, pairs

#: Subscriptions are older than every test event (contract 4.2).
SUBSCRIBED_SINCE = timedelta(days=3)
TRIAL_DAYS = 14
_DAY = timedelta(days=1)
_SEND = "send_invoice"

Row = Mapping[str, Any]


class SeedError(Exception):
    """Something of a seed cannot be made; the message names what and why."""


@dataclass(frozen=True)
class Wanted:
    """One subscription to make: its request, and the requests (method, rest of the path, body) that follow it."""

    body: dict[str, Any]
    afterwards: tuple[tuple[str, str, dict[str, Any]], ...] = ()


def rfc3339(moment: datetime) -> str:
    """A time as Flexprice keeps it: UTC, milliseconds."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def refused(row: Row, column: str, expected: str) -> SeedError:
    """The sentence about a value that no subscription can have."""
    return SeedError(f"{place(row)}: {column} = {row.get(column)!r} cannot be rehearsed; write {expected}")


def place(row: Row) -> str:
    """Where a row is written, else whose it is."""
    return str(row.get("where") or f"customer {row.get('external_id')!r}")


def moment_of(row: Row, column: str) -> datetime | None:
    """The instant of a column; a mere day is its midnight, UTC."""
    return as_instant(row[column]) if row.get(column) else None


def wanted(row: Row, customer_id: str, plan_id: str, now: datetime, collection: str = "") -> Wanted:
    """What makes the subscription of a row, whose cells are as the customers file is read.

    Raises:
        SeedError: no subscription can be as the row says.
    """
    status = row.get("subscription_status") or row.get("status") or "active"
    body: dict[str, Any] = {
        "customer_id": customer_id,
        "plan_id": plan_id,
        "currency": row.get("currency") or "usd",
        "billing_period": row.get("billing_period") or "MONTHLY",
        "billing_period_count": int(row.get("billing_period_count") or 1),
        "collection_method": row.get("collection_method") or collection or _SEND,
        **_began(row, status, now),
    }
    body |= {name: row[name] for name in ("billing_cycle", "payment_terms") if row.get(name)}
    moments = {name: moment_of(row, name) for name in ("billing_anchor", "end_date")}
    body |= {name: rfc3339(moment) for name, moment in moments.items() if moment}
    if status == "draft":
        body["subscription_status"] = status
    return Wanted(body, _AFTERWARDS.get(status, ()))


_AFTERWARDS: dict[str, tuple[tuple[str, str, dict[str, Any]], ...]] = {
    "paused": (("PUT", "", {"status": "paused"}),),
    "incomplete": (("PUT", "", {"status": "incomplete"}),),
    "cancelled": (("POST", "/cancel", {"cancellation_type": "immediate"}),),
}


def _began(row: Row, status: str, now: datetime) -> dict[str, Any]:
    """Start and length of the trial: Flexprice takes days from the start, the file has the day on which the trial ends."""
    start, end = moment_of(row, "start_date"), moment_of(row, "trial_end")
    if end is None:
        begins = start or now - SUBSCRIBED_SINCE
        # Whenever it began, a trial without an end is a running one.
        days = {"trial_period_days": TRIAL_DAYS + max(0, (now - begins).days)} if status == "trialing" else {}
        return {"start_date": rfc3339(begins), **days}
    if start is None:
        first = min(now - SUBSCRIBED_SINCE, end - _DAY)
        start = end - math.ceil((end - first) / _DAY) * _DAY
    length, rest = divmod(end - start, _DAY)
    if length < 1 or (rest and len(row["trial_end"]) > _DATE_LENGTH):
        raise refused(row, "trial_end", "a moment that is whole days after start_date")
    return {"start_date": rfc3339(start), "trial_period_days": length + bool(rest)}


_DATE_LENGTH = len("2026-01-01")


def refusal(request: str, status: int, answer: Any) -> str:
    """What the server said, in one clause and without its JSON."""
    body = answer if isinstance(answer, dict) else {}
    message = str(body.get("message") or body.get("error") or "no reason given")
    if status == 501:
        return f"{message}, so it cannot be rehearsed"
    details = ", ".join(_detail(name, str(value)) for name, value in (body.get("details") or {}).items())
    return f"Flexprice refuses {request} with {status}: {message}" + (f" ({details})" if details else "")


def _detail(name: str, value: str) -> str:
    """A detail of a refusal; the server's validator tells in its library's words which rule a field breaks."""
    rule = _RULE.search(value)
    return f"{name} is {rule[1]}" if rule else f"{name}: {value}"


_RULE = re.compile(r"Field validation for '\w+' failed on the '(required)' tag")


USUAL_FACTOR = "1.5"
"""A commitment acts only with an overage factor above 1; a file need not say which."""

Price = Mapping[str, Any]


def deal(row: Row, prices: Iterable[Price]) -> dict[str, Any]:
    """The fields of a create request that make a row's deal, but for its parent.

    Raises:
        SeedError: a price that the row names is none of the plan's.
    """
    offered = [price for price in prices if _fits(row, price)]
    body: dict[str, Any] = {}
    if row.get("commitment"):
        body["commitment_amount"] = row["commitment"]
        body["overage_factor"] = row.get("overage_factor") or USUAL_FACTOR
    elif row.get("overage_factor"):
        body["overage_factor"] = row["overage_factor"]
    if row.get("coupon"):
        body["subscription_coupons"] = [{"coupon_code": code} for code in row["coupon"].split("; ")]
    overrides = _overrides(row, offered)
    return body | ({"override_line_items": overrides} if overrides else {})


def _fits(row: Row, price: Price) -> bool:
    own = (str(price.get("currency")).lower(), price.get("billing_period"))
    return own == (row.get("currency") or "usd", row.get("billing_period") or "MONTHLY")


def _overrides(row: Row, prices: list[Price]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for column, key in (("price_overrides", "amount"), ("quantity", "quantity")):
        for name, number in pairs(row.get(column) or "").items():
            if key == "quantity" and number == 1:
                continue
            identifier = _named(row, column, name, prices)
            found.setdefault(identifier, {"price_id": identifier})[key] = _text(number)
    return list(found.values())


def _named(row: Row, column: str, name: str, prices: list[Price]) -> str:
    """The id of the price that goes by a name; without one, of the only fee."""
    fees = [price for price in prices if price.get("type") == "FIXED"]
    if not name and len(fees) == 1:
        return str(fees[0]["id"])
    for price in prices:
        event = (price.get("meter") or {}).get("event_name")
        if name and name in (event, price.get("display_name"), price.get("lookup_key")):
            return str(price["id"])
    known = sorted({str((p.get("meter") or {}).get("event_name") or p.get("display_name")) for p in prices})
    raise refused(row, column, f"names of the plan's prices: {', '.join(known) or 'it has none'}")


def _text(number: Decimal) -> str:
    return format(number, "f")
