"""One whole comparison: what is known of the environment, the search for differences, and customers' previews (checklist 3.1, 5.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from pytest_flexprice.api import Flexprice
from pytest_flexprice.api.customers import read_customers, read_subscriptions
from pytest_flexprice.model.finding import Finding, not_verified
from pytest_flexprice.model.golive_plan import GoLivePlan
from pytest_flexprice.model.times import Window
from pytest_flexprice.model.traffic_plan import Traffic
from pytest_flexprice.oracle.catalog.objects import Catalog
from pytest_flexprice.traffic import billing
from pytest_flexprice.traffic.billing import Billed
from pytest_flexprice.traffic.causes import Cause
from pytest_flexprice.traffic.log import Log
from pytest_flexprice.traffic.money import PriceList, valued
from pytest_flexprice.traffic.reconcile import Known, Result, compared_window, explain, reconcile
from pytest_flexprice.traffic.search import Metered, Search

_WITHOUT_PERIOD = timedelta(days=7)
_NOT_OF_ONE_CUSTOMER = (Cause.UNKNOWN_NAME, Cause.UNKNOWN_CUSTOMER)


@dataclass
class Environment:
    """Customers, subscriptions and prices as far as a comparison needs them: external ids, running periods, lines' starts."""

    external_ids: dict[str, str] = field(default_factory=dict)
    subscriptions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    prices: PriceList = field(default_factory=lambda: PriceList(()))

    @classmethod
    def read(cls, flexprice: Flexprice) -> Environment:
        """Three requests for each 1,000 of a kind."""
        found = cls(prices=PriceList(flexprice.list("/v1/prices", allow_expired_prices="true")))
        found.external_ids = {str(row["id"]): str(row["external_id"]) for row in read_customers(flexprice)}
        for row in read_subscriptions(flexprice):
            external_id = found.external_ids.get(str(row.get("customer_id")), "")
            for line in row.get("line_items") or ():
                found.prices.add(external_id, line)
            kept = {name: row.get(name) for name in ("id", "subscription_status", "current_period_start")}
            found.subscriptions.setdefault(external_id, []).append(kept)
        return found

    def active(self) -> Iterator[Mapping[str, Any]]:
        """Every active subscription."""
        for rows in self.subscriptions.values():
            yield from (row for row in rows if row["subscription_status"] == "active")


@dataclass(frozen=True)
class Comparison:
    """What was known, what was found, and what the previews of customers say."""

    known: Known
    result: Result
    billed: list[Billed]

    @property
    def invoices(self) -> list[Finding]:
        """What previews bill otherwise than the log says."""
        return [finding for one in self.billed for finding in one.findings]


def compare(  # noqa: PLR0917 - what one comparison is made of
    plan: GoLivePlan,
    log: Log,
    flexprice: Flexprice,
    catalog: Catalog,
    now: datetime,
    is_test: Callable[[Mapping[str, str]], bool],
    progress: Callable[[str], None] = lambda words: None,
) -> Comparison:
    """Compare the plan's log with the environment.

    Raises:
        NotVerified: something that the comparison needs cannot be observed.
    """
    traffic = plan.traffic
    assert traffic is not None
    environment = Environment.read(flexprice)
    window = _window(traffic, environment, now)
    known = _known(plan, catalog, environment, is_test)
    search = Search(log, flexprice, known.metered, progress)
    result = reconcile(search, known, window, now)
    billed = list(_billed(traffic, search, environment, known, result, now))
    found = {one.customer for one in result.differences}
    unexplained = [one.customer for one in billed if one.findings and one.customer not in found]
    explain(search, known, result, unexplained, now)
    valued(result.tallies, result.differences, environment.prices)
    return Comparison(known, result, billed)


def _window(traffic: Traffic, environment: Environment, now: datetime) -> Window:
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
    plan: GoLivePlan, catalog: Catalog, environment: Environment, is_test: Callable[[Mapping[str, str]], bool]
) -> Known:
    metered = []
    for _, feature, meter in catalog.metered():
        if meter.published:
            metered.append(Metered(meter, feature.id, feature.name))
    return Known(
        metered=metered,
        customers=frozenset(environment.external_ids.values()),
        starts=environment.prices.starts,
        unbilled=frozenset(event.name for event in plan.events if event.unbilled),
        is_test=is_test,
        by_others=frozenset(event.name for event in plan.events),
    )


def _billed(  # noqa: PLR0917 - as above
    traffic: Traffic, search: Search, environment: Environment, known: Known, result: Result, now: datetime
) -> Iterable[Billed]:
    differing = [one.customer for one in result.differences if one.cause not in _NOT_OF_ONE_CUSTOMER]
    meters = {one.meter.id: one.meter for one in known.metered}
    asked = [
        billing.read(search.flexprice, customer, str(row["id"]), result.window)
        for customer in billing.chosen(result.customers, differing, traffic.customers, now.date())
        for row in environment.subscriptions.get(customer, ())
        if row["subscription_status"] == "active"
    ]
    return billing.compare(search.flexprice, search.log, asked, meters)
