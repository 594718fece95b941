"""Wrong servers of other kinds, on a price list with other prices and deals: found, with the line, both figures and the rule."""

import pytest

from .market import SUM, Market, flat, package, served, tiered

FINE = [{"up_to": 10, "unit_amount": "0.0015"}, {"up_to": None, "unit_amount": "0.0025"}]
CHARGES = {
    "micro": (SUM, flat("0.000000076"), None, [50_000_000]),
    "cents": (SUM, flat("0.019"), None, [100]),
    "slab": (SUM, tiered("SLAB"), None, [15, 6]),
    "last": (SUM, tiered("VOLUME"), None, [30]),
    "fine": (SUM, tiered("SLAB", FINE), None, [13]),
    "full": (SUM, package("up"), None, [20]),
    "parts": (SUM, package("up"), None, [15]),
    "half": (SUM, flat("0.5"), None, [0.25]),
    "third": (SUM, flat("1"), None, [2.345]),
    "whole": (SUM, flat("3"), None, [4.5]),
    "free": (SUM, tiered("SLAB"), 7, [25]),
    "freed": (SUM, tiered("VOLUME"), 7, [25]),
    "unique": ({"type": "COUNT_UNIQUE", "field": "u"}, flat("2"), None, [1, 1, 1, 1, 1]),
    "latest": ({"type": "LATEST", "field": "n"}, flat("2"), None, [3, 9, 4]),
    "peak": ({"type": "MAX", "field": "n"}, flat("2"), None, [3, 9, 4]),
    "mean": ({"type": "AVG", "field": "n"}, flat("2"), None, [3, 9, 3]),
    "scaled": ({"type": "SUM_WITH_MULTIPLIER", "field": "n", "multiplier": "0.5"}, flat("2"), None, [3, 9, 4]),
}
PERCENT = {"name": "C", "coupon_code": "c", "type": "percentage", "percentage_off": "10", "cadence": "forever"}
AMOUNT = {"name": "D", "coupon_code": "d", "type": "percentage", "percentage_off": "37", "cadence": "forever"}
TAX = {"name": "T", "code": "t", "tax_rate_type": "percentage", "percentage_value": "19.99"}


class SecondMarket(Market):
    """A price list of other prices, and a customer for each kind of deal."""

    def __init__(self):
        super().__init__(CHARGES)
        for coupon in (PERCENT, AMOUNT):
            self.call("POST", "/v1/coupons", coupon)
        self.call("POST", "/v1/taxes/rates", TAX)
        tax = {"tax_rate_code": "t", "currency": "usd", "auto_apply": True}
        both = [{"coupon_code": "c"}, {"coupon_code": "d"}]
        self._deal("discounted", subscription_coupons=both, tax_rate_overrides=[tax])
        self.plan = self.call("POST", "/v1/plans", {"name": "Usage", "lookup_key": "usage"})
        usage = {"type": "USAGE", "meter_id": self.meters["slab"], "invoice_cadence": "ARREAR"}
        self._price({**usage, **flat("2")})
        self._price({"type": "FIXED", "display_name": "Base", **flat("15"), "invoice_cadence": "ADVANCE"})
        self._deal("committed", commitment_amount="5000", overage_factor="2", enable_true_up=True)
        self._deal("exceeded", commitment_amount="10", overage_factor="2")
        self.plan = self.call("POST", "/v1/plans", {"name": "Seats", "lookup_key": "seats"})
        seat = self._price({"type": "FIXED", "display_name": "Seats", **flat("9"), "invoice_cadence": "ADVANCE"})
        self._price({**usage, **flat("0.5")})
        self._deal("seated", override_line_items=[{"price_id": seat["id"], "quantity": 4}])


@pytest.fixture(scope="module")
def market():
    yield from served(SecondMarket)


def test_a_healthy_server_is_accused_of_nothing(market):
    assert {deal: found for deal, found in market.said_while().items() if found} == {}


WRONG = {
    "W166": ("discounted", r"the invoice's discount is 61\.2, as if only the last coupon acts \(expected 71\.62"),
    "W31": (
        "plain",
        r"'use.cents' .* 100 × 0\.019 = 1\.9, but it bills 1 usd, as if the unit price is cut to 2 decimals",
    ),
    "W32": ("plain", r"'use.micro' .* = 3\.8, but it bills 4 usd, as if the unit price is rounded to 8 decimals"),
    "W33": ("plain", r"'use.slab' .* = 21\.6, but it bills 20\.85 usd, as if tier 2 ends one unit too late"),
    "W34": ("plain", r"'use.last' .* = 4, but it bills 12\.5 usd, as if the last tier is ignored"),
    "W35": ("plain", r"'use.free' .* = 19\.8, but it bills 2\.8 usd, as if every tier is priced like the last"),
    "W36": ("plain", r"'use.parts' .* = 6, but it bills 4\.5 usd, as if parts of packages are charged"),
    "W37": ("plain", r"'use.full' .* = 6, but it bills 9 usd, as if a full package counts as one more"),
    "W38": ("plain", r"'use.half' .* = 0\.13, but it bills 0\.12 usd, as if .*exact halves are rounded down"),
    "W39": ("plain", r"'use.fine' .* = 0\.02, but it bills 0\.03 usd, as if .*each tier is rounded by itself"),
    "W40": ("plain", r"'use.half' .* = 0\.13, but it bills 0\.125 usd, as if the amount is not rounded"),
    "W42": ("plain", r"'use.whole' .* 4\.5 × 3 = 13\.5, but it bills 12 usd, as if parts of units are cut off"),
    "W43": ("plain", r"'use.whole' .* = 13\.5, but it bills 15 usd, as if parts of units count as whole ones"),
    "W44": ("plain", r"'use.slab' .* but it bills 14\.6 usd, as if only the flat fee of the tier reached is charged"),
    "W45": ("plain", r"'use.last' .* but it bills 11 usd, as if the flat fees of lower tiers are charged too"),
    "W46": ("plain", r"'use.free' bills 19 of 25 used, .* as if the allowance ends one unit too early"),
    "W47": ("plain", r"'use.free' bills 25 of 25 used, .* usage above the allowance is billed from its first unit"),
    "W48": ("plain", r"'use.free' bills 0 of 25 used, .* as if usage above the allowance is free too"),
    "W49": (
        "plain",
        r"'use.free' .* 19\.8, but it bills 21\.3 usd, as if the allowance comes off at the price of the tier",
    ),
    "W50": ("plain", r"'use.freed' .* but it bills 2\.8 usd, as if the tier goes by what was used, allowance and all"),
    "W51": ("plain", r"'use.unique' bills a usage of 5, and the usage query counts 3 .* as if events are counted"),
    "W52": (
        "plain",
        r"'use.latest' bills a usage of 9, and the usage query counts 4 .* as if the highest value counts",
    ),
    "W53": (
        "plain",
        r"'use.peak' bills a usage of 16, and the usage query counts 9 .* as if the values of events are added up",
    ),
    "W54": (
        "plain",
        r"'use.mean' bills a usage of 15, and the usage query counts 5 .* as if the values of events are added up",
    ),
    "W55": ("plain", r"'use.slab' bills a usage of 2, and the usage query counts 21 .* as if events are counted"),
    "W60": ("seated", r"'Seats' .* 4 × 9 = 36, but it bills 9 usd, as if its quantity is one"),
    "W61": ("seated", r"'Seats' bills 1 for 9 usd where 4 for 36 is expected \(4 × 9\)"),
    "W62": ("plain", r"'Fee' is billed for another time than it must be \(expected '.* to .*', found '.* to .*'\)"),
    "W63": ("committed", r"4958, but it bills 4943 usd, as if fees count towards the commitment"),
    "W64": ("exceeded", r"'use.slab' .* = 10, but it bills 20 usd, as if everything costs the overage factor"),
    "W65": ("exceeded", r"'slab \(Overage\)' .* = 64, but it bills 32 usd, as if the overage factor is ignored"),
    "W66": ("discounted", r"the invoice's discount is 0, as if there is none \(expected 71\.62, found 0\)"),
    "W67": ("discounted", r"the invoice's discount is 62\.96, as if it is taken on usage only"),
    "W68": ("discounted", r"the invoice's discount is 8\.66, as if it is taken on fees only"),
    "W69": ("discounted", r"the invoice's discount is 77\.74, as if each coupon is taken off the whole subtotal"),
    "W70": ("discounted", r"the invoice's discount is 71\.61, as if its last fraction is cut off"),
    "W71": ("discounted", r"the invoice's tax is 0, as if there is none \(expected 18\.75, found 0\)"),
    "W72": ("discounted", r"tax 't' on 93\.78 is 18\.74, as if its last fraction is cut off"),
    "W73": ("discounted", r"tax 't' on 93\.78 is 15\.62, as if it is inside of the price"),
    "W74": ("plain", r"the invoice's prepaid credits is 1 \(expected 0, found 1\)"),
    "W75": ("plain", r"the lines add up to 165\.4, but its subtotal says 165\.41"),
    "W76": ("discounted", r"its total is 112\.53, but its amount_due says 165\.4"),
    "W77": ("plain", r"the invoice is in another currency \(expected 'usd', found 'eur'\)"),
    "W78": ("plain", r"line 'use\..*' is in another currency than its invoice \(expected 'usd', found 'jpy'\)"),
    "W79": ("plain", r"'slab' is billed more than once: another line over 21\.6 usd beside the first"),
    "W80": ("plain", r"a line that nothing explains: 'Somebody else's seats' over 7"),
    "W81": ("plain", r"'use.slab' is billed for another time than it must be"),
    "W191": ("plain", r"'use.slab' .* = 21\.6, but it bills 6\.6 usd, as if the first tier is free"),
    "W192": ("plain", r"'use.slab' .* but it bills 29\.6 usd, as if the tiers' flat fees are charged twice"),
    "W193": ("plain", r"'use.slab' .* but it bills 17\.6 usd, as if each tier charges the flat fee of the next one"),
    "W194": ("plain", r"'use.slab' .* but it bills 28\.35 usd, as if each tier is priced like the one before it"),
    "W195": ("plain", r"'use.last' .* but it bills 12\.5 usd, as if .*the tiers' bounds are their sizes"),
    "W196": ("plain", r"'use.slab' .* but it bills 21\.15 usd, as if one unit between two tiers is lost"),
    "W197": ("plain", r"'use.parts' .* = 6, but it bills 9 usd, as if one package too many is charged"),
    "W198": ("plain", r"'use.free' bills 21\.5 of 25 used, .* as if the allowance is half as large"),
    "W219": (
        "plain",
        r"'use.free' bills 24\.\d+ of 25 used, the allowance is wrong, as if it is given for 3 of \d\d days",
    ),
    "W199": ("plain", r"'use.free' .* = 19\.8, but it bills 15 usd, as if the allowance comes off the amount"),
    "W200": ("plain", r"'use.half' .* but it bills 0\.15 usd, as if the amount is rounded to whole five coins"),
    "W201": ("plain", r"'use.micro' .* = 3\.8, but it bills 4\.52 usd, as if it is 19 % more"),
    "W202": ("plain", r"'use.micro' .* = 3\.8, but it bills 3\.81 usd, as if 0\.01 more is charged for each line"),
    "W203": ("plain", r"'use.half' .* = 0\.13, but it bills 1 usd, as if every line costs 1 at least"),
    "W205": ("plain", r"'Fee' .* = 20, but it bills 240 usd, as if it is taken 12 times"),
    "W206": ("seated", r"'Seats' .* 4 × 9 = 36, but it bills 45 usd, as if one more is bought"),
    "W207": ("plain", r"'use.third' .* but it bills 2\.34 usd, as if quantities are cut to 2 decimals"),
    "W208": (
        "discounted",
        r"the invoice's discount is 35\.81, as if it is divided by 2 \(expected 71\.62, found 35\.81\)",
    ),
    "W209": ("discounted", r"tax 't' on 93\.78 is 19\.68, as if its rate were 20\.99 %"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_server_is_found_and_its_rule_is_named(market, fault):
    market.assert_named(fault, *WRONG[fault])
