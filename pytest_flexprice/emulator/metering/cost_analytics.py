"""What usage costs the company itself by its costsheet, beside what it earns (by the API's own description; not recorded)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from ..billing.pricing import Tariff, bucketed_cost
from ..billing.rounding import ZERO, exact
from ..billing.scope import Scope
from ..kernel.catalog import prices_of
from ..kernel.tables import Row
from . import analytics, reads
from .analysed import Question
from .reads import Selection

_HUNDRED = 100


def answer(scope: Scope, question: Question, sheet: Row, expand: Sequence[str]) -> dict[str, Any]:
    """The costs of a window with what was earned in it."""
    prices = [price for price in prices_of(scope, sheet["id"]) if price["type"] == "USAGE"]
    items = [_item(scope, question, sheet, price, expand) for price in prices if _asked(question, price)]
    cost = reads.summed(item["total_cost"] for item in items)
    revenue = _revenue(scope, question)
    return {
        "cost_analytics": items,
        "currency": prices[0]["currency"] if prices else "",
        "start_time": question.start,
        "end_time": question.end,
        "total_cost": cost,
        "total_revenue": revenue,
        **_compared(revenue, cost),
    }


def _asked(question: Question, price: Row) -> bool:
    return question.meters is None or price["meter_id"] in question.meters


def _item(scope: Scope, question: Question, sheet: Row, price: Row, expand: Sequence[str]) -> dict[str, Any]:
    meter = scope.need("meters", price["meter_id"])
    own = meter["aggregation"]
    rows = Selection(
        scope.environment,
        question.customer,
        (meter["id"],),
        question.start,
        question.end,
        properties=question.properties,
    )
    tariff = Tariff.of(price)
    found = reads.total(scope.world, rows, own["type"])
    quantity, cost = found.value, tariff.cost(found.value)
    if own.get("bucket_size"):
        values = [bucket.value for bucket in reads.points(scope.world, rows, own["type"], own["bucket_size"])]
        quantity, cost = reads.summed(values), bucketed_cost(tariff, values)
    return {
        "costsheet_id": sheet["id"],
        "price_id": price["id"],
        "meter_id": meter["id"],
        "meter_name": meter["name"],
        "currency": price["currency"],
        "total_cost": cost,
        "total_quantity": quantity,
        "total_events": found.event_count,
        **({"external_customer_id": question.customer} if question.customer else {}),
        **({"meter": meter} if "meter" in expand else {}),
        **({"price": price} if "price" in expand else {}),
    }


def _revenue(scope: Scope, question: Question) -> Decimal:
    """What the usage of one customer comes to by their prices, or that of all customers."""
    if question.customer is not None:
        return Decimal(analytics.answer(scope, question)["total_cost"])
    customers = [row for row in scope.table("customers").all(scope.environment) if row["status"] == "published"]
    asked = (question.of(row["external_id"]) for row in customers)
    return reads.summed(analytics.answer(scope, one)["total_cost"] for one in asked)


@exact
def _compared(revenue: Decimal, cost: Decimal) -> dict[str, Decimal]:
    """Margin and return; of nothing it is nothing."""
    margin = revenue - cost
    roi = margin / cost if cost else ZERO
    share = margin / revenue * _HUNDRED if revenue else ZERO
    return {"margin": margin, "margin_percent": share, "roi": roi, "roi_percent": roi * _HUNDRED}
