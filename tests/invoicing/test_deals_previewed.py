"""Thirteen kinds of deals in an embedded Flexprice: nobody is accused, in their previews or in their subscriptions (5.3, 4.2)."""

from datetime import UTC, datetime, timedelta

import pytest

from pytest_flexprice.api.catalog import read_catalog
from pytest_flexprice.api.client import Flexprice
from pytest_flexprice.api.customers import read_customers, read_plan_prices, read_subscriptions
from pytest_flexprice.api.guard import WriteGuard
from pytest_flexprice.api.previews import PreviewReader, read_previews, read_running_subscriptions
from pytest_flexprice.api.transport import Transport
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.declared_customers import DeclaredRow
from pytest_flexprice.model.finding import Severity
from pytest_flexprice.oracle.customers import subscriptions
from pytest_flexprice.oracle.customers.register import Register
from pytest_flexprice.oracle.invoicing.previews import preview_findings
from pytest_flexprice.oracle.invoicing.sampling import choose

from .world import World, stamp

SUM = {"type": "SUM", "field": "n"}
CHARGES = {
    "flat": (SUM, {"billing_model": "FLAT_FEE", "amount": "0.05"}, None, [100, 50.5]),
    "tiers": (
        SUM,
        {
            "billing_model": "TIERED",
            "tier_mode": "SLAB",
            "tiers": [{"up_to": 10, "unit_amount": "1"}, {"up_to": None, "unit_amount": "0.5"}],
        },
        None,
        [20, 5],
    ),
}


class Dealer(World):
    """A plan of two usage prices and a fee, and a customer for each kind of deal."""

    def __init__(self):
        super().__init__(datetime.now(UTC), CHARGES)
        self.names = ["acct_1"]
        self.flat, self.tiers, self.fee = (each["id"] for each in self.prices)
        self.ends = datetime.fromisoformat(self.subscription["current_period_end"].replace("Z", "+00:00"))
        self._coupons_and_addon()
        for name, fields in self._deals().items():
            self.deal(name, **fields)
        for name in ("child 1", "child 2", "group child", "payer"):
            self.call("POST", "/v1/customers", {"external_id": name, "name": name})
        children = ["child 1", "child 2"]
        self.deal("parent", inheritance={"external_customer_ids_to_inherit_subscription": children})
        self.deal("delegated", inheritance={"invoicing_customer_external_id": "payer"})
        for name in children:
            self.call("POST", "/v1/events/bulk", {"events": self._events(name)})
        paused = self.deal("paused")
        self.call("PUT", f"/v1/subscriptions/{paused['id']}", {"status": "paused"})

    def _coupons_and_addon(self):
        base = {"name": "C", "type": "percentage", "percentage_off": "10", "cadence": "forever"}
        self.call("POST", "/v1/coupons", {**base, "coupon_code": "tenth"})
        fixed = {"name": "F", "type": "fixed", "amount_off": "5", "currency": "usd", "cadence": "once"}
        self.call("POST", "/v1/coupons", {**fixed, "coupon_code": "five"})
        self.call("POST", "/v1/coupons", {**base, "coupon_code": "only", "max_redemptions": 1})
        rate = {"name": "T", "code": "t", "tax_rate_type": "percentage", "percentage_value": "20"}
        self.call("POST", "/v1/taxes/rates", rate)
        self.addon = self.call("POST", "/v1/addons", {"name": "Extra", "lookup_key": "extra"})["id"]
        base = {"entity_type": "ADDON", "entity_id": self.addon, "currency": "usd", "billing_period": "MONTHLY"}
        base |= {
            "billing_period_count": 1,
            "billing_model": "FLAT_FEE",
            "start_date": stamp(self.start - timedelta(days=7)),
        }
        usage = {"type": "USAGE", "meter_id": self.meters["flat"], "invoice_cadence": "ARREAR", "amount": "0.3"}
        self.call("POST", "/v1/prices", {**base, **usage})
        self.call("POST", "/v1/prices", {**base, "type": "FIXED", "invoice_cadence": "ADVANCE", "amount": "15"})

    def _deals(self):
        change = stamp(self.start + timedelta(days=1))
        later = stamp(self.ends + timedelta(days=40))
        own = {"price_id": self.flat, "amount": "0.02"}
        tiers = {
            "price_id": self.flat,
            "billing_model": "PACKAGE",
            "amount": "2",
            "transform_quantity": {"divide_by": 25},
        }
        promise = {"commitment_amount": "100", "overage_factor": "2", "enable_true_up": True}
        tax = {"tax_rate_code": "t", "currency": "usd", "auto_apply": True}
        return {
            "own amount": {"override_line_items": [own]},
            "own model": {"override_line_items": [tiers]},
            "seats": {"override_line_items": [{"price_id": self.fee, "quantity": "25"}]},
            "free": {"override_line_items": [{"price_id": self.flat, "amount": "0"}]},
            "phases": {
                "phases": [
                    {"start_date": stamp(self.start), "end_date": change},
                    {"start_date": change, "end_date": later, "override_line_items": [own]},
                    {"start_date": later},
                ]
            },
            "addon": {"addons": [{"addon_id": self.addon, "start_date": stamp(self.start)}]},
            "coupons": {"subscription_coupons": [{"coupon_code": "tenth"}, {"coupon_code": "five"}]},
            "line coupon": {"subscription_coupons": [{"coupon_code": "tenth", "price_id": self.flat}]},
            "last coupon": {"subscription_coupons": [{"coupon_code": "only"}]},
            "tax": {"tax_rate_overrides": [tax], "subscription_coupons": [{"coupon_code": "tenth"}]},
            "line commitment": {"line_item_commitments": {self.flat: promise}},
            "true-up": {"commitment_amount": "500", "overage_factor": "2", "enable_true_up": True},
            "trial": {"trial_period_days": 14},
        }

    def deal(self, name, **fields):
        """One customer with such a subscription, and its usage."""
        customer = self.call("POST", "/v1/customers", {"external_id": name, "name": name})
        made = self.subscribe(customer, **fields)
        self.call("POST", "/v1/events/bulk", {"events": self._events(name)})
        self.names.append(name)
        return made


@pytest.fixture(scope="module")
def dealer():
    made = Dealer()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def flexprice(dealer):
    client = Flexprice(Transport(dealer.server.url, dealer.headers), WriteGuard(Level.READ, production=True))
    yield client
    client.close()


@pytest.fixture(scope="module")
def previews(flexprice):
    reader, now = PreviewReader(flexprice), datetime.now(UTC)
    sample = choose(read_running_subscriptions(flexprice), None, now, "", reader.has_own_price)
    return sample, list(read_previews(reader, sample.chosen, float("inf")))


def test_each_kind_of_deal_is_previewed(previews):
    sample, read = previews
    assert len(read) == sample.active == 17
    assert dict(sample.left) == {
        "paused, so nothing of it is billed": 1,
        "trialing, so nothing of it is billed": 1,
    }
    assert sample.groups >= 10


def test_nobody_is_accused_by_a_preview(previews):
    _, read = previews
    found = {each.external_id: [one.sentence for one in preview_findings(each, datetime.now(UTC))] for each in read}
    assert {name: said for name, said in found.items() if said} == {}


def test_totals_with_coupons_and_tax_are_calculated(previews):
    by_name = {each.external_id: each for each in previews[1]}
    for name in ("coupons", "line coupon", "tax"):
        assert by_name[name].expected.deductions.discount > 0
    assert by_name["tax"].expected.deductions.tax > 0
    assert by_name["last coupon"].expected.deductions.discount == 0


def test_nobody_is_accused_by_its_subscription(dealer, flexprice):
    now = datetime.now(UTC)
    with Register() as register:
        statuses = {"paused": "paused", "trial": "trialing"}
        rows = [
            DeclaredRow("here", name, {"plan": "pro", **({"status": statuses[name]} if name in statuses else {})})
            for name in (*dealer.names, "child 1", "child 2")
        ]
        register.declare(rows)
        register.add_customers(read_customers(flexprice))
        register.add_subscriptions(read_subscriptions(flexprice))
        told = subscriptions.compare(
            register, read_catalog(flexprice, now), now, past=lambda: read_plan_prices(flexprice)
        )
        assert [one.finding.sentence for one in told if one.finding.severity is Severity.ERROR] == []
