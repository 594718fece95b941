"""Each mistake of a handler turns the right item red with a sentence that names the cause; a healthy one stays green."""

from __future__ import annotations

import pytest

from pytest_flexprice.model.finding import Kind, Severity
from pytest_flexprice.rehearsal.handler import FAULTS, WRONG_SECRET, DemoHandler
from pytest_flexprice.webhooks import answers, handler, probes, sending
from pytest_flexprice.webhooks.effects import effects
from pytest_flexprice.webhooks.processed_url import processed_reader

from .builders import SECRET, mint

#: fault: what 6.2 must say, what 6.4 must say ("" = nothing)
WANTED = {
    "": ("", ""),
    "F118": ("accepts a message without a signature", ""),
    "F119": ("accepts a message whose body was changed after signing", ""),
    "F120": ("accepts a message signed with a wrong secret", ""),
    "F121": ("accepts a message signed ten minutes ago", ""),
    "F122": ("raw body", ""),
    "F122 spaced": ("re-encoding of the parsed body", "refuses a correctly signed message"),
    "F123": ("the whole secret as the key, prefix and all", "refuses a correctly signed message"),
    "F123 undecoded": ("without decoding its base64", "refuses a correctly signed message"),
    "F125": ("accepts the secret of sandbox (fingerprint", "refuses a correctly signed message"),
    "F126": ("", "an event type it does not know"),
    "F127": ("", "does not answer 2xx to invoice.update.payment"),
    "F128": ("could not be tried", "redirects every message"),
    "F130": ("", ""),  # seen by what was processed, not by an answer
    "F131": ("answers success to everything, also to all", ""),
    "F143": ("", ""),
    "slow": ("", "seconds to answer"),
    "bad header": ("fails on a message with a malformed signature", ""),
    "first signature": ("two signatures, as during a rotation", ""),
    "large": ("", "a message of 256 KiB"),
    "empty key": ("an empty secret as the key", "refuses a correctly signed message"),
    "swapped id": ("whose id was changed after signing", ""),
    "other headers": ("looks for webhook-* headers", "refuses a correctly signed message"),
}


def judged(fault, others=None):
    with DemoHandler(SECRET, fault, delay=0.6) as company:
        signed = sending.try_signatures(company.url, mint(), others or {"sandbox": WRONG_SECRET})
        answered = sending.try_answers(company.url, mint())
        ask = processed_reader(company.processed_url)
        return handler.signature_findings(signed, effects(signed, ask)), answers.answer_findings(answered)


def test_every_fault_is_tried_here():
    assert set(WANTED) == {"", *FAULTS}


@pytest.mark.parametrize("fault", WANTED)
def test_a_mistake_is_named(fault, monkeypatch):
    if fault == "slow":
        monkeypatch.setattr(answers, "TIME_ADVICE", 0.5)
    for findings, wanted, item in zip(judged(fault), WANTED[fault], ("6.2", "6.4"), strict=True):
        told = " ".join(one.sentence for one in findings)
        assert wanted in told
        assert bool(findings) == bool(wanted), told
        assert all(one.item == item and one.remedy for one in findings)


def test_a_wrong_secret_is_shown_by_fingerprint_only():
    for fault in ("F125", "F123", "empty key"):
        for findings in judged(fault):
            text = " ".join(one.sentence for one in findings)
            assert SECRET not in text
            assert SECRET.removeprefix("whsec_") not in text
            assert WRONG_SECRET not in text
    text = judged("F125", {"staging": SECRET[:-4] + "AAAA"})[0][0].sentence
    assert "fingerprint" in text


def test_a_handler_without_effect_is_told_apart_from_one_with():
    assert "had processed none of them" in judged("F131")[0][0].sentence
    unsigned = " ".join(one.sentence for one in judged("F118")[0])
    assert "and processed it as inv_golive_" in unsigned
    assert (
        "the forged message 'no id', and processed none that it was asked about: what is forged so leaves it"
        in unsigned
    )


def test_an_accepted_forgery_is_told_even_if_nobody_can_say_what_became_of_it():
    with DemoHandler(SECRET, "F118") as company:
        results = sending.try_signatures(company.url, mint(), {})
        broken = processed_reader(company.origin.replace("http", "https") + "/{invoice_id}")
        assert effects(results, broken) == {}
    assert "without a signature" in handler.signature_findings(results, {})[0].sentence


def test_a_handler_that_takes_the_sandboxs_secret_as_well_is_found(monkeypatch):
    with DemoHandler(SECRET) as company:
        results = sending.try_signatures(company.url, mint(), {"sandbox": SECRET})
    told = [one.sentence for one in handler.signature_findings(results)]
    assert len(told) == 1
    assert "the secret of sandbox (fingerprint" in told[0]


def test_a_slow_handler_is_warned_about_and_one_beyond_the_limit_fails():
    payment = [one for one in probes.answer_probes(mint()) if one.event_type == "invoice.update.payment"]
    with DemoHandler(SECRET, "slow", delay=0.6) as company:
        results = sending.try_twice(company.url, mint())
        results.append(sending.HandlerLine(company.url, time_limit=0.3).send(payment[0]))
    assert results[-1].timed_out
    control = sending.ProbeResult(probes.control(mint()), 204, 6.2)
    warned = answers.answer_findings([control, *results[:-1]])
    assert [one.severity for one in warned] == [Severity.WARNING]
    assert "6.2 seconds" in warned[0].sentence
    failed = answers.answer_findings([control, *results])
    assert "no answer within 0.3 seconds" in failed[0].sentence
    assert failed[0].kind is Kind.REQUIREMENT


def test_nobody_at_the_url_is_not_verified_rather_than_failed():
    with DemoHandler(SECRET) as company:
        url = company.url
    for results, judge in (
        (sending.try_signatures(url, mint(), {}), handler.signature_findings),
        (sending.try_answers(url, mint()), answers.answer_findings),
    ):
        findings = judge(results)
        assert [one.kind for one in findings] == [Kind.NOT_VERIFIED]
        assert len(results) == 1
