"""Each server that calculates wrongly is found by its previews: the line, both figures, and the rule it seems to follow."""

from datetime import datetime, timedelta

import pytest

from pytest_flexprice.model.finding import Kind

from .market import SUM, Market, flat, package, served, tiered
from .world import stamp

TIERS = [
    {"up_to": 10, "unit_amount": "1", "flat_amount": "5"},
    {"up_to": None, "unit_amount": "0.35", "flat_amount": "2"},
]
SLAB, VOLUME = tiered("SLAB", TIERS), tiered("VOLUME", TIERS)


CHARGES = {
    "tiny": (SUM, flat("0.0000025"), None, [600000, 400001]),
    "slab": (SUM, SLAB, None, [20, 5]),
    "edge": (SUM, VOLUME, None, [10]),
    "above": (SUM, VOLUME, None, [11]),
    "package": (SUM, package("up"), None, [11]),
    "packages": (SUM, package("down"), None, [19]),
    "free": (
        SUM,
        {**SLAB, "tiers": [{"up_to": 20, "unit_amount": "1"}, {"up_to": None, "unit_amount": "0.5"}]},
        7,
        [25],
    ),
    "bucket": ({"type": "MAX", "field": "n", "bucket_size": "HOUR"}, flat("1"), None, [3, 9, 4]),
    "half": (SUM, flat("0.5"), None, [0.25]),
    "cut": (SUM, flat("1"), None, [0.127]),
    "events": (SUM, flat("0.004"), None, [1, 1, 1]),
}
DEALS = ("plain", "committed", "promised", "exceeded", "discounted", "phased")
PERCENT = {"name": "C", "coupon_code": "c", "type": "percentage", "percentage_off": "10", "cadence": "forever"}
TAX = {"name": "T", "code": "t", "tax_rate_type": "percentage", "percentage_value": "20"}


class FirstMarket(Market):
    """A price list with every kind of price, and a customer for each kind of deal."""

    def __init__(self):
        super().__init__(CHARGES)
        self.call("POST", "/v1/coupons", PERCENT)
        self.call("POST", "/v1/taxes/rates", TAX)
        tax = {"tax_rate_code": "t", "currency": "usd", "auto_apply": True}
        self._deal("discounted", subscription_coupons=[{"coupon_code": "c"}], tax_rate_overrides=[tax])
        ends = datetime.fromisoformat(self.subscription["current_period_end"].replace("Z", "+00:00"))
        change = stamp(ends + timedelta(days=10))
        self._deal("phased", phases=[{"start_date": stamp(self.start), "end_date": change}, {"start_date": change}])
        self.plan = self.call("POST", "/v1/plans", {"name": "Usage", "lookup_key": "usage"})
        price = self._price(
            {"type": "USAGE", "meter_id": self.meters["slab"], "invoice_cadence": "ARREAR", **flat("2")}
        )
        self._deal("committed", commitment_amount="5000", overage_factor="2", enable_true_up=True)
        for name, amount in (("promised", "100"), ("exceeded", "10")):
            promise = {"commitment_amount": amount, "overage_factor": "2", "enable_true_up": True}
            self._deal(name, line_item_commitments={price["id"]: promise})


@pytest.fixture(scope="module")
def market():
    yield from served(FirstMarket)


def test_a_healthy_server_is_accused_of_nothing(market):
    said = market.said_while()
    assert {deal: found for deal, found in said.items() if found and deal != "phased"} == {}
    assert set(said) == set(DEALS)
    (unknown,) = said["phased"]
    assert unknown.kind is Kind.NOT_VERIFIED
    assert "the fee 'Fee' that starts within the next period" in unknown.sentence


WRONG = {
    "W01": (
        "plain",
        r"'use.tiny' .* 1000001 × 0\.0000025 = 2\.5, but it bills 0 usd, as if .*the unit price is rounded to 5 decimals",
    ),
    "W02": ("plain", r"'use.tiny' .* but it bills 0 usd, as if .*the unit price is"),
    "W03": (
        "plain",
        r"'use.tiny' .* = 2\.5, but it bills 3 usd, as if .*the unit price is rounded to 6 decimals",
    ),
    "W04": (
        "plain",
        r"'use.slab' .* 10 × 1 \+ 5 flat .* = 22\.25, but it bills 30 usd, as if .*every tier is priced like the first",
    ),
    "W05": (
        "plain",
        r"'use.edge' .* 10 × 1 \+ 5 flat = 15, but it bills 5\.5 usd, as if .*tiers end one unit too early",
    ),
    "W06": ("plain", r"'use.above' .* but it bills 16 usd, as if .*tiers end one unit too late"),
    "W07": ("plain", r"'use.slab' .* but it bills 10\.75 usd, as if .*graduated and volume pricing are swapped"),
    "W08": ("plain", r"'use.above' .* but it bills 17\.35 usd, as if .*graduated and volume pricing are swapped"),
    "W09": ("plain", r"'use.slab' .* but it bills 15\.25 usd, as if .*the tiers' flat fees are forgotten"),
    "W10": (
        "plain",
        r"'use.slab' .* but it bills 95\.25 usd, as if .*the tiers' flat fees are charged per unit",
    ),
    "W11": ("plain", r"'use.package' .* = 6, but it bills 3 usd, as if .*packages are rounded down"),
    "W12": ("plain", r"'use.package' .* = 6, but it bills 3 usd, as if .*packages are rounded"),
    "W13": ("plain", r"'use.packages' .* = 3, but it bills 6 usd, as if .*packages are rounded up"),
    "W14": ("plain", r"'use.free' bills 25 of 25 used, the allowance is wrong, as if .*the allowance is ignored"),
    "W15": ("plain", r"'use.free' bills 11 of 25 used, the allowance is wrong, as if .*the allowance is given twice"),
    "W16": ("plain", r"'use.free' .* but it bills 15\.5 usd, as if .*the allowance comes off after the tiers"),
    "W17": (
        "plain",
        r"'use.bucket' bills a usage of 9, and the usage query counts 16 in the same time, as if .*only the highest hour counts",
    ),
    "W18": (
        "plain",
        r"'use.half' .* 0\.25 × 0\.5 = 0\.13, but it bills 0\.12 usd, as if .*exact halves are rounded to the even neighbour",
    ),
    "W19": (
        "plain",
        r"'use.cut' .* 0\.127 × 1 = 0\.13, but it bills 0\.12 usd, as if .*the rest of the amount is cut off",
    ),
    "W20": ("plain", r"'use.events' .* 3 × 0\.004 = 0\.01, but it bills 0\.02 usd, as if .*the amount is rounded up"),
    "W21": ("plain", r"'use.cut' .* but it bills 0\.127 usd, as if .*the currency has one decimal more"),
    "W22": ("plain", r"'use.slab' .* but it bills 22 usd, as if .*the currency has no decimals"),
    "W23": ("plain", r"'use.events' .* 3 × 0\.004 = 0\.01, but it bills 0 usd"),
    "W24": ("plain", r"'Fee' is billed more than once: another line over 20 usd"),
    "W25": ("phased", r"'Fee' .* × 10 ÷ (28|29|30|31) days = .*, but it bills 6\.67 usd, as if .*every .* has 30 days"),
    "W26": ("committed", r"the commitment is not filled up: 5000 committed − .* used = .* usd is missing"),
    "W27": ("exceeded", r"under its commitment = 90, but it bills 50 usd, as if .*there is no commitment"),
    "W28": ("discounted", r"tax 't' is taken on .*, as if .*it is taken before the discount"),
    "W29": ("discounted", r"tax 't' is taken on .*, and what is left after discounts is"),
    "W30": ("discounted", r"the invoice's discount is .*, as if .*it is taken after the tax"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_server_is_found_and_its_rule_is_named(market, fault):
    market.assert_named(fault, *WRONG[fault])
