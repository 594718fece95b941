"""Section 4: customers and subscriptions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache

import pytest
from pytest_bdd import given, then

from pytest_flexprice.api import Flexprice
from pytest_flexprice.api.customers import (
    read_archived_customers,
    read_coupon_codes,
    read_customers,
    read_onboarding,
    read_own_allowances,
    read_own_prices,
    read_plan_prices,
    read_prepaid,
    read_subscriptions,
)
from pytest_flexprice.api.observed import observing
from pytest_flexprice.evidence.keeping import Observe
from pytest_flexprice.model.customer_columns import DEALS, NAMES
from pytest_flexprice.model.finding import NotDecided, NotVerified, not_decided, require_none
from pytest_flexprice.model.golive_plan import GoLivePlan
from pytest_flexprice.model.grouping import Told
from pytest_flexprice.oracle.catalog.objects import Catalog
from pytest_flexprice.oracle.customers import declared, subscriptions
from pytest_flexprice.oracle.customers import existing as customers
from pytest_flexprice.oracle.customers.deals import Agreed
from pytest_flexprice.oracle.customers.lines import Past
from pytest_flexprice.oracle.customers.register import Register
from pytest_flexprice.run.differences import listed
from pytest_flexprice.run.run import Run
from pytest_flexprice.testbed.naming import PREFIX


@pytest.fixture(scope="session")
def whole_register(plan: GoLivePlan, flexprice: Flexprice) -> Iterator[tuple[Register, str]]:
    """Declared and existing customers with their subscriptions, read once per process, and why not all declared ones are in it."""
    missing = ""
    with Register() as register:
        try:
            register.declare(declared.usable(plan.customers, plan.folder))
        except (NotDecided, NotVerified) as reason:
            missing = reason.findings[0].problem
        with observing("4.1", "customers and subscriptions"):
            register.add_customers(read_customers(flexprice))
            register.add_subscriptions(read_subscriptions(flexprice))
        yield register, missing


@pytest.fixture(scope="session")
def customer_register(whole_register: tuple[Register, str]) -> Register:
    """For whoever only asks who exists."""
    return whole_register[0]


@pytest.fixture
def customers_as_declared(whole_register: tuple[Register, str]) -> Register:
    """For whoever holds it against what is declared; that it cannot be read is told by the first scenario of 4.1 alone."""
    register, missing = whole_register
    if missing:
        pytest.skip(f"not run, because {missing} (4.1)")
    return register


@pytest.fixture(scope="session")
def past_prices(flexprice: Flexprice) -> Past:
    """All prices of plans by id, ended ones too; read when the first line needs them."""
    return lru_cache(maxsize=1)(lambda: read_plan_prices(flexprice))


@given("the customers that the plan declares")
def declared_customers() -> None:
    """Read where they are needed: one scenario tells that they cannot be."""


@given("the customers and subscriptions of this environment", target_fixture="register")
def existing_customers(customers_as_declared: Register) -> Register:
    return customers_as_declared


@then("every declared customer has an external id that events can carry")
def external_ids_are_usable(plan: GoLivePlan, flexprice_run: Run, observe: Observe) -> None:
    rows = declared.rows(plan.customers, plan.folder)
    odd = (Told("external ids to look at", row.external_id, found) for row in rows if (found := declared.odd_id(row)))
    odd_ids = listed(odd, flexprice_run, "external-ids")
    columns = declared.header(plan.customers, plan.folder)
    findings = [
        *declared.notes(plan.customers, plan.folder),
        *declared.unknown_columns(columns, "customers"),
        *odd_ids,
    ]
    observe("declared customers", expected=list(NAMES), observed=list(columns), findings=findings)
    require_none(findings)


@then("every declared customer exists, byte for byte, and nobody else does")
def customers_exist(
    register: Register, plan: GoLivePlan, flexprice: Flexprice, flexprice_run: Run, observe: Observe
) -> None:
    decided = plan.customers
    policy, prefixes = (decided.undeclared, decided.ignore_prefixes) if decided else ("fail", ())
    archived = read_archived_customers(flexprice) if next(register.missing(), None) else {}
    findings = listed(customers.compare(register, policy, prefixes, archived), flexprice_run, "customers")
    findings += customers.made_from_events(read_onboarding(flexprice))
    observe(
        "customers",
        expected=f"{register.count('declared'):,} declared rows",
        observed=f"{register.count('customers'):,} customers",
        findings=findings,
        facts={name: "exists" for name in register.external_ids() if not name.startswith(PREFIX)},
    )
    require_none(findings)


@pytest.fixture(scope="session")
def agreed(customer_register: Register, flexprice: Flexprice, live_catalog: Catalog, plan: GoLivePlan) -> Agreed:
    """What the customers file says about deals, and what of them must be read; each is read when it is first needed."""
    columns = frozenset(name for name in DEALS if customer_register.declares(name))

    def coupons() -> dict[str, frozenset[str]]:
        """Where no column is about them, a key that may not read them costs a warning and no verdict."""
        try:
            return read_coupon_codes(flexprice)
        except NotVerified:
            if "coupon" in columns:
                raise
            return {}

    return Agreed(
        columns,
        lru_cache(maxsize=1)(lambda: read_own_prices(flexprice)),
        lru_cache(maxsize=1)(coupons),
        customer_register.owner_of,
        lru_cache(maxsize=1)(lambda: read_own_allowances(flexprice)),
        lru_cache(maxsize=1)(lambda: read_prepaid(flexprice)),
        lambda: frozenset(one.id for _, one in live_catalog.every_plan() if one.credit_grants),
        _due_days(plan) is not None,
    )


def _due_days(plan: GoLivePlan) -> int | None:
    return plan.invoicing.due_date_days if plan.invoicing else None


@then("every subscription is the declared one and bills all prices of its plan")
def subscriptions_are_right(
    register: Register,
    present: Catalog,
    past_prices: Past,
    agreed: Agreed,
    signed_off_if_known: Callable[[], Catalog | None],
    flexprice_run: Run,
    observe: Observe,
) -> None:
    if not register.declares("plan"):
        raise not_decided(
            "4.2",
            "golive.toml: customers",
            "the declared customers name no plan",
            consequence="nobody can tell whether a customer is on the wrong plan",
            remedy="add a column 'plan' with the lookup key of each customer's plan",
        )
    invoicing = flexprice_run.plan.invoicing
    usual = subscriptions.Expected((invoicing and invoicing.collection) or "", _due_days(flexprice_run.plan))
    told = subscriptions.compare(
        register, present, datetime.now(UTC), usual, past_prices, agreed=agreed, signed_off=signed_off_if_known
    )
    findings = listed(told, flexprice_run, "subscriptions")
    observe(
        "subscriptions",
        expected=f"{register.count('declared'):,} declared rows",
        observed=f"{register.count('subscriptions'):,} subscriptions of every status",
        findings=findings,
    )
    require_none(findings)
