"""Reading the catalog: views of meters, features, plans, prices and entitlements with what an answer expands."""

from __future__ import annotations

from collections.abc import Container, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .tables import Row

if TYPE_CHECKING:
    from .scope import Scope
    from .world import World

View = dict[str, Any]


def is_ended(price: Row, now: datetime) -> bool:
    """Whether the price's end date has come."""
    return price.get("end_date") is not None and price["end_date"] <= now


def prices_of(world: World, environment: str, entity_id: str, *, ended: bool = False) -> list[Row]:
    """The published prices of a plan, addon or subscription, oldest first; ended ones only when asked for."""
    rows = world.table("prices").find(environment, entity_id=entity_id, status="published")
    now = world.clock.now()
    return [row for row in rows if ended or not is_ended(row, now)]


def entitlements_of(world: World, environment: str, entity_id: str) -> list[Row]:
    """The published entitlements of a plan, addon or subscription, oldest first."""
    return world.table("entitlements").find(environment, entity_id=entity_id, status="published")


def grants_of(world: World, environment: str, owner: str, kind: str = "PLAN") -> list[Row]:
    """The published credit grants of a plan (or of an addon), oldest first."""
    column = f"{kind.lower()}_id"
    return world.table("credit_grants").find(environment, **{column: owner}, scope=kind, status="published")


def meter_of(world: World, environment: str, row: Row) -> Row | None:
    """The meter of a feature or price, of any status."""
    return world.table("meters").get(row.get("meter_id") or "", environment)


def find_meter(scope: Scope, identifier: str) -> Row:
    """The meter of that id, archived ones too; else 404."""
    details = {"meter_id": identifier, "tenant_id": scope.tenant}
    return scope.found("meters", identifier, "Meter not found", details, any_status=True)


def feature_view(world: World, environment: str, row: Row, *, meter: bool) -> View:
    """A feature, with its meter when ``meter``."""
    found = meter_of(world, environment, row) if meter else None
    return row.public(meter=found) if found else row.public()


def price_view(world: World, environment: str, row: Row, *, meter: bool = False) -> View:
    """A price as reads show it, with its meter when ``meter``."""
    found = meter_of(world, environment, row) if meter else None
    return row.public(meter=found) if found else row.public()


def entitlement_view(
    world: World, environment: str, row: Row, *, feature: bool = False, meter: bool = False, plan: bool = False
) -> View:
    """An entitlement with the parts that an answer expands."""
    extra: View = {}
    if feature:
        found = world.table("features").get(row["feature_id"], environment)
        if found:
            extra["feature"] = feature_view(world, environment, found, meter=meter)
    if row["entity_type"] == "PLAN":
        owner = world.table("plans").get(row["entity_id"], environment) if plan else None
        if owner:
            extra["plan"] = owner
        extra["plan_id"] = row["entity_id"]
    return row.public(**extra)


def newest_first(rows: Iterable[Row]) -> list[Row]:
    """Rows given oldest first, the other way round."""
    return list(rows)[::-1]


def plan_view(world: World, environment: str, row: Row, expand: Container[str], *, ended: bool = False) -> View:
    """A plan with the parts that a list or search expands; a part without members is absent."""
    extra: View = {}
    if "prices" in expand:
        prices = newest_first(prices_of(world, environment, row["id"], ended=ended))
        extra["prices"] = [price_view(world, environment, price, meter="meters" in expand) for price in prices]
    if "entitlements" in expand:
        extra["entitlements"] = [
            entitlement_view(world, environment, item, feature="features" in expand)
            for item in newest_first(entitlements_of(world, environment, row["id"]))
        ]
    if "credit_grant" in expand:
        extra["credit_grants"] = newest_first(grants_of(world, environment, row["id"]))
    return row.public(**{name: part for name, part in extra.items() if part})


def full_plan_view(world: World, environment: str, row: Row) -> View:
    """A plan as a read by id shows it: every price (ended ones too), entitlements and credit grants."""
    parts: View = {
        "prices": [
            price_view(world, environment, price, meter=True)
            for price in newest_first(prices_of(world, environment, row["id"], ended=True))
        ],
        "entitlements": [
            entitlement_view(world, environment, item, feature=True, meter=True, plan=True)
            for item in newest_first(entitlements_of(world, environment, row["id"]))
        ],
        "credit_grants": newest_first(grants_of(world, environment, row["id"])),
    }
    return row.public(**{name: part for name, part in parts.items() if part})
