"""Every handler of the table: none that believes a forger passes, no sound one is accused, and the cause is named."""

from __future__ import annotations

import pytest

from pytest_flexprice.model.finding import NotVerified, RequirementNotMet, Severity
from pytest_flexprice.trial import webhook_probes
from pytest_flexprice.webhooks import probes, sending

from .builders import SECRET, mint
from .dripping import Dripping
from .handlers import TABLE


def told(name: str) -> list[str]:
    """What is said of a handler, as errors."""
    kind, _, can_be_asked = TABLE[name]
    with kind() as company:
        try:
            findings = webhook_probes(company.url, SECRET, processed=company.processed if can_be_asked else None)
        except (RequirementNotMet, NotVerified) as error:
            findings = list(error.findings)
    return [finding.sentence for finding in findings if finding.severity is Severity.ERROR]


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if not row[1]])
def test_no_sound_handler_is_accused(name: str) -> None:
    assert told(name) == []


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row[1]])
def test_every_mistake_is_named(name: str) -> None:
    sentences = told(name)
    assert any(TABLE[name][1] in sentence for sentence in sentences), sentences


def test_the_table_holds_enough() -> None:
    assert len(TABLE) >= 50


def test_a_handler_that_drips_its_answer_is_given_up_in_time() -> None:
    with Dripping() as server:
        result = sending.Line(server.url, time_limit=0.5).send(probes.control(mint()))
    assert (result.status, result.timed_out) == (0, True)
    assert result.elapsed < 10
