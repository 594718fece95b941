"""Section 5: invoicing."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_bdd import given, then, when

from pytest_flexprice.api import Flexprice
from pytest_flexprice.api.invoicing import (
    read_active_subscriptions,
    read_connections,
    read_setting,
    read_unpaid_invoices,
)
from pytest_flexprice.api.observed import observing
from pytest_flexprice.api.pace import Pace
from pytest_flexprice.api.previews import (
    REQUESTS_PER_SECOND,
    PreviewReader,
    read_previews,
    read_running_subscriptions,
)
from pytest_flexprice.evidence.keeping import Observe
from pytest_flexprice.model.finding import Finding, Severity, not_verified, require_none
from pytest_flexprice.model.golive_plan import GoLivePlan, Invoicing
from pytest_flexprice.model.profile import Profile
from pytest_flexprice.model.subscriptions import Subscription
from pytest_flexprice.oracle.customers import declared
from pytest_flexprice.oracle.invoicing import collection, previews, settings
from pytest_flexprice.oracle.invoicing.auto_cancel import CancelPolicy, cancellations, overlooked
from pytest_flexprice.oracle.invoicing.sampling import Sample, choose
from pytest_flexprice.run.differences import listed
from pytest_flexprice.run.run import Run
from pytest_flexprice.testbed.naming import MARK


def _now() -> datetime:
    return datetime.now(UTC)


@given("what was decided about invoices", target_fixture="decided")
def what_was_decided(plan: GoLivePlan) -> Invoicing | None:
    return plan.invoicing


@given("the invoicing settings of this environment", target_fixture="invoicing_settings")
def invoicing_settings(flexprice: Flexprice) -> dict[str, dict[str, Any]]:
    return {key: read_setting(flexprice, key) for key in ("subscription_config", "invoice_config")}


@then("the grace period and auto-cancel are as decided")
def grace_and_cancel(
    decided: Invoicing | None, invoicing_settings: dict[str, dict[str, Any]], observe: Observe
) -> None:
    setting = invoicing_settings["subscription_config"]
    findings = settings.grace_findings(decided, setting)
    meaning = settings.policy_sentence(setting, invoicing_settings["invoice_config"], _now())
    seen = {**(setting.get("value") or {}), "saved": bool(setting.get("id")), "meaning": meaning}
    observe(
        "grace period and auto-cancel",
        expected=decided,
        observed=seen,
        findings=findings,
        facts=setting.get("value") or {},
    )
    require_none(findings)


@then("due days and finalization delay are as decided")
def due_and_finalized(
    decided: Invoicing | None, invoicing_settings: dict[str, dict[str, Any]], observe: Observe
) -> None:
    setting = invoicing_settings["invoice_config"]
    findings = settings.due_date_findings(decided, setting)
    value = setting.get("value") or {}
    observe("due days and finalization delay", expected=decided, observed=value, findings=findings, facts=value)
    require_none(findings)


@pytest.fixture
def own_methods(plan: GoLivePlan, request: pytest.FixtureRequest) -> dict[str, str]:
    """The collection method of each subscription whose customer's row decides it."""
    if plan.customers is None or "collection_method" not in declared.header(plan.customers, plan.folder):
        return {}
    return collection.declared_for(request.getfixturevalue("customers_as_declared"))


@given("the active subscriptions", target_fixture="subscriptions")
def active_subscriptions(flexprice: Flexprice) -> list[Subscription]:
    return [each for each in read_active_subscriptions(flexprice) if each.managed_by != MARK]


@given("the active subscriptions with their unpaid invoices", target_fixture="unpaid")
def subscriptions_and_invoices(flexprice: Flexprice) -> tuple[list[Subscription], list[dict[str, Any]]]:
    return active_subscriptions(flexprice), read_unpaid_invoices(flexprice)


@then("auto-cancel ends nobody's subscription today")
def nobody_is_cancelled(
    decided: Invoicing | None,
    invoicing_settings: dict[str, dict[str, Any]],
    unpaid: tuple[list[Subscription], list[dict[str, Any]]],
    observe: Observe,
) -> None:
    policy, now = CancelPolicy.from_api(invoicing_settings["subscription_config"]), _now()
    waiting = cancellations(policy, *unpaid, now)
    findings = settings.cancellation_findings(decided, policy, waiting, now)
    findings += overlooked(policy, unpaid[1], now)
    observe("unpaid subscriptions", observed=[each.sentence for each in waiting], findings=findings)
    require_none(findings)


@then("the decision carries a name and a day")
def signed_off(decided: Invoicing | None, observe: Observe) -> None:
    findings = settings.sign_off_findings(decided, "", _now().date())
    observe("sign-off", observed=decided, findings=findings)
    require_none(findings)


@then("every subscription uses the decided collection method")
def collection_methods(
    decided: Invoicing | None, subscriptions: list[Subscription], own_methods: dict[str, str], observe: Observe
) -> None:
    findings = collection.collection_findings(decided, subscriptions, own_methods)
    methods = {each.id: each.collection_method for each in subscriptions}
    observe("collection methods", expected=decided and decided.collection, observed=methods, findings=findings)
    require_none(findings)


@given("the connected payment gateways", target_fixture="connections")
def connected(flexprice: Flexprice) -> list[dict[str, Any]]:
    return read_connections(flexprice)


@then("a payment gateway is connected if invoices are collected automatically")
def gateway(
    decided: Invoicing | None, connections: list[dict[str, Any]], own_methods: dict[str, str], observe: Observe
) -> None:
    findings = collection.connection_findings(decided, connections, own_methods)
    providers = [each.get("provider_type") for each in connections]
    observe("connected vendors", expected=decided and decided.collection, observed=providers, findings=findings)
    require_none(findings)


@pytest.fixture(scope="session")
def preview_reader(flexprice: Flexprice, profile: Profile) -> PreviewReader:
    """Reads previews; what all of them need is read once per process."""
    return PreviewReader(flexprice, Pace(None if profile.rehearsal else REQUESTS_PER_SECOND))


@given(
    "the active subscriptions, or a sample with each plan and each kind of deal in it",
    target_fixture="chosen_subscriptions",
)
def sampled_subscriptions(
    flexprice: Flexprice, preview_reader: PreviewReader, profile: Profile, plan: GoLivePlan, observe: Observe
) -> Sample:
    now = _now()
    with observing("5.3", "the active subscriptions"):
        rows = (each for each in read_running_subscriptions(flexprice) if not _is_test_object(each))
        sample = choose(rows, profile.previews, now, now.date().isoformat(), preview_reader.has_own_price)
    if not sample.chosen and declared.nobody_billed(plan.customers, plan.folder, now):
        observe("previews", observed=previews.coverage(sample, 0), findings=[_nobody_yet()])
    elif not sample.chosen and profile.rehearsal and not declared.known(plan.customers):
        pytest.skip("not run, because the plan declares no customers, and a rehearsal has no others (4.1)")
    elif not sample.chosen:
        raise not_verified(
            "5.3",
            "subscriptions",
            f"no active subscription has begun, so no invoice can be previewed ({previews.coverage(sample, 0)})",
            remedy="subscribe the declared customers first",
        )
    return sample


@when("the next invoice of each is previewed", target_fixture="next_invoices")
def next_invoices(
    preview_reader: PreviewReader, chosen_subscriptions: Sample, profile: Profile, flexprice_run: Run, observe: Observe
) -> list[Finding]:
    until = time.monotonic() + profile.preview_minutes * 60
    told = previews.Telling(_now())
    read = told.of(read_previews(preview_reader, chosen_subscriptions.chosen, until))
    findings = listed(read, flexprice_run, "previews")
    for shown in told.first:
        observe(
            f"preview of customer '{shown.external_id}' on plan '{shown.plan}'",
            expected=previews.table(shown.expected),
            observed=shown.invoice.get("line_items"),
        )
    observe("previews", observed=previews.coverage(chosen_subscriptions, told.read), findings=findings)
    return findings


@then("each preview has a line for every price of its subscription")
def every_price_has_a_line(next_invoices: list[Finding]) -> None:
    require_none(each for each in next_invoices if previews.is_missing_line(each))


@then("quantities, prices and totals of each preview follow from its usage")
def previews_follow_from_usage(next_invoices: list[Finding]) -> None:
    require_none(each for each in next_invoices if not previews.is_missing_line(each))


def _nobody_yet() -> Finding:
    return Finding(
        "5.3",
        "subscriptions",
        "no next invoice was previewed, because nobody is billed yet by what the plan declares: drafts, trials and later starts",
        remedy="run again when the first subscription is active",
        severity=Severity.WARNING,
    )


def _is_test_object(subscription: dict[str, Any]) -> bool:
    return (subscription.get("metadata") or {}).get("managed_by") == MARK
