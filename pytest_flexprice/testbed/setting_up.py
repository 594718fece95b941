"""The test subscription with everything that meters and prices it, read from Flexprice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pytest_flexprice.api import Flexprice, path_of
from pytest_flexprice.model.finding import Finding, Kind, RequirementNotMet, not_decided, not_verified
from pytest_flexprice.oracle.invoicing.subscription import BilledSubscription
from pytest_flexprice.oracle.metering.meters import Meter
from pytest_flexprice.oracle.pricing.allowances import Allowance, by_meter
from pytest_flexprice.run.profile import Profile
from pytest_flexprice.testbed.customer import Testbed, TestCustomer, TestSubscription
from pytest_flexprice.testbed.ownership import belonging


@dataclass(frozen=True)
class TestPlan:
    """The plan that the test customer subscribes to, with the currency and billing period of its usage prices."""

    __test__ = False
    id: str
    key: str
    currency: str
    billing_period: str
    prices: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Setup:
    """A test subscription as billing sees it, its meters, and its allowances by meter id.

    ``archived`` names the events whose meter is archived: section 2 tells of them, and nothing can be metered meanwhile.
    """

    plan_key: str
    subscription: TestSubscription
    billed: BilledSubscription
    meters: tuple[Meter, ...]
    allowances: dict[str, Allowance]
    prices: tuple[dict[str, Any], ...]
    findings: list[Finding] = field(default_factory=list)
    archived: tuple[str, ...] = ()

    @property
    def begins(self) -> datetime:
        """The moment from which every usage line bills; lines start no sooner than their price (contract 4.2)."""
        return max([self.billed.start, *(line.start for line in self.billed.lines if line.is_usage and line.start)])


def find_test_plan(flexprice: Flexprice, profile: Profile) -> TestPlan:
    """The plan that the go-live plan names for the test customer.

    Raises:
        NotDecided: none is named. RequirementNotMet: there is no such plan. NotVerified: it has no usage price.
    """
    key, own = profile.environment.test_plan, profile.environment
    if not key:
        raise not_decided(
            "7.1",
            f"golive.toml: environments.{profile.name}.test_plan",
            "the plan does not say which plan a test customer subscribes to",
            remedy="name the lookup key of one with a usage price as test_plan",
        )
    found = list(flexprice.search("/v1/plans/search", {"lookup_key": key, "expand": "prices"}))
    row = next((each for each in found if each.get("lookup_key") == key), None)
    if row is None:
        raise RequirementNotMet(
            [
                Finding(
                    "7.1",
                    f"plans.{key}",
                    f"the test plan '{key}' does not exist in this environment",
                    remedy="create it there, or correct test_plan in golive.toml",
                )
            ]
        )
    prices = tuple(row.get("prices") or ())
    usage = [price for price in prices if price.get("type") == "USAGE"]
    fitting = [
        price
        for price in usage
        if own.test_currency in ("", price["currency"]) and own.test_billing_period in (None, price["billing_period"])
    ]
    if not fitting:
        raise not_verified(
            "7.1",
            f"plans.{key}",
            f"the test plan '{key}' has no usage price, so that no event can be billed on it",
            remedy="name a plan with a usage price as test_plan",
        )
    return TestPlan(row["id"], key, fitting[0]["currency"], fitting[0]["billing_period"], prices)


def set_up(testbed: Testbed, customer: TestCustomer, profile: Profile, now: datetime) -> Setup:
    """Subscribe a test customer to the test plan, and read back what that made.

    Raises:
        NotDecided, RequirementNotMet, NotVerified, ApiError: as ``find_test_plan``, the testbed and the client.
    """
    flexprice = testbed.flexprice
    plan = find_test_plan(flexprice, profile)
    subscription = testbed.subscription(customer, plan.id, plan.currency, plan.billing_period, now)
    row = flexprice.get(path_of("subscriptions", subscription.id))
    adopt_invoices(
        testbed, subscription, [row["latest_invoice"]] if row.get("latest_invoice") else [], "its latest invoice"
    )
    billed = BilledSubscription.from_api(row, plan.prices)
    rows = [
        flexprice.get(path_of("meters", identifier))
        for identifier in sorted({line.meter_id for line in billed.lines if line.is_usage})
    ]
    meters = tuple(map(Meter.from_api, rows))
    archived = tuple(meter["event_name"] for meter in rows if meter.get("status") != "published")
    entitlements = flexprice.list("/v1/entitlements", entity_type="PLAN", entity_ids=plan.id, expand="features")
    findings = [*subscription.findings, *dropped_prices(plan, billed)]
    return Setup(plan.key, subscription, billed, meters, by_meter(entitlements), plan.prices, findings, archived)


def vendor_findings(flexprice: Flexprice, profile: Profile) -> list[Finding]:
    """Connected vendors that would get test objects of a production environment, and that the plan does not accept by name.

    The events that drive webhooks drive vendor syncs too (contract 6.4).

    Raises:
        NotVerified: which vendors are connected cannot be told; then nothing may be written either.
        ApiError: Flexprice refuses to tell.
    """
    if not profile.production:
        return []
    connected = {_vendor(row) for row in flexprice.list("/v1/connections", rows="connections")}
    accepted = profile.environment.accept_connections
    return [
        Finding(
            "7.1",
            f"golive.toml: environments.{profile.name}.accept_connections",
            f"'{vendor}' is connected to this environment and would get the test customer and its invoice",
            remedy=f"accept it by adding '{vendor}' to accept_connections, or disconnect it for the smoke test",
            kind=Kind.NOT_DECIDED,
        )
        for vendor in sorted(connected - set(accepted))
    ]


def dropped_prices(plan: TestPlan, billed: BilledSubscription) -> list[Finding]:
    """Usage prices of the plan that the subscription dropped without a word (contract 4.2)."""
    taken = {line.price.id for line in billed.lines}
    lost = [
        price
        for price in plan.prices
        if price["id"] not in taken
        and price["currency"] == plan.currency
        and price["billing_period"] == plan.billing_period
        and not price.get("end_date")
    ]
    return [
        Finding(
            "7.1",
            f"plans.{plan.key}.prices.{price.get('display_name') or price['id']}",
            f"the test subscription took no line of the price '{price.get('display_name') or price['id']}' of its plan",
            consequence="customers who subscribe now are never billed for it",
            remedy="compare the price's currency and billing period with the subscription's",
        )
        for price in lost
    ]


def _vendor(connection: Mapping[str, Any]) -> str:
    return str(connection.get("provider_type") or connection.get("name") or "a vendor without a name")


def adopt_invoices(
    testbed: Testbed, subscription: TestSubscription, rows: Iterable[Mapping[str, Any]], where: str
) -> list[Mapping[str, Any]]:
    """Enter invoices of the run's own subscription into the ledger, so that they may be finalized and are voided at the end.

    Raises:
        NotOurs: one of the rows that ``where`` answered belongs to somebody else; then none is entered.
    """
    found = belonging(rows, subscription.customer.owner, where, subscription_id=subscription.id)
    for row in found:
        if row.get("invoice_status") != "SKIPPED" and not testbed.ledger.owns(row["id"]):
            testbed.ledger.intend("invoice", row["id"], customer=subscription.customer.external_id)
            testbed.ledger.created("invoice", row["id"], row["id"])
    return found


def names_of_meters(flexprice: Flexprice) -> Sequence[str]:
    """The event names that meters of the environment listen to."""
    return [meter["event_name"] for meter in flexprice.list("/v1/meters") if meter.get("status") == "published"]
