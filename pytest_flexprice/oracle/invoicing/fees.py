"""Fixed fees: which period's fee an invoice holds, and how much of it (contract 5.4, 5.5, 11.2)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

from pytest_flexprice.model.decimals import product, quotient, rounded, words
from pytest_flexprice.model.times import Window
from pytest_flexprice.oracle.invoicing.subscription import BilledLine, BilledSubscription
from pytest_flexprice.oracle.pricing.prices import cost, formula

_DAY = timedelta(days=1)
ONE_TIME = "ONETIME"


class Fee(NamedTuple):
    """What a fee costs on an invoice. ``optional``: it may be on it or not; ``doubt``: why the amount is not known."""

    amount: Decimal = Decimal(0)
    formula: str = ""
    optional: bool = False
    doubt: str = ""


def in_advance(subscription: BilledSubscription, line: BilledLine) -> Fee | None:
    """The coming period's fee of a line in advance; none where the line does not run then.

    A line that ends within that period pays its days (recording deals_phases); what one costs that starts within it is not
    known. A subscription that ends by then may pay a fee in its preview that it never gets to pay.
    """
    coming = subscription.coming_period
    span = line.within(coming)
    if span.start >= span.end:
        return None
    ending = subscription.ends is not None and subscription.ends < coming.end
    if line.price.billing_period == ONE_TIME:
        return _whole(line)._replace(optional=True)
    if ending:
        doubt = f"the fee '{line.display_name}' of a period in which the subscription ends"
        return _whole(line)._replace(optional=True, doubt=doubt)
    if span.start > coming.start:
        return Fee(optional=True, doubt=f"the fee '{line.display_name}' that starts within the next period")
    return _whole(line) if span == coming else _share(line, span, coming)


def in_arrears(line: BilledLine, window: Window, closing: bool) -> Fee | None:
    """The fee of a line for the period that ends; none where the line did not run in it.

    An invoice that closes the subscription bills it in full (billing vector ``seat-arrear-amount``).
    """
    span = line.within(window)
    if span.start >= span.end:
        return None
    if span != window:
        when = "an invoice that closes the subscription" if closing else "a part of a period"
        return Fee(
            doubt=f"the fee '{line.display_name}' for {when}" if not closing else f"{when}, for a fee that changed"
        )
    return _whole(line)


def _whole(line: BilledLine) -> Fee:
    return Fee(rounded(cost(line.price, line.quantity), line.price.currency), formula(line.price, line.quantity))


def _share(line: BilledLine, span: Window, whole: Window) -> Fee:
    part, all_of_it = span.end - span.start, whole.end - whole.start
    if part % _DAY or all_of_it % _DAY:
        return Fee(doubt=f"the fee '{line.display_name}' for a part of a day")
    days, of = Decimal(part // _DAY), Decimal(all_of_it // _DAY)
    amount = quotient(product(cost(line.price, line.quantity), days), of)
    text = f"({formula(line.price, line.quantity)}) × {words(days)} ÷ {words(of)} days"
    return Fee(rounded(amount, line.price.currency), text)
