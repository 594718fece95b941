"""What the page about webhooks says of the probes is what is sent."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_flexprice.webhooks import probes
from pytest_flexprice.webhooks.mint import Expect

from .builders import OTHER_SECRET, mint

PAGE = (Path(__file__).parents[2] / "docs" / "explanation" / "webhooks.md").read_text(encoding="utf-8")


def test_fewer_than_120_probes_of_a_hundredth_are_sent():
    first, *signed = probes.signature_probes(mint(), {"sandbox": OTHER_SECRET})
    sent = [
        first,
        *signed,
        *probes.answer_probes(mint()),
        *probes.out_of_order(mint()),
        *probes.repeated(mint()),
        *probes.simultaneous(mint()),
    ]
    assert "fewer than 120 requests" in PAGE
    assert 100 <= len(sent) < 120
    assert "0.01 USD" in PAGE
    assert all(b'"total":"0.01"' in one.body for one in sent if one.expect is Expect.ACCEPTED and one.name == "control")


def test_the_fingerprint_has_the_length_that_is_told():
    assert "eight characters" in PAGE
    assert re.search(r"fingerprint [0-9a-f]{8}\)", mint().signed("a", "", "").key)
