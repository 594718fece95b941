"""Copying a catalog into another environment, with the real server's omissions (contract 2.6, environment_clone)."""

from __future__ import annotations

from .catalog import entitlements_of, grants_of, prices_of
from .scope import Scope
from .tables import Row


class _Clone:
    """One clone from ``source`` into ``target``; ``features`` and ``meters`` map source ids to ids in the target."""

    def __init__(self, source: Scope, target: Scope) -> None:
        self.world, self.source, self.target = source.world, source, target
        self.features: dict[str, str] = {}
        self.meters: dict[str, str] = {}

    def _marked(self, row: Row, name: str) -> dict[str, str]:
        return {**(row["metadata"] or {}), name: row["id"], "source_environment_id": self.source.environment}

    def run(self) -> None:
        """Features with their meters first, then plans with what they hold."""
        for feature in self.source.find("features", status="published"):
            self._feature(feature)
        for plan in self.source.find("plans", status="published"):
            self._plan(plan)

    def _feature(self, feature: Row) -> None:
        known = {"lookup_key": feature["lookup_key"], "status": "published"}
        there = next(iter(self.target.find("features", **known)), None)
        if there is None:
            meter_id = self._meter(feature)
            metadata = self._marked(feature, "source_environment_feature_id")
            there = self.target.copied("features", "feat", feature, meter_id=meter_id, metadata=metadata)
        self.features[feature["id"]] = there["id"]
        if feature["meter_id"] and there["meter_id"]:
            self.meters[feature["meter_id"]] = there["meter_id"]

    def _meter(self, feature: Row) -> str:
        meter = self.source.get("meters", feature["meter_id"])
        if meter is None:
            return ""
        known = self.meters.get(meter["id"])
        return known or str(self.target.copied("meters", "meter", meter)["id"])

    def _plan(self, plan: Row) -> None:
        known = {"lookup_key": plan["lookup_key"], "status": "published"}
        if plan["lookup_key"] and self.target.find("plans", **known):
            return
        prices = prices_of(self.source, plan["id"])
        entitlements = entitlements_of(self.source, plan["id"])
        mapped = all(price["meter_id"] in self.meters for price in prices if price["meter_id"])
        if not mapped or not all(item["feature_id"] in self.features for item in entitlements):
            return  # the plan is lost as a whole, without a sign
        copy = self.target.copied("plans", "plan", plan, metadata=self._marked(plan, "source_environment_plan_id"))
        for price in prices:
            changes = {"entity_id": copy["id"], "lookup_key": "", "start_date": self.target.now}
            changes |= {"meter_id": self.meters.get(price["meter_id"], ""), "sequence": self.world.next("price")}
            self.target.copied("prices", "price", price, **changes)
        for item in entitlements:
            changes = {"entity_id": copy["id"], "feature_id": self.features[item["feature_id"]]}
            self.target.copied("entitlements", "ent", item, **changes)
        for grant in grants_of(self.source, plan["id"]):
            self.target.copied("credit_grants", "cg", grant, plan_id=copy["id"])


def clone_catalog(source: Scope, target: Scope) -> None:
    """Copy published features, plans, prices in force, entitlements and credit grants of ``source`` into ``target``.

    What has a lookup key that exists in the target is kept as it is there; plans without a key are doubled;
    settings, customers, subscriptions, wallets, addons, coupons, taxes and ended prices do not travel.
    """
    _Clone(source, target).run()
