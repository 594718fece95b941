"""What differences are worth, at the prices that their customers pay (contract 2.4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pytest_flexprice.model.decimals import ZERO, rounded
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.model.prices import Price
from pytest_flexprice.model.times import instant_of
from pytest_flexprice.oracle.pricing.prices import cost
from pytest_flexprice.traffic.causes import Cause, Difference, Tally
from pytest_flexprice.traffic.repricing import Bill

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class PriceList:
    """The price of each meter for each customer: that of the customer's first line on it.

    ``starts`` are lines' first starts by meter and external id, ``ends`` their last ends where no line goes on; ``added`` are the
    meters and customers that have a line of an addon.
    """

    def __init__(self, prices: Iterable[Mapping[str, Any]]) -> None:
        self._prices = {str(row["id"]): row for row in prices}
        self._of: dict[tuple[str, str], str] = {}
        self.starts: dict[str, dict[str, datetime]] = defaultdict(dict)
        self._ends: dict[str, dict[str, datetime | None]] = defaultdict(dict)
        self.added: set[tuple[str, str]] = set()

    def add(self, external_id: str, line: Mapping[str, Any]) -> None:
        """Take in a line of a customer's subscription."""
        meter, start = str(line.get("meter_id") or ""), instant_of(line, "start_date")
        if not meter:
            return
        self._of.setdefault((external_id, meter), str(line.get("price_id")))
        end, before = instant_of(line, "end_date"), self._ends[meter].get(external_id, _LONG_AGO)
        self._ends[meter][external_id] = None if end is None or before is None else max(end, before)
        if line.get("entity_type") == "addon":
            self.added.add((meter, external_id))
        if start is not None:
            first = self.starts[meter].get(external_id, start)
            self.starts[meter][external_id] = min(start, first)

    @property
    def ends(self) -> dict[str, dict[str, datetime]]:
        """The last ends of lines by meter and external id, where no line goes on."""
        return {meter: {one: end for one, end in rows.items() if end is not None} for meter, rows in self._ends.items()}

    def amount(self, external_id: str, meter: str, quantity: Decimal) -> tuple[str, Decimal] | None:
        """Currency and amount of a quantity, below zero for a quantity below zero; None where nothing prices it."""
        row = self._prices.get(self._of.get((external_id, meter), ""))
        if row is None:
            return None
        price = Price.from_api(row)
        try:
            amount = rounded(cost(price, abs(quantity)), price.currency)
        except NotVerified:
            return None
        return price.currency, amount if quantity >= 0 else -amount


def valued(
    tallies: Sequence[Tally], differences: Iterable[Difference], prices: PriceList, bills: Sequence[Bill] = ()
) -> None:
    """Put into each tally what its quantities cost, customer by customer: what they change in a bill that is known, else about.

    Of several causes on one bill each costs what it changes beside those before it, so that all together are the whole difference.
    """
    less: dict[int, dict[str, Decimal]] = defaultdict(dict)
    grouped: dict[Cause, dict[tuple[str, str], list[Difference]]] = defaultdict(lambda: defaultdict(list))
    for one in differences:
        if one.meter and one.quantity:
            grouped[one.cause][one.customer, one.meter].append(one)
    for tally in tallies:
        tally.money, tally.about = {}, False
        for (customer, meter), own in grouped[tally.cause].items():
            quantity = sum((one.quantity for one in own), ZERO)
            bill = next((each for each in bills if each.prices(customer, meter, [one.time for one in own])), None)
            amount = _changed(bill, less[id(bill)], meter, quantity) if bill else None
            if bill is not None and amount is not None:
                _add(tally, (bill.subscription.currency, amount))
            else:
                _add(tally, prices.amount(customer, meter, quantity), about=True)
        for (customer, meter), quantity in tally.by_customer.items():
            _add(tally, prices.amount(customer, meter, quantity), about=True)


def _changed(bill: Bill, less: dict[str, Decimal], meter: str, quantity: Decimal) -> Decimal | None:
    before = bill.amount(less)
    less[meter] = less.get(meter, ZERO) + quantity
    after = bill.amount(less)
    return None if before is None or after is None else before - after


def _add(tally: Tally, priced: tuple[str, Decimal] | None, *, about: bool = False) -> None:
    if priced is not None:
        currency, amount = priced
        tally.money[currency] = tally.money.get(currency, ZERO) + amount
        tally.about = tally.about or about
