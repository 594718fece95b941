"""Credit grants of a plan: what a subscription gets on its start and while it runs (contract 2.3, 7.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ..kernel.tables import Row
from . import periods, wallets
from .pricing import number
from .scope import Scope

_GRANTED = (
    "name", "scope", "plan_id", "subscription_id", "credits", "cadence", "period", "period_count", "expiration_type",
    "expiration_duration", "expiration_duration_unit", "priority", "conversion_rate", "topup_conversion_rate", "metadata",
)  # fmt: skip


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
    for row in scope.find("subscription_grants", subscription_id=subscription["id"], status="published"):
        pay_due(scope, subscription, row)


def take(scope: Scope, subscription: Row, grant: Mapping[str, Any]) -> Row:
    """Store a subscription's own copy of a grant, which begins with the subscription or on the grant's date."""
    begin = grant.get("start_date") or subscription["start_date"]
    own: dict[str, Any] = {**grant, "scope": "SUBSCRIPTION", "subscription_id": subscription["id"]}
    copied = {key: own[key] for key in _GRANTED if own.get(key) is not None}
    return scope.insert(
        "subscription_grants",
        "cg",
        **copied,
        start_date=begin,
        end_date=grant.get("end_date"),
        credit_grant_anchor=begin,
        _paid=0,
    )


def pay_due(scope: Scope, subscription: Row, grant: Row) -> None:
    """Pay out every instalment of a grant whose time has come."""
    while (moment := due(grant)) is not None and moment <= scope.now:
        if grant["end_date"] is not None and moment >= grant["end_date"]:
            return
        wallet = _wallet(scope, subscription)
        wallets.move(scope, wallet, number(grant["credits"]), "SUBSCRIPTION_CREDIT_GRANT", grant["id"])
        grant["_paid"] += 1


def due(grant: Row) -> datetime | None:
    if grant["_paid"] == 0:
        first: datetime = grant["credit_grant_anchor"]
        return first
    if grant["cadence"] != "RECURRING" or not grant.get("period"):
        return None
    return periods.instalment(
        grant["credit_grant_anchor"], grant["period"], grant.get("period_count") or 1, grant["_paid"]
    )


def _wallet(scope: Scope, subscription: Row) -> Row:
    existing = wallets.active(scope, subscription["customer_id"], subscription["currency"])
    return existing[0] if existing else wallets.create(scope, subscription["customer_id"], subscription["currency"])


def end(scope: Scope, subscription: Row, moment: datetime) -> None:
    """No instalment comes after ``moment``."""
    for grant in scope.find("subscription_grants", subscription_id=subscription["id"], status="published"):
        scope.touch(grant, end_date=moment)
