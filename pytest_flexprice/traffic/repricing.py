"""What differences change in a customer's next bill, exactly: with its tiers, packages and allowances (checklist 5.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from pytest_flexprice.model.decimals import ZERO
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.model.times import Window
from pytest_flexprice.oracle.invoicing.invoice import expected_invoice
from pytest_flexprice.oracle.invoicing.subscription import BilledLine, BilledSubscription
from pytest_flexprice.oracle.metering.meters import Usage
from pytest_flexprice.oracle.pricing.allowances import Allowance

_ADDING = ("SUM", "COUNT")
"""Aggregations in which what an event counts is what it adds."""


@dataclass(frozen=True)
class Bill:
    """The bill of one subscription by the log, over the usage of all its ``customers`` in a part of its period."""

    customers: Sequence[str]
    subscription: BilledSubscription
    period: Window
    usages: Mapping[str, Usage]
    allowances: Mapping[str, Allowance]

    def prices(self, customer: str, meter_id: str, times: Sequence[datetime]) -> bool:
        """Whether events of those times are on this bill, on one line that adds up what each counts."""
        lines = [line for line in self.subscription.lines if line.meter_id == meter_id]
        return customer in self.customers and len(lines) == 1 and self._adds(lines[0], times)

    def _adds(self, line: BilledLine, times: Sequence[datetime]) -> bool:
        usage, window = self.usages.get(line.id), line.within(self.period)
        if usage is None or usage.meter.aggregation.type not in _ADDING or usage.meter.aggregation.bucket_size:
            return False
        return all(window.holds(each) for each in times)

    def amount(self, less: Mapping[str, Decimal]) -> Decimal | None:
        """What usage costs on it with so much less of each meter; None where that cannot be calculated."""
        usages = {
            line: replace(usage, total=usage.total - less.get(usage.meter.id, ZERO))
            for line, usage in self.usages.items()
        }
        try:
            invoice = expected_invoice(self.subscription, usages, self.allowances, period=self.period, stage="preview")
        except NotVerified:
            return None
        lines = [line for line in invoice.lines if line.event_name]
        if any(line.unverified for line in lines):
            return None
        return sum((line.amount for line in lines), ZERO)
