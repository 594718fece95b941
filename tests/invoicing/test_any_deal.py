"""Deals by chance, each healthy: whatever was agreed, nobody is accused by a preview (checklist 5.3)."""

import os
import random
from datetime import UTC, datetime, timedelta

import pytest

from pytest_flexprice.emulator.seeding.seed import SeedError
from pytest_flexprice.model.finding import Kind

from .market import SUM, THREE, Market, flat, package, served, tiered
from .world import stamp

CHARGES = {
    "flat": (SUM, flat("0.05"), None, [100, 50.5]),
    "slab": (SUM, tiered("SLAB"), 3, [20, 5]),
    "volume": (SUM, tiered("VOLUME", THREE), None, [10, 11]),
    "packs": (SUM, package("up"), None, [15]),
    "peak": ({"type": "MAX", "field": "n", "bucket_size": "DAY"}, flat("1"), None, [3, 9, 4]),
    "unique": ({"type": "COUNT_UNIQUE", "field": "u"}, flat("2"), None, [1, 1, 1, 1]),
    "latest": ({"type": "LATEST", "field": "n"}, flat("2"), None, [3, 9, 4]),
}
UNKNOWN = ("slab", "peak")
"""Allowances and buckets, of which nobody knows how they go together with commitments."""
PERIODS = ("MONTHLY", "MONTHLY", "ANNUAL", "QUARTERLY", "WEEKLY", "HALF_YEARLY", "DAILY")
CURRENCIES = ("usd", "jpy", "kwd")
ZONES = ("UTC", "Asia/Kolkata", "America/Los_Angeles", "Pacific/Auckland", "Europe/Berlin")
COUPONS = {
    "tenth": {"type": "percentage", "percentage_off": "10", "cadence": "forever"},
    "once": {"type": "percentage", "percentage_off": "33.3", "cadence": "once"},
    "some": {"type": "percentage", "percentage_off": "5", "cadence": "repeated", "duration_in_periods": 3},
    "five": {"type": "fixed", "amount_off": "5", "currency": "usd", "cadence": "forever"},
    "all": {"type": "percentage", "percentage_off": "100", "cadence": "forever"},
    "last": {"type": "percentage", "percentage_off": "10", "cadence": "forever", "max_redemptions": 1},
}
SEED = int(os.environ.get("SEED", "1"))
DEALS = int(os.environ.get("DEALS", "40"))


class AnyMarket(Market):
    """One plan sold in every way, and a customer for each deal that chance has made."""

    def __init__(self):
        self.chance = random.Random(f"deals {SEED}")
        known = {name: charge for name, charge in CHARGES.items() if name not in UNKNOWN or SEED % 2}
        super().__init__(known)
        self._prices()
        for code, fields in COUPONS.items():
            self.call("POST", "/v1/coupons", {"name": code, "coupon_code": code, **fields})
        for code, fields in (("vat", {"percentage_value": "19.5"}), ("fix", {"fixed_value": "1.25"})):
            kind = "percentage" if "percentage_value" in fields else "fixed"
            self.call("POST", "/v1/taxes/rates", {"name": code, "code": code, "tax_rate_type": kind, **fields})
        self.agreed = {}
        plan = self.plan
        for number in range(DEALS):
            self.plan = plan
            self._any(f"deal {number}")
        self._others()
        self._synced(plan)

    def _prices(self):
        self.sold = {}
        for currency in CURRENCIES:
            for period in sorted(set(PERIODS)):
                if (currency, period) != ("usd", "MONTHLY"):
                    usual = {"currency": currency, "billing_period": period}
                    for name, (_, price, *_) in self.charges.items():
                        usage = {"type": "USAGE", "meter_id": self.meters[name], "invoice_cadence": "ARREAR"}
                        self._price({**usual, **usage, **price, "display_name": name})
                    fee = {"type": "FIXED", "display_name": "Fee", "invoice_cadence": "ADVANCE", **flat("20.5")}
                    self._price({**usual, **fee})
                fee = {"type": "FIXED", "display_name": "Later", "invoice_cadence": "ARREAR", **flat("7")}
                self._price({"currency": currency, "billing_period": period, **fee})
        for price in self.prices:
            self.sold.setdefault((price["currency"], price["billing_period"]), []).append(price)
        self.addon = self.call("POST", "/v1/addons", {"name": "Extra", "lookup_key": "extra"})["id"]
        own = {"entity_type": "ADDON", "entity_id": self.addon, "display_name": "Extra"}
        usage = {"type": "USAGE", "meter_id": self.meters["flat"], "invoice_cadence": "ARREAR", **flat("0.3")}
        self._price({**own, **usage})
        self._price({**own, "type": "FIXED", "invoice_cadence": "ADVANCE", **flat("15")})

    def _price(self, fields):
        return super()._price({"start_date": stamp(self.start - timedelta(days=700)), **fields})

    def _any(self, name):
        chance, now = self.chance, datetime.now(UTC)
        fields = {"external_id": name, "name": name, "timezone": chance.choice(ZONES)}
        customer = self.call("POST", "/v1/customers", fields)
        start = now - timedelta(days=chance.choice((0, 1, 3, 20, 31, 59, 92, 366, 500)), hours=chance.randint(1, 30))
        start = start.replace(microsecond=0) if chance.random() < 0.5 else start
        self._agree(name, customer, self._terms(start))
        if chance.random() < 0.2:  # a second subscription, to the same plan or in another currency
            self._agree(f"{name} again", customer, self._terms(start))
        self.call("POST", "/v1/events/bulk", {"events": self._events(name)})

    def _agree(self, name, customer, deal):
        if self.chance.random() < 0.1:
            child = self.call("POST", "/v1/customers", {"external_id": f"{name} child", "name": "child"})
            deal["inheritance"] = {"external_customer_ids_to_inherit_subscription": [child["external_id"]]}
            self.call("POST", "/v1/events/bulk", {"events": self._events(child["external_id"])})
        try:
            made = self.subscribe(customer, **deal)
        except SeedError:  # what is refused is no deal
            return
        if made["subscription_status"] == "active":  # nothing else is previewed
            self.subscriptions[name], self.agreed[name] = made["id"], [deal]
            while self.chance.random() < 0.3:
                self._change(name, made)

    def _change(self, name, made):
        """Something that is changed of a running subscription."""
        chance, path = self.chance, f"/v1/subscriptions/{made['id']}"
        lines = made.get("line_items") or [{}]
        fees = [line for line in lines if line.get("price_type") == "FIXED"] or lines
        seats = {"line_items": [{"id": chance.choice(fees).get("id"), "quantity": chance.choice(("3", "0.5", "7"))}]}
        usage = {"type": "USAGE", "billing_model": "FLAT_FEE", "amount": "0.7", "invoice_cadence": "ARREAR"}
        usage |= {"currency": made["currency"], "billing_period": made["billing_period"], "billing_period_count": 1}
        price = {**usage, "meter_id": self.meters["flat"], "entity_type": "SUBSCRIPTION", "entity_id": made["id"]}
        kind, changed, body = chance.choice(
            (
                ("POST", f"{path}/cancel", {"cancellation_type": "end_of_period"}),
                ("POST", f"{path}/modify/execute", {"type": "quantity_change", "quantity_change_params": seats}),
                ("POST", f"{path}/lineitems", {"price": price}),
                ("PUT", f"/v1/subscriptions/lineitems/{chance.choice(lines).get('id')}", {"amount": "0.9"}),
                ("POST", "/v1/subscriptions/addon", {"subscription_id": made["id"], "addon_id": self.addon}),
            )
        )
        try:
            self.call(kind, changed, body)
        except SeedError:  # what is refused is no change
            return
        self.agreed[name].append((kind, changed, body))

    def _others(self):
        """Plans of fees only, of what is free, and of nothing at all."""
        usage = {"type": "USAGE", "meter_id": self.meters["flat"], "invoice_cadence": "ARREAR"}
        fee = {"type": "FIXED", "display_name": "Fee", "invoice_cadence": "ADVANCE", **flat("20.5")}
        plans = {
            "fees only": [fee, {**fee, "display_name": "More", **tiered("VOLUME")}],
            "free": [{**usage, **flat("0")}],
        }
        for name, prices in {**plans, "free fee": [{**fee, **flat("0")}, {**usage, **flat("0.000001")}]}.items():
            self.plan = self.call("POST", "/v1/plans", {"name": name, "lookup_key": name})
            first, *_ = [self._price(price) for price in prices]
            coupons = [{"coupon_code": code, "price_id": first["id"]} for code in ("some", "once")]
            self._deal(name, subscription_coupons=coupons)

    def _synced(self, plan):
        """A price of the plan that changes, for new subscriptions, and for all after a sync."""
        price = next(price for price in self.prices if price["entity_id"] == plan["id"])
        self.call("PUT", f"/v1/prices/{price['id']}", {"amount": "0.08"})
        if self.chance.random() < 0.5:
            self.call("POST", f"/v1/plans/{plan['id']}/sync/subscriptions", {})

    def _terms(self, start):
        chance = self.chance
        currency, period = chance.choice(CURRENCIES), chance.choice(PERIODS)
        prices = self.sold[currency, period]
        deal = {"currency": currency, "billing_period": period, "start_date": stamp(start)}
        if chance.random() < 0.3:
            deal["billing_period_count"] = chance.choice((2, 3))
        if chance.random() < 0.3:
            deal["billing_cycle"] = "calendar"
        elif chance.random() < 0.3:
            deal["billing_anchor"] = stamp(start + timedelta(days=chance.choice((-40, -3, 0, 1, 5, 20))))
        if chance.random() < 0.4:
            deal["override_line_items"] = [
                self._override(price) for price in chance.sample(prices, chance.choice((1, 2)))
            ]
        if chance.random() < 0.4:
            codes = chance.sample(sorted(COUPONS), chance.choice((1, 1, 2)))
            deal["subscription_coupons"] = [
                {"coupon_code": code, **({"price_id": chance.choice(prices)["id"]} if chance.random() < 0.3 else {})}
                for code in codes
            ]
        if chance.random() < 0.3:
            rates = chance.sample(("vat", "fix"), chance.choice((1, 2)))
            deal["tax_rate_overrides"] = [
                {"tax_rate_code": code, "currency": currency, "auto_apply": True} for code in rates
            ]
        if chance.random() < 0.25:
            deal |= {
                "commitment_amount": chance.choice(("1", "100", "50000")),
                "overage_factor": chance.choice(("1.5", "2")),
                "enable_true_up": chance.random() < 0.5,
            }
        if chance.random() < 0.25:
            usage = [price for price in prices if price["type"] == "USAGE"]
            amount = (
                {"commitment_amount": "30"}
                if chance.random() < 0.5
                else {"commitment_type": "quantity", "commitment_quantity": "40"}
            )
            promise = {**amount, "overage_factor": "1.5", "enable_true_up": chance.random() < 0.5}
            deal["line_item_commitments"] = {chance.choice(usage)["id"]: promise}
        if chance.random() < 0.15:
            deal["trial_period_days"] = chance.choice((2, 14))
        if chance.random() < 0.2:
            deal["end_date"] = stamp(datetime.now(UTC) + timedelta(days=chance.choice((3, 40, 400))))
        if chance.random() < 0.2 and (currency, period) == ("usd", "MONTHLY"):
            deal["addons"] = [
                {"addon_id": self.addon, "start_date": stamp(start + timedelta(days=chance.choice((0, 1))))}
            ]
        if chance.random() < 0.25:
            deal["phases"] = self._phases(start, prices)
        return deal

    def _phases(self, start, prices):
        chance = self.chance
        cuts = sorted(
            {start + timedelta(days=chance.choice((1, 2, 30, 45, 400)), hours=chance.choice((0, 7))) for _ in range(2)}
        )
        begins = [start, *cuts]
        found = [{"start_date": stamp(begin)} for begin in begins]
        for phase, end in zip(found, begins[1:], strict=False):
            phase["end_date"] = stamp(end)
        for phase in found[1:]:
            if chance.random() < 0.6:
                phase["override_line_items"] = [self._override(chance.choice(prices))]
        return found

    def _override(self, price):
        if price["type"] == "FIXED":
            return {"price_id": price["id"], "quantity": self.chance.choice(("2", "25", "1.5"))}
        return {
            "price_id": price["id"],
            **self.chance.choice((flat("0.02"), flat("0"), package("down"), tiered("SLAB"))),
        }


@pytest.fixture(scope="module")
def market():
    yield from served(AnyMarket)


def test_nobody_is_accused_whatever_was_agreed(market):
    said = market.said_while()
    red = {deal: [each.sentence for each in found if each.kind is Kind.REQUIREMENT] for deal, found in said.items()}
    assert {deal: (market.agreed.get(deal), found) for deal, found in red.items() if found} == {}
    assert len(said) > DEALS / 3
    assert [deal for deal, found in said.items() if found == []], "something is verified"
