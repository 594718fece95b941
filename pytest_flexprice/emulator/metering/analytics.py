"""``events/analytics``: usage per line of a customer's subscriptions, with its cost, or of a whole environment without
(contract 3.9, 11.1; recordings usage, reconcile_totals, reconcile_customers).

A customer who has no subscription is read as the environment is: every metered row, no price.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..billing import config, inheritance, line_items
from ..billing.readings import Period
from ..billing.scope import Scope
from ..kernel.tables import Row
from . import analysed_costs, analysed_views, reads
from .analysed import PROPERTY, Item, Point, Question
from .reads import Customers, Selection, Usage

MOST_SUBSCRIPTIONS = 50
"""How many subscriptions of a customer are looked at."""

_SEEN = ("active", "trialing", "paused", "cancelled")


def answer(scope: Scope, question: Question) -> dict[str, Any]:
    """The items with their totals."""
    rows = _subscriptions(scope, question)
    if question.meters is not None and not question.meters:
        found: list[Item] = []
    elif rows:
        found = list(_of_customer(scope, question, rows))
    else:
        found = list(_of_everything(scope, question))
    currency = rows[0]["currency"] if rows and found else ""
    for item in found:
        if item.line is not None:
            analysed_costs.price(scope, question, item)
            analysed_costs.discount(scope, question, item, currency)
    return analysed_views.shown(scope, question, found, currency)


def _customer(scope: Scope, question: Question) -> Row | None:
    if question.customer is None:
        return None
    return scope.first("customers", external_id=question.customer)


def _subscriptions(scope: Scope, question: Question) -> list[Row]:
    customer = _customer(scope, question)
    if customer is None:
        return []
    rows = scope.find("subscriptions", customer_id=customer["id"], status="published")
    return [row for row in reversed(rows) if row["subscription_status"] in _SEEN][:MOST_SUBSCRIPTIONS]


def meters_of(scope: Scope, features: Sequence[str]) -> frozenset[str] | None:
    """The meters of these features, of any status; ``None`` when none are named."""
    if not features:
        return None
    rows = (scope.get("features", identifier) for identifier in features)
    return frozenset(row["meter_id"] for row in rows if row is not None and row.get("meter_id"))


# --- the whole environment, or a customer without subscription ---


def _of_everything(scope: Scope, question: Question) -> Iterator[Item]:
    customer = _customer(scope, question)
    zone = customer["timezone"] if customer is not None and config.zone(customer["timezone"]).key != "UTC" else ""
    for meter in scope.table("meters").all(scope.environment):
        if question.meters is None or meter["id"] in question.meters:
            yield from _items(
                scope, question, Item(meter), question.customer, Period(question.start, question.end), zone
            )


# --- the lines of a customer's subscriptions ---


def _end(row: Row, question: Question) -> datetime:
    """Until when a subscription is read: a cancelled one not beyond its end."""
    cancelled = row["cancelled_at"] if row["subscription_status"] == "cancelled" else None
    return question.end if cancelled is None else min(question.end, cancelled)


def _usage_lines(scope: Scope, row: Row) -> list[Row]:
    return line_items.of(scope, inheritance.lines_from(scope, row), price_type="USAGE")


def _meters_in_force(scope: Scope, question: Question, rows: Sequence[Row]) -> set[str]:
    return {
        line["meter_id"]
        for row in rows
        for line in _usage_lines(scope, row)
        if question.start < _end(row, question)
        and Period(question.start, _end(row, question)).of(line) is not None
        and (question.meters is None or line["meter_id"] in question.meters)
    }


def _of_customer(scope: Scope, question: Question, rows: Sequence[Row]) -> Iterator[Item]:
    wanted = _meters_in_force(scope, question, rows)
    for row in rows:
        window = Period(question.start, _end(row, question))
        if window.start < window.end:
            yield from _of_subscription(scope, question, row, window, wanted)


def _of_subscription(scope: Scope, question: Question, row: Row, window: Period, wanted: set[str]) -> Iterator[Item]:
    customers: Customers = question.customer or ""
    if question.include_children:
        customers = inheritance.users(scope, row)
    counted = reads.meters_with_rows(scope.world, Selection(scope.environment, customers, (), window.start, window.end))
    for line in _usage_lines(scope, row):
        if line["meter_id"] in wanted and (line["end_date"] is None or line["end_date"] >= window.start):
            item = Item(scope.need("meters", line["meter_id"]), line=line, subscription=row)
            found = []
            if line["meter_id"] in counted:
                found = list(_items(scope, question, item, customers, window.clip(line)))
            yield from found or _idle(question, item)


def _idle(question: Question, item: Item) -> list[Item]:
    """A line without usage is left out, unless something was promised for it."""
    promised = item.line is not None and item.line["_commitment"] is not None
    return [item] if promised and not question.filtered else []


# --- counting ---


def _items(  # noqa: PLR0917 -- one reading: of what, for whom, when, in which zone
    scope: Scope, question: Question, item: Item, customers: Customers | None, window: Period, zone: str = ""
) -> Iterator[Item]:
    end = max(window.start, window.end)
    selection = Selection(
        scope.environment, customers, (item.meter["id"],), window.start, end, question.sources, question.properties
    )
    if item.bucketed:
        yield from _bucketed(scope, question, item, selection)
    elif item.line is not None and not (question.window_size or question.filtered or question.groups):
        usage = reads.total(scope.world, selection, item.meter["aggregation"]["type"])
        if usage.event_count:
            yield replace(item, usage=usage.value, event_count=usage.event_count)
    else:
        yield from _detailed(scope, question, item, selection, zone)


def _detailed(scope: Scope, question: Question, item: Item, selection: Selection, zone: str) -> Iterator[Item]:
    kind = reads.detailed(item.meter["aggregation"]["type"])
    promised = item.line is not None and item.line["_commitment"] is not None
    names = [] if promised else question.groups
    for group, usage in _grouped(scope, selection, kind, names):
        points = []
        if question.window_size:
            found = reads.points(
                scope.world, _narrowed(selection, group), kind, question.window_size, anchor=_anchor(item), zone=zone
            )
            points = [Point.of(bucket) for bucket in found]
        if usage.event_count:
            sources = None if "source" in names else _sources(scope, _narrowed(selection, group))
            yield replace(
                item, usage=usage.value, event_count=usage.event_count, points=points, group=group, sources=sources
            )


def _bucketed(scope: Scope, question: Question, item: Item, selection: Selection) -> Iterator[Item]:
    own = item.meter["aggregation"]
    kind, size, anchor = own["type"], own["bucket_size"], _anchor(item)
    if question.groups:
        for group, _usage in _grouped(scope, selection, kind, question.groups):
            exact = _narrowed(selection, group, strict=True)
            yield _summed(item, reads.points(scope.world, exact, kind, size, anchor=anchor), group)
        return
    group_by = own.get("group_by") if kind == "MAX" else None
    found = reads.points(scope.world, selection, kind, size, group_by, anchor=anchor)
    if found or not (question.filtered and item.line is not None):
        yield replace(_summed(item, found, {}), sources=_sources(scope, selection) if found else None)


def _summed(item: Item, buckets: Sequence[reads.BucketValue], group: Mapping[str, str]) -> Item:
    return replace(
        item,
        usage=reads.summed(bucket.value for bucket in buckets),
        event_count=sum(bucket.event_count for bucket in buckets),
        points=[Point.of(bucket) for bucket in buckets],
        group=group,
    )


def _anchor(item: Item) -> datetime | None:
    return item.subscription["billing_anchor"] if item.subscription is not None else None


def _grouped(
    scope: Scope, selection: Selection, kind: str, names: Sequence[str]
) -> Iterator[tuple[dict[str, str], Usage]]:
    keys = ["source" if name == "source" else "extracted(properties, ?)" for name in names]
    arguments = [name.removeprefix(PROPERTY) for name in names if name != "source"]
    for values, usage in reads.aggregate(scope.world, selection, kind, keys, arguments):
        yield dict(zip(names, values, strict=True)), usage


def _narrowed(selection: Selection, group: Mapping[str, str], *, strict: bool = False) -> Selection:
    """The selection of one group alone. Unless ``strict``, an empty value does not restrict: the points of a group without
    source or property are those of all groups."""
    kept = {name: value for name, value in group.items() if value or strict}
    own = {name.removeprefix(PROPERTY): (value,) for name, value in kept.items() if name != "source"}
    sources = (kept["source"],) if "source" in kept else selection.sources
    return replace(selection, sources=sources, properties={**selection.properties, **own})


def _sources(scope: Scope, selection: Selection) -> list[str]:
    return [values[0] for values, _usage in reads.aggregate(scope.world, selection, "COUNT", ["source"])]
