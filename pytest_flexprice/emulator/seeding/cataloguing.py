"""A catalog in its canonical JSON form, made by requests: features with meters, plans with prices, and what a clone leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pytest_flexprice.model.near_miss import NearMisses

from . import bodies
from .subscribing import Row, SeedError, rfc3339


@dataclass
class Seeded:
    """What a seed made: ids by the names that people use."""

    environment: str
    meters: dict[str, str] = field(default_factory=dict)
    features: dict[str, str] = field(default_factory=dict)
    plans: dict[str, str] = field(default_factory=dict)
    customers: dict[str, str] = field(default_factory=dict)
    subscriptions: dict[str, str] = field(default_factory=dict)


@dataclass
class Cataloguing:
    """Makes catalogs in one environment by requests, and notes the ids in ``seeded``."""

    call: Callable[..., Any]
    setting: Callable[[str, Row], None]
    seeded: Seeded
    since: datetime
    _loose: dict[str, str] = field(default_factory=dict)

    def make(self, catalog: Row) -> None:
        """Make all of a catalog.

        Raises:
            SeedError: something of it was refused; its place is told.
        """
        for key, feature in (catalog.get("features") or {}).items():
            with _told(f"features.{key}"):
                self._feature(key, feature)
        for key, plan in (catalog.get("plans") or {}).items():
            with _told(f"plans.{key}"):
                self._plan(plan, key)
        self._extras(catalog.get("extras") or {})
        for name, copies in (catalog.get("unkeyed_plans") or {}).items():
            for plan in copies:
                with _told(f"unkeyed_plans.{name}"):
                    self._plan({**plan, "name": plan.get("name", name)}, None)

    def _extras(self, extras: Row) -> None:
        """What a clone leaves behind: addons, coupons, tax rates and settings."""
        made: tuple[tuple[str, Callable[[str, Row], object]], ...] = (
            ("addons", self._addon),
            ("coupons", lambda _, one: self.call("POST", "/v1/coupons", bodies.coupon(one))),
            ("tax_rates", lambda _, one: self.call("POST", "/v1/taxes/rates", bodies.tax_rate(one))),
            ("settings", self.setting),
        )
        for kind, make in made:
            for key, one in (extras.get(kind) or {}).items():
                with _told(f"extras.{kind}.{key}"):
                    make(key, one)

    def _addon(self, key: str, addon: Row) -> None:
        identifier = self.call("POST", "/v1/addons", {"name": addon["name"], "lookup_key": key})["id"]
        for price in addon.get("prices") or ():
            self._price(identifier, price, "ADDON")

    def _feature(self, key: str, feature: Row) -> None:
        body = {"name": feature["name"], "lookup_key": key, "type": feature["type"]}
        body.update({name: feature[name] for name in ("unit_singular", "unit_plural") if feature.get(name)})
        if feature.get("meter"):
            body["meter_id"] = self.seeded.meters[key] = self._meter(key, feature["meter"])
        self.seeded.features[key] = self.call("POST", "/v1/features", body)["id"]
        if feature.get("meter", {}).get("status", "published") == "archived":
            self.call("POST", f"/v1/meters/{body['meter_id']}/disable")

    def _meter(self, key: str, meter: Row) -> str:
        return str(self.call("POST", "/v1/meters", bodies.meter(key, meter))["id"])

    def _plan(self, plan: Row, key: str | None) -> None:
        body = {"name": plan["name"], **({"lookup_key": key} if key else {})}
        identifier = self.call("POST", "/v1/plans", body)["id"]
        if key:
            self.seeded.plans[key] = identifier
        for number, price in enumerate(plan.get("prices") or ()):
            with _told(f"prices[{number}]"):
                self._price(identifier, price)
        for feature, entitlement in (plan.get("entitlements") or {}).items():
            if feature not in self.seeded.features:
                self._retired(feature, str(entitlement["feature_type"]))
            body = bodies.entitlement(identifier, self.seeded.features[feature], entitlement)
            self.call("POST", "/v1/entitlements", body)
        for name, grant in (plan.get("credit_grants") or {}).items():
            self.call("POST", "/v1/creditgrants", {"name": name, "scope": "PLAN", "plan_id": identifier, **grant})

    def _price(self, owner: str, price: Row, kind: str = "PLAN") -> None:
        body = {**bodies.price(price), "entity_type": kind, "entity_id": owner, "start_date": rfc3339(self.since)}
        if price.get("type") == "USAGE":
            body["meter_id"] = self._meter_of(price)
        self.call("POST", "/v1/prices", body)

    def _meter_of(self, price: Row) -> str:
        feature = price.get("feature") or ""
        if feature in self.seeded.meters:
            return self.seeded.meters[feature]
        # Of a meter that no published feature has, a catalog tells the event name alone.
        event = str(price.get("event_name") or feature)
        if event not in self._loose:
            self._loose[event] = self._meter(event, {"event_name": event, "aggregation": "COUNT"})
        return self._loose[event]

    def _retired(self, key: str, kind: str) -> None:
        """A feature that was archived under an entitlement, of which a catalog tells the key alone (contract 2.5).

        Raises:
            SeedError: it rather is a feature of the catalog, misspelt.
        """
        hint = NearMisses(self.seeded.features).hint(key)
        if hint:
            raise SeedError(f"an entitlement to '{key}', which is none of the features of the catalog{hint}")
        made: dict[str, Any] = {"name": key, "type": kind}
        if kind == "metered":
            made["meter"] = {"event_name": key, "aggregation": "COUNT"}
        self._feature(key, made)
        self.call("DELETE", f"/v1/features/{self.seeded.features[key]}")
        self.seeded.meters.pop(key, None)


@contextmanager
def _told(where: str) -> Iterator[None]:
    try:
        yield
    except SeedError as error:
        raise SeedError(f"{where}: {error}") from None
