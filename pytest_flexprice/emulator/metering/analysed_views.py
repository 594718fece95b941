"""How ``events/analytics`` shows its items (contract 3.9, 11.1)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from ..billing import views
from ..billing.pricing import number
from ..billing.scope import Scope
from ..kernel.catalog import with_group
from ..kernel.render import dec, filled
from ..kernel.tables import Row
from . import reads, windows
from .analysed import PROPERTY, Item, Point, Question

_UNITS = {"unit": "unit_singular", "unit_plural": "unit_plural"}
_EDITORS = {"environment_id": "", "created_by": "", "updated_by": ""}


def shown(scope: Scope, question: Question, items: Sequence[Item], currency: str) -> dict[str, Any]:
    """The answer: items by name, and what they come to together."""
    views_of = [_item(scope, question, item, currency) for item in items]
    subtotal, off = reads.summed(item.cost for item in items), reads.summed(item.discount for item in items)
    return {
        "subtotal": subtotal,
        "total_discount": off,
        "total_cost": subtotal - off,
        "currency": currency,
        "items": sorted(views_of, key=lambda view: str(view["name"])),
    }


def _feature(scope: Scope, meter: Row) -> Row | None:
    """The feature of a meter; the newest where several share it."""
    rows = scope.find("features", meter_id=meter["id"])
    return rows[-1] if rows else None


def _item(scope: Scope, question: Question, item: Item, currency: str) -> dict[str, Any]:
    feature, meter, line = _feature(scope, item.meter), item.meter, item.line
    price = scope.need("prices", line["price_id"]) if line is not None else None
    of_line: dict[str, Any] = {}
    if line is not None:
        of_line = {"price_id": line["price_id"], "subscription_id": line["subscription_id"], "currency": currency}
        of_line["sub_line_item_id"] = line["id"]
    return {
        "feature_id": feature["id"] if feature else "",
        "meter_id": meter["id"],
        **of_line,
        **_expanded(scope, question, item, feature, price),
        "name": feature["name"] if feature else meter["name"],
        "event_name": meter["event_name"],
        **_group(item),
        **{name: feature[key] for name, key in _UNITS.items() if feature and feature.get(key)},
        "aggregation_type": meter["aggregation"]["type"],
        "total_usage": item.usage,
        **_reported(feature, item.usage),
        "subtotal": item.cost,
        "total_discount": item.discount,
        "total_cost": item.cost - item.discount,
        "event_count": item.event_count,
        **filled(
            sources=list(item.sources or ()) if "source" in question.expand else None,
            commitment_info=item.commitment,
            points=[_point(point) for point in item.points] if question.window_size else None,
            window_size=windows.larger(question.window_size, meter["aggregation"].get("bucket_size") or ""),
        ),
        **_owner(scope, price),
    }


def _group(item: Item) -> dict[str, Any]:
    """Source and properties of a group; a value that is not there is not shown."""
    named = {name.removeprefix(PROPERTY): value for name, value in item.group.items() if name != "source" and value}
    source = item.group.get("source")
    return {**({"source": source} if source else {}), **({"properties": named} if named else {})}


def _reported(feature: Row | None, quantity: Decimal) -> dict[str, Any]:
    """The quantity in the feature's reporting unit, where it has one."""
    unit = (feature.get("reporting_unit") if feature else None) or {}
    rate = unit.get("conversion_rate")
    if rate in (None, ""):
        return {"total_usage_display": ""}
    return {"total_usage_display": dec(quantity * number(rate)), "reporting_unit": unit}


def _point(point: Point) -> dict[str, Any]:
    return {
        "timestamp": point.start,
        "usage": point.usage,
        "subtotal": point.cost,
        "discount": point.discount,
        "cost": point.cost - point.discount,
        "event_count": point.event_count,
        "computed_commitment_utilized_amount": point.utilized,
        "computed_overage_amount": point.overage,
        "computed_true_up_amount": point.true_up,
    }


def _owner(scope: Scope, price: Row | None) -> dict[str, str]:
    """The plan or addon of a price; an override's are those of the price that it stands for."""
    origin = price
    if price is not None and price["entity_type"] == "SUBSCRIPTION":
        origin = scope.get("prices", price.get("parent_price_id"))
    name = {"PLAN": "plan_id", "ADDON": "add_on_id"}.get(origin["entity_type"]) if origin is not None else None
    return {name: origin["entity_id"]} if name and origin is not None else {}


def _expanded(scope: Scope, question: Question, item: Item, feature: Row | None, price: Row | None) -> dict[str, Any]:
    line, owner = item.line, _owner(scope, price)
    every = {
        "price": with_group(scope, price, price.public()) if price is not None else None,
        "meter": item.meter.public(**(_EDITORS if line is not None else _edited(scope, item.meter))),
        "feature": feature,
        "subscription_line_item": views.line_item(scope, line) if line is not None else None,
        "plan": views.plan(scope, owner["plan_id"]) if "plan_id" in owner else None,
        "addon": scope.need("addons", owner["add_on_id"]) if "add_on_id" in owner else None,
    }
    return filled(**{name: part for name, part in every.items() if name in question.expand})


def _edited(scope: Scope, meter: Row) -> dict[str, str]:
    """What only this call tells of a meter: its environment and its editors."""
    editor = meter.get("_created_by") or scope.user
    return {"environment_id": scope.environment, "created_by": editor, "updated_by": editor}
