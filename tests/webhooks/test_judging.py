"""What results say, without a network: positive control, unclear answers, slowness, one finding per cause."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.model.finding import Kind, Severity
from pytest_flexprice.webhooks import answers, diagnoses, handler, probes
from pytest_flexprice.webhooks.mint import Expect
from pytest_flexprice.webhooks.results import ProbeResult

from .builders import OTHER_SECRET, mint

SIGNATURE_PROBES = probes.signature_probes(mint(), {"sandbox": OTHER_SECRET})
ANSWER_PROBES = probes.answer_probes(mint())
STATUSES = st.sampled_from([0, 200, 204, 299, 301, 308, 400, 401, 403, 404, 413, 429, 500, 503])


def sound(probe):
    return ProbeResult(probe, 401 if probe.expect is Expect.REFUSED else 204, 0.01)


def with_answer(suite, status, **wanted):
    return [
        ProbeResult(one, status, 0.01, problem="" if status else "no connection")
        if all(getattr(one, key) == value for key, value in wanted.items())
        else sound(one)
        for one in suite
    ]


def test_a_sound_handler_has_no_findings():
    assert handler.signature_findings([sound(one) for one in SIGNATURE_PROBES]) == []
    assert answers.answer_findings([sound(one) for one in ANSWER_PROBES]) == []


@given(st.lists(STATUSES, min_size=len(SIGNATURE_PROBES), max_size=len(SIGNATURE_PROBES)))
def test_silence_about_signatures_is_earned(statuses):
    results = [ProbeResult(one, status, 0.01) for one, status in zip(SIGNATURE_PROBES, statuses, strict=True)]
    errors = [one for one in handler.signature_findings(results) if one.severity is Severity.ERROR]
    as_wanted = all(
        result.accepted
        if result.probe.expect is Expect.ACCEPTED
        else result.refused or (result.crashed and result.probe.kind != "malformed")
        for result in results
    )
    assert bool(errors) != as_wanted
    assert all(one.item == "6.2" and one.sentence for one in errors)


@given(st.lists(STATUSES, min_size=len(ANSWER_PROBES), max_size=len(ANSWER_PROBES)))
def test_silence_about_answers_is_earned(statuses):
    results = [ProbeResult(one, status, 0.01) for one, status in zip(ANSWER_PROBES, statuses, strict=True)]
    errors = [one for one in answers.answer_findings(results) if one.severity is Severity.ERROR]
    assert bool(errors) != all(one.accepted for one in results if one.probe.expect is Expect.ACCEPTED)


@pytest.mark.parametrize("status", [0, 301, 500, 429])
def test_negative_results_do_not_count_without_the_control(status):
    results = with_answer(SIGNATURE_PROBES, status, name="control")
    assert [one.kind for one in handler.signature_findings(results)] == [Kind.NOT_VERIFIED]


def test_a_handler_that_refuses_everything_does_not_verify_signatures():
    results = [ProbeResult(one, 401, 0.01) for one in SIGNATURE_PROBES]
    findings = handler.signature_findings(results)
    assert len(findings) == 1
    assert findings[0].kind is Kind.REQUIREMENT
    assert "fingerprint" in findings[0].sentence


@pytest.mark.parametrize(
    "kind", sorted({one.kind for one in SIGNATURE_PROBES if one.expect is Expect.REFUSED and one.kind != "carried"})
)
def test_an_accepted_forgery_makes_one_finding_with_its_title(kind):
    results = with_answer(SIGNATURE_PROBES, 200, kind=kind)
    findings = handler.signature_findings(results)
    assert len(findings) == 1
    assert next(one.title for one in SIGNATURE_PROBES if one.kind == kind) in findings[0].sentence
    assert findings[0].consequence


@pytest.mark.parametrize("name", [one.name for one in SIGNATURE_PROBES if one.kind == "carried"])
def test_a_forgery_believed_in_one_way_names_the_way(name):
    findings = handler.signature_findings(with_answer(SIGNATURE_PROBES, 200, name=name))
    assert len(findings) == 1
    way = next(one.about["way"] for one in SIGNATURE_PROBES if one.name == name)
    assert f"{way}: it is answered 200" in findings[0].sentence


@pytest.mark.parametrize("status", [0, 429])
def test_an_unclear_answer_to_a_forgery_is_not_verified(status):
    findings = handler.signature_findings(with_answer(SIGNATURE_PROBES, status, kind="stale"))
    assert [one.kind for one in findings] == [Kind.NOT_VERIFIED]


def test_a_redirect_of_a_forgery_is_a_refusal_in_the_manner_of_a_website():
    findings = handler.signature_findings(with_answer(SIGNATURE_PROBES, 302, kind="stale"))
    assert [one.severity for one in findings] == [Severity.WARNING]
    assert "answer 401" in findings[0].sentence


def test_a_crash_on_a_forgery_is_a_warning_but_on_a_malformed_header_an_error():
    crash = handler.signature_findings(with_answer(SIGNATURE_PROBES, 500, kind="tampered"))
    assert [one.severity for one in crash] == [Severity.WARNING]
    crash = handler.signature_findings(with_answer(SIGNATURE_PROBES, 500, kind="malformed"))
    assert [one.severity for one in crash] == [Severity.ERROR]


def test_unusual_bytes_are_blamed_on_parsing_only_if_the_content_is_taken():
    odd = handler.signature_findings(with_answer(SIGNATURE_PROBES, 401, name="odd bytes"))
    assert "re-encoded body" in odd[0].sentence
    both = [
        ProbeResult(one, 401, 0.01) if one.name in ("odd bytes", "extra field") else sound(one)
        for one in SIGNATURE_PROBES
    ]
    findings = handler.signature_findings(both)
    assert len(findings) == 1
    assert "one field more" in findings[0].sentence


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("whole secret", "prefix and all"),
        ("prefix decoded", "decoded together with its prefix"),
        ("not decoded", "without decoding its base64"),
        ("no secret", "an empty secret"),
        ("spaced", "re-encoding"),
        ("other headers", "webhook-* headers"),
        ("secret of sandbox", "sandbox (fingerprint"),
    ],
)
def test_a_refused_control_is_explained_by_what_is_accepted_instead(name, cause):
    suite = [SIGNATURE_PROBES[0], *diagnoses.diagnoses(mint(), {"sandbox": OTHER_SECRET})]
    results = [ProbeResult(one, 200 if one.name == name else 401, 0.01) for one in suite]
    findings = handler.signature_findings(results)
    assert len(findings) == 1
    assert cause in findings[0].sentence


def test_a_missing_route_is_named():
    assert (
        "webhooks.handler.url" in handler.signature_findings([ProbeResult(SIGNATURE_PROBES[0], 404, 0.01)])[0].sentence
    )


def test_one_event_type_in_one_order_is_named_exactly():
    findings = answers.answer_findings(with_answer(ANSWER_PROBES, 400, name="subscription.cancelled native"))
    assert len(findings) == 1
    assert "subscription.cancelled with its keys in the server's own order" in findings[0].sentence


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("unknown type", "adds types without notice"),
        ("large", "256 KiB"),
        ("second", "already received"),
    ],
)
def test_each_unusual_message_has_its_own_sentence(name, part):
    findings = answers.answer_findings(with_answer(ANSWER_PROBES, 400, name=name))
    assert len(findings) == 1
    assert part in findings[0].sentence


def test_everything_failing_in_one_way_is_one_finding():
    for status, part in ((500, "fails on every message"), (308, "redirects every message")):
        findings = answers.answer_findings(
            [ProbeResult(one, status, 0.01, "https://elsewhere.example/") for one in ANSWER_PROBES]
        )
        assert len(findings) == 1
        assert part in findings[0].sentence
    late = [ProbeResult(one, 0, 15.0, problem="no answer within 15 seconds", timed_out=True) for one in ANSWER_PROBES]
    findings = answers.answer_findings(late)
    assert len(findings) == 1
    assert findings[0].kind is Kind.REQUIREMENT


def test_an_empty_body_may_be_refused_but_should_not_crash():
    assert answers.answer_findings(with_answer(ANSWER_PROBES, 400, kind="empty")) == []
    crash = answers.answer_findings(with_answer(ANSWER_PROBES, 500, kind="empty"))
    assert [one.severity for one in crash] == [Severity.WARNING]


def test_the_conflict_about_retries_is_told_with_both_sources_and_never_asserted():
    conflict = answers.retry_conflict()
    assert conflict.severity is Severity.INFO
    assert "checklist says" in conflict.sentence
    assert "delivery service" in conflict.sentence


def test_probes_have_names_and_ids_of_their_own_and_never_the_secret():
    suite = SIGNATURE_PROBES + diagnoses.diagnoses(mint(), {"sandbox": OTHER_SECRET})
    names = [one.name for one in SIGNATURE_PROBES]
    assert len(names) == len(set(names))
    for one in suite + ANSWER_PROBES:
        assert one.invoice_id.startswith("inv_golive_run-1-")
        shown = repr(one)
        assert OTHER_SECRET not in shown
