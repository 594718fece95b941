"""Servers that take another price, another time or another sum than they should: found, with the line, both figures and the rule."""

from datetime import UTC, datetime, timedelta

import pytest

from .market import SUM, Market, flat, package, served, tiered
from .world import stamp

HOURLY = {"type": "MAX", "field": "n", "bucket_size": "HOUR"}
CHARGES = {
    "added": (SUM, flat("2"), None, [3, 9, 4]),
    "hourly": (HOURLY, tiered("SLAB"), None, [3, 14, 12]),
    "packed": ({**HOURLY, "type": "SUM"}, package("up"), None, [3, 14, 12]),
    "fine": (HOURLY, flat("0.0345"), None, [3, 14, 12]),
    "unique": ({"type": "COUNT_UNIQUE", "field": "u"}, flat("2"), None, [1, 1, 1]),
    "daily": (SUM, flat("0.5"), "DAILY", [3, 9, 4, 12, 2, 11, 20]),
    "granted": (SUM, flat("0.5"), 30, [3, 9]),
}
RATES = {
    "vat": {"tax_rate_type": "percentage", "percentage_value": "19.5"},
    "city": {"tax_rate_type": "percentage", "percentage_value": "2"},
    "fix": {"tax_rate_type": "fixed", "fixed_value": "1.25"},
}
COUPONS = {
    "c": {"type": "percentage", "percentage_off": "10"},
    "d": {"type": "fixed", "amount_off": "5", "currency": "usd"},
}


class FifthMarket(Market):
    """A price list whose prices have others beside them, and a customer for each kind of deal."""

    def __init__(self):
        super().__init__(CHARGES)
        fee = {"type": "FIXED", "invoice_cadence": "ADVANCE"}
        seat = self._price({**fee, "display_name": "Seats", **tiered("SLAB")})
        for code, coupon in COUPONS.items():
            self.call("POST", "/v1/coupons", {"name": code, "coupon_code": code, "cadence": "forever", **coupon})
        for code, rate in RATES.items():
            self.call("POST", "/v1/taxes/rates", {"name": code, "code": code, **rate})
        self._deal("seated", override_line_items=[{"price_id": seat["id"], "quantity": "12.5"}])
        self._deal("taxed", tax_rate_overrides=taxes("vat", "city"), subscription_coupons=[{"coupon_code": "c"}])
        self._deal("fixed", tax_rate_overrides=taxes("fix"), subscription_coupons=[{"coupon_code": "d"}])
        promise = {"commitment_amount": "10", "overage_factor": "2", "enable_true_up": True}
        self._deal("promised", line_item_commitments={self.prices[0]["id"]: promise})
        self._used_before("early")
        self._deal("late")
        now = {"event_id": "now", "timestamp": stamp(datetime.now(UTC) - timedelta(minutes=10))}
        self.call("POST", "/v1/events", {**self._events("late")[0], **now})
        self._others()
        self.plan = self.call("POST", "/v1/plans", {"name": "Usage", "lookup_key": "usage"})
        for name, amount in (("first", "2"), ("second", "0.5")):
            self._price({**self._usage(), **flat(amount), "display_name": name})
        self._deal("twice")
        self._deal("committed", commitment_amount="5000", overage_factor="2", enable_true_up=True)
        self._grouped()

    def _usage(self):
        return {"type": "USAGE", "meter_id": self.meters["added"], "invoice_cadence": "ARREAR"}

    def _others(self):
        """Prices for the same: in another currency, of another billing period, and a newer one."""
        self._price({**self._usage(), **flat("1.7"), "currency": "eur"})
        self._price({**self._usage(), **flat("21"), "billing_period": "ANNUAL"})
        self.call("PUT", f"/v1/prices/{self.prices[0]['id']}", {"amount": "3"})

    def _used_before(self, name):
        """A customer who used something a month before he subscribed."""
        self._deal(name)
        self.start -= timedelta(days=30)
        for event in self._events(name):
            other = {"event_id": f"before {event['event_id']}", "properties": {**event["properties"], "u": "another"}}
            self.call("POST", "/v1/events", {**event, **other})
        self.start += timedelta(days=30)

    def _grouped(self):
        """A customer with a line that cannot be verified, whose discount and tax can."""
        self.plan = self.call("POST", "/v1/plans", {"name": "Groups", "lookup_key": "groups"})
        meter = {"name": "groups", "event_name": "use.added", "reset_usage": "BILLING_PERIOD"}
        spec = {"type": "MAX", "field": "n", "bucket_size": "DAY", "group_by": "u"}
        grouped = self.call("POST", "/v1/meters", {**meter, "aggregation": spec})["id"]
        body = {"name": "groups", "type": "metered", "meter_id": grouped, "lookup_key": "groups"}
        self.call("POST", "/v1/features", body)
        self.server.world.part("events", object)._meters.clear()  # a second meter of a name takes effect late
        self._price({**self._usage(), "meter_id": grouped, **flat("2.15")})
        self._deal("grouped", tax_rate_overrides=taxes("vat"), subscription_coupons=[{"coupon_code": "c"}])


def taxes(*codes):
    return [{"tax_rate_code": code, "currency": "usd", "auto_apply": True} for code in codes]


@pytest.fixture(scope="module")
def market():
    yield from served(FifthMarket)


def test_a_healthy_server_is_accused_of_nothing(market):
    said = market.said_while()
    (unknown,) = said.pop("grouped")
    assert "not verified: line 'use.added': usage of 'groups' per DAY is not known" in unknown.sentence
    assert {deal: found for deal, found in said.items() if found} == {}


ROUNDED = {
    "W20": ("plain", r"'use.fine' .* = 1, but it bills 1\.01 usd, as if the amount is rounded up"),
    "W29": ("taxed", r"tax 'city' is taken on 123\.6, and .* is 134\.64, as if it is taken on usage only"),
}
"""Wrong servers of other price lists, whose rule must be named here too."""
WRONG = {
    "W123": ("plain", r"'use.added' .* = 32, but it bills 27\.2 usd, as if the plan's price of 1\.7 eur holds"),
    "W124": ("plain", r"'use.added' .* = 32, but it bills 48 usd, as if the plan's price of 3 holds"),
    "W125": ("plain", r"'use.added' .* = 32, but it bills 336 usd, as if the plan's price of 21 ANNUAL holds"),
    "W126": ("early", r"'use.unique' bills a usage of 4, .* counts 3 .*, as if usage of earlier periods counts too"),
    "W127": ("late", r"'use.added' bills a usage of 16, .* counts 19 .*, as if usage of the last hour is left out"),
    "W128": ("plain", r"'use.hourly' .* but it bills 22\.4 usd, as if tiers and packages go by the sum of the buckets"),
    "W129": ("plain", r"'use.fine' .* = 1, but it bills 0\.99 usd, as if each bucket is rounded by itself"),
    "W130": (
        "plain",
        r"'use.packed' bills a usage of 9\.66666667, .* counts 29 in the same time, as if the mean of the",
    ),
    "W131": (
        "plain",
        r"'use.daily' bills 56 of 61 used, .* as if the allowance is given once in the whole period",
    ),
    "W132": ("plain", r"'use.granted' bills 12 of 12 used, .* as if the allowance is ignored"),
    "W133": ("seated", r"'Seats' .* = 17\.88, but it bills 17\.7 usd, as if parts of its quantity are cut off"),
    "W134": ("seated", r"'Seats' .* = 17\.88, but it bills 6\.38 usd, as if graduated and volume pricing are swapped"),
    "W135": ("plain", r"'Fee' .* = 20, but it bills .* usd, as if it were for 2\d of \d\d days"),
    "W136": ("plain", r"'use.added' bills a usage of 8, .* counts 16 .*, as if it is split into several lines"),
    "W137": ("twice", r"'use.added' \('first'\) .* = 32, but it bills 40 usd, as if 'use.added' \('second'\) were a"),
    "W138": ("committed", r"= 4960, but it bills .* usd, as if it were for 3 of \d\d days"),
    "W139": ("committed", r"= 4960, but it bills 9960 usd, as if the commitment is twice as large"),
    "W140": ("twice", r"no line for the event 'use.added' \('first'\).*(?s:.*)add up to 8, but its subtotal says 40"),
    "W141": ("twice", r"40 due − 0 paid = 40, but its amount_remaining says 39"),
    "W142": ("taxed", r"tax 'city' on .* is .*, as if it is on top of the tax before it"),
    "W143": ("fixed", r"tax 'fix' on .* is .*, as if it is charged for every line \(expected 1\.25, found"),
    "W144": ("fixed", r"the invoice's discount is .*, as if it is taken off each line \(expected 5, found"),
    "W145": ("fixed", r"subtotal − 5 discount − 0 credits \+ 1\.25 tax = .*, but its total says"),
    "W162": ("plain", r"begins at .*, where one of MONTHLY since .* begins at .*, as if it begins a day too late"),
    "W163": ("plain", r"'use.added' names another price or meter than .* \(expected 'price_.*', found 'price_.*'\)"),
    "W164": (
        "taxed",
        r"the invoice's tax is 55\.19; tax 'vat' is taken more than once \(expected 28\.94, found 55\.19\)",
    ),
    "W165": (
        "taxed",
        r"the invoice's tax is 2\.69; it lacks 1 of the 2 attached taxes \(expected 28\.94, found 2\.69\)",
    ),
    "W167": ("taxed", r"the invoice's discount is 149\.6, as if it is a hundred times as large \(expected 14\.96"),
    "W146": ("taxed", r"the invoice's discount is 10, as if a percentage were an amount"),
}


@pytest.mark.parametrize("fault", [*WRONG, *ROUNDED])
def test_a_wrong_server_is_found_and_its_rule_is_named(market, fault):
    market.assert_named(fault, *{**WRONG, **ROUNDED}[fault])


@pytest.mark.parametrize(
    ("fault", "words"),
    [("W71", r"tax is 0, as if there is none"), ("W111", r"discount is .*, as if it is given twice")],
)
def test_discount_and_tax_are_verified_although_a_line_is_not(market, fault, words):
    market.assert_named(fault, "grouped", words)
