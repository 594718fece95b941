"""Reading what decides about invoices, and what a preview bills (contract 4.6–4.8, 5.3, 5.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_flexprice.api.client import Flexprice
from pytest_flexprice.api.paths import path_of
from pytest_flexprice.model.decimals import ZERO, decimal
from pytest_flexprice.model.finding import not_verified
from pytest_flexprice.oracle.invoicing.subscription import BilledLine, BilledSubscription
from pytest_flexprice.oracle.metering.meters import Meter, Usage, usage_of_total
from pytest_flexprice.oracle.metering.usage import Reading, from_invoice, from_subscription
from pytest_flexprice.oracle.pricing.allowances import Allowance, by_meter
from pytest_flexprice.oracle.pricing.prices import Price

_ATTEMPTS = 3
_RESET_WINDOWS = {"DAILY": "DAY", "MONTHLY": "MONTH"}


def read_setting(flexprice: Flexprice, key: str) -> dict[str, Any]:
    """A setting; never saved ones have the id "" and Flexprice's defaults (contract 4.6)."""
    return dict(flexprice.get(path_of("settings", key)))


def read_active_subscriptions(flexprice: Flexprice) -> list[dict[str, Any]]:
    """Every active subscription with its customer, all pages."""
    body = {"subscription_status": ["active"], "expand": "customer"}
    return list(flexprice.search("/v1/subscriptions/search", body))


def read_unpaid_invoices(flexprice: Flexprice) -> list[dict[str, Any]]:
    """Every finalized subscription invoice that waits for its payment, without lines, all pages."""
    body = {
        "invoice_type": "SUBSCRIPTION",
        "invoice_status": ["FINALIZED"],
        "payment_status": ["PENDING", "FAILED"],
        "skip_line_items": True,
    }
    return list(flexprice.search("/v1/invoices/search", body))


def read_connections(flexprice: Flexprice) -> list[dict[str, Any]]:
    """The connected vendors, all pages; their list has a shape of its own (contract 1.10)."""
    return list(flexprice.list("/v1/connections", rows="connections"))


@dataclass(frozen=True)
class PreviewReading:
    """A subscription's preview with what it should follow from: lines, prices, allowances, and usage read apart from it."""

    subscription: BilledSubscription
    invoice: Mapping[str, Any]
    usages: Mapping[str, Usage]
    allowances: Mapping[str, Allowance]
    readings: Mapping[str, tuple[Reading, ...]] = field(default_factory=dict)
    plan_prices: tuple[Price, ...] = ()
    meters: Mapping[str, Meter] = field(default_factory=dict)


def read_preview(flexprice: Flexprice, subscription_id: str) -> PreviewReading:
    """The preview of a subscription's running period, and the usage of its meters before and after it.

    Raises:
        NotVerified: usage kept changing while it was read.
    """
    data = flexprice.get(path_of("subscriptions", subscription_id))
    subscription = BilledSubscription.from_api(data)
    allowances = by_meter(_entitlements(flexprice, data))
    reader = _UsageReader(flexprice, subscription, data)
    for _ in range(_ATTEMPTS):
        before = reader.totals()
        usages = {line.id: reader.usage(line, before[line.id], allowances.get(line.meter_id)) for line in reader.lines}
        invoice = flexprice.post("/v1/invoices/preview", {"subscription_id": subscription_id})
        billed = flexprice.post("/v1/subscriptions/usage", {"subscription_id": subscription_id})
        if before == reader.totals():
            readings = {
                line.id: (from_subscription(billed, line.meter_id), from_invoice(invoice, line.meter_id))
                for line in reader.lines
            }
            return PreviewReading(
                subscription, invoice, usages, allowances, readings, reader.plan_prices, reader.meters
            )
    raise not_verified(
        "",
        f"subscriptions.{subscription_id}",
        f"usage of subscription '{subscription_id}' kept changing while its preview was read",
        remedy="read it again when fewer events arrive",
    )


def _external_id(flexprice: Flexprice, data: Mapping[str, Any]) -> str:
    known = (data.get("customer") or {}).get("external_id")
    return str(known or flexprice.get(path_of("customers", data["customer_id"]))["external_id"])


def _entitlements(flexprice: Flexprice, data: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    for kind, owner in (("PLAN", data["plan_id"]), ("SUBSCRIPTION", data["id"])):
        body = {"entity_type": kind, "entity_ids": [owner], "expand": "features"}
        yield from flexprice.search("/v1/entitlements/search", body)


class _UsageReader:
    """Asks for the usage of one subscription's usage lines, apart from any invoice."""

    def __init__(self, flexprice: Flexprice, subscription: BilledSubscription, data: Mapping[str, Any]) -> None:
        self._flexprice, self._subscription = flexprice, subscription
        self._external_id = _external_id(flexprice, data)
        self.lines = [line for line in subscription.lines if line.is_usage]
        self.plan_prices = tuple(Price.from_api(each) for each in (data.get("plan") or {}).get("prices") or ())
        ids = [*(line.meter_id for line in self.lines), *(price.meter_id for price in self.plan_prices)]
        self.meters = {
            each: Meter.from_api(flexprice.get(path_of("meters", each))) for each in dict.fromkeys(filter(None, ids))
        }

    def totals(self) -> dict[str, dict[str, Any]]:
        """The usage query's answer for each line, over the line's part of the running period."""
        return {line.id: self._ask(line) for line in self.lines}

    def usage(self, line: BilledLine, answer: Mapping[str, Any], allowance: Allowance | None) -> Usage:
        """The usage of a line, with its values per bucket or reset window where its price or allowance needs them."""
        meter = self.meters[line.meter_id]
        reset = _RESET_WINDOWS.get(allowance.reset, "") if allowance else ""
        points = {}
        for size in sorted({meter.aggregation.bucket_size, reset} - {""}):
            anchor = self._subscription.anchor.isoformat(timespec="milliseconds")
            found = self._ask(line, window_size=size, billing_anchor=anchor).get("points") or ()
            points[size] = [decimal(each.get("value"), ZERO) for each in found]
        return usage_of_total(meter, answer.get("total_value"), int(answer.get("event_count") or 0), **points)

    def _ask(self, line: BilledLine, **more: str) -> dict[str, Any]:
        window, meter = line.within(self._subscription.period), self.meters[line.meter_id]
        body = {
            "external_customer_id": self._external_id,
            "meter_id": meter.id,
            "start_time": window.start.isoformat(timespec="milliseconds"),
            "end_time": window.end.isoformat(timespec="milliseconds"),
            "aggregation_type": meter.aggregation.type,
            **more,
        }
        return dict(self._flexprice.post("/v1/meter-usage/query", body))
