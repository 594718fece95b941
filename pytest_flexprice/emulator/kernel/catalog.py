"""Reading the catalog: views of meters, features, plans, prices and entitlements with what an answer expands."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime
from typing import Any

from .render import filled
from .scope import Scope
from .tables import Row

View = dict[str, Any]
_PARTS = ("features", "meters", "plans")
ENTITLED = _PARTS[:1] + _PARTS[2:]
"""What the answer of an entitlement's creation expands."""

GROUPED = {"price": "prices", "feature": "features"}
_OF_GROUP = ("id", "name", "lookup_key", "entity_type", "metadata", "status", "created_at", "updated_at")


def is_ended(price: Row, now: datetime) -> bool:
    """Whether the price's end date has come."""
    return price.get("end_date") is not None and price["end_date"] <= now


def prices_of(scope: Scope, entity_id: str, *, ended: bool = False) -> list[Row]:
    """The published prices of a plan, addon or subscription, oldest first; ended ones only when asked for."""
    rows = scope.find("prices", entity_id=entity_id, status="published")
    return [row for row in rows if ended or not is_ended(row, scope.now)]


def entitlements_of(scope: Scope, entity_id: str) -> list[Row]:
    """The published entitlements of a plan, addon or subscription, oldest first."""
    return scope.find("entitlements", entity_id=entity_id, status="published")


def grants_of(scope: Scope, owner: str, kind: str = "PLAN") -> list[Row]:
    """The published credit grants of a plan (or of an addon), oldest first."""
    return scope.find("credit_grants", **{f"{kind.lower()}_id": owner}, scope=kind, status="published")


def find_meter(scope: Scope, identifier: str) -> Row:
    """The meter of that id, archived ones too; else 404."""
    details = {"meter_id": identifier, "tenant_id": scope.tenant}
    return scope.found("meters", identifier, "Meter not found", details, any_status=True)


def with_meter(scope: Scope, row: Row, wanted: bool = True) -> View:
    """A feature or a price, where it is ``wanted`` with its meter, of any status."""
    found = scope.get("meters", row.get("meter_id")) if wanted else None
    return row.public(meter=found) if found else row.public()


def group_view(scope: Scope, row: Row) -> View:
    """A group with the ids of what belongs to it."""
    members = scope.find(GROUPED[row["entity_type"]], group_id=row["id"])
    return {**{name: row[name] for name in _OF_GROUP}, "entity_ids": [member["id"] for member in members]}


def with_group(scope: Scope, row: Row, view: View, wanted: bool = True) -> View:
    """The view of a price or feature, where it is ``wanted`` with its group (the documentation's pages on groups)."""
    if not row.get("group_id"):
        return {name: value for name, value in view.items() if name != "group_id"}
    group = scope.get("groups", row["group_id"]) if wanted else None
    return {**view, "group": group_view(scope, group)} if group else view


def entitlement_view(scope: Scope, row: Row, expand: Container[str] = _PARTS) -> View:
    """An entitlement with its feature, that one's meter, and its plan, as far as an answer expands them."""
    feature = scope.get("features", row["feature_id"]) if "features" in expand else None
    extra = filled(feature=feature and with_meter(scope, feature, "meters" in expand))
    if row["entity_type"] == "PLAN":
        owner = scope.get("plans", row["entity_id"]) if "plans" in expand else None
        extra |= {**filled(plan=owner), "plan_id": row["entity_id"]}
    return row.public(**extra)


def plan_view(scope: Scope, row: Row, expand: Container[str], *, full: bool = False) -> View:
    """A plan (addon, costsheet) with the parts that an answer expands; one without members is absent.

    ``full`` is a read by id: ended prices too, entitlements with all that belongs to them.
    """
    parts = _PARTS if full else [part for part in _PARTS[:1] if part in expand]
    prices = prices_of(scope, row["id"], ended=full)[::-1] if "prices" in expand else ()
    entitlements = entitlements_of(scope, row["id"])[::-1] if "entitlements" in expand else ()
    extra = filled(
        prices=[with_meter(scope, price, "meters" in expand) for price in prices],
        entitlements=[entitlement_view(scope, item, parts) for item in entitlements],
        credit_grants=grants_of(scope, row["id"])[::-1] if "credit_grant" in expand else None,
    )
    return row.public(**extra)


def full_plan_view(scope: Scope, row: Row) -> View:
    """A plan as a read by id shows it."""
    return plan_view(scope, row, ("prices", "meters", "entitlements", "credit_grant"), full=True)
