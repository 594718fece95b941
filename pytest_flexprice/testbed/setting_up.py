"""The test subscription with everything that meters and prices it, read from Flexprice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pytest_flexprice.api import Flexprice, path_of
from pytest_flexprice.model.finding import Finding, Kind, RequirementNotMet, not_decided, not_verified
from pytest_flexprice.model.meters import Meter
from pytest_flexprice.model.near_miss import NearMisses
from pytest_flexprice.model.profile import Profile
from pytest_flexprice.oracle.invoicing.subscription import BilledSubscription
from pytest_flexprice.oracle.invoicing.taking import taken_findings
from pytest_flexprice.oracle.pricing.allowances import Allowance, by_meter
from pytest_flexprice.testbed.customer import HEAD_START, Testbed, TestCustomer, TestSubscription
from pytest_flexprice.testbed.ownership import belonging
from pytest_flexprice.testbed.removal import read_own


@dataclass(frozen=True)
class TestPlan:
    """A plan that test customers subscribe to, with everything that meters and prices it, read in one request.

    ``prices`` are its prices' JSON, ``meters`` those of its usage prices by id, ``archived`` the events whose meter is archived;
    ``grants`` are its credit grants' JSON: whoever subscribes gets prepaid credits.
    """

    __test__ = False
    id: str
    key: str
    currency: str
    billing_period: str
    prices: tuple[dict[str, Any], ...]
    meters: dict[str, Meter] = field(default_factory=dict)
    allowances: dict[str, Allowance] = field(default_factory=dict)
    archived: tuple[str, ...] = ()
    grants: tuple[dict[str, Any], ...] = ()

    @property
    def label(self) -> str:
        """The plan as a table names it."""
        return f"{self.key}, {self.currency}, {self.billing_period.lower()}"


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
    grants: tuple[dict[str, Any], ...] = ()

    @property
    def begins(self) -> datetime:
        """The moment from which every usage line bills; lines start no sooner than their price (contract 4.2)."""
        return max([self.billed.start, *(line.start for line in self.billed.lines if line.is_usage and line.start)])


def read_plan_rows(flexprice: Flexprice, key: str = "") -> list[dict[str, Any]]:
    """Plans with their prices, meters and entitlements: all of them, or the one with that lookup key."""
    wanted = {"lookup_key": key} if key else {}
    rows = flexprice.search(
        "/v1/plans/search", {**wanted, "expand": "prices,meters,entitlements,features,credit_grant"}
    )
    return [row for row in rows if not key or row.get("lookup_key") == key]


def find_test_plan(flexprice: Flexprice, profile: Profile) -> TestPlan:
    """The plan that the go-live plan names for the test customer.

    Raises:
        NotDecided: none is named. RequirementNotMet: there is no such plan. NotVerified: it has no usage price.
    """
    key, own = profile.environment.test_plan, profile.environment
    if not key:
        raise not_decided(
            "7.1",
            f"golive.toml: environments.{profile.in_plan}.test_plan",
            "the plan does not say which plan a test customer subscribes to",
            remedy="name the lookup key of one with a usage price as test_plan",
        )
    row = _named(read_plan_rows(flexprice, key), key, lambda: flexprice.search("/v1/plans/search", {}))
    fitting = [
        (currency, period)
        for currency, period in sold_as(row)
        if own.test_currency in ("", currency) and own.test_billing_period in (None, period)
    ]
    if not fitting:
        asked = " ".join(filter(None, (own.test_currency, own.test_billing_period)))
        sold = ", ".join(" ".join(each) for each in sold_as(row))
        problem = f"the test plan '{key}' has no usage price{f' in {asked}, but in {sold}' if sold else ''}"
        remedy = (
            "correct test_currency and test_billing_period" if sold else "name a plan with a usage price as test_plan"
        )
        raise not_verified("7.1", f"plans.{key}", f"{problem}, so that no event can be billed on it", remedy=remedy)
    return plan_as_sold(flexprice, row, *fitting[0])


def _named(rows: Iterable[dict[str, Any]], key: str, every: Callable[[], Iterable[dict[str, Any]]]) -> dict[str, Any]:
    """The row with that lookup key; ``every`` plan is only asked for where there is none."""
    for row in rows:
        if row.get("lookup_key") == key:
            return row
    near = NearMisses(str(row["lookup_key"]) for row in every() if row.get("lookup_key"))
    problem = f"the test plan '{key}' does not exist in this environment{near.hint(key)}"
    remedy = "create it there, or correct test_plan in golive.toml"
    raise RequirementNotMet([Finding("7.1", f"plans.{key}", problem, remedy=remedy)])


def sold_as(row: dict[str, Any]) -> list[tuple[str, str]]:
    """The currencies and billing periods of a plan's usage prices, each pair once, in the prices' order."""
    usage = [price for price in row.get("prices") or () if price.get("type") == "USAGE" and not price.get("end_date")]
    return list(dict.fromkeys((str(price["currency"]), str(price["billing_period"])) for price in usage))


def plan_as_sold(flexprice: Flexprice, row: dict[str, Any], currency: str, billing_period: str) -> TestPlan:
    """A plan's row as it is sold in one currency and billing period."""
    prices = tuple(row.get("prices") or ())
    rows = {str(each["meter_id"]): each.get("meter") for each in prices if each.get("meter_id")}
    read = {each: meter or flexprice.get(path_of("meters", each)) for each, meter in rows.items()}
    return TestPlan(
        row["id"],
        str(row.get("lookup_key") or row.get("name") or row["id"]),
        currency,
        billing_period,
        prices,
        {each: Meter.from_api(meter) for each, meter in read.items()},
        by_meter(row.get("entitlements") or ()),
        tuple(meter["event_name"] for meter in read.values() if meter.get("status") != "published"),
        tuple(row.get("credit_grants") or ()),
    )


def plans_to_prove(flexprice: Flexprice, profile: Profile, chosen: TestPlan) -> list[TestPlan]:
    """The plans whose prices are proved, as each is sold; without a word of the go-live plan that is the test plan alone.

    Raises:
        RequirementNotMet: a plan that is named does not exist.
    """
    wanted = profile.environment.test_plans
    if not wanted:
        return [chosen]
    rows = read_plan_rows(flexprice)
    if wanted != "all":
        every = rows
        rows = [_named(every, key, lambda: every) for key in wanted]
    return [plan_as_sold(flexprice, row, *sold) for row in rows for sold in sold_as(row)]


def set_up(
    testbed: Testbed,
    customer: TestCustomer,
    plan: TestPlan,
    now: datetime,
    head_start: timedelta = HEAD_START,
    *,
    read_back: bool = True,
) -> Setup:
    """Subscribe a test customer to a plan, and read back what that made, unless the answer that made it is enough.

    Raises:
        RequirementNotMet, NotVerified, ApiError: as the testbed and the client.
    """
    terms = (plan.id, plan.currency, plan.billing_period)
    subscription = testbed.subscription(customer, terms, now, head_start, read_back=read_back)
    latest = subscription.row.get("latest_invoice")
    adopt_invoices(testbed, subscription, [latest] if latest else [], "POST /v1/subscriptions")
    billed = BilledSubscription.from_api(subscription.row, plan.prices)
    used = sorted({line.meter_id for line in billed.lines if line.is_usage})
    meters = tuple(plan.meters.get(each) or _meter(testbed.flexprice, each) for each in used)
    names = {meter.event_name for meter in meters}
    archived = tuple(name for name in plan.archived if name in names)
    findings = [
        *subscription.findings,
        *taken_findings(plan.key, plan.prices, (plan.currency, plan.billing_period), billed),
    ]
    known = plan.allowances, plan.prices, findings, archived, plan.grants
    return Setup(plan.key, subscription, billed, meters, *known)


def _meter(flexprice: Flexprice, identifier: str) -> Meter:
    return Meter.from_api(flexprice.get(path_of("meters", identifier)))


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
            f"golive.toml: environments.{profile.in_plan}.accept_connections",
            f"'{vendor}' is connected to this environment and would get the test customer and its invoice",
            remedy=f"accept it by adding '{vendor}' to accept_connections, or disconnect it for the smoke test",
            kind=Kind.NOT_DECIDED,
        )
        for vendor in sorted(connected - set(accepted))
    ]


def _vendor(connection: Mapping[str, Any]) -> str:
    return str(connection.get("provider_type") or connection.get("name") or "a vendor without a name")


def adopt_invoices(
    testbed: Testbed, subscription: TestSubscription, rows: Iterable[Mapping[str, Any]], where: str
) -> list[Mapping[str, Any]]:
    """Enter invoices of the run's own subscription into the ledger, so that they are voided at the end.

    Raises:
        NotOurs: one of the rows that ``where`` answered belongs to somebody else; then none is entered.
    """
    found = belonging(rows, subscription.customer.owner, where, subscription_id=subscription.id)
    for row in found:
        if row.get("invoice_status") != "SKIPPED" and not testbed.ledger.owns(row["id"]):
            if testbed.ledger.entry("invoice", row["id"]) is None:
                testbed.ledger.intend("invoice", row["id"], customer=subscription.customer.external_id)
            testbed.ledger.told("invoice", row["id"], row["id"], where)
    return found


def own_invoice(testbed: Testbed, subscription: TestSubscription, identifier: str) -> Mapping[str, Any]:
    """Ask for an invoice by its id before it is written to, unless two answers have shown already whose it is; what was answered.

    Raises:
        NotOurs: it belongs to somebody else.
    """
    if testbed.ledger.owns(identifier):
        return {}
    owner = subscription.customer.owner
    row = read_own(testbed.flexprice, "invoice", identifier, owner, subscription_id=subscription.id)
    testbed.ledger.created("invoice", identifier, identifier)
    return row


def names_of_meters(flexprice: Flexprice) -> Sequence[str]:
    """The event names that meters of the environment listen to."""
    return [meter["event_name"] for meter in flexprice.list("/v1/meters") if meter.get("status") == "published"]
