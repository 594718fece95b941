"""Credit grants of a plan: what a subscription gets on its start and while it runs (contract 2.3, 7.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ..kernel import errors
from ..kernel.tables import Row
from . import periods, wallets
from .pricing import number
from .scope import Scope

_GRANTED = (
    "name", "scope", "plan_id", "addon_id", "subscription_id", "credits", "cadence", "period", "period_count", "expiration_type",
    "expiration_duration", "expiration_duration_unit", "priority", "conversion_rate", "topup_conversion_rate", "metadata",
)  # fmt: skip

_UNITS = {"DAY": "DAILY", "WEEK": "WEEKLY", "MONTH": "MONTHLY", "YEAR": "ANNUAL"}


def agree(scope: Scope, subscription: Row, given: Sequence[Mapping[str, Any]] | None) -> None:
    """Note the grants that a subscription is created with; they take the place of the plan's."""
    subscription["_own_grants"] = given is not None
    for grant in given or []:
        take(scope, subscription, grant)


def start(scope: Scope, subscription: Row) -> None:
    """Copy the plan's grants to a new subscription, unless it has its own, and pay out those that are due."""
    if not subscription["_own_grants"]:
        for grant in scope.find("credit_grants", plan_id=subscription["plan_id"], scope="PLAN", status="published"):
            take(scope, subscription, grant)
    pay_all(scope, subscription)


def pay_all(scope: Scope, subscription: Row) -> None:
    """Pay out what is due of a subscription's grants."""
    for row in of(scope, subscription):
        pay_due(scope, subscription, row)


def of(scope: Scope, subscription: Row) -> list[Row]:
    """The grants of a subscription's own, oldest first."""
    return scope.find("credit_grants", subscription_id=subscription["id"], scope="SUBSCRIPTION", status="published")


def add(scope: Scope, subscription: Row, grant: Mapping[str, Any]) -> Row:
    """Give a subscription that runs one more grant, and pay out what is due of it.

    Raises :class:`errors.ApiError` for a subscription that is cancelled, and for dates outside of its own.
    """
    if subscription["subscription_status"] == "cancelled":
        raise errors.validation("Subscription is cancelled", {"subscription_id": subscription["id"]})
    start, end, last = grant["start_date"], grant["end_date"], subscription["end_date"]
    if start < subscription["start_date"]:
        details = {"credit_grant_start_date": start, "subscription_start_date": subscription["start_date"]}
        raise errors.validation("Credit grant start date cannot be before subscription start date", details)
    if end is not None and last is not None and end > last:
        details = {"credit_grant_end_date": end, "subscription_end_date": last}
        raise errors.validation("Credit grant end date cannot be after subscription end date", details)
    row = take(scope, subscription, grant)
    if subscription["subscription_status"] == "active":
        pay_due(scope, subscription, row)
    return row


def take(scope: Scope, subscription: Row, grant: Mapping[str, Any], **private: Any) -> Row:
    """Store a subscription's own copy of a grant, which begins with the subscription or on the grant's date."""
    begin = grant.get("start_date") or subscription["start_date"]
    own: dict[str, Any] = {**grant, "scope": "SUBSCRIPTION", "subscription_id": subscription["id"]}
    copied = {key: own[key] for key in _GRANTED if own.get(key) is not None}
    return scope.insert(
        "credit_grants",
        "cg",
        **copied,
        start_date=begin,
        end_date=grant.get("end_date"),
        credit_grant_anchor=begin,
        _paid=0,
        **private,
    )


def pay_due(scope: Scope, subscription: Row, grant: Row) -> None:
    """Pay out every instalment of a grant whose time has come."""
    while (moment := coming(grant)) is not None and moment <= scope.now:
        wallet = wallets.ensure(scope, subscription["customer_id"], subscription["currency"])
        terms = {"expiry": _expiry(subscription, grant, moment), "priority": grant.get("priority")}
        wallets.move(scope, wallet, number(grant["credits"]), "SUBSCRIPTION_CREDIT_GRANT", grant["id"], **terms)
        grant["_paid"] += 1


def _expiry(subscription: Row, grant: Row, moment: datetime) -> datetime | None:
    """When the instalment of ``moment`` expires."""
    if grant.get("expiration_type") == "BILLING_CYCLE":
        end: datetime = subscription["current_period_end"]
        return end
    if grant.get("expiration_type") != "DURATION":
        return None
    return periods.instalment(moment, _UNITS[grant["expiration_duration_unit"]], grant["expiration_duration"], 1)


def upcoming(scope: Scope, subscriptions: Iterable[Row]) -> list[dict[str, Any]]:
    """The next instalment of each grant, as the API's description shows an application that is still to come (not recorded)."""
    return [
        {
            "id": f"cga_{grant['id'].rpartition('_')[2]}",
            "credit_grant_id": grant["id"],
            "subscription_id": subscription["id"],
            "scheduled_for": moment,
            "period_start": moment,
            "application_status": "pending",
            "application_reason": _reason(grant),
            "subscription_status_at_application": subscription["subscription_status"],
            "credits": grant["credits"],
            "retry_count": 0,
            **scope.stamped(),
        }
        for subscription in subscriptions
        for grant in of(scope, subscription)
        if (moment := coming(grant)) is not None
    ]


def _reason(grant: Row) -> str:
    if grant["cadence"] == "ONETIME":
        return "onetime_credit_grant"
    return "recurring_credit_grant" if grant["_paid"] else "first_time_recurring_credit_grant"


def coming(grant: Row) -> datetime | None:
    """When the next instalment comes, if one does before the grant ends."""
    moment = due(grant)
    return moment if moment is None or grant["end_date"] is None or moment < grant["end_date"] else None


def due(grant: Row) -> datetime | None:
    """When the next instalment would come."""
    if grant["_paid"] == 0:
        first: datetime = grant["credit_grant_anchor"]
        return first
    if grant["cadence"] != "RECURRING" or not grant.get("period"):
        return None
    count = grant.get("period_count") or 1
    return periods.instalment(grant["credit_grant_anchor"], grant["period"], count, grant["_paid"])


def end(scope: Scope, subscription: Row, moment: datetime) -> None:
    """No instalment comes after ``moment``."""
    for grant in of(scope, subscription):
        scope.touch(grant, end_date=moment)
