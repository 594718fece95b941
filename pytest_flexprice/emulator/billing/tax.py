"""Tax on an invoice, taken before credits (contract 5.4; vector tax-percent)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from .pricing import number
from .rounding import ZERO, exact, to_currency

_HUNDRED = Decimal(100)


@exact
def amount(rate: Mapping[str, Any], taxable: Decimal, currency: str) -> Decimal:
    """The tax of one rate on ``taxable``, rounded to the currency."""
    if taxable <= 0:
        return ZERO
    if rate["tax_rate_type"] == "percentage":
        return to_currency(taxable * number(rate.get("percentage_value")) / _HUNDRED, currency)
    return to_currency(number(rate.get("fixed_value")), currency)
