"""Pushing a plan's changed prices to its subscriptions (contract 11.2; recording deals_price_sync).

Every price has a number in the server's sequence, anew when it ends; a subscription knows up to which usage price it is synced.
Usage prices beyond that become lines; lines of ended prices, of fees as well, end. Overridden prices are left alone.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ..kernel import errors
from ..kernel.tables import Row
from ..kernel.world import World
from . import line_items, views, workflows
from .inheritance import INHERITED
from .line_items import Origin
from .scope import Scope

LOCK = timedelta(hours=2)
"""How long a plan cannot be synced again."""

_SYNCED = ("active", "trialing", "draft", "incomplete")
_MARKS = {"added_by": "plan_sync_api", "sync_version": "4.0"}


def _locks(world: World) -> dict[str, datetime]:
    return world.part("price sync locks", lambda _world: {})


def start(scope: Scope, plan: Row) -> None:
    """Sync the subscriptions of a plan a moment later; 409 while the lock of an earlier sync holds."""
    locks = _locks(scope.world)
    if locks.get(plan["id"], scope.now) > scope.now:
        raise errors.conflict("Try again later or wait up to 2 hours for the current sync to complete.")
    locks[plan["id"]] = scope.now + LOCK
    workflows.later(scope, lambda: sync(scope, plan))


def sync(scope: Scope, plan: Row) -> None:
    """Bring every subscription of a plan up to its newest usage price."""
    target = views.price_sequence(scope, plan["id"]) or 0
    for row in scope.find("subscriptions", plan_id=plan["id"], status="published"):
        if row["subscription_status"] in _SYNCED and row["subscription_type"] != INHERITED:
            if (row["synced_price_sequence"] or 0) < target:
                _add_missing(scope, row, plan)
                scope.touch(row, synced_price_sequence=target)
            _end_lines(scope, row, plan)


def _add_missing(scope: Scope, row: Row, plan: Row) -> None:
    since = row["synced_price_sequence"] or 0
    for price in scope.find("prices", entity_id=plan["id"], entity_type="PLAN", type="USAGE", status="published"):
        if price["sequence"] > since and _wanted(scope, row, price):
            when = line_items.span(row, price)
            line_items.add(scope, row, Origin.plan(plan), price, when, metadata=dict(_MARKS), meter_display_name=None)


def _wanted(scope: Scope, row: Row, price: Row) -> bool:
    """Whether a subscription takes a price, has no line of it, and has not overridden it."""
    same = all(price[name] == row[name] for name in ("currency", "billing_period", "billing_period_count"))
    over = price.get("end_date") is not None and price["end_date"] < row["start_date"]
    if not same or over:
        return False
    if any(item["price_id"] == price["id"] for item in line_items.of(scope, row)):
        return False
    family = {price["id"], price.get("parent_price_id") or price["id"]}
    own = scope.find("prices", entity_id=row["id"], entity_type="SUBSCRIPTION", status="published")
    return not any(other.get("parent_price_id") in family for other in own)


def _end_lines(scope: Scope, row: Row, plan: Row) -> None:
    for item in line_items.of(scope, row):
        price = scope.need("prices", item["price_id"])
        ended = price.get("end_date") if price["entity_id"] == plan["id"] else None
        if item["entity_type"] == "plan" and item["end_date"] is None and ended is not None:
            scope.touch(item, end_date=max(item["start_date"], ended))
