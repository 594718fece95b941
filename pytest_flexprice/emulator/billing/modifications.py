"""``modify/execute`` and ``modify/preview``: what belongs to a running subscription, and how many (contract 11.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..kernel import errors
from ..kernel.tables import Row
from . import attachments, grouping, inheritance, quantities, transaction
from .inheritance import INHERITED, PARENT, STANDALONE
from .scope import Scope, subscription_by_id

Given = Mapping[str, Any]
Changed = dict[str, list[dict[str, Any]]]
_TYPES = ("inheritance", "quantity_change", "grouped_invoicing", "trial_end", "coupon", "tax", "addon")


@dataclass(frozen=True)
class Modified:
    """What a request changed, and which subscriptions are announced as updated.

    ``row`` is the subscription to be shown; ``None`` where the server shows none.
    """

    changed: Changed
    updated: list[Row]
    row: Row | None = None


def execute(scope: Scope, identifier: str, body: Given) -> Modified:
    """Do what a request asks.

    Raises :class:`errors.ApiError` for an unknown type or subscription, and for a change that cannot be.
    """
    kind = body["type"]
    if kind not in _TYPES:
        words = ", ".join(_TYPES)
        raise errors.validation(f"Valid values: {words}")
    params = body[f"{kind}_params"] or {}
    if kind == "grouped_invoicing":
        return _group(scope, params)
    if kind == "inheritance":
        return _belong(scope, identifier, params)
    if kind == "quantity_change":
        quantities.check(params)
    row = subscription_by_id(scope, identifier)
    return Modified(attachments.KINDS[kind](scope, row, params), [row], row)


def preview(scope: Scope, identifier: str, body: Given) -> Modified:
    """What :func:`execute` would do, with placeholders for the ids of what it would make."""
    with transaction.undone(scope) as attempt:
        found = execute(attempt, identifier, body)
        as_preview(found.changed)
    return found


def as_preview(changed: Changed) -> None:
    """Put placeholders in the place of ids that only a change itself would make."""
    for made in changed.get("subscriptions", []):
        if made["action"] == "created":
            made.update(id="(preview-created)", status="active")
    for line in changed.get("line_items", []):
        line["id"] = f"(preview-{line['change_action']})"
    for one in changed.get("invoices", []):
        kind, identifier = ("invoice", "(preview-invoice)")
        if "wallet_transaction" in one:
            kind, identifier = "wallet_transaction", "(preview-wallet-credit)"
        one.update({"id": identifier, "status": "preview", kind: {**one[kind], "id": identifier}})
        if kind == "invoice":
            one[kind].update(invoice_status="DRAFT", invoice_number=None, idempotency_key=None)


def _changed(row: Row, action: str) -> dict[str, Any]:
    return {"id": row["id"], "action": action, "status": row["subscription_status"]}


def _belong(scope: Scope, identifier: str, params: Given) -> Modified:
    remove = params.get("action") == "remove"
    name = "external_customer_ids_to_remove" if remove else "external_customer_ids_to_inherit_subscription"
    external_ids = params.get(name) or []
    errors.refuse(not external_ids, f"Provide {name} with at least one non-empty value")
    if remove and not all(external_id.strip() for external_id in external_ids):
        raise errors.validation(f"Remove any empty strings from {name}")
    row = subscription_by_id(scope, identifier)
    changed = _disinherit(scope, row, external_ids) if remove else _inherit(scope, row, external_ids)
    return Modified(changed, [row], row)


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


def _group(scope: Scope, params: Given) -> Modified:
    """Put subscriptions on the invoices of another, or take them off; each is announced, a new parent too."""
    if params.get("action") not in ("add", "remove"):
        raise errors.validation("Valid values for grouped_invoicing action: add, remove")
    identifiers: Sequence[str] = params["child_subscription_ids"] or []
    errors.refuse(not identifiers, "Provide child_subscription_ids with at least one entry")
    if params["action"] == "remove":
        rows = [grouping.ungroup(scope, identifier) for identifier in identifiers]
        return Modified(_grouped(rows), rows)
    if not params["parent_subscription_id"]:
        raise errors.validation("parent_subscription_id is required for grouped invoicing action 'add'")
    parent = subscription_by_id(scope, params["parent_subscription_id"])
    promoted = [parent] if parent["subscription_type"] == STANDALONE else []
    rows = [grouping.group(scope, parent, identifier) for identifier in identifiers]
    return Modified(_grouped(rows), [*rows, *promoted])


def _grouped(rows: Sequence[Row]) -> Changed:
    return {"subscriptions": [{**_changed(row, "updated"), "status": "active"} for row in rows]}
