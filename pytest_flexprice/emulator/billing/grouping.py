"""Letting an existing subscription appear on another's invoices, and taking that back (contract 11.2)."""

from __future__ import annotations

from ..kernel import errors
from ..kernel.tables import Row
from .inheritance import GROUPED, LIVE, PARENT, STANDALONE
from .scope import Scope, subscription_by_id


def group(scope: Scope, parent: Row, identifier: str) -> Row:
    """Let the charges of an existing subscription appear on the invoices of ``parent``; returns it.

    Raises :class:`errors.ApiError` unless both run in step.
    """
    child = subscription_by_id(scope, identifier)
    _check_group(parent, child)
    if parent["subscription_type"] == STANDALONE:
        scope.touch(parent, subscription_type=PARENT)
    scope.touch(child, subscription_type=GROUPED, parent_subscription_id=parent["id"])
    return child


def ungroup(scope: Scope, identifier: str) -> Row:
    """Let a grouped subscription get invoices of its own again; returns it."""
    child = subscription_by_id(scope, identifier)
    if child["subscription_type"] != GROUPED:
        details = {"subscription_id": child["id"], "subscription_type": child["subscription_type"]}
        message = "Only grouped_invoicing subscriptions can be removed from grouped invoicing"
        raise errors.validation(message, details)
    scope.touch(child, subscription_type=STANDALONE, parent_subscription_id=None)
    return child


def _check_group(parent: Row, child: Row) -> None:
    who = {"child_subscription_id": child["id"]}
    if child["subscription_type"] != STANDALONE:
        details = {**who, "child_subscription_type": child["subscription_type"]}
        raise errors.validation("Only standalone subscriptions can be added to grouped invoicing", details)
    if child["subscription_status"] not in LIVE:
        details = {**who, "child_subscription_status": child["subscription_status"]}
        raise errors.validation("Only active or trialing subscriptions can be added to grouped invoicing", details)
    if parent["subscription_type"] not in (PARENT, STANDALONE):
        details = {"parent_subscription_id": parent["id"], "parent_subscription_type": parent["subscription_type"]}
        message = (
            "Only parent or standalone subscriptions can act as a grouped invoicing parent; "
            "standalone subscriptions are automatically promoted"
        )
        raise errors.validation(message, details)
    if parent["subscription_status"] not in LIVE:
        details = {"parent_subscription_id": parent["id"], "parent_subscription_status": parent["subscription_status"]}
        message = "Only active or trialing parent subscriptions can accept grouped invoicing children"
        raise errors.validation(message, details)
    _check_step(parent, child)


def _check_step(parent: Row, child: Row) -> None:
    for name, message in (
        ("billing_period", "Child and parent subscriptions must have the same billing period"),
        ("billing_period_count", "Child and parent subscriptions must have the same billing period count"),
    ):
        if child[name] != parent[name]:
            raise errors.validation(message, {f"child_{name}": child[name], f"parent_{name}": parent[name]})
    if _step(child) != _step(parent):
        details = {"child_billing_anchor": child["billing_anchor"], "parent_billing_anchor": parent["billing_anchor"]}
        message = "Child and parent subscriptions must share the same day-of-month and time-of-day billing anchor"
        raise errors.validation(message, details)
    errors.refuse(
        child["currency"] != parent["currency"],
        "Child and parent subscriptions must use the same currency for grouped invoicing",
        child_subscription_id=child["id"],
        child_currency=child["currency"],
        parent_subscription_id=parent["id"],
        parent_currency=parent["currency"],
    )
    if child["start_date"] < parent["start_date"]:
        details = {"child_start_date": child["start_date"], "parent_start_date": parent["start_date"]}
        raise errors.validation("Child subscription cannot start before its parent", details)


def _step(row: Row) -> tuple[int, ...]:
    anchor = row["billing_anchor"]
    return (anchor.day, anchor.hour, anchor.minute, anchor.second)
