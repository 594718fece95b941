"""Sections 3, 5 and 7 along the ladder of the smoke test; each step asks for one rung."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import pytest
from pytest_bdd import given, then, when

from pytest_flexprice.api import Flexprice
from pytest_flexprice.evidence.keeping import Observe
from pytest_flexprice.model.finding import require_none
from pytest_flexprice.model.golive_plan import GoLivePlan, Webhooks
from pytest_flexprice.model.meters import Event
from pytest_flexprice.model.profile import Profile
from pytest_flexprice.testbed import timeline
from pytest_flexprice.testbed.billing_rungs import Draft, Finalized, Invoice
from pytest_flexprice.testbed.delivered import NotRegistered, asked_early, await_processed, given_up
from pytest_flexprice.testbed.ladder import Climbed
from pytest_flexprice.testbed.price_proof import Proved
from pytest_flexprice.testbed.setting_up import Setup
from pytest_flexprice.testbed.smoke import NotReached, Smoke
from pytest_flexprice.testbed.usage_rungs import may_repeat
from pytest_flexprice.testbed.waiting import Eventually
from pytest_flexprice.webhooks import effects
from pytest_flexprice.webhooks.content import content_findings
from pytest_flexprice.webhooks.delivery import Delivery, delivery_findings
from pytest_flexprice.webhooks.processed import Processed
from pytest_flexprice.webhooks.processed_url import HandlerOverride, processed_reader

Found = TypeVar("Found")
LADDER = "from the first event to the processed webhook"


def climb(rung: Callable[[], Climbed[Found]]) -> Climbed[Found]:
    """A rung, or a skip where a lower one broke."""
    try:
        return rung()
    except NotReached as reason:
        pytest.skip(str(reason))


def tell(title: str, climbed: Climbed[Any], observe: Observe) -> None:
    observe(title, expected=climbed.expected, observed=climbed.observed, findings=climbed.findings)
    require_none(climbed.findings)


@given("a test customer who is subscribed to the test plan", target_fixture="subscribed")
def subscribed(smoke: Smoke) -> Climbed[Setup]:
    return smoke.subscribed()


@then("the subscription bills every usage price of its plan")
def subscription_is_whole(subscribed: Climbed[Setup], observe: Observe) -> None:
    tell("lines of the test subscription", subscribed, observe)


@when("the test events were sent", target_fixture="accepted")
def events_were_sent(smoke: Smoke) -> Climbed[list[Event]]:
    return climb(smoke.accepted)


@then("every one of them was accepted")
def all_accepted(accepted: Climbed[Any], observe: Observe) -> None:
    tell("test events", accepted, observe)


@then("each of them is processed with its exact quantity, for this customer and no other")
def all_landed(smoke: Smoke, observe: Observe) -> None:
    tell("test events in the Event Debugger", climb(smoke.landed), observe)


@when("a control event with a mistyped name was sent", target_fixture="mistyped")
def mistyped_event(smoke: Smoke) -> Climbed[Event]:
    return climb(smoke.mismatched)


@then("it is accepted, found by no meter, and the reason can be seen")
def mistyped_is_seen(mistyped: Climbed[Any], observe: Observe) -> None:
    tell("mistyped control event", mistyped, observe)


@when("the usage is read in three independent ways, and once more after it settled", target_fixture="metered")
def read_usage(smoke: Smoke) -> Climbed[None]:
    return climb(smoke.metered)


@then("each of them says exactly what was sent")
def usage_is_exact(metered: Climbed[Any], observe: Observe) -> None:
    tell("usage", metered, observe)


@when("one event was sent again with its id and time", target_fixture="repeated")
def repeat_event(smoke: Smoke) -> Climbed[None]:
    profile = smoke.bench.profile
    if not may_repeat(profile):
        pytest.skip(
            "not tried, because nothing is sent twice in production unless the plan says so; "
            f"set environments.{profile.in_plan}.allow_duplicates = true"
        )
    return climb(smoke.repeated)


@then("the usage is still exactly what was sent")
def repeat_changes_nothing(repeated: Climbed[Any], observe: Observe) -> None:
    tell("usage after one event was sent twice", repeated, observe)


@when("a second test customer on the same plan sends events of the same ids and times", target_fixture="neighbour")
def send_as_neighbour(smoke: Smoke) -> Climbed[list[Event]]:
    return climb(smoke.neighbour)


@then("each event counts for the customer who sent it")
def neighbour_is_apart(neighbour: Climbed[Any], observe: Observe) -> None:
    tell("usage of the second customer", neighbour, observe)


@when("the preview of the test invoice is compared with the independent calculation", target_fixture="previewed")
def preview_invoice(smoke: Smoke) -> Climbed[Invoice]:
    return climb(smoke.previewed)


@then("lines, quantities, amounts and total are exactly as calculated")
def preview_is_exact(previewed: Climbed[Any], observe: Observe) -> None:
    tell("preview of the test invoice", previewed, observe)


@when("usage that reaches every tier, bound, package and allowance is previewed step by step", target_fixture="proved")
def prove_prices(smoke: Smoke) -> Climbed[Proved]:
    return climb(smoke.proved)


@then("every part of every price is billed exactly as calculated")
def prices_are_proved(proved: Climbed[Any], observe: Observe) -> None:
    title = proved.data.words if proved.data else "price proof"
    tell(f"price proof: {title}", proved, observe)


@when("the draft of the test invoice is made and computed", target_fixture="drafted")
def draft_invoice(smoke: Smoke) -> Climbed[Draft]:
    return climb(smoke.drafted)


@then("its lines, quantities and amounts are exactly as calculated")
def draft_is_exact(drafted: Climbed[Any], observe: Observe) -> None:
    tell("draft of the test invoice", drafted, observe)


@pytest.fixture
def billing(smoke: Smoke, plan: GoLivePlan, handler_has_processed: HandlerOverride) -> Smoke:
    """The ladder, which asks the company's side about the invoice before finalizing it."""
    smoke.bench.asked_early = partial(asked_early, plan.webhooks, handler_has_processed)
    return smoke


@when("the draft of the test invoice is finalized and read back", target_fixture="finalized")
def finalize_invoice(billing: Smoke) -> Climbed[Finalized]:
    return climb(billing.finalized)


@then("it is finalized, has a number, adds up, and no line changed")
def finalized_is_right(finalized: Climbed[Any], observe: Observe) -> None:
    tell("finalized test invoice", finalized, observe)


@when("the test invoice was finalized", target_fixture="test_invoice")
def invoice_was_finalized(billing: Smoke, observe: Observe) -> Finalized:
    try:
        climbed = billing.finalized()
    except NotReached as reason:
        observe(LADDER, observed=timeline.stages(billing.times))
        pytest.skip(str(reason))
    if climbed.broken:
        observe(LADDER, observed=timeline.stages(billing.times))
        pytest.skip("not reached, because the finalized invoice (7.3) broke first")
    return climbed.found


@then("its webhook reached the company's handler and was processed as far as the plan requires")
def webhook_was_processed(
    smoke: Smoke,
    test_invoice: Finalized,
    flexprice: Flexprice,
    profile: Profile,
    decided_webhooks: Webhooks,
    handler_has_processed: HandlerOverride,
    eventually: Eventually,
    observe: Observe,
) -> None:
    webhooks = decided_webhooks
    try:
        delivery, processed, waited = await_processed(
            flexprice,
            profile,
            webhooks,
            override=handler_has_processed,
            eventually=eventually,
            invoice=test_invoice.invoice,
            finalized_at=test_invoice.at,
        )
    except NotRegistered as reason:
        pytest.skip(str(reason))
    when = timeline.processed_at(processed, smoke.bench.now())
    observe(LADDER, observed=timeline.stages(smoke.times, test_invoice.at, delivery, when))
    witness = processed_reader(webhooks.processed, handler_has_processed) if webhooks.grade == "processed" else None
    findings = [
        *given_up(delivery_findings(delivery, processed, webhooks.grade, waited.seconds), waited),
        *effects.witness_findings(witness, profile.run_id),
        *effects.early_findings(delivery.invoice_id, test_invoice.processed_before),
        *(
            finding
            for each in delivery.messages
            for finding in content_findings(each.id, each.invoice, test_invoice.invoice)
        ),
    ]
    observe(
        "webhook of the finalized invoice",
        expected=webhooks.grade,
        observed=_told(delivery, processed),
        findings=findings,
    )
    require_none(findings)


def _told(delivery: Delivery, processed: Processed | None) -> dict[str, Any]:
    return {
        "invoice": delivery.invoice_id,
        "messages": [message.id for message in delivery.messages],
        "attempts": [f"{attempt.at:%H:%M:%S} → {attempt.response_status}" for attempt in delivery.tried],
        "processed": "cannot be told" if processed is None else f"{processed.times} times",
    }
