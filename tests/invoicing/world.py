"""A company in an embedded Flexprice: one plan of many prices, one customer, and the events it sends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer
from pytest_flexprice.emulator.kernel.options import PRODUCTION
from pytest_flexprice.emulator.seeding.seed import Seeder

TIERS = [{"up_to": 10, "unit_amount": "1", "flat_amount": "5"}, {"up_to": None, "unit_amount": "0.35"}]
CHARGES = {
    "flat": ({"type": "SUM", "field": "n"}, {"billing_model": "FLAT_FEE", "amount": "0.333"}, None),
    "slab": ({"type": "SUM", "field": "n"}, {"billing_model": "TIERED", "tier_mode": "SLAB", "tiers": TIERS}, 3),
    "volume": ({"type": "COUNT"}, {"billing_model": "TIERED", "tier_mode": "VOLUME", "tiers": TIERS}, None),
    "package": (
        {"type": "SUM_WITH_MULTIPLIER", "field": "n", "multiplier": "0.5"},
        {"billing_model": "PACKAGE", "amount": "3", "transform_quantity": {"divide_by": 10, "round": "up"}},
        None,
    ),
    "daily": ({"type": "SUM", "field": "n"}, {"billing_model": "FLAT_FEE", "amount": "0.5"}, "DAILY"),
    "bucket": (
        {"type": "MAX", "field": "n", "bucket_size": "HOUR"},
        {"billing_model": "FLAT_FEE", "amount": "1"},
        None,
    ),
    "unique": ({"type": "COUNT_UNIQUE", "field": "u"}, {"billing_model": "FLAT_FEE", "amount": "2"}, None),
    "average": ({"type": "AVG", "field": "n"}, {"billing_model": "FLAT_FEE", "amount": "0.5"}, None),
    "expression": ({"type": "SUM", "expression": "n * 2 / 3"}, {"billing_model": "FLAT_FEE", "amount": "0.1"}, None),
}
VALUES = [3, 9, "4.5", 12, 0.25, -3, "x", None]


class World:
    """A running server with the plan's prices, a subscribed customer and metered events."""

    def __init__(self, now: datetime, charges: dict[str, tuple[Any, ...]] | None = None) -> None:
        self.charges = charges or {name: (*charge, VALUES) for name, charge in CHARGES.items()}
        self.prices: list[dict[str, Any]] = []
        self.server = FlexpriceServer(EmulatorOptions(lag=0, jobs=False)).start()
        self.seeder = Seeder(self.server)
        self.start = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=3)
        self.customer = self.call("POST", "/v1/customers", {"external_id": "acct_1", "name": "Acme"})
        self.plan = self.call("POST", "/v1/plans", {"name": "Pro", "lookup_key": "pro"})
        self.meters: dict[str, str] = {}
        for name, (meter, price, allowance, _values) in self.charges.items():
            self._charge(name, meter, price, allowance)
        fee = {
            "type": "FIXED",
            "display_name": "Fee",
            "billing_model": "FLAT_FEE",
            "amount": "20",
            "invoice_cadence": "ADVANCE",
        }
        self._price(fee)
        self.subscription = self.subscribe(self.customer)
        self.events = self._events("acct_1")
        self.call("POST", "/v1/events/bulk", {"events": self.events})

    def call(self, method, path, body=None):
        """One request as the super admin."""
        return self.seeder.call(method, path, body)

    def subscribe(self, customer, **fields):
        """A monthly subscription that began three days ago."""
        base = {
            "customer_id": customer["id"],
            "plan_id": self.plan["id"],
            "currency": "usd",
            "billing_period": "MONTHLY",
        }
        start = stamp(self.start)
        return self.call(
            "POST", "/v1/subscriptions", {**base, "start_date": start, "collection_method": "send_invoice", **fields}
        )

    def stop(self):
        """Stop the server."""
        self.server.stop()

    @property
    def headers(self):
        """What a client of this environment sends."""
        return {"x-api-key": self.server.api_key, "x-environment-id": PRODUCTION}

    def _charge(self, name, meter, price, allowance):
        body = {"name": name, "event_name": f"use.{name}", "aggregation": meter, "reset_usage": "BILLING_PERIOD"}
        self.meters[name] = self.call("POST", "/v1/meters", body)["id"]
        feature = self.call(
            "POST", "/v1/features", {"name": name, "type": "metered", "meter_id": self.meters[name], "lookup_key": name}
        )
        self._price({"type": "USAGE", "meter_id": self.meters[name], "invoice_cadence": "ARREAR", **price})
        if allowance:
            reset, limit = ("DAILY", 5) if allowance == "DAILY" else ("MONTHLY", allowance)
            body = {
                "entity_type": "PLAN",
                "entity_id": self.plan["id"],
                "feature_id": feature["id"],
                "usage_limit": limit,
            }
            self.call("POST", "/v1/entitlements", {**body, "feature_type": "metered", "usage_reset_period": reset})

    def _price(self, fields):
        base = {"entity_type": "PLAN", "entity_id": self.plan["id"], "currency": "usd", "billing_period": "MONTHLY"}
        start = stamp(self.start - timedelta(days=7))
        made = self.call("POST", "/v1/prices", {**base, "billing_period_count": 1, "start_date": start, **fields})
        self.prices.append(made)
        return made

    def _events(self, external_id):
        return [
            {
                "event_name": f"use.{name}",
                "external_customer_id": external_id,
                "event_id": f"{external_id}-{name}-{index}",
                "timestamp": stamp(self.start + timedelta(hours=5 * index, minutes=7 * index)),
                "properties": {"n": value, "u": f"user {index % 3}"},
            }
            for name, charge in self.charges.items()
            for index, value in enumerate(charge[3])
            if name != "expression" or value not in ("x", None)
        ]


def stamp(moment: datetime) -> str:
    """An instant as the API takes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
