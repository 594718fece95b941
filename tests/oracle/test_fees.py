"""Fees in advance of a period in which something ends."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from pytest_flexprice.model.prices import Price
from pytest_flexprice.model.times import Window, instant
from pytest_flexprice.oracle.invoicing.fees import in_advance
from pytest_flexprice.oracle.invoicing.subscription import BilledLine, BilledSubscription

SEATS = Price("price_1", "FIXED", "usd", "FLAT_FEE", amount=Decimal(31), invoice_cadence="ADVANCE")
LINE = BilledLine("line_1", SEATS, display_name="Seats")
START, END = instant("2026-11-01T00:00:00Z"), instant("2026-12-01T00:00:00Z")
IN_DECEMBER = instant("2026-12-11T00:00:00Z")
RUNNING = BilledSubscription("subs_1", "usd", "MONTHLY", START, Window(START, END), (LINE,), START)


def test_a_whole_period_pays_the_whole_fee():
    fee = in_advance(RUNNING, LINE)
    assert fee is not None
    assert (fee.amount, fee.optional, fee.doubt) == (Decimal(31), False, "")


def test_a_line_that_ends_within_the_period_pays_its_days():
    fee = in_advance(RUNNING, replace(LINE, end=IN_DECEMBER))
    assert fee is not None
    assert (fee.amount, fee.optional) == (Decimal(10), False)


@pytest.mark.parametrize("end", [None, IN_DECEMBER, instant("2026-12-09T00:00:00Z")])
def test_what_a_subscription_that_ends_pays_is_not_known_whether_its_lines_say_so_or_not(end):
    fee = in_advance(replace(RUNNING, ends=IN_DECEMBER), replace(LINE, end=end))
    assert fee is not None
    assert fee.optional
    assert "in which the subscription ends" in fee.doubt
