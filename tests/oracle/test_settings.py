"""The declared invoicing policy against settings, subscriptions and connections."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from pytest_flexprice.model.finding import Kind, Severity
from pytest_flexprice.model.golive_plan import Invoicing
from pytest_flexprice.model.subscriptions import Subscription
from pytest_flexprice.oracle.invoicing import collection, settings
from pytest_flexprice.oracle.invoicing.auto_cancel import CancelPolicy, cancellations

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DECIDED = Invoicing(
    grace_period_days=14, auto_cancel=False, collection="send_invoice", decided_by="Ann", decided_on=date(2026, 11, 1)
)


def setting(days=14, on=False, saved=True):
    return {"id": "setting_1" if saved else "", "value": {"grace_period_days": days, "auto_cancellation_enabled": on}}


def invoice_setting(days=1, delay=7200):
    return {"id": "setting_2", "value": {"due_date_days": days, "finalization_delay_seconds": delay}}


def subscription(number, method="send_invoice", status="active"):
    return Subscription(f"subs_{number}", status, collection_method=method, external_customer_id=f"acct_{number}")


def one(findings):
    (finding,) = findings
    return finding


def test_declared_policy_that_is_saved_has_no_findings():
    assert settings.grace_findings(DECIDED, setting()) == []


def test_other_grace_period_shows_both_numbers_and_what_it_does():
    sentence = one(settings.grace_findings(DECIDED, setting(days=12))).sentence
    assert sentence.startswith(
        "the grace period is 12 days (expected 14, found 12): auto-cancel, once on, acts 12 days"
    )


def test_auto_cancel_that_is_on_unexpectedly_says_after_how_many_days_it_cancels():
    sentence = one(settings.grace_findings(DECIDED, setting(on=True))).sentence
    assert "auto-cancel is on, although the plan says it is off (expected false, found true)" in sentence
    assert "ends 14 days after its unpaid invoice is due" in sentence


def test_what_ends_subscriptions_today_is_told_before_the_days():
    switch, days = settings.grace_findings(DECIDED, setting(days=12, on=True))
    assert switch.problem.startswith("auto-cancel is on")
    assert days.consequence == "auto-cancel acts 12 days after an invoice is due"


def test_auto_cancel_that_is_off_although_declared_on():
    wanted = DECIDED.model_copy(update={"auto_cancel": True})
    assert (
        "auto-cancel is off, although the plan says it is on"
        in one(settings.grace_findings(wanted, setting())).sentence
    )


def test_never_saved_setting_is_told_with_the_difference():
    sentence = one(settings.grace_findings(DECIDED, setting(days=3, saved=False))).sentence
    assert "never saved here: Flexprice's default" in sentence


def test_never_saved_setting_that_agrees_is_only_a_warning():
    finding = one(settings.grace_findings(DECIDED.model_copy(update={"grace_period_days": 3}), setting(3, saved=False)))
    assert finding.severity is Severity.WARNING


@pytest.mark.parametrize("declared", [None, Invoicing()])
def test_silent_plan_is_not_decided(declared):
    found = settings.grace_findings(declared, setting(3, saved=False))
    assert {each.kind for each in found} == {Kind.NOT_DECIDED}
    assert "the grace period is not decided, as the plan is silent: what applies is 3" in found[1].sentence
    assert "what applies is 3, Flexprice's default, which nobody ever saved here" in found[1].sentence
    assert one(collection.collection_findings(declared, [subscription(1)])).kind is Kind.NOT_DECIDED


def test_long_finalization_is_told_in_hours():
    sentence = one(settings.due_date_findings(DECIDED, invoice_setting(delay=30 * 86400))).sentence
    assert "invoices stay drafts for 720 hours" in sentence
    assert settings.hours(5400) == "1.5 hours"
    assert settings.hours(3600) == "1 hour"


@pytest.mark.parametrize("days", [0, 60, 90])
def test_unusual_due_days_that_nobody_declared_are_found(days):
    assert (
        f"invoices are due {days} days after"
        in one(settings.due_date_findings(DECIDED, invoice_setting(days))).sentence
    )
    assert settings.due_date_findings(DECIDED.model_copy(update={"due_date_days": days}), invoice_setting(days)) == []


@pytest.mark.parametrize("days", [1, 15, 30])
def test_usual_due_days_need_no_declaration(days):
    assert settings.due_date_findings(DECIDED, invoice_setting(days)) == []


def test_declared_due_days_and_delay_must_be_met():
    wanted = DECIDED.model_copy(update={"due_date_days": 30, "finalization_delay_seconds": 3600})
    found = settings.due_date_findings(wanted, invoice_setting(15, 7200))
    assert [(each.expected, each.observed) for each in found] == [(30, 15), ("1 hour", "7200 seconds")]


def test_sign_off_needs_name_and_day():
    assert settings.sign_off_findings(DECIDED, "5.1", NOW.date()) == []
    finding = one(settings.sign_off_findings(Invoicing(decided_by="Ann"), "5.1", NOW.date()))
    assert (finding.kind, "lacks invoicing.decided_on" in finding.sentence) == (Kind.NOT_DECIDED, True)
    ahead = DECIDED.model_copy(update={"decided_on": date(2027, 1, 1)})
    two = DECIDED.model_copy(update={"two_names": True})
    for second in (None, DECIDED.decided_by):
        alone = one(settings.sign_off_findings(two.model_copy(update={"seconded_by": second}), "5.1", NOW.date()))
        assert "takes two names" in alone.sentence
        assert alone.kind is Kind.NOT_DECIDED
    both = two.model_copy(update={"seconded_by": "Bob Ray"})
    assert settings.sign_off_findings(both, "5.1", NOW.date()) == []
    assert "a day that has not come" in one(settings.sign_off_findings(ahead, "5.2", NOW.date())).sentence


def test_policy_sentence_names_days_and_day():
    ending = datetime(2026, 12, 1, tzinfo=UTC)
    sentence = settings.policy_sentence(setting(on=True), invoice_setting(1), ending)
    assert "15 days after the period's end: for a period ending on 2026-12-01 on 2026-12-16." in sentence
    assert "auto-cancel is off" in settings.policy_sentence(setting(), invoice_setting(), ending)
    assert "auto-cancel is off" in settings.policy_sentence(setting(on=True, saved=False), invoice_setting(), ending)


def waiting(policy, hours):
    unpaid = {
        "id": "inv_1",
        "subscription_id": "subs_1",
        "invoice_type": "SUBSCRIPTION",
        "invoice_status": "FINALIZED",
        "payment_status": "PENDING",
        "amount_remaining": "49",
        "due_date": (NOW + timedelta(hours=hours)).isoformat(),
    }
    return cancellations(policy, [subscription(1)], [unpaid], NOW)


@pytest.mark.parametrize(
    ("on", "declared", "hours", "severities"),
    [
        (True, False, -80, [Severity.ERROR]),
        (False, True, -80, [Severity.ERROR]),
        (False, False, -80, [Severity.INFO]),
        (True, True, -70, [Severity.WARNING]),
        (True, True, -12, []),
    ],
)
def test_who_is_cancelled_today(on, declared, hours, severities):
    policy = CancelPolicy(3, on)
    wanted = DECIDED.model_copy(update={"auto_cancel": declared})
    found = settings.cancellation_findings(wanted, policy, waiting(policy, hours), NOW)
    assert [each.severity for each in found] == severities


def test_many_that_are_cancelled_today_are_counted():
    policy = CancelPolicy(3, True)
    many = waiting(policy, -80) * 25
    found = settings.cancellation_findings(DECIDED, policy, many, NOW)
    assert len(found) == 21
    assert found[-1].sentence == "5 more subscriptions would be cancelled today."
    assert found[-1].severity is Severity.ERROR


def test_offenders_of_the_collection_method_are_named():
    others = [
        subscription(1),
        subscription(2, "charge_automatically"),
        subscription(3, "charge_automatically", "draft"),
    ]
    sentence = one(collection.collection_findings(DECIDED, others)).sentence
    assert (
        "1 of 2 active subscriptions do not use 'send_invoice', as decided for them: subs_2 of acct_2 (expected"
        in sentence
    )
    assert collection.collection_findings(DECIDED, others[:1]) == []


def test_a_customers_row_decides_for_it_and_the_plan_for_the_others():
    active = [subscription(1), subscription(2, "charge_automatically"), subscription(3)]
    assert collection.collection_findings(DECIDED, active, {"subs_2": "charge_automatically"}) == []
    assert "1 of 3" in one(collection.collection_findings(DECIDED, active)).sentence
    sentence = one(
        collection.collection_findings(
            DECIDED, active, {"subs_2": "charge_automatically", "subs_3": "charge_automatically"}
        )
    ).sentence
    assert "subs_3 of acct_3 (expected 'charge_automatically', found 'send_invoice')" in sentence


def test_who_inherits_a_subscription_gets_no_invoice_and_is_decided_for_only_by_its_own_row():
    child = replace(subscription(2, "charge_automatically"), kind="inherited")
    assert collection.collection_findings(DECIDED, [subscription(1), child]) == []
    assert collection.collection_findings(None, [subscription(1), child], {"subs_1": "send_invoice"}) == []
    assert (
        "1 of 2"
        in one(collection.collection_findings(DECIDED, [subscription(1), child], {"subs_2": "send_invoice"})).sentence
    )


def test_without_a_usual_method_every_customer_must_have_one():
    active = [subscription(1), subscription(2)]
    own = {"subs_1": "send_invoice", "subs_2": "send_invoice"}
    assert collection.collection_findings(None, active, own) == []
    del own["subs_2"]
    assert one(collection.collection_findings(None, active, own)).kind is Kind.NOT_DECIDED


def test_many_offenders_are_counted():
    others = [subscription(number, "charge_automatically") for number in range(14)]
    assert "and 4 more" in one(collection.collection_findings(DECIDED, others)).sentence


def test_collecting_needs_a_gateway():
    wanted = DECIDED.model_copy(update={"collection": "charge_automatically"})
    assert (
        "no payment gateway is connected"
        in one(collection.connection_findings(wanted, [{"provider_type": "hubspot"}])).sentence
    )
    assert collection.connection_findings(wanted, [{"provider_type": "Stripe"}]) == []
    assert collection.connection_findings(DECIDED, []) == []
    assert one(collection.connection_findings(DECIDED, [], {"subs_1": "charge_automatically"})).path == "connections"
