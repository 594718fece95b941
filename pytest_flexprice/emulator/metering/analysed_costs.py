"""What items of ``events/analytics`` cost: prices, commitments of their lines, percentage coupons; not rounded
(contract 3.9, 11.1, 11.2; recordings usage, deals_phases, deals_addons_coupons_tax)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from ..billing import commitment, coupon, discounts, promised_windows
from ..billing.commitment import LineCommitment
from ..billing.pricing import Tariff, bucketed_cost
from ..billing.readings import Period
from ..billing.scope import Scope
from ..kernel.tables import Row
from .analysed import Item, Point, Question
from .reads import ZERO


def price(scope: Scope, question: Question, item: Item) -> None:
    """Put costs on an item and its points. Commitments only count where all of a line's usage is in one item."""
    if item.line is None:
        return
    tariff = Tariff.of(scope.need("prices", item.line["price_id"]))
    agreed: LineCommitment | None = item.line["_commitment"]
    if question.filtered or question.groups:
        agreed = None
    if item.bucketed and agreed is not None and agreed.windowed:
        _price_windows(question, item, tariff, agreed)
    else:
        for point in item.points:
            point.cost = tariff.cost(point.usage)
        values = [point.usage for point in item.points]
        item.cost = bucketed_cost(tariff, values) if item.bucketed else tariff.cost(item.usage)
        if agreed is not None and not agreed.windowed:
            _commit(item, tariff, agreed)
    if item.bucketed:
        item.points = merged(item.points, item.meter["aggregation"]["type"], question.window_size)


def _commit(item: Item, tariff: Tariff, agreed: LineCommitment) -> None:
    committed = agreed.committed(tariff)
    outcome = commitment.of_line(agreed, item.cost, committed)
    item.cost = outcome.amount
    item.commitment = commitment.explained(agreed, outcome, committed)


def _price_windows(question: Question, item: Item, tariff: Tariff, agreed: LineCommitment) -> None:
    """Apply a commitment to each window by itself; with true-up also to those without usage, up to the window's end."""
    points = item.points
    if agreed.true_up and item.line is not None and item.subscription is not None:
        points = _filled(item, Period(question.start, question.end).clip(item.line), item.subscription)
    committed = agreed.committed(tariff)
    outcomes = [commitment.of_line(agreed, tariff.cost(point.usage), committed) for point in points]
    for point, outcome in zip(points, outcomes, strict=True):
        point.cost = outcome.amount
        point.utilized, point.overage, point.true_up = outcome.utilized, outcome.overage, outcome.true_up
    together = commitment.total(outcomes)
    item.points, item.cost = points, together.amount
    item.commitment = commitment.explained(agreed, together, agreed.amount)


def _filled(item: Item, window: Period, subscription: Row) -> list[Point]:
    known = {point.start: point for point in item.points}
    size = item.meter["aggregation"]["bucket_size"]
    starts = promised_windows.starts(window.start, window.end, size, subscription["billing_anchor"])
    return [known.get(start) or Point(start, ZERO) for start in starts]


def merged(points: Sequence[Point], kind: str, size: str) -> list[Point]:
    """The points of buckets put together by larger windows; maxima are not added up, costs are."""
    groups: dict[datetime, Point] = {}
    for point in points:
        start = promised_windows.begin(point.start, size)
        known = groups.setdefault(start, Point(start, ZERO))
        known.usage = max(known.usage, point.usage) if kind == "MAX" else known.usage + point.usage
        known.event_count += point.event_count
        for name in ("cost", "utilized", "overage", "true_up"):
            setattr(known, name, getattr(known, name) + getattr(point, name))
    return [groups[start] for start in sorted(groups)]


def discount(scope: Scope, question: Question, item: Item, currency: str) -> None:
    """Take off what percentage coupons take: of the line first, then of the subscription; point by point if there are any."""
    window = Period(question.start, question.end)
    coupons = _coupons(scope, item, window)
    if not coupons:
        return
    if not item.points:
        item.discount = _off(scope, coupons, item.cost, currency)
        return
    for point in item.points:
        held = [row for row in coupons if _holds(row, point.start)]
        point.discount = _off(scope, held, point.cost, currency)
    item.discount = sum((point.discount for point in item.points), ZERO)


def _coupons(scope: Scope, item: Item, window: Period) -> list[Row]:
    """The percentage coupons of an item's line and subscription that come again, those of the line first."""
    if item.line is None:
        return []
    owner = scope.need("subscriptions", item.line["subscription_id"])
    rows = discounts.associations(scope, owner, window)
    kept = [row for row in rows if _counts(scope, scope.need("coupons", row["coupon_id"]), owner)]
    own = [row for row in kept if row["subscription_line_item_id"] == item.line["id"]]
    return own + [row for row in kept if row["subscription_line_item_id"] is None]


def _counts(scope: Scope, used: Row, owner: Row) -> bool:
    again = used["cadence"] in ("forever", "repeated")
    return used["type"] == "percentage" and again and coupon.redeemable(used, owner["currency"], scope.now)


def _holds(row: Row, moment: datetime) -> bool:
    begun: bool = row["start_date"] <= moment
    return begun and (row["end_date"] is None or moment <= row["end_date"])


def _off(scope: Scope, coupons: Sequence[Row], cost: Decimal, currency: str) -> Decimal:
    left = cost
    for row in coupons:
        if left > 0:
            left -= coupon.discount(scope.need("coupons", row["coupon_id"]), left, currency)
    return cost - left
