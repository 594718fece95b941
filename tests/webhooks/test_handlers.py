"""Every handler of the table: none that believes a forger passes, no sound one is accused, and the cause is named."""

from __future__ import annotations

import re

import pytest

from pytest_flexprice.model.finding import NotVerified, RequirementNotMet, Severity
from pytest_flexprice.trial import webhook_probes
from pytest_flexprice.webhooks import probes, sending

from .builders import SECRET, mint
from .dripping import Dripping
from .handler_table import BELIEVING, FIRST, LOSING, REFUSING, SOUND, TABLE


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
    assert len(TABLE) == sum(map(len, (FIRST, BELIEVING, LOSING, REFUSING, SOUND))) >= 150
    assert sum(not row[1] for row in TABLE.values()) >= 30


@pytest.mark.parametrize(
    "name",
    ["URL-safe signatures", "verifies finalized only", "a clock an hour behind", "recognises repeats by the body"],
)
def test_the_same_handler_gets_the_same_words_in_every_run(name: str) -> None:
    first, second = ([re.sub(r"trial-[0-9a-f]{8}", "trial", sentence) for sentence in told(name)] for _ in range(2))
    assert first == second != []


def test_one_answer_that_says_nothing_is_told_once() -> None:
    (sentence,) = told("redirects forgeries")
    assert "(expected '4xx', found '302 to /login')" in sentence
    assert "answer 401 to what does not verify" in sentence


def test_a_handler_that_drips_its_answer_is_given_up_in_time() -> None:
    with Dripping() as server:
        result = sending.Line(server.url, time_limit=0.5).send(probes.control(mint()))
    assert (result.status, result.timed_out) == (0, True)
    assert result.elapsed < 10
