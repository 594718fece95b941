"""The lines of a subscription against the prices that its plan has now (checklist 4.2, contract 4.2)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pytest_flexprice.model.finding import Finding, Severity, compared
from pytest_flexprice.model.grouping import Told
from pytest_flexprice.model.prices import Price
from pytest_flexprice.model.subscriptions import INHERITED, Subscription, SubscriptionLine
from pytest_flexprice.model.times import written
from pytest_flexprice.oracle.catalog.objects import Catalog
from pytest_flexprice.oracle.catalog.plan_diff import describe

ONE_TIME = "ONETIME"
Past = Callable[[], Mapping[str, Price]]
"""Asked only when a line has a price that its plan no longer has: all prices of plans by id, ended ones too."""
SignedOff = Callable[[], Catalog | None]
"""Asked only when a line has a price that its plan no longer has: the catalog that was signed off, None where nobody can say."""
SYNC = "sync the plan's prices to its subscriptions"


@dataclass(frozen=True)
class PlanPrices:
    """The prices of a plan that are in force, by id; ``past`` knows those that have ended, of all plans, ``own`` those of single
    subscriptions, ``signed_off`` those that the plan of that ``path`` had when it was signed off."""

    by_id: Mapping[str, Price]
    now: datetime
    past: Past
    own: Past = dict
    path: str = ""
    signed_off: SignedOff = lambda: None

    def signed(self, price: Price) -> bool:
        """Whether the plan was signed off with a price that bills the same."""
        plans = dict(catalog.every_plan()) if (catalog := self.signed_off()) else {}
        return self.path in plans and any(_same(price, one) for one in plans[self.path].prices)

    def taken(self, currency: str, period: str) -> dict[str, Price]:
        """Those that a subscription of that currency and billing period bills again and again."""
        return {
            key: price
            for key, price in self.by_id.items()
            if price.currency == currency.lower() and price.billing_period == period
        }


def plan_prices(
    catalog: Catalog, now: datetime, past: Past, own: Past = dict, signed_off: SignedOff = lambda: None
) -> dict[str, PlanPrices]:
    """The prices in force of every published plan, by the plan's id."""
    return {
        plan.id: PlanPrices(
            {price.id: price for price in plan.prices if price.in_force(now)}, now, past, own, path, signed_off
        )
        for path, plan in catalog.every_plan()
    }


def lines(
    external_id: str,
    subscription: Subscription,
    plans: Mapping[str, PlanPrices],
    agreed: Collection[str] = (),
    *,
    deals_told: bool = False,
) -> Iterator[Told]:
    """What one subscription does not bill although its plan has a price for it, and what it bills by an old price.

    Nothing is told of a plan that is not published, nor of a subscription whose lines the server left out, nor of one that is
    inherited: its parent's lines bill its usage (contract 11.2). ``agreed`` names prices of which something was
    agreed with this customer; with ``deals_told`` own prices are judged elsewhere.
    """
    plan = plans.get(subscription.plan_id)
    if plan is None or subscription.lines is None or subscription.kind == INHERITED:
        return
    recurring = [line for line in subscription.lines if line.billing_period != ONE_TIME]
    held = [line for line in recurring if not _over(line, plan.now)]
    ended = {line.meter_id or line.price_id: written(line.end) for line in recurring if line.end and line not in held}
    ids = {line.price_id for line in held}
    meters = {line.meter_id for line in held if line.meter_id}
    taken = plan.taken(subscription.currency, subscription.billing_period)
    replaced = {price.meter.id for price in taken.values() if price.meter} if taken else set()
    for key, price in sorted(plan.by_id.items()):
        meter = price.meter.id if price.meter else ""
        if price.usage and meter not in meters and (key in taken or meter not in replaced):
            yield _dropped(external_id, subscription, price, key in taken, ended.get(meter, ""))
    old = [line for line in held if _is_old(line, plan)]
    fees = [price for key, price in sorted(taken.items()) if not price.usage and key not in ids]
    kept = sum(not line.meter_id for line in old)
    for price in fees[kept:]:
        yield _dropped(external_id, subscription, price, True, ended.get(price.id, ""))
    for line in old:
        now = _now(line, taken, fees)
        if not {line.display_name or None, now and now.event_name, now and now.display_name} & set(agreed):
            yield from _old(external_id, line, plan, now, deals_told=deals_told)
    yield from _late(external_id, subscription, held)


def _over(line: SubscriptionLine, now: datetime) -> bool:
    return line.end is not None and line.end <= now


def _dropped(external_id: str, subscription: Subscription, price: Price, matching: bool, ended: str) -> Told:
    what = f"usage of '{price.event_name}'" if price.usage else f"the fee '{price.display_name}'"
    why = (
        f"the line it had ended on {ended}"
        if ended
        else "the price is newer than the subscription"
        if matching
        else f"the subscription is {subscription.currency} {subscription.billing_period} "
        "and takes only prices of this currency and exactly this billing period"
    )
    finding = _finding(
        external_id,
        "lines",
        f"{what} of customer '{external_id}' is not billed: the plan has {describe(price)}, the subscription has no line for it, "
        f"because {why}",
        expected=describe(price),
        consequence="what is used is counted and never billed" if price.usage else "the fee is never billed",
        remedy="find out who ended the line, and give the subscription a new one"
        if ended
        else SYNC
        if matching
        else "give the plan a price of that currency and period, or subscribe the customer anew",
    )
    return Told(f"subscriptions that do not bill {what}", external_id, finding)


def _is_old(line: SubscriptionLine, plan: PlanPrices) -> bool:
    """Whether a line of the plan bills by a price that the plan no longer has; a subscription's own prices are not old."""
    return line.price_id not in plan.by_id and line.of == "plan"


def _now(line: SubscriptionLine, taken: Mapping[str, Price], fees: list[Price]) -> Price | None:
    """The price that a line with an old one would have today."""
    by_meter = {price.meter.id: price for price in taken.values() if price.meter}
    return by_meter.get(line.meter_id) if line.meter_id else next(iter(fees), None)


def _old(
    external_id: str, line: SubscriptionLine, plan: PlanPrices, now: Price | None, *, deals_told: bool
) -> Iterator[Told]:
    known = plan.past()
    then = known.get(line.price_id)
    own = bool(known) and then is None
    if own and deals_told:
        return
    billed = then or (plan.own().get(line.price_id) if own else None)
    if billed and now and _bills(billed) == _bills(now):
        return  # another quantity, or the same price anew
    what = f"'{now.event_name or now.display_name}'" if now else f"price {line.price_id}"
    if (
        then and now and plan.signed(then) and not plan.signed(now)
    ):  # the plan is wrong, which 2.1 tells, and the customer right
        yield Told(
            f"subscriptions that bill {what} as it was signed off", external_id, _kept(external_id, what, then, now)
        )
        return
    finding = _finding(
        external_id,
        "lines",
        f"a line of the subscription of customer '{external_id}' bills {what} by "
        + ("a price of its own" if own else "a price that the plan no longer has"),
        expected=compared(describe(now) if now else None),
        observed=describe(billed) if billed else None if own else line.price_id,
        consequence="the customer pays another price than the plan says",
        remedy=f"{SYNC}, or confirm that this customer keeps its price",
        severity=Severity.WARNING if own else Severity.ERROR,
    )
    yield Told(f"subscriptions that bill {what} by {'their own' if own else 'an old'} price", external_id, finding)


def _kept(external_id: str, what: str, then: Price, now: Price) -> Finding:
    """A line that a changed price of the plan has not reached: without a sync it bills on as before (contract 11.2)."""
    return _finding(
        external_id,
        "lines",
        f"a line of the subscription of customer '{external_id}' bills {what} as it was signed off, "
        "and its plan has another price now (2.1)",
        expected=describe(now),
        observed=describe(then),
        consequence="the customer is billed right until somebody syncs the plan's prices",
        remedy="correct the plan's price (2.1), and do not sync before",
    )


def _bills(price: Price) -> tuple[object, ...]:
    return describe(price), price.tiers, price.divide_by


def _same(one: Price, other: Price) -> bool:
    """Whether two prices, of whatever environments, bill the same of the same."""
    names = [price.event_name if price.usage else price.display_name for price in (one, other)]
    return names[0] == names[1] and _bills(one) == _bills(other)


def _late(external_id: str, subscription: Subscription, held: list[SubscriptionLine]) -> Iterator[Told]:
    starts = subscription.start_date
    begun = [line.start for line in held if line.start and not _later_on_purpose(line)]
    late = [begin for begin in begun if starts and (begin - starts).total_seconds() > 1]
    if late:
        finding = _finding(
            external_id,
            "lines",
            f"the subscription of customer '{external_id}' starts on {subscription.value('start_date')}, but {len(late)} of its lines "
            f"start only on {written(min(late))}",
            consequence="usage before that is not billed: a line starts no sooner than its price",
            remedy="check that it is meant",
            severity=Severity.WARNING,
        )
        yield Told("subscriptions with lines that start later", external_id, finding)


def _later_on_purpose(line: SubscriptionLine) -> bool:
    """Whether a line of a later phase, or of an addon, begins when it was agreed that it should."""
    return bool(line.phase) or line.of == "addon"


def _finding(external_id: str, field: str, problem: str, **details: Any) -> Finding:
    return Finding("4.2", f"customers.{external_id}.subscription.{field}", problem, **details)
