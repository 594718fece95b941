"""Copying a catalog into another environment, with the real server's omissions (contract 2.6, environment_clone)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .catalog import entitlements_of, grants_of, prices_of
from .tables import Row

if TYPE_CHECKING:
    from .world import World

_OWN = ("id", "environment_id", "status", "created_at", "updated_at", "created_by", "updated_by", "parent_price_id")


class _Clone:
    """One clone from ``source`` into ``target``; ``features`` and ``meters`` map source ids to ids in the target."""

    def __init__(self, world: World, source: str, target: str, user: str) -> None:
        self.world, self.source, self.target, self.user = world, source, target, user
        self.features: dict[str, str] = {}
        self.meters: dict[str, str] = {}

    def _insert(self, table: str, prefix: str, row: Row, **changes: Any) -> Row:
        now = self.world.clock.now()
        fields = {name: value for name, value in row.public().items() if name not in _OWN}
        stamp = {"status": "published", "created_at": now, "updated_at": now}
        if table != "meters":
            stamp |= {"environment_id": self.target, "created_by": self.user, "updated_by": self.user}
        fresh = {"id": self.world.new_id(prefix), **fields, **stamp, **changes}
        return self.world.table(table).insert(fresh, self.target)

    def _marked(self, row: Row, name: str) -> dict[str, str]:
        return {**(row["metadata"] or {}), name: row["id"], "source_environment_id": self.source}

    def run(self) -> None:
        """Features with their meters first, then plans with what they hold."""
        for feature in self.world.table("features").find(self.source, status="published"):
            self._feature(feature)
        for plan in self.world.table("plans").find(self.source, status="published"):
            self._plan(plan)

    def _feature(self, feature: Row) -> None:
        known = {"lookup_key": feature["lookup_key"], "status": "published"}
        there = self.world.table("features").first(self.target, **known)
        if there is None:
            meter_id = self._meter(feature)
            metadata = self._marked(feature, "source_environment_feature_id")
            there = self._insert("features", "feat", feature, meter_id=meter_id, metadata=metadata)
        self.features[feature["id"]] = there["id"]
        if feature["meter_id"] and there["meter_id"]:
            self.meters[feature["meter_id"]] = there["meter_id"]

    def _meter(self, feature: Row) -> str:
        meter = self.world.table("meters").get(feature["meter_id"], self.source)
        if meter is None:
            return ""
        known = self.meters.get(meter["id"])
        return known or str(self._insert("meters", "meter", meter)["id"])

    def _plan(self, plan: Row) -> None:
        known = {"lookup_key": plan["lookup_key"], "status": "published"}
        if plan["lookup_key"] and self.world.table("plans").first(self.target, **known):
            return
        prices = prices_of(self.world, self.source, plan["id"])
        entitlements = entitlements_of(self.world, self.source, plan["id"])
        mapped = all(price["meter_id"] in self.meters for price in prices if price["meter_id"])
        if not mapped or not all(item["feature_id"] in self.features for item in entitlements):
            return  # the plan is lost as a whole, without a sign
        copy = self._insert("plans", "plan", plan, metadata=self._marked(plan, "source_environment_plan_id"))
        for price in prices:
            changes = {"entity_id": copy["id"], "lookup_key": "", "start_date": self.world.clock.now()}
            changes |= {"meter_id": self.meters.get(price["meter_id"], ""), "sequence": self.world.next("price")}
            self._insert("prices", "price", price, **changes)
        for item in entitlements:
            changes = {"entity_id": copy["id"], "feature_id": self.features[item["feature_id"]]}
            self._insert("entitlements", "ent", item, **changes)
        for grant in grants_of(self.world, self.source, plan["id"]):
            self._insert("credit_grants", "cg", grant, plan_id=copy["id"])


def clone_catalog(world: World, source: str, target: str, user: str) -> None:
    """Copy published features, plans, prices in force, entitlements and credit grants of ``source`` into ``target``.

    What has a lookup key that exists in the target is kept as it is there; plans without a key are doubled;
    settings, customers, subscriptions, wallets, addons, coupons, taxes and ended prices do not travel.
    """
    _Clone(world, source, target, user).run()
