"""Subscriptions that belong together: a parent with inherited or grouped children, a payer for another's
(contract 11.2; recording deals_inheritance).

A child has no lines of its own: its usage is read, and billed, by the lines of its parent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..kernel import errors
from ..kernel.tables import Row
from .rounding import ONE
from .scope import Scope, customer_by_external_id, subscription_by_id

PARENT, INHERITED, STANDALONE, GROUPED = "parent", "inherited", "standalone", "grouped_invoicing"
_OPEN = ("active", "draft", "trialing")
LIVE = ("active", "trialing")
_INHERIT = "external_customer_ids_to_inherit_subscription"
_GROUP = "subscriptions_ids_for_grouped_invoicing"
_CREATE = "grouped_invoicing_children_to_create"
_PAYER = "invoicing_customer_external_id"
_PARENT = "parent_subscription_id"
_EITHER = (
    (_PARENT, _INHERIT, "Use either a parent subscription link or child customers to inherit, not both"),
    (
        _PAYER,
        _INHERIT,
        "Use either invoicing_customer_external_id or external_customer_ids_to_inherit_subscription, not both",
    ),
    (_GROUP, _PARENT, f"{_GROUP} can only be used when creating a parent subscription"),
    (_GROUP, _PAYER, "Use either grouped invoicing conversion or delegated invoicing, not both"),
    (_GROUP, _INHERIT, "Use either grouped invoicing conversion or inherited child creation, not both"),
    (_CREATE, _GROUP, "Use either inline child creation or existing-subscription conversion, not both"),
    (_CREATE, _PARENT, f"{_CREATE} can only be used when creating a parent subscription"),
)
_SHARED = (
    "plan_id", "subscription_status", "currency", "billing_anchor", "billing_cycle", "start_date", "end_date",
    "current_period_start", "current_period_end", "billing_cadence", "billing_period", "billing_period_count",
    "pause_status", "payment_behavior", "collection_method", "gateway_payment_method_id", "timezone",
    "proration_behavior", "payment_terms", "enable_true_up", "synced_price_sequence",
)  # fmt: skip
_UNKNOWN = (
    "lookup_key", "cancelled_at", "cancel_at", "trial_start", "trial_end", "metadata", "commitment_amount",
    "commitment_duration", "auto_invoice_threshold", "invoicing_customer_id", "parent_subscription_id",
)  # fmt: skip
_ENDING = ("subscription_status", "cancelled_at", "cancel_at", "cancel_at_period_end", "end_date")


def check(given: Mapping[str, Any]) -> None:
    """Refuse kinds of belonging that exclude each other."""
    for one, other, message in _EITHER:
        errors.refuse(given[one] and given[other], message)
    for index, identifier in enumerate(given[_GROUP] or []):
        errors.refuse(not identifier, f"Subscription ID at index {index} is empty")


def prepare(scope: Scope, row: Row, given: Mapping[str, Any] | None) -> list[Row]:
    """Make a new subscription what a request says of its belonging; returns the customers that shall inherit it.

    Raises :class:`errors.ApiError` for customers and subscriptions that do not exist or belong elsewhere.
    """
    children: list[Row] = []
    if given is not None:
        if given[_PARENT]:
            _inherit_from(scope, row, given[_PARENT])
        if given[_PAYER]:
            row["invoicing_customer_id"] = customer_by_external_id(scope, given[_PAYER])["id"]
        children = heirs(scope, row["customer_id"], given[_INHERIT] or [])
        if children or given[_GROUP] or given[_CREATE]:
            row["subscription_type"] = PARENT
    if row["subscription_type"] not in (INHERITED, GROUPED):
        _require_no_inherited(scope, row)
    return children


def _parent(scope: Scope, identifier: str) -> Row:
    """A subscription that others may belong to; 404 for an unknown one, 400 for one that does not run."""
    parent = subscription_by_id(scope, identifier)
    if parent["subscription_status"] != "active":
        details = {"parent_subscription_id": identifier, "subscription_status": parent["subscription_status"]}
        raise errors.validation("The parent subscription must be active", details)
    return parent


def linked(scope: Scope, row: Row, identifier: str) -> str | None:
    """The parent that an update names, or none for an empty text; who is billed stays as it is (by the API's description).

    Raises :class:`errors.ApiError` for a parent that cannot be one, and where the invoices go by the parent already.
    """
    if row["subscription_type"] in (INHERITED, GROUPED):
        details = {"subscription_id": row["id"], "subscription_type": row["subscription_type"]}
        raise errors.validation("The parent of a subscription that is billed with another cannot be updated", details)
    errors.refuse(identifier == row["id"], "A subscription cannot be its own parent", parent_subscription_id=identifier)
    return _parent(scope, identifier)["id"] if identifier else None


def _inherit_from(scope: Scope, row: Row, identifier: str) -> None:
    parent = _parent(scope, identifier)
    row.update(
        invoicing_customer_id=parent["invoicing_customer_id"],
        parent_subscription_id=identifier,
        subscription_type=GROUPED if row["subscription_type"] == GROUPED else INHERITED,
    )


def _require_no_inherited(scope: Scope, row: Row) -> None:
    for other in _subscriptions(scope, row["customer_id"]):
        if other["subscription_type"] == INHERITED and other["id"] != row["id"]:
            message = (
                "A customer that receives a subscription through hierarchy cannot create a standalone, parent, "
                "or delegated subscription."
            )
            raise errors.validation(message, {"customer_id": row["customer_id"]})


def _subscriptions(scope: Scope, customer_id: str) -> list[Row]:
    rows = scope.find("subscriptions", customer_id=customer_id, status="published")
    return [row for row in rows if row["subscription_status"] in _OPEN]


def heirs(scope: Scope, parent_customer: str, external_ids: Sequence[str]) -> list[Row]:
    """The customers of these external ids, each of which may inherit from a subscription of ``parent_customer``."""
    own = {row["id"] for row in _subscriptions(scope, parent_customer)}
    return [_heir(scope, parent_customer, external_id, own) for external_id in external_ids if external_id]


def _heir(scope: Scope, parent_customer: str, external_id: str, own: set[str]) -> Row:
    message = "No customer exists for the given external id in this environment"
    child = scope.keyed("customers", message, external_id=external_id)
    details = {"customer_id": child["id"], "external_id": external_id}
    if child["id"] == parent_customer:
        message = "The subscriber cannot appear in external_customer_ids_to_inherit_subscription"
        raise errors.validation(message, details)
    for row in _subscriptions(scope, child["id"]):
        if row["parent_subscription_id"] is None:
            message = "The child customer cannot have standalone or parent subscriptions"
            raise errors.validation(message, details)
        if row["parent_subscription_id"] not in own:
            raise errors.validation("A customer can only be inherited under one parent", details)
    return child


def leaving(scope: Scope, parent: Row, external_id: str) -> Row:
    """The inherited subscription of a customer that is to leave ``parent``.

    Raises :class:`errors.ApiError` unless there is one that does not leave already.
    """
    who = {"subscription_id": parent["id"]}
    if parent["subscription_type"] != PARENT:
        details = {**who, "subscription_type": parent["subscription_type"]}
        raise errors.validation("Only parent subscriptions can have inherited children removed", details)
    if parent["subscription_status"] not in LIVE:
        details = {**who, "status": parent["subscription_status"]}
        raise errors.validation(
            "The parent subscription must be active or trialing to remove inherited children", details
        )
    customer = scope.keyed("customers", "No customer exists for the given external ID", external_id=external_id)
    for child in children(scope, parent):
        if child["customer_id"] == customer["id"]:
            if child["cancel_at"] is not None:
                details = {"child_subscription_id": child["id"]}
                raise errors.validation("The inherited subscription already has a scheduled cancellation", details)
            return child
    details = {"parent_subscription_id": parent["id"], "child_customer_id": customer["id"]}
    message = "No active inherited subscription exists for this child customer under the given parent"
    raise errors.not_found(message, details)


def bequeath(scope: Scope, parent: Row, child: Row) -> Row:
    """Store the inherited subscription of a child."""
    return scope.insert(
        "subscriptions",
        "subs",
        **{**blank(scope), "parent_subscription_id": parent["id"]},
        **{name: parent[name] for name in _SHARED},
        customer_id=child["id"],
        subscription_type=INHERITED,
    )


def blank(scope: Scope) -> dict[str, Any]:
    """The fields of a subscription that nothing is known of at its start."""
    known = {"cancel_at_period_end": False, "version": 1, "overage_factor": ONE, "environment_id": scope.environment}
    return {**dict.fromkeys(_UNKNOWN), **known}


def children(scope: Scope, row: Row, kind: str = INHERITED) -> list[Row]:
    """The subscriptions of that kind under a parent that are not cancelled, oldest first."""
    rows = scope.find("subscriptions", parent_subscription_id=row["id"], subscription_type=kind, status="published")
    return [child for child in rows if child["subscription_status"] in (*_OPEN, "paused")]


def grouped(scope: Scope, row: Row) -> list[Row]:
    """The running subscriptions whose charges belong on the invoices of a parent."""
    if row["subscription_type"] != PARENT:
        return []
    return [child for child in children(scope, row, GROUPED) if child["subscription_status"] in LIVE]


def has_invoices(row: Row) -> bool:
    """Whether a subscription gets invoices of its own."""
    return row["subscription_type"] not in (INHERITED, GROUPED)


def follow(scope: Scope, parent: Row) -> list[Row]:
    """Let the inherited subscriptions end, or be scheduled to end, with their parent; which ones."""
    heirs = children(scope, parent)
    for child in heirs:
        scope.touch(child, **{name: parent[name] for name in _ENDING})
    return heirs


def payer(row: Row) -> str:
    """The customer who gets the invoices of a subscription."""
    identifier: str = row["invoicing_customer_id"] or row["customer_id"]
    return identifier


def lines_from(scope: Scope, row: Row) -> Row:
    """The subscription whose lines read a subscription's usage: its parent for an inherited one, else itself."""
    return scope.need("subscriptions", row["parent_subscription_id"]) if row["subscription_type"] == INHERITED else row


def users(scope: Scope, row: Row) -> list[str]:
    """The external ids of the customers whose usage a subscription is billed for: its own and its heirs'."""
    owners = [row, *(children(scope, row) if row["subscription_type"] == PARENT else [])]
    return [scope.need("customers", owner["customer_id"])["external_id"] for owner in owners]
