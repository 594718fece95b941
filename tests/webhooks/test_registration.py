"""Endpoints against the plan: each thing that can be wrong with them has its sentence, what is fine has none."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.model.finding import Severity
from pytest_flexprice.model.golive_plan import CHECKLIST_EVENT_TYPES
from pytest_flexprice.webhooks import registration
from pytest_flexprice.webhooks.event_types import type_findings
from pytest_flexprice.webhooks.registration import registration_findings, same_url, stranger_findings

from .builders import NOW, URL, endpoint, webhooks

STAGING = "https://staging.acme.example/flexprice"


def errors(findings):
    return [one for one in findings if one.severity is Severity.ERROR]


def told(findings):
    return " ".join(one.sentence for one in findings)


def test_the_plans_endpoint_alone_is_fine():
    assert registration_findings([endpoint()], webhooks(), now=NOW) == []
    assert stranger_findings([endpoint()], webhooks()) == []
    assert type_findings([endpoint()], webhooks(), known_types=CHECKLIST_EVENT_TYPES) == []


def test_no_endpoint_at_all():
    findings = registration_findings([], webhooks())
    assert "no webhook endpoint is registered" in told(errors(findings))
    assert URL in told(findings)
    assert "not registered" in told(errors(type_findings([], webhooks())))


def test_the_sandboxs_endpoint_in_production_names_both_hosts():
    found = [endpoint(url=STAGING)]
    text = told(errors(registration_findings(found, webhooks(), elsewhere={"sandbox": STAGING})))
    assert STAGING in text
    assert URL in text
    assert "'sandbox'" in text


def test_a_staging_host_beside_the_plans_is_wrong_in_production_only():
    found = [endpoint(), endpoint(id="ep_2", url=STAGING)]
    assert "staging system" in told(errors(stranger_findings(found, webhooks())))
    assert errors(stranger_findings(found, webhooks(), production=False)) == []
    assert errors(stranger_findings([endpoint(), endpoint(id="ep_2", url=STAGING, disabled=True)], webhooks())) == []


def test_another_environments_host_is_wrong_whatever_its_path():
    found = [endpoint(), endpoint(id="ep_2", url="https://sand.acme.example/other")]
    elsewhere = {"sandbox": "https://sand.acme.example/flexprice"}
    assert "environment 'sandbox'" in told(
        errors(stranger_findings(found, webhooks(), elsewhere=elsewhere, production=False))
    )


def test_an_unknown_endpoint_is_told_but_not_wrong():
    findings = stranger_findings([endpoint(), endpoint(id="ep_2", url="https://hooks.partner.example/x")], webhooks())
    assert [one.severity for one in findings] == [Severity.WARNING]


@pytest.mark.parametrize(
    ("url", "difference"),
    [
        (URL + "/", "a slash at its end"),
        (URL + "/v2", "its path"),
        (URL.replace("https", "http"), "scheme or port"),
        ("https://billing.acme.example:8443/flexprice", "scheme or port"),
    ],
)
def test_a_near_miss_is_named(url, difference):
    assert difference in told(errors(registration_findings([endpoint(url=url)], webhooks())))


@pytest.mark.parametrize(
    "url", ["HTTPS://Billing.ACME.example/flexprice", "https://billing.acme.example:443/flexprice"]
)
def test_spellings_of_one_url_are_one(url):
    assert same_url(url, URL)
    assert registration_findings([endpoint(url=url)], webhooks()) == []


def test_a_disabled_endpoint_says_since_when():
    off = endpoint(disabled=True, updated_at=NOW - timedelta(days=3))
    text = told(errors(registration_findings([off], webhooks())))
    assert "disabled since 2026-11-19 18:30 UTC" in text
    both = registration_findings([off, endpoint(id="ep_2")], webhooks())
    assert errors(both) == []
    assert "disabled" in told(both)


def test_what_is_odd_is_told_without_failing():
    twice = registration_findings([endpoint(), endpoint(id="ep_2")], webhooks())
    assert "registered 2 times" in told(twice)
    limited = registration_findings([endpoint(rate_limit=1)], webhooks())
    assert [one.severity for one in limited] == [Severity.WARNING]
    assert [one.severity for one in registration_findings([endpoint(rate_limit=100)], webhooks())] == [Severity.INFO]
    young = registration_findings([endpoint(created_at=NOW - timedelta(seconds=20))], webhooks(), now=NOW)
    assert "younger than a minute" in told(young)
    shared = registration_findings([endpoint()], webhooks(), elsewhere={"sandbox": URL})
    assert "same webhook endpoint" in told(shared)
    assert errors([*twice, *limited, *young, *shared]) == []


def test_an_unencrypted_endpoint_is_wrong_in_production():
    plain = URL.replace("https", "http")
    assert "without encryption" in told(errors(registration_findings([endpoint(url=plain)], webhooks(endpoint=plain))))
    loopback = "http://127.0.0.1:9/flexprice"
    assert errors(registration_findings([endpoint(url=loopback)], webhooks(endpoint=loopback))) == []


@pytest.mark.parametrize(
    "host",
    [
        "staging.acme.io",
        "billing-stg.acme.io",
        "dev2.acme.io",
        "acme.ngrok.io",
        "10.0.0.4",
        "localhost",
        "qa-billing.acme.io",
    ],
)
def test_hosts_that_say_so_are_staging(host):
    assert "staging system" in told(errors(stranger_findings([endpoint(url=f"https://{host}/x")], webhooks())))


@pytest.mark.parametrize(
    "host",
    [
        "billing.acme.io",
        "devices.acme.io",
        "contest.acme.io",
        "latest.acme.io",
        "qantas.com",
        "8.8.8.8",
        "stagecoach.com",
    ],
)
def test_hosts_that_only_sound_alike_are_not(host):
    assert errors(stranger_findings([endpoint(url=f"https://{host}/x")], webhooks())) == []


@given(st.sets(st.sampled_from(CHECKLIST_EVENT_TYPES)))
def test_exactly_the_missing_types_are_named(subscribed):
    findings = type_findings([endpoint(event_types=tuple(sorted(subscribed)) or ("customer.created",))], webhooks())
    missing = set(CHECKLIST_EVENT_TYPES) - subscribed
    assert bool(errors(findings)) == bool(missing)
    if missing:
        problem = errors(findings)[0].problem
        assert {name for name in CHECKLIST_EVENT_TYPES if f"'{name}'" in problem.split(";")[0]} == missing


def test_the_misspelled_cancellation_is_named_as_such():
    types = (*CHECKLIST_EVENT_TYPES[:3], "subscription.canceled")
    text = told(errors(type_findings([endpoint(event_types=types)], webhooks())))
    assert "not subscribed to 'subscription.cancelled'" in text
    assert "never sends" in text
    text = told(errors(type_findings([endpoint()], webhooks(event_types=types))))
    assert "the plan names 'subscription.canceled'" in text


def test_an_endpoint_without_filter_gets_everything_and_says_so():
    findings = type_findings([endpoint(event_types=None)], webhooks(event_types=("wallet.created",)))
    assert errors(findings) == []
    assert "every event type" in told(findings)


def test_the_plans_own_types_count_too():
    text = told(errors(type_findings([endpoint()], webhooks(event_types=("credit_note.created",)))))
    assert "'credit_note.created'" in text


def test_two_endpoints_with_the_plans_url_share_the_types():
    halves = [
        endpoint(event_types=CHECKLIST_EVENT_TYPES[:2]),
        endpoint(id="ep_2", event_types=CHECKLIST_EVENT_TYPES[2:]),
    ]
    assert errors(type_findings(halves, webhooks())) == []
    halves[1] = endpoint(id="ep_2", event_types=CHECKLIST_EVENT_TYPES[2:], disabled=True)
    assert errors(type_findings(halves, webhooks()))


def test_types_that_the_service_does_not_know():
    findings = type_findings(
        [endpoint()], webhooks(event_types=("invoice.finalised",)), known_types=CHECKLIST_EVENT_TYPES[:3]
    )
    (unknown,) = errors(findings)  # and not that nobody subscribed to what there is not
    assert "does not know the event type 'invoice.finalised'" in unknown.sentence
    assert "'subscription.cancelled'" in told([one for one in findings if one.severity is Severity.WARNING])


def test_channels_let_nothing_through():
    assert "channels" in told(errors(type_findings([endpoint(channels=("a",))], webhooks())))


def test_findings_name_their_item_and_the_endpoint():
    for one in registration_findings([endpoint(disabled=True)], webhooks()):
        assert (one.item, one.path) == ("6.1", registration.place(endpoint()))
