"""Line items: by which price a subscription is charged, for whom, and from when to when (contract 4.2, 11.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from ..kernel import catalog, errors
from ..kernel.tables import Row
from . import periods
from .commitment import LineCommitment
from .pricing import number
from .rounding import ONE, ZERO
from .scope import Scope

ONETIME_LASTS = timedelta(seconds=1)
"""How long the line of a one-time fee is in force."""


@dataclass(frozen=True)
class Origin:
    """What a line item is for: ``kind`` plan, addon or subscription; ``name`` is shown as the plan's."""

    kind: str
    id: str
    name: str | None = None

    @classmethod
    def plan(cls, row: Row) -> Origin:
        return cls("plan", row["id"], row["name"])

    @classmethod
    def addon(cls, row: Row) -> Origin:
        return cls("addon", row["id"])

    @classmethod
    def subscription(cls, row: Row, price: Row) -> Origin:
        """The subscription itself, which a price was made for."""
        return cls("subscription", row["id"], price.get("display_name") or "")


@dataclass(frozen=True)
class Span:
    """From when to when a line item is in force; ``end`` ``None``: for ever."""

    start: datetime
    end: datetime | None = None

    def within(self, *ends: datetime | None) -> Span:
        """The span cut at the earliest of ``ends``."""
        return Span(self.start, min((end for end in (self.end, *ends) if end is not None), default=None))


def span(row: Row, price: Row, start: datetime | None = None, end: datetime | None = None) -> Span:
    """A line starts with the subscription, its price or ``start``, whichever comes last; a one-time fee is over at once."""
    begin = max(moment for moment in (row["start_date"], price["start_date"], start) if moment is not None)
    if price["billing_period"] == periods.ONETIME:
        return Span(begin, begin + ONETIME_LASTS).within(row["end_date"])
    return Span(begin, end).within(row["end_date"], price.get("end_date"))


def default_quantity(price: Mapping[str, Any]) -> Decimal:
    """How many a line has unless told: none of a usage price, else the price's minimum, else one."""
    return ZERO if price["type"] == "USAGE" else (number(price.get("min_quantity")) or ONE)


def add(scope: Scope, row: Row, origin: Origin, price: Row, when: Span, **extra: Any) -> Row:
    """Store a line item of a subscription; ``extra`` are fields that differ from what the price says.

    A ``commitment`` among them is the line's own.
    """
    usage = price["type"] == "USAGE"
    meter = scope.get("meters", price.get("meter_id")) if usage else None
    promise = extra.pop("commitment", None)
    fields = {
        **dict.fromkeys(("subscription_phase_id", "addon_association_id", "metadata")),
        **{name: price.get(name) for name in ("price_unit_id", "price_unit", "billing_period", "invoice_cadence")},
        "subscription_id": row["id"],
        "customer_id": row["customer_id"],
        "entity_id": origin.id,
        "entity_type": origin.kind,
        "plan_display_name": origin.name,
        "price_id": price["id"],
        "price_type": price["type"],
        "meter_id": meter["id"] if meter else None,
        "meter_display_name": meter["name"] if meter else None,
        "display_name": price.get("display_name") or origin.name or "",
        "quantity": default_quantity(price),
        "currency": row["currency"],
        "billing_period_count": 1,
        "start_date": when.start,
        "end_date": when.end,
        "environment_id": scope.environment,
    }
    return scope.insert("subscription_line_items", "subs_line", **{**fields, **committed(promise), **extra})


def committed(promise: LineCommitment | None) -> dict[str, Any]:
    """The fields of a line item by which it carries a commitment."""
    return {
        "commitment_amount": promise.amount if promise and promise.kind == "amount" else None,
        "commitment_quantity": promise.quantity if promise and promise.kind == "quantity" else None,
        "commitment_type": promise.kind if promise else None,
        "commitment_overage_factor": promise.overage_factor if promise else None,
        "commitment_true_up_enabled": bool(promise and promise.true_up),
        "commitment_windowed": bool(promise and promise.windowed),
        "_commitment": promise,
    }


def by_id(scope: Scope, identifier: str, *, any_status: bool = False) -> Row:
    """A line item, published unless ``any_status``; 404 otherwise."""
    message = f"Subscription line item with ID {identifier} was not found"
    return scope.found(
        "subscription_line_items", identifier, message, {"line_item_id": identifier}, any_status=any_status
    )


def of(scope: Scope, row: Row, **equal: object) -> list[Row]:
    """The published line items of a subscription with these values, oldest first."""
    return scope.find("subscription_line_items", subscription_id=row["id"], status="published", **equal)


def matching(scope: Scope, owner: str, kind: str, currency: str, period: str) -> list[Row]:
    """The prices of a plan or addon that a subscription takes: its billing period (or one-time) and currency, not ended.

    Raises :class:`errors.ApiError` when nothing is left.
    """
    now = scope.now
    rows = [
        row
        for row in scope.find("prices", entity_id=owner, entity_type=kind, status="published")
        if row["billing_period"] in (period, periods.ONETIME) and not catalog.is_ended(row, now)
    ]
    details = {"entity_id": owner, "entity_type": kind}
    errors.refuse(not rows, "The entity must have at least one price to create a subscription", **details)
    rows = [row for row in rows if row["currency"] == currency]
    errors.refuse(not rows, "No prices match the subscription criteria", **details)
    return rows
