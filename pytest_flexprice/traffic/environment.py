"""Customers, subscriptions and prices of an environment as far as a comparison needs them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pytest_flexprice.api import Flexprice
from pytest_flexprice.api.customers import read_customers, read_subscriptions
from pytest_flexprice.model.subscriptions import INHERITED
from pytest_flexprice.model.times import instant_of
from pytest_flexprice.traffic.money import PriceList

_KEPT = (
    "id",
    "subscription_status",
    "subscription_type",
    "parent_subscription_id",
    "current_period_start",
    "start_date",
)


@dataclass
class TrafficEnvironment:
    """External ids, subscriptions by external id and by their own, whose usage a parent bills too, and lines with prices."""

    external_ids: dict[str, str] = field(default_factory=dict)
    subscriptions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    owners: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    children: dict[str, list[str]] = field(default_factory=dict)
    prices: PriceList = field(default_factory=lambda: PriceList(()))

    @classmethod
    def read(cls, flexprice: Flexprice) -> TrafficEnvironment:
        """Three requests for each 1,000 of a kind."""
        found = cls(prices=PriceList(flexprice.list("/v1/prices", allow_expired_prices="true")))
        found.external_ids = {str(row["id"]): str(row["external_id"]) for row in read_customers(flexprice)}
        for row in read_subscriptions(flexprice):
            external_id = found.external_ids.get(str(row.get("customer_id")), "")
            for line in row.get("line_items") or ():
                found.prices.add(external_id, line)
            kept = {name: row.get(name) for name in _KEPT}
            found.subscriptions.setdefault(external_id, []).append(kept)
            found.owners[str(row["id"])] = external_id, kept
            if row.get("subscription_type") == INHERITED:
                found.children.setdefault(str(row.get("parent_subscription_id")), []).append(external_id)
        return found

    def active(self) -> Iterator[Mapping[str, Any]]:
        """Every active subscription."""
        for rows in self.subscriptions.values():
            yield from (row for row in rows if row["subscription_status"] == "active")

    def billing(self, external_id: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The active subscriptions that bill a customer's usage, its own or a parent's, with all customers whose usage each bills."""
        for row in self.subscriptions.get(external_id, ()):
            inherited = row["subscription_type"] == INHERITED
            owner, own = self.owners.get(str(row["parent_subscription_id"] if inherited else row["id"]), ("", row))
            if owner and own["subscription_status"] == "active":
                yield str(own["id"]), (owner, *self.children.get(str(own["id"]), ()))

    @property
    def began(self) -> dict[str, datetime]:
        """The start of each customer's first subscription, by external id."""
        found: dict[str, datetime] = {}
        for external_id, rows in self.subscriptions.items():
            starts = [start for row in rows if (start := instant_of(row, "start_date"))]
            if starts:
                found[external_id] = min(starts)
        return found
