"""What subscriptions used and entitle to, as the reading calls show it (contract 4.1, 4.5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from ..kernel.pricing_rules import display_amount
from ..kernel.render import dec, filled
from ..kernel.tables import Row
from . import entitling, readings, usage, views
from .commitment import Charge
from .pricing import number
from .readings import Period, Reading
from .rounding import ZERO, to_currency
from .scope import Scope


def subscription_usage(scope: Scope, row: Row, start: datetime, end: datetime) -> dict[str, Any]:
    """The usage charges of a window, each rounded to the currency; allowances are not taken off here."""
    period = Period(start, end)
    split = readings.committed(scope, row, readings.read(scope, row, period, inherited=True), period)
    currency = row["currency"]
    charges = [_charge(scope, row, reading, charge, overage=False) for reading, charge in split.within]
    charges += [_charge(scope, row, reading, charge, overage=True) for reading, charge in split.overage]
    over = sum((charge.cost for _reading, charge in split.overage), ZERO)
    amount = to_currency(sum((charge.cost for _reading, charge in split.within), over), currency)
    answer: dict[str, Any] = {
        "amount": float(amount),
        "currency": currency,
        "display_amount": display_amount(amount, currency),
        "start_time": start,
        "end_time": end,
        "charges": charges,
        "overage_factor": float(number(row["overage_factor"])),
        "has_overage": bool(split.overage),
    }
    return answer | filled(
        commitment_amount=float(number(row["commitment_amount"])),
        commitment_utilized=float(split.utilized),
        overage_amount=float(over),
    )


def running_usage(scope: Scope, customer_id: str, currency: str) -> Decimal:
    """What a customer's running subscriptions have used in their period, in a currency."""
    found = ZERO
    for row in scope.find("subscriptions", customer_id=customer_id, currency=currency, status="published"):
        if row["subscription_status"] in ("active", "trialing"):
            period = Period(row["current_period_start"], row["current_period_end"])
            split = readings.committed(scope, row, readings.read(scope, row, period), period)
            costs = (charge.cost for _reading, charge in [*split.within, *split.overage])
            found += to_currency(sum(costs, ZERO), currency)
    return found


def _charge(scope: Scope, row: Row, reading: Reading, charge: Charge, *, overage: bool) -> dict[str, Any]:
    amount = to_currency(charge.cost, row["currency"])
    cut = not overage and charge.quantity != reading.quantity
    return {
        "subscription_line_item_id": reading.item["id"],
        "amount": float(amount),
        "currency": row["currency"],
        "display_amount": dec(amount) if cut else display_amount(amount, row["currency"]),
        "quantity": float(charge.quantity),
        "filter_values": {},
        "meter_id": reading.item["meter_id"],
        "meter_display_name": reading.meter["name"],
        "price": views.embedded(scope, "prices", reading.item["price_id"]),
        "is_overage": overage,
        **({"overage_factor": float(number(row["overage_factor"]))} if overage else {}),
    }


def _entitlements(scope: Scope, rows: Sequence[Row]) -> dict[str, list[tuple[Row, Row]]]:
    """By feature: the published entitlements of the subscriptions' plans and of themselves, with the subscription."""
    found: dict[str, list[tuple[Row, Row]]] = {}
    for row in rows:
        for entitlement in entitling.of(scope, row):
            found.setdefault(entitlement["feature_id"], []).append((row, entitlement))
    return found


def entitled_features(scope: Scope, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The features of subscriptions with what they entitle to together, and where from."""
    return [
        {
            "feature": scope.need("features", feature_id).public(),
            "entitlement": _together([entitlement for _row, entitlement in sources]),
            "sources": [_source(scope, row, entitlement) for row, entitlement in sources],
        }
        for feature_id, sources in _entitlements(scope, rows).items()
    ]


def _together(entitlements: Sequence[Row]) -> dict[str, Any]:
    limits = [entitlement.get("usage_limit") for entitlement in entitlements]
    unlimited = any(limit is None for limit in limits)
    return {
        "is_enabled": any(entitlement.get("is_enabled", True) for entitlement in entitlements),
        **({} if unlimited else {"usage_limit": sum(int(limit) for limit in limits if limit is not None)}),
        "is_soft_limit": any(entitlement.get("is_soft_limit") for entitlement in entitlements),
        "usage_reset_period": entitlements[0].get("usage_reset_period") or "",
        "aggregation_mode": entitlements[0].get("aggregation_mode") or "additive",
        "static_values": [
            entitlement["static_value"] for entitlement in entitlements if entitlement.get("static_value")
        ],
    }


def _source(scope: Scope, row: Row, entitlement: Row) -> dict[str, Any]:
    plan = views.plan(scope, row["plan_id"])
    return {
        "subscription_id": row["id"],
        "entity_id": entitlement["entity_id"],
        "entity_type": entitlement["entity_type"],
        "entity_name": plan["name"] if plan else "",
        "quantity": 1,
        "entitlement_id": entitlement["id"],
        "is_enabled": entitlement.get("is_enabled", True),
        "usage_limit": entitlement.get("usage_limit"),
        "static_value": entitlement.get("static_value") or "",
    }


def customer_usage(scope: Scope, customer: Row, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Each metered feature a customer is entitled to, with what was used of it in the running period."""
    found = []
    for feature_id, sources in _entitlements(scope, rows).items():
        feature = scope.need("features", feature_id)
        meter = scope.get("meters", feature.get("meter_id"))
        if meter is None:
            continue
        row = sources[0][0]
        start, end = row["current_period_start"], row["current_period_end"]
        counted = usage.buckets(scope, customer["external_id"], meter, (start, end), row["billing_anchor"])
        used = usage.quantity(scope, customer["external_id"], meter, start, end)
        total = used if counted is None else sum(counted, ZERO)
        together = _together([entitlement for _row, entitlement in sources])
        limit = together.get("usage_limit")
        found.append(
            {
                "feature": feature.public(),
                "total_limit": limit,
                "current_usage": total,
                "usage_percent": total / limit * 100 if limit else ZERO,
                "is_enabled": together["is_enabled"],
                "is_soft_limit": together["is_soft_limit"],
                "is_unlimited": limit is None,
                "sources": [_source(scope, owner, entitlement) for owner, entitlement in sources],
            }
        )
    return found


def invoice_summary(scope: Scope, customer: Row, rows: Sequence[Row]) -> dict[str, Any]:
    """The invoices of a customer in numbers, for each currency of the running subscriptions."""
    currencies = list(dict.fromkeys(row["currency"] for row in rows))
    now = scope.now
    summaries = []
    for currency in currencies:
        invoices = scope.find("invoices", customer_id=customer["id"], invoice_status="FINALIZED", currency=currency)
        unpaid = [row for row in invoices if row["amount_remaining"] > 0]
        overdue = [row for row in unpaid if row["due_date"] is not None and row["due_date"] < now]
        for row in overdue:
            scope.publish("invoice.payment.overdue", row)
        open_lines = [line for row in unpaid for line in row["_lines"]]
        summaries.append(
            {
                "customer_id": customer["id"],
                "currency": currency,
                "total_revenue_amount": _sum(invoices, "total"),
                "total_unpaid_amount": _sum(unpaid, "amount_remaining"),
                "total_overdue_amount": _sum(overdue, "amount_remaining"),
                "total_invoice_count": len(invoices),
                "unpaid_invoice_count": len(unpaid),
                "overdue_invoice_count": len(overdue),
                "unpaid_usage_charges": _sum([line for line in open_lines if line["price_type"] == "USAGE"], "amount"),
                "unpaid_fixed_charges": _sum([line for line in open_lines if line["price_type"] == "FIXED"], "amount"),
            }
        )
    default = currencies[0] if currencies else ""
    return {"customer_id": customer["id"], "default_currency": default, "summaries": summaries}


def _sum(rows: Sequence[Row], key: str) -> Decimal:
    return sum((row[key] for row in rows), ZERO)
