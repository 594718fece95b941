"""Feature files as items, and the guards against scenarios that are green without having run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_flexprice.evidence.written import FeatureError, read_scenarios
from pytest_flexprice.run.collector import problems
from tests.suite import Outcome, run

STEPS = """
from pytest_bdd import given, parsers, then

@given("nothing")
def nothing():
    pass

@then(parsers.parse("the number {number:d} is even"))
def is_even(number):
    assert number % 2 == 0
"""
HEALTHY = """
Feature: Our own
  @item_8_1 @lint
  Scenario: Twelve is even
    Given nothing
    Then the number 12 is even

  @item_8_1 @lint
  Scenario Outline: Some numbers are even
    Given nothing
    Then the number <number> is even

    Examples:
      | number |
      | 2      |
      | 4      |
"""


def own(folder: Path, feature: str, *arguments: str, steps: str = STEPS) -> Outcome:
    """Run one feature of a company's own."""
    (folder / "conftest.py").write_text(steps)
    (folder / "golive").mkdir()
    (folder / "golive" / "own.feature").write_text(feature)
    return run(folder, "--flexprice-env=local", "--flexprice-level=lint", "golive/own.feature", "-v", *arguments)


def test_a_companys_own_features_run_and_are_named_in_node_ids(tmp_path: Path) -> None:
    outcome = own(tmp_path, HEALTHY)
    assert "golive/own.feature::test_twelve_is_even PASSED" in outcome.output, outcome.output
    assert "golive/own.feature::test_some_numbers_are_even[2] PASSED" in outcome.output
    assert "3 passed" in outcome.output


def test_one_scenario_can_be_chosen(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(STEPS)
    (tmp_path / "own.feature").write_text(HEALTHY)
    outcome = run(tmp_path, "--flexprice-env=local", "--flexprice-level=lint", "own.feature::test_twelve_is_even")
    assert "1 passed" in outcome.output, outcome.output


def test_own_features_run_beside_the_packaged_ones(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(STEPS)
    (tmp_path / "golive").mkdir()
    (tmp_path / "golive" / "own.feature").write_text(HEALTHY)
    outcome = run(tmp_path, "--flexprice-env=local", "--flexprice-level=lint")
    names = {scenario["name"] for scenario in outcome.document["scenarios"]}
    assert {"Twelve is even", "Somebody reads the Flexprice changelog"} <= names


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("Some numbers are even", "Twelve is even"), "two scenarios are called 'Twelve is even'"),
        (("@item_8_1 @lint\n  Scenario: T", "@lint\n  Scenario: T"), "names no checklist item"),
        (("@item_8_1 @lint\n  Scenario: T", "@item_8_1\n  Scenario: T"), "must carry exactly one level tag"),
        (("@item_8_1 @lint\n  Scenario: T", "@item_8_1 @lint @smoek\n  Scenario: T"), "carries @smoek"),
        (("      | 2      |\n      | 4      |\n", ""), "has no row of examples"),
        (("the number 12 is even", "the moon is even"), "step 'Then the moon is even' has no definition"),
        (
            ("Feature: Our own", "Featur: Our own"),
            ".feature:2: this is not Gherkin: 'Featur:' is no keyword; Feature:?",
        ),
        (
            ("Given nothing", "Givn nothing"),
            ".feature:4: scenario 'Twelve is even': 'Givn nothing' is no step but a description",
        ),
        (
            ("Given nothing", "given nothing"),
            ".feature:4: scenario 'Twelve is even': 'given nothing' is no step but a description",
        ),
        (("| number |", "| numbr |"), "step 'Then the number <number> is even' has no column number in its examples"),
    ],
    ids=[
        *("double name", "no item", "no level", "unknown tag", "no rows", "undefined step", "no gherkin"),
        *("misspelt step", "small keyword", "no such column"),
    ],
)
def test_what_would_be_silently_green_is_refused_by_name(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    in_workers = ("-n2",) if "has no definition" in says else ()
    outcome = own(tmp_path, HEALTHY.replace(*change, 1), *in_workers)
    assert outcome.code == 4, outcome.output
    assert says in outcome.output, outcome.output
    assert "passed" not in outcome.output.splitlines()[-1]


@pytest.mark.parametrize(
    ("feature", "says"),
    [
        ("\ufeff" + HEALTHY.lstrip(), "own.feature:1: the feature file begins with a byte order mark"),
        (
            HEALTHY.replace("Twelve", "Tw\0elve"),
            r"own.feature:4: 'Scenario: Tw\x00elve is even' holds a sign that nothing shows",
        ),
        ("Funktionalität: Eigen\n  Szenario: Zwölf\n", "'Funktionalität:' is another language; write # language: de"),
        (
            HEALTHY.replace("  Scenario Outline:", "  Scenario Outline"),
            "'Scenario Outline Some numbers are even' cannot stand here",
        ),
        (HEALTHY.replace("| 2      |", "| 2 | 3 |"), "own.feature:15: this is not Gherkin: inconsistent cell count"),
    ],
)
def test_a_feature_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, feature: str, says: str) -> None:
    path = tmp_path / "own.feature"
    path.write_text(feature, encoding="utf-8")
    with pytest.raises(FeatureError) as told:
        read_scenarios(path)
    assert says in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "line", ["The invoice is sent.", "And: never", "As a user", "andere Kunden", "Whenever it rains", "An end"]
)
def test_prose_below_a_scenario_stays_prose(tmp_path: Path, line: str) -> None:
    path = tmp_path / "own.feature"
    path.write_text(HEALTHY.replace("Twelve is even\n", f"Twelve is even\n    {line}\n"), encoding="utf-8")
    assert [one.unread for one in read_scenarios(path)] == [(("And: never",) if line == "And: never" else ()), ()]


@pytest.mark.parametrize(
    ("file", "code", "says"),
    [
        ("conftest.py", "def x(:\n    pass\n", "conftest.py:1: this is not Python: invalid syntax"),
        (
            "conftest.py",
            "\nimport no_such_module\n",
            "conftest.py:2: ModuleNotFoundError: No module named 'no_such_module'; install it",
        ),
        ("golive/conftest.py", "1 / 0\n", "golive/conftest.py:1: ZeroDivisionError: division by zero"),
        ("golive/test_own.py", "def x(:\n", "golive/test_own.py:1: this is not Python: invalid syntax"),
    ],
)
def test_python_that_cannot_be_read_is_one_sentence_with_its_place(
    tmp_path: Path, file: str, code: str, says: str
) -> None:
    (tmp_path / "golive").mkdir()
    (tmp_path / file).write_text(code)
    outcome = run(tmp_path, "--flexprice-env=local", "--flexprice-level=lint", "golive")
    assert outcome.code in (2, 4)
    assert says in outcome.output, outcome.output
    assert "importlib" not in outcome.output
    assert "Traceback" not in outcome.output


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        (STEPS.replace("def nothing():", "def nothing(database):"), "nothing asks for 'database', which is no fixture"),
        (STEPS.replace("def is_even(number)", "def is_even(numbr)"), "is_even asks for 'numbr', which is no fixture"),
    ],
)
def test_a_step_that_asks_for_what_nobody_provides_is_told_with_its_place(
    tmp_path: Path, steps: str, says: str
) -> None:
    outcome = own(tmp_path, HEALTHY, steps=steps)
    assert outcome.code == 1
    assert all("conftest.py:" in said and says in said for said in outcome.red.values())
    assert "FixtureLookupError" not in json.dumps(outcome.document)


def test_an_async_step_is_refused(tmp_path: Path) -> None:
    outcome = own(tmp_path, HEALTHY, steps=STEPS.replace("def nothing", "async def nothing"))
    assert outcome.code == 4
    assert "is defined by the async function nothing, which would pass unexecuted" in outcome.output


def test_two_definitions_of_one_sentence_are_refused(tmp_path: Path) -> None:
    more = STEPS + "\n@then(parsers.parse('the number {rest}'))\ndef anything(rest):\n    pass\n"
    outcome = own(tmp_path, HEALTHY, steps=more)
    assert outcome.code == 4
    assert "matches anything and is_even, so which one runs is arbitrary" in outcome.output


def test_an_idle_plugin_leaves_a_test_run_as_it_was(pytester: pytest.Pytester) -> None:
    pytester.makefile(".feature", own=HEALTHY)
    pytester.makepyfile("def test_plain():\n    pass\n")
    result = pytester.runpytest_subprocess("-p", "no:randomly")
    result.assert_outcomes(passed=1)
    assert "flexprice environment" not in result.stdout.str()
    assert not (pytester.path / "reports").exists()


def test_an_idle_plugin_imports_nothing_of_a_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys
        LIGHT = {"", "plugin", "run", "run.doubles", "run.options", "model", "model.checklist"}

        def test_modules():
            loaded = {name.partition(".")[2] for name in sys.modules if name.partition(".")[0] == "pytest_flexprice"}
            assert "plugin" in loaded
            assert loaded <= LIGHT
        """
    )
    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=1)


def test_the_doubles_serve_any_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import requests

        def test_server(flexprice_server):
            assert requests.get(flexprice_server.url + "/health").json() == {"status": "ok"}

        def test_receiver(webhook_receiver):
            assert requests.post(webhook_receiver.url, data=b"{}").status_code in (200, 204, 401)
        """
    )
    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=2)


def test_strict_markers_know_every_tag(tmp_path: Path) -> None:
    (tmp_path / "pytest.toml").write_text("[pytest]\nstrict = true\n")
    outcome = run(tmp_path, "--flexprice-env=local", "--flexprice-level=lint")
    assert "not a registered marker" not in outcome.output
    assert outcome.code == 0, outcome.output


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ["own.feature: the feature file has no scenario"]),
        ("Feature: Ours\n", ["own.feature: the feature file has no scenario"]),
        (
            "Feature: Ours\n  Scenario: Empty\n",
            [
                "own.feature:2: scenario 'Empty' has no step of its own, so it would pass without looking at anything",
                "own.feature:2: scenario 'Empty' names no checklist item",
                "own.feature:2: scenario 'Empty' must carry exactly one level tag",
            ],
        ),
        (
            "Feature: Ours\n  @item_1_4 @read\n  Scenario Outline: Key <n>\n    Given a key\n",
            ["own.feature:3: scenario 'Key <n>' has no row of examples"],
        ),
        (
            "Feature: Ours\n  @item_9_9 @read\n  Scenario: A\n    Given a key\n",
            ["own.feature:3: scenario 'A' carries @item_9_9, which is neither an item nor a level"],
        ),
    ],
    ids=["empty file", "no scenario", "no step", "no examples", "no such item"],
)
def test_all_that_is_wrong_in_a_feature_file_is_told_at_once(tmp_path: Path, text: str, says: list[str]) -> None:
    path = tmp_path / "own.feature"
    path.write_text(text, encoding="utf-8")
    told = list(problems(path, read_scenarios(path)))
    assert len(told) == len(says)
    assert all(expected in sentence for expected, sentence in zip(says, told, strict=True)), told
