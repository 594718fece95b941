"""``modify/execute``: children, grouped invoices and quantities of a running subscription (contract 11.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ..kernel import errors
from ..kernel.tables import Row
from . import inheritance, line_items
from .inheritance import INHERITED, PARENT, STANDALONE
from .line_items import Origin, Span
from .scope import Scope, subscription_by_id

Given = Mapping[str, Any]
Changed = dict[str, list[dict[str, Any]]]
_TYPES = ("inheritance", "quantity_change", "grouped_invoicing", "trial_end", "coupon", "tax", "addon")


def execute(scope: Scope, identifier: str, body: Given) -> Changed:
    """Do what a request asks; returns what was changed.

    Raises :class:`errors.ApiError` for an unknown type or subscription, and for a change that cannot be.
    """
    kind = body["type"]
    if kind not in _TYPES:
        words = ", ".join(_TYPES)
        raise errors.validation(f"Valid values: {words}")
    if kind == "inheritance":
        return _inherit(scope, subscription_by_id(scope, identifier), body["inheritance_params"])
    if kind == "quantity_change":
        return _quantities(scope, subscription_by_id(scope, identifier), body["quantity_change_params"])
    if kind == "grouped_invoicing":
        return _group(scope, body["grouped_invoicing_params"])
    raise errors.not_implemented(f"modify/execute of type {kind}")


def _changed(row: Row, action: str) -> dict[str, Any]:
    return {"id": row["id"], "action": action, "status": row["subscription_status"]}


def _inherit(scope: Scope, row: Row, params: Given | None) -> Changed:
    if params is not None and params["action"] == "remove":
        raise errors.not_implemented("modify/execute with action remove of inheritance")
    external_ids = (params or {}).get("external_customer_ids_to_inherit_subscription") or []
    if not external_ids:
        message = "Provide external_customer_ids_to_inherit_subscription with at least one non-empty value"
        raise errors.validation(message)
    _check_parent(row)
    children = inheritance.heirs(scope, row["customer_id"], external_ids)
    known = {child["customer_id"] for child in inheritance.children(scope, row)}
    for child in children:
        if child["id"] in known:
            details = {"child_customer_id": child["id"], "subscription_id": row["id"]}
            raise errors.validation("A child customer already has an inherited subscription for this parent", details)
    changed = []
    if row["subscription_type"] == STANDALONE:
        scope.touch(row, subscription_type=PARENT)
        changed.append(_changed(row, "updated"))
    for child in children:
        made = inheritance.bequeath(scope, row, child)
        made["synced_price_sequence"] = None
        changed.append(_changed(made, "created"))
    return {"subscriptions": changed}


def _check_parent(row: Row) -> None:
    who = {"subscription_id": row["id"]}
    if row["subscription_type"] == INHERITED:
        raise errors.validation("Inheritance can only be applied to standalone or parent subscriptions", who)
    if row["subscription_status"] != "active":
        details = {**who, "status": row["subscription_status"]}
        raise errors.validation("Only active subscriptions can be modified for inheritance", details)


def _group(scope: Scope, params: Given | None) -> Changed:
    if params is None or params["action"] not in ("add", "remove"):
        raise errors.validation("Valid values for grouped_invoicing action: add, remove")
    identifiers: Sequence[str] = params["child_subscription_ids"] or []
    if not identifiers:
        raise errors.validation("Provide child_subscription_ids with at least one entry")
    if params["action"] == "add":
        parent = subscription_by_id(scope, params["parent_subscription_id"] or "")
        changed = [inheritance.group(scope, parent, identifier) for identifier in identifiers]
    else:
        changed = [inheritance.ungroup(scope, identifier) for identifier in identifiers]
    return {"subscriptions": [_changed(row, "updated") for row in changed]}


def _quantities(scope: Scope, row: Row, params: Given | None) -> Changed:
    """Other quantities of fees in arrears: each ends its line and starts another."""
    changes = (params or {}).get("line_items") or []
    if not changes:
        raise errors.validation("Provide line_items with at least one entry")
    if row["subscription_status"] != "active":
        details = {"subscription_id": row["id"], "status": row["subscription_status"]}
        raise errors.validation("Only active subscriptions can have quantity changes applied", details)
    found: list[dict[str, Any]] = []
    for change in changes:
        found += _quantity(scope, row, change)
    return {"line_items": found}


def _quantity(scope: Scope, row: Row, change: Given) -> list[dict[str, Any]]:
    moment = change["effective_date"] or scope.now
    item = _quantified(scope, row, change, moment)
    if change["quantity"] == item["quantity"]:
        return []
    if item["invoice_cadence"] == "ADVANCE":
        raise errors.not_implemented("a quantity change of a fee in advance, which is prorated")
    until = item["end_date"]
    copied = ("price_type", "display_name", "subscription_phase_id", "addon_association_id", "metadata")
    price = scope.need("prices", item["price_id"])
    origin = Origin(item["entity_type"], item["entity_id"], item["plan_display_name"])
    scope.touch(item, end_date=moment)
    fields = {name: item[name] for name in copied}
    new = line_items.add(scope, row, origin, price, Span(moment, until), quantity=change["quantity"], **fields)
    shown_end = until or row["current_period_end"]
    return [_line(item, moment, "ended"), _line(new, shown_end, "created")]


def _line(item: Row, end: datetime, action: str) -> dict[str, Any]:
    fields = {name: item[name] for name in ("id", "price_id", "quantity", "start_date")}
    return {**fields, "end_date": end, "change_action": action}


def _quantified(scope: Scope, row: Row, change: Given, moment: datetime) -> Row:
    """The line of a quantity change; refused unless it is a fee of this subscription, in force at ``moment``."""
    if change["quantity"] is None or change["quantity"] < 0:
        raise errors.validation("Quantity cannot be negative")
    start, end = row["current_period_start"], row["current_period_end"]
    for wrong, name, bound in (
        (moment < start, "current_period_start", start),
        (moment >= end, "current_period_end", end),
    ):
        if wrong:
            details = {"effective_date": moment, name: bound}
            raise errors.validation("Set effective_date to a time within the current billing period", details)
    item = scope.get("subscription_line_items", change["id"])
    if item is None:
        message = f"Subscription line item with ID {change['id']} was not found"
        raise errors.not_found(message, {"line_item_id": change["id"]})
    who = {"line_item_id": item["id"]}
    if item["subscription_id"] != row["id"]:
        details = {**who, "subscription_id": row["id"]}
        raise errors.validation("The specified line item ID must belong to the given subscription", details)
    if item["price_type"] != "FIXED":
        details = {**who, "price_type": item["price_type"]}
        raise errors.validation("Quantity changes are only supported for fixed-price line items", details)
    if moment < item["start_date"] or (item["end_date"] is not None and moment >= item["end_date"]):
        raise errors.validation("effective_date must be within the line item's window", who)
    return item
