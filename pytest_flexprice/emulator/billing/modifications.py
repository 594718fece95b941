"""``modify/execute``: children, grouped invoices and quantities of a running subscription (contract 11.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..kernel import errors
from ..kernel.tables import Row
from . import grouping, inheritance, quantities
from .inheritance import INHERITED, PARENT, STANDALONE
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
        return _belong(scope, identifier, body["inheritance_params"] or {})
    if kind == "quantity_change":
        wanted = (body["quantity_change_params"] or {}).get("line_items") or []
        quantities.check(wanted)
        return quantities.change(scope, subscription_by_id(scope, identifier), wanted)
    if kind == "grouped_invoicing":
        return _group(scope, body["grouped_invoicing_params"])
    raise errors.not_implemented(f"modify/execute of type {kind}")


def _changed(row: Row, action: str) -> dict[str, Any]:
    return {"id": row["id"], "action": action, "status": row["subscription_status"]}


def _belong(scope: Scope, identifier: str, params: Given) -> Changed:
    remove = params.get("action") == "remove"
    name = "external_customer_ids_to_remove" if remove else "external_customer_ids_to_inherit_subscription"
    external_ids = params.get(name) or []
    if not external_ids:
        raise errors.validation(f"Provide {name} with at least one non-empty value")
    if remove and not all(external_id.strip() for external_id in external_ids):
        raise errors.validation(f"Remove any empty strings from {name}")
    row = subscription_by_id(scope, identifier)
    return _disinherit(scope, row, external_ids) if remove else _inherit(scope, row, external_ids)


def _disinherit(scope: Scope, row: Row, external_ids: Sequence[str]) -> Changed:
    """Let children leave at the end of their parent's period."""
    end = row["current_period_end"]
    children = [inheritance.leaving(scope, row, external_id) for external_id in dict.fromkeys(external_ids)]
    for child in children:
        scope.touch(child, cancel_at=end, cancel_at_period_end=True)
    return {"subscriptions": [{**_changed(child, "updated"), "current_period_end": end} for child in children]}


def _inherit(scope: Scope, row: Row, external_ids: Sequence[str]) -> Changed:
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
        changed = [grouping.group(scope, parent, identifier) for identifier in identifiers]
    else:
        changed = [grouping.ungroup(scope, identifier) for identifier in identifiers]
    return {"subscriptions": [_changed(row, "updated") for row in changed]}
