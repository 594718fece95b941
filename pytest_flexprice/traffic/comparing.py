"""One whole comparison: what is known of the environment, the search for differences, and customers' previews (checklist 3.1, 5.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from pytest_flexprice.api import Flexprice
from pytest_flexprice.model.finding import Finding, not_verified
from pytest_flexprice.model.golive_plan import GoLivePlan
from pytest_flexprice.model.times import Window
from pytest_flexprice.model.traffic_plan import Traffic
from pytest_flexprice.oracle.catalog.objects import Catalog
from pytest_flexprice.traffic import billing
from pytest_flexprice.traffic.billing import ComparedBill
from pytest_flexprice.traffic.causes import Cause
from pytest_flexprice.traffic.environment import TrafficEnvironment
from pytest_flexprice.traffic.known import Known
from pytest_flexprice.traffic.log import Log
from pytest_flexprice.traffic.metered import Metered
from pytest_flexprice.traffic.money import valued
from pytest_flexprice.traffic.reconcile import Reconciled, compared_window, explain, reconcile, sample
from pytest_flexprice.traffic.search import Search
from pytest_flexprice.traffic.spread import unequal
from pytest_flexprice.traffic.state import ResumeState

_WITHOUT_PERIOD = timedelta(days=7)
_NOT_OF_ONE_CUSTOMER = (Cause.UNKNOWN_NAME, Cause.UNKNOWN_CUSTOMER, Cause.UNSUBSCRIBED)


@dataclass(frozen=True)
class Comparison:
    """What was known, what was found, and what the previews of customers say."""

    known: Known
    result: Reconciled
    billed: list[ComparedBill]

    @property
    def invoices(self) -> list[Finding]:
        """What previews bill otherwise than the log says, and what could not be compared."""
        return [*(finding for one in self.billed for finding in one.findings), *self.uncompared]

    @property
    def uncompared(self) -> list[Finding]:
        """What should have been compared and was not."""
        return list(billing.uncompared(self.billed))


def compare(  # noqa: PLR0917 - what one comparison is made of
    plan: GoLivePlan,
    log: Log,
    flexprice: Flexprice,
    catalog: Catalog,
    now: datetime,
    is_test: Callable[[Mapping[str, str]], bool],
    progress: Callable[[str], None] = lambda words: None,
    is_over: Callable[[], bool] = lambda: False,
    state: ResumeState | None = None,
) -> Comparison:
    """Compare the plan's log with the environment; once ``is_over``, what is left is not looked into, and that is told.

    ``state`` is where such a run leaves what it read to the next one.

    Raises:
        NotVerified: something that the comparison needs cannot be observed.
    """
    traffic = plan.traffic
    assert traffic is not None
    progress("reading customers, subscriptions and prices")
    environment = TrafficEnvironment.read(flexprice)
    window = _window(traffic, environment, now)
    known = _known(plan, catalog, environment, is_test)
    search = Search(log, flexprice, known.metered, progress, is_over, state)
    result = reconcile(search, known, window, now)
    result.notes += [traffic.note] if traffic.note else []
    sample(search, known, result, now)
    explain(search, known, result, unequal(search, known, result, now.date()), now)
    billed = list(_billed(traffic, search, environment, known, result, now))
    found = {one.customer for one in result.differences}
    unexplained = [one.customer for one in billed if one.findings and one.customer not in found]
    explain(search, known, result, unexplained, now)
    result.notes += state.end(finished=not is_over()) if state else []
    valued(result.tallies, result.differences, environment.prices, [one.bill for one in billed if one.bill])
    return Comparison(known, result, billed)


def _window(traffic: Traffic, environment: TrafficEnvironment, now: datetime) -> Window:
    first = _instant(traffic.first_day) if traffic.first_day else billing.begun(environment.active(), now)
    last = _instant(traffic.last_day) if traffic.last_day else None
    window = compared_window(first or now - _WITHOUT_PERIOD, last, traffic.settling_hours, now)
    if window.start >= window.end:
        raise not_verified(
            "3.1",
            "golive.toml: traffic",
            f"no whole day lies between {window.start:%Y-%m-%d} and the settling margin of {traffic.settling_hours} hours",
            remedy="set traffic.first_day, or run again tomorrow",
        )
    return window


def _instant(day: Any) -> datetime:
    return datetime.combine(day, time(), UTC)


def _known(
    plan: GoLivePlan, catalog: Catalog, environment: TrafficEnvironment, is_test: Callable[[Mapping[str, str]], bool]
) -> Known:
    metered = []
    for _, feature, meter in catalog.metered():
        if meter.published:
            metered.append(Metered(meter, feature.id, feature.name))
    return Known(
        metered=metered,
        customers=frozenset(environment.external_ids.values()),
        starts=environment.prices.starts,
        ends=environment.prices.ends,
        began=environment.began,
        added=frozenset(environment.prices.added),
        subscribed=frozenset(environment.subscriptions),
        unbilled=frozenset(event.name for event in plan.events if event.unbilled),
        is_test=is_test,
        by_others=frozenset(event.name for event in plan.events),
    )


def _billed(  # noqa: PLR0917 - as above
    traffic: Traffic, search: Search, environment: TrafficEnvironment, known: Known, result: Reconciled, now: datetime
) -> Iterable[ComparedBill]:
    differing = [one.customer for one in result.differences if one.cause not in _NOT_OF_ONE_CUSTOMER]
    meters = {one.meter.id: one.meter for one in known.metered}
    asked: dict[str, billing.Asked] = {}
    for customer in billing.chosen(result.customers, differing, traffic.customers, now.date()):
        for subscription_id, customers in environment.billing(customer):
            if subscription_id not in asked:
                search.progress(f"reading the subscription of '{customers[0]}'")
                asked[subscription_id] = billing.read(search, customers, subscription_id, result.window)
    return billing.compare(search, list(asked.values()), meters)
