"""Servers that keep to other terms than were agreed with a customer: found, with the line, both figures and the rule."""

from datetime import timedelta

import pytest

from pytest_flexprice.emulator.faults.all import FAULTS

from .market import SUM, Market, flat, served
from .test_misled_servers import WRONG as FIFTH
from .test_misreading_servers import ELSEWHERE
from .test_misreading_servers import WRONG as THIRD
from .test_more_wrong_servers import WRONG as SECOND
from .test_wrong_servers import WRONG as FIRST
from .world import stamp

CHARGES = {"added": (SUM, flat("2"), None, [3, 9, 4]), "other": (SUM, flat("0.5"), None, [10, 20])}
PERCENT = {"name": "C", "type": "percentage", "percentage_off": "10"}
RATE = {"name": "T", "tax_rate_type": "percentage"}


class FourthMarket(Market):
    """A price list with a customer for each agreement of his own."""

    def __init__(self):
        super().__init__(CHARGES)
        added = self.prices[0]["id"]
        for code, cadence in (("c", "forever"), ("d", "once")):
            self.call("POST", "/v1/coupons", {**PERCENT, "coupon_code": code, "cadence": cadence})
        self.call("POST", "/v1/taxes/rates", {**RATE, "code": "t", "percentage_value": "20"})
        tax = {"tax_rate_code": "t", "currency": "usd", "auto_apply": True}
        change = stamp(self.start + timedelta(days=1))
        self._deal("priced", override_line_items=[{"price_id": added, "amount": "1.5"}])
        self._deal("phased", phases=[{"start_date": stamp(self.start), "end_date": change}, {"start_date": change}])
        self._price({"type": "FIXED", "display_name": "Support", **flat("8"), "invoice_cadence": "ARREAR"})
        self._deal("couponed", subscription_coupons=[{"coupon_code": "c"}])
        self._deal("over", subscription_coupons=[{"coupon_code": "d"}])
        self._deal("lined", subscription_coupons=[{"coupon_code": "c", "price_id": added}])
        self._deal("taxed", tax_rate_overrides=[tax])
        promise = {"commitment_amount": "10", "overage_factor": "2", "enable_true_up": True}
        self._deal("promised", line_item_commitments={added: promise})
        self._deal("extended", addons=[{"addon_id": self._addon(), "start_date": change}])
        self.call("POST", "/v1/customers", {"external_id": "child", "name": "child"})
        self._deal("parent", inheritance={"external_customer_ids_to_inherit_subscription": ["child"]})
        rows = self.server.world.table("subscriptions").find(self.seeder.environment, subscription_type="inherited")
        self.subscriptions["child"] = rows[0]["id"]
        self._deal("yearly", **self._annual())
        for row in self.server.world.table("coupon_associations").find(self.seeder.environment):
            if row["subscription_id"] == self.subscriptions["over"]:
                row["end_date"] = self.start - timedelta(days=1)

    def _annual(self):
        self.plan = self.call("POST", "/v1/plans", {"name": "Yearly", "lookup_key": "yearly"})
        fee = {"type": "FIXED", "display_name": "Yearly", **flat("490"), "invoice_cadence": "ADVANCE"}
        self._price({**fee, "billing_period": "ANNUAL"})
        return {"billing_period": "ANNUAL"}

    def _addon(self):
        addon = self.call("POST", "/v1/addons", {"name": "Extra", "lookup_key": "extra"})["id"]
        usage = {"type": "USAGE", "meter_id": self.meters["other"], "invoice_cadence": "ARREAR", **flat("0.3")}
        self._price({**usage, "entity_type": "ADDON", "entity_id": addon, "display_name": "Extra"})
        return addon


@pytest.fixture(scope="module")
def market():
    yield from served(FourthMarket)


def test_a_healthy_server_is_accused_of_nothing(market):
    assert {deal: found for deal, found in market.said_while().items() if found} == {}


WRONG = {
    "W104": ("plain", r"ends at .*, where MONTHLY ends at .*, as if it is a day too long"),
    "W105": ("plain", r"ends at .*, where MONTHLY ends at .*, as if it is a day too short"),
    "W106": (
        "priced",
        r"'use.added' .* 16 × 1\.5 = 24, but it bills 32 usd, as if the plan's price holds and not the agreed one",
    ),
    "W107": ("phased", r"'use.added' is billed for another time than it must be \(expected '.*', found '.*'\)"),
    "W108": (
        "extended",
        r"'use.other' \('Extra'\) bills a usage of 30, and the usage query counts 0 .* as if its time were .* and not",
    ),
    "W109": ("child", r"a line that nothing explains: 'added' over 32, although its parent pays for everything"),
    "W110": ("yearly", r"'Yearly' .* 1 × 490 = 490, but it bills 40\.83 usd, as if it is charged by the month"),
    "W111": ("couponed", r"the invoice's discount is 15, as if it is given twice \(expected 7\.5, found 15\)"),
    "W112": ("over", r"the invoice's discount is 7\.5; coupon 'd' is over \(expected 0, found 7\.5\)"),
    "W113": ("lined", r"'use.added' over 32 has a discount of 0 usd of its own \(expected 3\.2, found 0\)"),
    "W114": ("plain", r"the invoice's tax is 13\.4; nothing attaches tax 't' to the subscription \(expected 0"),
    "W115": (
        "taxed",
        r"tax is 7\.5, as if it is divided by 2; tax 't' is taken at another rate than the attached one \(expected 15, found 7\.5\)",
    ),
    "W116": ("couponed", r"'Support' is billed for another time than it must be"),
    "W117": ("plain", r"has no line for 'Fee' \(expected '1 for 20 usd'\)"),
    "W118": ("extended", r"has no line for the event 'use.other' \('Extra'\) \(expected '0 for 0 usd'\)"),
    "W119": ("promised", r"under its commitment = 54, but it bills 32 usd, as if there is no commitment"),
    "W120": ("couponed", r"75 subtotal − 7\.5 discount − 0 credits \+ 0 tax = 67\.5, but its total says 68"),
    "W121": ("plain", r"'use.added' is billed for another time than it must be"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_server_is_found_and_its_rule_is_named(market, fault):
    market.assert_named(fault, *WRONG[fault])


def test_every_wrong_rule_is_tried():
    assert {*FIRST, *SECOND, *THIRD, *WRONG, *FIFTH, *ELSEWHERE} == {name for name in FAULTS if name.startswith("W")}
