"""Section 2: product catalog."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from pytest_bdd import given, then

from pytest_flexprice.api import ApiError, Flexprice
from pytest_flexprice.api.catalog import read_catalog, read_everything, read_extras, taxes_are_attached
from pytest_flexprice.api.observed import observing
from pytest_flexprice.api.other import reader
from pytest_flexprice.evidence.keeping import Observe
from pytest_flexprice.model.finding import Finding, NotDecided, NotVerified, not_decided, require_none
from pytest_flexprice.model.golive_plan import AcceptedDifference, EventKind, GoLivePlan
from pytest_flexprice.model.grouping import alike
from pytest_flexprice.model.profile import Profile
from pytest_flexprice.oracle.catalog import accepted, event_names, signed_off
from pytest_flexprice.oracle.catalog import canonical as catalog_json
from pytest_flexprice.oracle.catalog import diff as catalog_diff
from pytest_flexprice.oracle.catalog import health as catalog_health
from pytest_flexprice.oracle.catalog.objects import Catalog, Extras
from pytest_flexprice.oracle.catalog.units import other_units
from pytest_flexprice.run.differences import listed
from pytest_flexprice.run.run import Run

EXTRAS = ("addons.", "coupons.", "tax_rates.", "price_units.", "settings.")


def _now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="session")
def live_catalog(flexprice: Flexprice) -> Catalog:
    """The catalog of the environment, read once per process."""
    with observing("2.1", "the catalog"):
        return read_catalog(flexprice, _now())


@pytest.fixture(scope="session")
def signed_off_catalog(plan: GoLivePlan, profile: Profile) -> Catalog:
    """The catalog that the plan says was signed off: a snapshot, or another environment, read once per process."""
    name = signed_off.source(plan)
    if name not in plan.environments:
        return signed_off.snapshot(plan, name)
    other = _other_environment(plan, profile, name)
    if other is None:
        raise signed_off.no_key(name)
    with observing("2.1", f"the catalog of environment {name}"):
        return read_everything(other, _now())


@pytest.fixture
def signed_off_if_known(request: pytest.FixtureRequest) -> Callable[[], Catalog | None]:
    """Asks for the signed-off catalog; that there is none, or none that can be read, is told by item 2.1 alone."""

    def asked() -> Catalog | None:
        try:
            catalog: Catalog = request.getfixturevalue("signed_off_catalog")
        except (ApiError, NotDecided, NotVerified):
            return None
        return catalog

    return asked


@pytest.fixture(scope="session")
def signed_off_extras(plan: GoLivePlan, profile: Profile, signed_off_catalog: Catalog) -> Extras:
    """What a clone leaves behind, as it was signed off: in the snapshot, else as the Sandbox that we hold a key of has it."""
    if signed_off_catalog.extras != Extras():
        return signed_off_catalog.extras
    for name in signed_off.sandboxes(plan, profile.name):
        other = _other_environment(plan, profile, name)
        if other is not None:
            with observing("2.1", f"the catalog of environment {name}"):
                return read_everything(other, _now()).extras
    raise signed_off.no_extras(plan, profile.name)


def _other_environment(plan: GoLivePlan, profile: Profile, name: str) -> Flexprice | None:
    key = profile.variable(signed_off.key_variable(name))
    return reader(plan.environments[name].base_url, key) if key else None


@given("the catalog that was signed off", target_fixture="wanted")
def the_signed_off_catalog(signed_off_catalog: Catalog) -> Catalog:
    return signed_off_catalog


@given("the catalog of this environment", target_fixture="present")
def the_catalog_of_this_environment(live_catalog: Catalog) -> Catalog:
    return live_catalog


@given("the addons, coupons, tax rates and invoice settings that were signed off", target_fixture="wanted_extras")
def the_signed_off_extras(signed_off_if_known: Callable[[], Catalog | None], request: pytest.FixtureRequest) -> Extras:
    if signed_off_if_known() is None:
        pytest.skip("not run, because there is no signed-off catalog to read (told by the scenario that compares it)")
    extras: Extras = request.getfixturevalue("signed_off_extras")
    return extras


@given("the addons, coupons, tax rates and invoice settings of this environment", target_fixture="left_behind")
def what_a_clone_leaves_behind(flexprice: Flexprice, live_catalog: Catalog) -> Extras:
    with observing("2.1", "addons, coupons, tax rates, price units and settings"):
        return read_extras(flexprice, live_catalog)


@given("the events that the plan says the application sends", target_fixture="sent")
def declared_events(plan: GoLivePlan) -> tuple[EventKind, ...]:
    return plan.events


@then("features, meters, plans, prices, entitlements and credit grants are the same")
def catalogs_are_the_same(wanted: Catalog, present: Catalog, flexprice_run: Run, observe: Observe) -> None:
    plan = flexprice_run.plan
    decided = _accepted(plan, extras=False)
    found = catalog_diff.compare(wanted, present, uses_price_keys=bool(plan.catalog and plan.catalog.price_keys))
    elsewhere = [finding.path for finding in _own_faults(present)]
    findings = listed(alike(accepted.apply(found, decided, _now().date(), elsewhere)), flexprice_run, "catalog")
    observe("catalog", expected=_summary(wanted), observed=_summary(present), findings=findings)
    require_none(findings)


@then("they are the same")
def extras_are_the_same(
    wanted_extras: Extras, left_behind: Extras, flexprice: Flexprice, flexprice_run: Run, observe: Observe
) -> None:
    found = catalog_diff.compare_extras(Catalog(extras=wanted_extras), Catalog(extras=left_behind))
    findings = accepted.apply(found, _accepted(flexprice_run.plan, extras=True), _now().date())
    # A rehearsal knows the rates, and not who pays them.
    if left_behind.tax_rates and not flexprice_run.profile.rehearsal and not taxes_are_attached(flexprice):
        findings += catalog_health.taxes_of_nobody(left_behind)
    expected, observed = (catalog_json.tree(extras) for extras in (wanted_extras, left_behind))
    observe("what a clone leaves behind", expected=expected, observed=observed, findings=findings)
    require_none(findings)


@then("every price bills what it says")
def every_price_bills(present: Catalog, plan: GoLivePlan, observe: Observe) -> None:
    found = _own_faults(present)
    paths = {finding.path for finding in found}
    findings = accepted.apply(found, [one for one in _accepted(plan) if one.path in paths], _now().date())
    facts = catalog_json.tree(present)
    observe("prices in force", observed=_summary(present), findings=findings, facts=facts)
    require_none(findings)


@then("every event name is counted by a published meter, byte for byte")
def every_event_name_is_metered(sent: tuple[EventKind, ...], present: Catalog, observe: Observe) -> None:
    if not sent:
        raise not_decided(
            "2.2",
            "golive.toml: events",
            "the plan lists no events that the application sends",
            consequence="nobody can tell whether they are counted",
            remedy="list each event name under [[events]]",
        )
    findings = event_names.metered(sent, present)
    observe(
        "event names",
        expected=[event.name for event in sent],
        observed={meter.event_name: f"{key} ({meter.status})" for key, _, meter in present.metered()},
        findings=findings,
    )
    require_none(findings)


@then("every such meter is priced by at least one plan")
def every_event_name_is_priced(
    sent: tuple[EventKind, ...],
    present: Catalog,
    signed_off_if_known: Callable[[], Catalog | None],
    observe: Observe,
) -> None:
    findings = event_names.priced(sent, present, _now(), signed_off_if_known)
    priced = {price.event_name: path for path, one in present.every_plan() for price in one.prices if price.usage}
    observe("prices by event name", expected=[event.name for event in sent], observed=priced, findings=findings)
    require_none(findings)


@then("no meter filters by or adds up a property that its event does not have")
def meters_match_events(sent: tuple[EventKind, ...], present: Catalog, observe: Observe) -> None:
    if not sent:
        pytest.skip("not run, because the plan lists no events (told by the scenario about their names)")
    findings = catalog_health.meters_that_match(present, sent)
    observe(
        "properties",
        expected={event.name: sorted(event.properties) for event in sent},
        observed={meter.event_name: [*meter.properties, *meter.filters] for _, _, meter in present.metered()},
        findings=findings,
    )
    require_none(findings)


def _own_faults(catalog: Catalog) -> list[Finding]:
    faults = [*catalog_health.prices_that_bill(catalog, _now()), *catalog_health.unkeyed_plans(catalog)]
    return [*faults, *other_units(catalog)]


def _accepted(plan: GoLivePlan, extras: bool | None = None) -> list[AcceptedDifference]:
    every = plan.catalog.accepted if plan.catalog else ()
    return [one for one in every if extras is None or one.path.startswith(EXTRAS) == extras]


def _summary(catalog: Catalog) -> dict[str, object]:
    return {
        "sha256": catalog_json.sha256(dataclasses.replace(catalog, extras=Extras())),
        "features": sorted(catalog.features),
        "plans": {path: len(one.prices) for path, one in catalog.every_plan()},
    }
