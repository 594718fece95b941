"""Section 5: invoicing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_bdd import given, then, when

from pytest_flexprice.api import Flexprice
from pytest_flexprice.api.invoicing import (
    PreviewReading,
    read_active_subscriptions,
    read_connections,
    read_preview,
    read_setting,
    read_unpaid_invoices,
)
from pytest_flexprice.evidence.recorder import Observe
from pytest_flexprice.model.finding import Finding, not_verified, require_none
from pytest_flexprice.model.golive_plan import GoLivePlan, Invoicing
from pytest_flexprice.oracle.customers import declared
from pytest_flexprice.oracle.invoicing import collection, previews, settings
from pytest_flexprice.oracle.invoicing.auto_cancel import CancelPolicy, cancellations
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
    observe("grace period and auto-cancel", expected=decided, observed=seen, findings=findings)
    require_none(findings)


@then("due days and finalization delay are as decided")
def due_and_finalized(
    decided: Invoicing | None, invoicing_settings: dict[str, dict[str, Any]], observe: Observe
) -> None:
    setting = invoicing_settings["invoice_config"]
    findings = settings.due_date_findings(decided, setting)
    observe("due days and finalization delay", expected=decided, observed=setting.get("value"), findings=findings)
    require_none(findings)


@pytest.fixture
def own_methods(plan: GoLivePlan, request: pytest.FixtureRequest) -> dict[str, str]:
    """The collection method of each subscription whose customer's row decides it."""
    if plan.customers is None or "collection_method" not in declared.header(plan.customers, plan.folder):
        return {}
    return collection.declared_for(request.getfixturevalue("customer_register"))


@given("the active subscriptions", target_fixture="subscriptions")
def active_subscriptions(flexprice: Flexprice) -> list[dict[str, Any]]:
    return [each for each in read_active_subscriptions(flexprice) if not _is_test_object(each)]


@given("the active subscriptions with their unpaid invoices", target_fixture="unpaid")
def subscriptions_and_invoices(flexprice: Flexprice) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    return active_subscriptions(flexprice), read_unpaid_invoices(flexprice)


@then("auto-cancel ends nobody's subscription today")
def nobody_is_cancelled(
    decided: Invoicing | None,
    invoicing_settings: dict[str, dict[str, Any]],
    unpaid: tuple[list[dict[str, Any]], list[dict[str, Any]]],
    observe: Observe,
) -> None:
    policy, now = CancelPolicy.from_api(invoicing_settings["subscription_config"]), _now()
    waiting = cancellations(policy, *unpaid, now)
    findings = settings.cancellation_findings(decided, policy, waiting, now)
    observe("unpaid subscriptions", observed=[each.sentence for each in waiting], findings=findings)
    require_none(findings)


@then("the decision carries a name and a day")
def signed_off(decided: Invoicing | None, observe: Observe) -> None:
    findings = settings.sign_off_findings(decided, "", _now().date())
    observe("sign-off", observed=decided, findings=findings)
    require_none(findings)


@then("every subscription uses the decided collection method")
def collection_methods(
    decided: Invoicing | None, subscriptions: list[dict[str, Any]], own_methods: dict[str, str], observe: Observe
) -> None:
    findings = collection.collection_findings(decided, subscriptions, own_methods)
    methods = {str(each.get("id")): each.get("collection_method") for each in subscriptions}
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


@given("an active subscription of each plan in use", target_fixture="chosen")
def one_of_each_plan(flexprice: Flexprice) -> list[dict[str, Any]]:
    chosen = previews.representatives(active_subscriptions(flexprice), _now())
    if not chosen:
        raise not_verified(
            "5.3",
            "subscriptions",
            "no active subscription has begun, so no invoice can be previewed",
            remedy="subscribe the declared customers first",
        )
    return chosen


@when("the next invoice of each is previewed", target_fixture="next_invoices")
def next_invoices(flexprice: Flexprice, chosen: list[dict[str, Any]]) -> list[PreviewReading]:
    return [read_preview(flexprice, str(each["id"])) for each in chosen]


@then("each preview has a line for every price of its subscription")
def every_price_has_a_line(next_invoices: list[PreviewReading], observe: Observe) -> None:
    _speak("lines of previews", next_invoices, observe, missing=True)


@then("quantities, prices and totals of each preview follow from its usage")
def previews_follow_from_usage(next_invoices: list[PreviewReading], observe: Observe) -> None:
    _speak("quantities, prices and totals of previews", next_invoices, observe, missing=False)


def _speak(title: str, read: list[PreviewReading], observe: Observe, *, missing: bool) -> None:
    findings: list[Finding] = []
    for each in read:
        expected = previews.expected_preview(each.subscription, each.usages, each.allowances)
        seen = previews.preview_findings(expected, each.invoice, each.usages, each.readings, each.subscription.anchor)
        own = [finding for finding in seen if previews.is_missing_line(finding) is missing]
        if missing:
            told = {finding.path for finding in own}
            unbilled = previews.unbilled_meters(each.plan_prices, each.invoice, each.meters, _now())
            own += [finding for finding in unbilled if finding.path not in told]
        observe(
            f"{title}: {each.subscription.id}",
            expected=previews.table(expected),
            observed=each.invoice.get("line_items"),
            findings=own,
        )
        findings += own
    require_none(findings)


def _is_test_object(subscription: dict[str, Any]) -> bool:
    return (subscription.get("metadata") or {}).get("managed_by") == MARK
