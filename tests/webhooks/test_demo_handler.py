"""The demo company's handler does what a company's handler should, and its faults are known by name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import requests

from pytest_flexprice.model.finding import Severity
from pytest_flexprice.rehearsal.handler import DemoHandler
from pytest_flexprice.testbed.waiting import Eventually
from pytest_flexprice.webhooks import sending, signatures
from pytest_flexprice.webhooks.effects import settled
from pytest_flexprice.webhooks.processed import Processed
from pytest_flexprice.webhooks.processed_url import ask_processed, processed_reader
from pytest_flexprice.webhooks.repeats import repeat_findings

from .builders import SECRET, mint


def finalized(handler, body, message_id, secret=SECRET):
    sent = signatures.sign(secret, message_id, datetime.now(UTC), body)
    return requests.post(handler.url, data=body, headers=sent, timeout=5).status_code


def test_it_processes_each_invoice_once_and_tells_so():
    with DemoHandler(SECRET) as handler:
        one, other = mint().signed("a", "", ""), mint().signed("b", "", "")
        invoice_id = one.invoice_id
        assert ask_processed(handler.processed_url, invoice_id) == Processed(0)
        assert [finalized(handler, one.body, name) for name in ("msg_1", "msg_1", "msg_2")] == [204, 204, 204]
        assert ask_processed(handler.processed_url, invoice_id) == Processed(1, ("msg_1",))
        assert finalized(handler, other.body, "msg_3", "whsec_AAAA") == 401
        assert requests.get(handler.origin + "/other", timeout=5).status_code == 404


def test_an_unknown_fault_is_refused():
    with pytest.raises(ValueError, match="expected one of F118"):
        DemoHandler(SECRET, "F999")


def test_it_has_several_faults_at_once_but_verifies_in_one_way_only():
    with DemoHandler(SECRET, ("F126", "F118")) as handler:
        unsigned = {"Content-Type": "application/json"}
        answers = [
            requests.post(handler.url, json={"event_type": kind}, headers=unsigned, timeout=5).status_code
            for kind in ("subscription.created", "never.heard.of")
        ]
    assert answers == [204, 400]
    with pytest.raises(ValueError, match="F120 and F121 exclude each other"):
        DemoHandler(SECRET, ("F121", "F120"))


@pytest.mark.parametrize(("fault", "times"), [("", 1), ("F130", 2), ("F143", 0), ("F131", 0)])
def test_a_repeated_message_shows_what_the_handler_did_with_it(fault, times):
    with DemoHandler(SECRET, fault) as handler:
        results = sending.try_twice(handler.url, mint())
        clock = iter(range(100))
        eventually = Eventually(clock=lambda: float(next(clock)), pause=lambda seconds: None)
        processed = settled(results, processed_reader(handler.processed_url), eventually.poll)
    sent = {"repeated": 2, "simultaneous": 4, "out of order": 2}
    assert {kind: seen.times for kind, seen in processed.items()} == {
        kind: min(times, 1) if times < 2 else copies for kind, copies in sent.items()
    }
    findings = repeat_findings(results, processed)
    assert [one.severity for one in findings] == {
        0: [Severity.INFO] * 2,
        1: [],
        2: [Severity.ERROR, Severity.ERROR, Severity.WARNING],
    }[times]
    if times == 2:
        assert "processed 2 times where it arrives again" in findings[0].sentence
        assert "processed 4 times where it arrives several times at the same moment" in findings[1].sentence
        assert "arrived again with a later state, was processed 2 times" in findings[2].sentence
        assert findings[0].item == "6.4"
        assert findings[0].sentence.count("msg_repeated") == 2


def test_a_side_that_cannot_tell_is_no_error():
    with DemoHandler(SECRET) as handler:
        results = sending.try_twice(handler.url, mint())
        assert settled(results, None, Eventually().poll) == {}
    assert [one.severity for one in repeat_findings(results, {})] == [Severity.INFO] * 2
    assert "not how often" in repeat_findings(results, {"repeated": Processed(1, counted=False)})[0].sentence


def test_a_run_of_probes_is_dated_so_that_it_can_be_told_apart():
    one = mint().signed("a", "", "")
    assert one.headers["svix-timestamp"].isdigit()
    assert abs(int(one.headers["svix-timestamp"]) - datetime.now(UTC).timestamp()) < 60
