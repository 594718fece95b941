"""Addons of a subscription: at its creation, later, and their removal (contract 11.2; recording deals_addons_coupons_tax)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..kernel import errors
from ..kernel.catalog import grants_of
from ..kernel.tables import Row
from . import config, grants, line_commitments, line_items, overrides, periods
from .line_items import Origin
from .readings import Period
from .scope import Scope

Given = Mapping[str, Any]
CADENCES = ("onetime", "recurring")
_OPEN = ("active", "draft")


def check(given: Given) -> None:
    """Refuse a request for an addon that cannot be meant."""
    errors.refuse(given["cadence"] and given["cadence"] not in CADENCES, "Addon cadence must be onetime or recurring")
    config.check_proration(given["proration_behavior"])
    line_commitments.check_all(given["line_item_commitments"])
    overrides.check_once(given["override_line_items"] or [])


def attach(scope: Scope, row: Row, given: Given) -> Row:
    """Give a subscription an addon: its association, and a line for each of its prices that match.

    Raises :class:`errors.ApiError` for an unknown addon, one without matching prices, a subscription that takes none.
    """
    check(given)
    addon = scope.named("addons", given["addon_id"])
    errors.refuse(row["subscription_status"] not in _OPEN, "Addon can only be added to active or draft subscriptions")
    prices = line_items.matching(scope, addon["id"], "ADDON", row["currency"], row["billing_period"])
    start = given["start_date"] or scope.now
    end = _period_end(row, start) if given["cadence"] == "onetime" else None
    association = _associate(scope, row, addon, given, (start, end))
    items = {}
    for price in prices:
        promise = line_commitments.promise(scope, (given["line_item_commitments"] or {}).get(price["id"]), price)
        items[price["id"]] = line_items.add(
            scope,
            row,
            Origin.addon(addon),
            price,
            line_items.span(row, price, start, end),
            commitment=promise,
            addon_association_id=association["id"],
            metadata=_marks(row, addon),
        )
    line_commitments.check_beside(row, line_items.of(scope, row))
    overrides.apply(scope, row, given["override_line_items"] or [], items)
    for grant in grants_of(scope, addon["id"], "ADDON"):
        grants.take(scope, row, {**grant, "start_date": start, "end_date": end}, _addon_association=association["id"])
    return association


def _marks(row: Row, addon: Row) -> dict[str, str]:
    """How a line says that it comes from an addon."""
    return {"addon_id": addon["id"], "addon_quantity": "1", "addon_status": "active", "subscription_id": row["id"]}


def _associate(scope: Scope, row: Row, addon: Row, given: Given, window: tuple[datetime, datetime | None]) -> Row:
    return scope.insert(
        "addon_associations",
        "addon_assoc",
        environment_id=scope.environment,
        entity_id=row["id"],
        entity_type="subscription",
        addon_id=addon["id"],
        start_date=window[0],
        end_date=window[1],
        addon_status="active",
        cancellation_reason=None,
        cancelled_at=None,
        metadata=given["metadata"] or None,
    )


def _period_end(row: Row, moment: datetime) -> datetime:
    """The end of the subscription's period in which ``moment`` lies."""
    length = (row["billing_period"], row["billing_period_count"])
    zone = config.zone(row["timezone"])
    end: datetime = row["current_period_end"]
    if moment < row["current_period_start"]:
        end = periods.next_boundary(row["start_date"], row["billing_anchor"], *length, zone)
    while end <= moment:
        end = periods.next_boundary(end, row["billing_anchor"], *length, zone)
    return end


def detach(scope: Scope, given: Given) -> Row:
    """End an association with its lines, at the period's end unless a date in the period is given.

    Raises :class:`errors.ApiError` for an unknown association, one that ends already, a date outside of the period.
    """
    config.check_proration(given["proration_behavior"])
    identifier = given["addon_association_id"]
    association = scope.named("addon_associations", identifier, any_status=True)
    if association["end_date"] is not None:
        details = {"addon_association_id": identifier, "end_date": association["end_date"]}
        raise errors.validation("This addon is already marked for removal", details)
    row = scope.need("subscriptions", association["entity_id"])
    end = _removal(row, given["effective_date"])
    for item in line_items.of(scope, row):
        if item["addon_association_id"] == identifier and item["end_date"] is None:
            scope.touch(item, end_date=max(end, item["start_date"]))
    for grant in grants.of(scope, row):
        if grant.get("_addon_association") == identifier:
            scope.touch(grant, end_date=end)
    scope.touch(
        association,
        addon_status="cancelled",
        cancellation_reason=given["reason"] or None,
        cancelled_at=scope.now,
        end_date=end,
    )
    return association


def _removal(row: Row, wanted: datetime | None) -> datetime:
    start, end = row["current_period_start"], row["current_period_end"]
    if wanted is not None and not start <= wanted <= end:
        details = {"effective_date": wanted, "current_period_start": start, "current_period_end": end}
        message = "effective_date must be between the subscription's current period start and end"
        raise errors.validation(message, details)
    moment: datetime = wanted or end
    return moment


def current(scope: Scope, row: Row) -> list[Row]:
    """The associations of a subscription that were not removed and touch its running period, oldest first."""
    rows = scope.find("addon_associations", entity_id=row["id"], addon_status="active", status="published")
    return [one for one in rows if Period.running(row).touched_by(one)]


def check_unused(scope: Scope, addon: Row) -> None:
    """Refuse to delete an addon that a subscription has, or had: lines that ended count too.

    The server looks for one of each and counts no further.
    """
    lines = scope.find("subscription_line_items", entity_id=addon["id"], entity_type="addon", status="published")
    had = scope.find("addon_associations", addon_id=addon["id"], addon_status="active", status="published")
    if lines or had:
        raise errors.validation(
            "Addon is currently active on one or more subscriptions. Remove it from all subscriptions before deleting.",
            {
                "active_line_items_count": min(len(lines), 1),
                "active_subscriptions_count": min(len(had), 1),
                "addon_id": addon["id"],
            },
        )
