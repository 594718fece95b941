"""``events/analytics``: usage per feature with its cost, not rounded (contract 3.9, recording usage)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from ..billing import views
from ..billing.pricing import Tariff, bucketed_cost, number
from ..billing.scope import Scope
from ..kernel import catalog
from ..kernel.render import dec
from ..kernel.tables import Row
from . import reads
from .reads import ZERO, Selection, Usage

_PROPERTY = "properties."
_PLACE = "computed_{}_amount"


@dataclass(frozen=True)
class Question:
    """What is asked for; empty sequences do not restrict, ``customer`` ``None`` asks for the whole environment."""

    customer: str | None
    features: Sequence[str]
    start: datetime
    end: datetime
    group_by: Sequence[str] = ()
    sources: Sequence[str] = ()
    properties: Mapping[str, Sequence[str]] = field(default_factory=dict)
    window_size: str = ""
    expand: Sequence[str] = ()


@dataclass(frozen=True)
class _Subject:
    """A feature on a line item of a subscription, or on none."""

    feature: Row
    meter: Row
    line: Row | None = None
    subscription: Row | None = None


def answer(scope: Scope, question: Question) -> dict[str, Any]:
    """The items with their totals; an unknown customer has none."""
    items = [item for subject in _subjects(scope, question) for item in _items(scope, question, subject)]
    costs = [item["subtotal"] for item in items]
    currency = next((item["currency"] for item in items if item.get("currency")), "")
    subtotal = reads.summed(costs)
    return {"subtotal": subtotal, "total_discount": ZERO, "total_cost": subtotal, "currency": currency, "items": items}


def _features(scope: Scope, wanted: Sequence[str]) -> Iterator[tuple[Row, Row]]:
    for feature in scope.table("features").all(scope.environment):
        meter = scope.get("meters", feature.get("meter_id"))
        if meter is not None and (not wanted or feature["id"] in wanted):
            yield feature, meter


def _subjects(scope: Scope, question: Question) -> Iterator[_Subject]:
    if question.customer is None:
        for feature, meter in _features(scope, question.features):
            yield _Subject(feature, meter)
        return
    customer = scope.table("customers").first(scope.environment, external_id=question.customer, status="published")
    if customer is None:
        return
    for feature, meter in _features(scope, question.features):
        for line in scope.find("subscription_line_items", customer_id=customer["id"], meter_id=meter["id"]):
            if line["status"] == "published":
                yield _Subject(feature, meter, line, scope.need("subscriptions", line["subscription_id"]))


def _items(scope: Scope, question: Question, subject: _Subject) -> Iterator[dict[str, Any]]:
    line = subject.line
    start = max(question.start, line["start_date"]) if line else question.start
    end = min(question.end, line["end_date"]) if line and line["end_date"] else question.end
    selection = Selection(
        scope.environment,
        question.customer,
        (subject.meter["id"],),
        start,
        max(start, end),
        question.sources,
        question.properties,
    )
    kind = subject.meter["aggregation"]["type"]
    keys, arguments = _keys(question.group_by)
    for values, usage in reads.aggregate(scope.world, selection, kind, keys, arguments):
        if usage.event_count:
            group = dict(zip(_group_names(question.group_by), values, strict=True))
            yield _item(scope, question, subject, _narrowed(selection, group), usage, group)


def _group_names(group_by: Iterable[str]) -> list[str]:
    return [name for name in dict.fromkeys(group_by) if name == "source" or name.startswith(_PROPERTY)]


def _keys(group_by: Iterable[str]) -> tuple[list[str], list[str]]:
    names = _group_names(group_by)
    keys = ["source" if name == "source" else "extracted(properties, ?)" for name in names]
    return keys, [name.removeprefix(_PROPERTY) for name in names if name != "source"]


def _narrowed(selection: Selection, group: Mapping[str, str]) -> Selection:
    """The selection of one group alone."""
    sources = (group["source"],) if "source" in group else selection.sources
    own = {name.removeprefix(_PROPERTY): (value,) for name, value in group.items() if name != "source"}
    return Selection(
        selection.environment,
        selection.customer,
        selection.meters,
        selection.start,
        selection.end,
        sources,
        {**selection.properties, **own},
    )


def _item(  # noqa: PLR0917 -- one item of one group of one subject
    scope: Scope, question: Question, subject: _Subject, selection: Selection, usage: Usage, group: Mapping[str, str]
) -> dict[str, Any]:
    feature, meter, line = subject.feature, subject.meter, subject.line
    price = scope.need("prices", line["price_id"]) if line else None
    quantity, cost = _priced(scope, subject, selection, usage, Tariff.of(price) if price else None)
    item: dict[str, Any] = {"feature_id": feature["id"]}
    if line:
        item["price_id"] = line["price_id"]
    item["meter_id"] = meter["id"]
    if line:
        item |= {"sub_line_item_id": line["id"], "subscription_id": line["subscription_id"]}
    item |= {"name": feature["name"], "event_name": meter["event_name"]}
    if "source" in group:
        item["source"] = group["source"]
    names = {name.removeprefix(_PROPERTY): value for name, value in group.items() if name != "source"}
    if names:
        item["properties"] = names
    item |= {name: feature[f"unit_{kind}"] for name, kind in _UNITS.items() if feature.get(f"unit_{kind}")}
    item |= {
        "aggregation_type": meter["aggregation"]["type"],
        "total_usage": quantity,
        "total_usage_display": _display(feature, quantity),
        "subtotal": cost,
        "total_discount": ZERO,
        "total_cost": cost,
        "currency": line["currency"] if line else "",
        "event_count": usage.event_count,
    }
    if question.window_size:
        item["points"] = _points(scope, subject, selection, question.window_size, price)
        item["window_size"] = question.window_size
    if line and line["entity_type"] == "plan":
        item["plan_id"] = line["entity_id"]
    return {**item, **_expanded(scope, question, subject, price)}


_UNITS = {"unit": "singular", "unit_plural": "plural"}


def _display(feature: Row, quantity: Decimal) -> str:
    """The quantity in the feature's reporting unit, where it has one."""
    unit = feature.get("reporting_unit") or {}
    rate = unit.get("conversion_rate")
    return dec(quantity * number(rate)) if rate not in (None, "") else ""


def _priced(
    scope: Scope, subject: _Subject, selection: Selection, usage: Usage, tariff: Tariff | None
) -> tuple[Decimal, Decimal]:
    """Quantity and cost; those of a bucketed meter come from its buckets."""
    own = subject.meter["aggregation"]
    if not own.get("bucket_size"):
        return usage.value, tariff.cost(usage.value) if tariff else ZERO
    kind = "SUM" if own["type"] == "SUM" else "MAX"
    anchor = subject.subscription["billing_anchor"] if subject.subscription else None
    if own.get("group_by"):
        found = reads.buckets(scope.world, selection, kind, own["bucket_size"], own["group_by"], anchor=anchor)
    else:
        found = reads.points(scope.world, selection, kind, own["bucket_size"], anchor=anchor)
    values = [bucket.value for bucket in found]
    return reads.summed(values), bucketed_cost(tariff, values) if tariff else ZERO


def _points(
    scope: Scope, subject: _Subject, selection: Selection, size: str, price: Row | None
) -> list[dict[str, Any]]:
    tariff = Tariff.of(price) if price else None
    anchor = subject.subscription["billing_anchor"] if subject.subscription else None
    found = []
    for point in reads.points(scope.world, selection, subject.meter["aggregation"]["type"], size, anchor=anchor):
        cost = tariff.cost(point.value) if tariff else ZERO
        found.append(
            {
                "timestamp": point.start,
                "usage": point.value,
                "subtotal": cost,
                "discount": ZERO,
                "cost": cost,
                "event_count": point.event_count,
                **{_PLACE.format(part): ZERO for part in ("commitment_utilized", "overage", "true_up")},
            }
        )
    return found


def _expanded(scope: Scope, question: Question, subject: _Subject, price: Row | None) -> dict[str, Any]:
    """The objects named in ``expand``, and the sources when they are asked for."""
    parts: dict[str, Any] = {}
    world, environment = scope.world, scope.environment
    if "price" in question.expand and price is not None:
        parts["price"] = catalog.price_view(world, environment, price)
    if "meter" in question.expand:
        parts["meter"] = subject.meter
    if "feature" in question.expand:
        parts["feature"] = subject.feature
    if "subscription_line_item" in question.expand and subject.line is not None:
        parts["subscription_line_item"] = views.line_item(scope, subject.line)
    if "plan" in question.expand and subject.line is not None and subject.line["entity_type"] == "plan":
        parts["plan"] = views.plan(scope, subject.line["entity_id"])
    if "source" in question.expand and "source" not in question.group_by:
        where = Selection(
            environment, question.customer, (subject.meter["id"],), question.start, question.end, question.sources
        )
        parts["sources"] = [values[0] for values, _ in reads.aggregate(world, where, "COUNT", ["source"])]
    return parts
