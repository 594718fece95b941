"""Section 6: webhooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pytest_bdd import given, then, when

from pytest_flexprice import __version__
from pytest_flexprice.api import Flexprice
from pytest_flexprice.evidence.facts import ENDS
from pytest_flexprice.evidence.keeping import Observe
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.finding import NotDecided, NotVerified, require_none
from pytest_flexprice.model.golive_plan import GoLivePlan, Webhooks
from pytest_flexprice.model.profile import Profile
from pytest_flexprice.testbed.waiting import Eventually
from pytest_flexprice.webhooks import (
    answers,
    certificate,
    effects,
    event_types,
    handler,
    recent,
    registration,
    repeats,
    sending,
)
from pytest_flexprice.webhooks.portal import Portal, open_portal
from pytest_flexprice.webhooks.processed_url import HandlerOverride, processed_reader
from pytest_flexprice.webhooks.results import ProbeResult
from pytest_flexprice.webhooks.service import Endpoint
from pytest_flexprice.webhooks.target import (
    Target,
    address_findings,
    declared_webhooks,
    elsewhere,
    find_target,
    native_findings,
    other_secrets,
)

_AGENT = f"pytest-flexprice/{__version__}"
Answered = Callable[[Target], list[ProbeResult]]


@contextmanager
def reading(flexprice: Flexprice, profile: Profile, webhooks: Webhooks) -> Iterator[Portal]:
    """The delivery service for the time of one step: the token is fetched now and forgotten afterwards."""
    portal = open_portal(flexprice, profile.svix_url, profile.add_secret, flexprice.note)
    if portal is None:
        require_none(native_findings(webhooks))
    assert portal is not None
    try:
        yield portal
    finally:
        portal.close()


@pytest.fixture
def decided_webhooks(plan: GoLivePlan) -> Webhooks:
    """What the plan says about webhooks; that it says nothing is told by item 6.1 alone."""
    if plan.webhooks is None:
        pytest.skip("not run, because the plan does not say where webhooks go (6.1)")
    return plan.webhooks


@pytest.fixture
def find_handler(plan: GoLivePlan, profile: Profile, request: pytest.FixtureRequest) -> Callable[..., Target]:
    """The handler that may be probed; why there is none is told once, by the scenario about signatures."""

    def found(*, told_elsewhere: bool = True) -> Target:
        request.getfixturevalue("decided_webhooks")
        try:
            return find_target(plan, profile)
        except (NotDecided, NotVerified) as reason:
            if told_elsewhere:
                pytest.skip(f"not run, because {reason.findings[0].problem} (told by another scenario)")
            raise

    return found


@pytest.fixture(scope="session")
def answered() -> Answered:
    """What the handler answers to each kind of message, asked once: the first of them is repeated as the last, behind all others."""
    found: dict[str, list[ProbeResult]] = {}

    def asked(target: Target) -> list[ProbeResult]:
        if target.url not in found:
            found[target.url] = sending.try_answers(target.url, target.mint, user_agent=_AGENT)
        return found[target.url]

    return asked


@given("the webhook endpoints of the environment", target_fixture="endpoints")
def webhook_endpoints(flexprice: Flexprice, profile: Profile, plan: GoLivePlan) -> list[Endpoint]:
    if plan.webhooks is None:
        return []
    with reading(flexprice, profile, plan.webhooks) as portal:
        return portal.endpoints()


@then("the endpoint that the plan names is registered and switched on")
def is_registered(endpoints: list[Endpoint], plan: GoLivePlan, profile: Profile, observe: Observe) -> None:
    webhooks = declared_webhooks(plan)
    findings = registration.registration_findings(
        endpoints,
        webhooks,
        elsewhere=elsewhere(plan, profile.name),
        production=profile.environment.production,
        now=None if profile.rehearsal else datetime.now(UTC),
    )
    facts = {
        one.url: f"{'off' if one.disabled else 'on'}, {', '.join(one.event_types or ('every type',))}"
        for one in endpoints
    }
    observe("webhook endpoints", expected=webhooks.endpoint, observed=endpoints, findings=findings, facts=facts)
    require_none(findings)


@then("no endpoint belongs to another environment or to a staging system")
def no_stranger(
    endpoints: list[Endpoint], decided_webhooks: Webhooks, plan: GoLivePlan, profile: Profile, observe: Observe
) -> None:
    findings = registration.stranger_findings(
        endpoints, decided_webhooks, elsewhere=elsewhere(plan, profile.name), production=profile.environment.production
    )
    observe("other endpoints", expected="none", observed=[one.observed for one in findings], findings=findings)
    require_none(findings)


@given("the event types that an endpoint can be subscribed to", target_fixture="known_types")
def subscribable_types(flexprice: Flexprice, profile: Profile, decided_webhooks: Webhooks) -> list[str]:
    with reading(flexprice, profile, decided_webhooks) as portal:
        return portal.event_types()


@then("the endpoint that the plan names gets these event types and those of the plan")
def gets_the_types(
    endpoints: list[Endpoint],
    known_types: list[str],
    datatable: list[list[str]],
    decided_webhooks: Webhooks,
    observe: Observe,
) -> None:
    _require_registered(endpoints, decided_webhooks)
    wanted = [*dict.fromkeys([*(row[0] for row in datatable[1:]), *decided_webhooks.event_types])]
    findings = event_types.type_findings(endpoints, decided_webhooks, wanted, known_types)
    observed = {one.url: one.event_types or "everything" for one in endpoints}
    observe("event types", expected=wanted, observed=observed, findings=findings)
    require_none(findings)


@when("the webhook handler gets signed, unsigned, altered, foreign and outdated messages", target_fixture="tried")
def try_signatures(
    find_handler: Callable[..., Target], plan: GoLivePlan, profile: Profile
) -> tuple[Target, list[ProbeResult]]:
    target = find_handler(told_elsewhere=False)
    others = other_secrets(plan, profile, target.mint.secret)
    return target, sending.try_signatures(target.url, target.mint, others, user_agent=_AGENT)


@then("it takes the signed ones and refuses all others")
def verifies_signatures(
    tried: tuple[Target, list[ProbeResult]],
    handler_has_processed: HandlerOverride,
    eventually: Eventually,
    observe: Observe,
) -> None:
    target, results = tried
    ask = processed_reader(target.webhooks.processed, handler_has_processed)
    witness = effects.trusted(ask, target.mint)
    done = effects.effects(results, witness, eventually.poll)
    lost = effects.unprocessed(results, witness, eventually.poll)
    findings = [*handler.signature_findings(results, done), *address_findings(target)]
    findings += repeats.unprocessed_findings(lost, "6.2")
    observe(
        "answers of the handler", expected=sending.wanted(results), observed=sending.told(results), findings=findings
    )
    require_none(findings)


@then("the signing secret that the plan names belongs to the registered endpoint")
def secret_is_registered(
    endpoints: list[Endpoint],
    find_handler: Callable[..., Target],
    profile: Profile,
    flexprice: Flexprice,
    observe: Observe,
) -> None:
    target = find_handler()
    own = [one for one in registration.own_endpoints(endpoints, target.webhooks) if not one.disabled]
    prints: dict[str, str] = {}
    with reading(flexprice, profile, target.webhooks) as portal:
        for one in own:
            try:
                prints[one.id] = portal.secret_fingerprint(one.id)
            except NotVerified:  # another token may not be allowed to read it; the probes speak for themselves
                continue
    findings = handler.secret_findings(target.variable, target.fingerprint, prints)
    observe("fingerprint of the signing secret", expected=prints, observed=target.fingerprint, findings=findings)
    require_none(findings)


@when(
    "the webhook handler gets every event type, an unknown one, a large one and one of them twice",
    target_fixture="tried",
)
def try_answers(find_handler: Callable[..., Target], answered: Answered) -> tuple[Target, list[ProbeResult]]:
    try:
        target = find_handler(told_elsewhere=False)
    except (NotDecided, NotVerified) as reason:  # a waiver of 6.4 needs a state of its own; what to do is said once
        first = replace(reason.findings[0], item="6.4", consequence="", remedy="")
        raise type(reason)([replace(first, problem=f"{first.problem} (6.2)")]) from None
    return target, answered(target)


@then("it answers each with success and in time")
def answers_with_success(
    tried: tuple[Target, list[ProbeResult]],
    handler_has_processed: HandlerOverride,
    eventually: Eventually,
    observe: Observe,
) -> None:
    target, results = tried
    _look_at_certificate(target.url, observe)
    ask = effects.trusted(processed_reader(target.webhooks.processed, handler_has_processed), target.mint)
    lost = effects.unprocessed(results, ask, eventually.poll)
    findings = [*answers.answer_findings(results), *repeats.unprocessed_findings(lost)]
    conflict = answers.retry_conflict()
    observe(
        "answers of the handler",
        expected=sending.wanted(results),
        observed=sending.told(results),
        findings=[*findings, conflict],
    )
    require_none(findings)


@when("the webhook handler gets the same message twice", target_fixture="tried")
def try_twice(find_handler: Callable[..., Target], answered: Answered) -> tuple[Target, list[ProbeResult]]:
    target = find_handler()
    others = [result for result in answered(target) if result.probe.kind in repeats.REPEATED]
    return target, [*sending.try_twice(target.url, target.mint, user_agent=_AGENT), *others]


@then("the company's side has not processed it twice")
def processed_once(
    tried: tuple[Target, list[ProbeResult]],
    handler_has_processed: HandlerOverride,
    eventually: Eventually,
    observe: Observe,
) -> None:
    target, results = tried
    ask = processed_reader(target.webhooks.processed, handler_has_processed)
    processed = effects.settled(results, effects.trusted(ask, target.mint), eventually.poll)
    findings = [*answers.repeated_findings(results), *repeats.repeat_findings(results, processed)]
    told = [*findings, answers.memory_unseen()]
    observe("times processed", expected="once at most", observed=processed, findings=told)
    require_none(findings)


@then("the newest deliveries to the endpoint that the plan names succeeded")
def recent_deliveries(
    endpoints: list[Endpoint], decided_webhooks: Webhooks, profile: Profile, flexprice: Flexprice, observe: Observe
) -> None:
    own = _require_registered(endpoints, decided_webhooks)
    if profile.level < Level.PROBE:  # above, the messages that the handler gets look at it
        _look_at_certificate(decided_webhooks.endpoint, observe)
    with reading(flexprice, profile, decided_webhooks) as portal:
        attempts = {one.id: portal.attempts(one.id) for one in own}
    findings = [finding for one in own for finding in recent.recent_findings(one, attempts[one.id])]
    counts = {key: "{} of {} failed".format(*recent.failure_ratio(each)) for key, each in attempts.items()}
    observe("newest deliveries", expected="the newest one succeeded", observed=counts, findings=findings)
    require_none(findings)


def _look_at_certificate(url: str, observe: Observe) -> None:
    shown = certificate.read(url)
    if shown is not None:
        name = f"the certificate of {shown.host}"
        findings = certificate.ending_findings(shown, datetime.now(UTC).date())
        observe(ENDS, observed={name: shown.ends}, findings=findings, facts={name: shown.ends.isoformat()})


def _require_registered(endpoints: list[Endpoint], webhooks: Webhooks) -> list[Endpoint]:
    own = registration.own_endpoints(endpoints, webhooks)
    if not own:
        pytest.skip("not run, because the webhook endpoint that the plan names is not registered (6.1)")
    return own
