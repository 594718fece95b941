"""Section 6 as its users run it: green on the healthy rehearsal, and red where, and only where, a fault belongs."""

from __future__ import annotations

import re

import pytest

from tests.suite import PROJECT, rehearse

FEATURE = str(PROJECT / "features" / "06_webhooks.feature")
REGISTERED = "The webhook endpoint is registered and switched on"
TYPES = "The webhook endpoint gets the event types of the checklist"
SIGNATURES = "The webhook handler takes signed messages and refuses forged ones"
ANSWERS = "The webhook handler answers every event with success"
REPEATED = "The webhook handler processes a repeated message once"
NEWEST = "The newest real webhooks arrived"

#: fault: what the red scenarios say
FAULTS = {
    "F114": {REGISTERED: "looks like a staging system .*127.0.0.1"},
    "F125": {SIGNATURES: "fingerprint", ANSWERS: "refuses a correctly signed", NEWEST: "401"},
    "F128": {SIGNATURES: "could not be tried", ANSWERS: "redirects every message", NEWEST: "308"},
    "F130": {REPEATED: "was processed 2 times"},
    "F131": {SIGNATURES: "had processed none of them"},
}


def test_a_healthy_company_is_green_and_nothing_secret_is_left(tmp_path):
    outcome = rehearse(tmp_path, FEATURE)
    assert outcome.red == {}, outcome.output
    assert {item for item, state in outcome.items.items() if state == "passed"} == {"6.1", "6.2", "6.3", "6.4"}
    told = [finding["sentence"] for one in outcome.document["scenarios"] for finding in one["findings"]]
    assert any("4xx answer permanently stops retries" in one for one in told)
    for file in outcome.folder.rglob("*"):
        if file.is_file() and file.suffix != ".zip":
            text = file.read_text(encoding="utf-8", errors="replace")
            assert not re.search(r"whsec_[A-Za-z0-9+/]{16}|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.", text), file


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_turns_its_own_scenarios_red(fault, tmp_path):
    outcome = rehearse(tmp_path, FEATURE, f"--flexprice-fault={fault}")
    assert set(outcome.red) == set(FAULTS[fault]), outcome.output
    for scenario, pattern in FAULTS[fault].items():
        assert re.search(pattern, outcome.red[scenario]), outcome.red[scenario]
    assert outcome.code == 1
