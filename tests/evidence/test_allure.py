"""What Allure gets to see: Gherkin, the checklist, both sides of an observation, and no secret."""

import csv
import json
import re

import pytest

from pytest_flexprice.evidence.allure_files import CATEGORIES, environment

from . import samples

pytest_plugins = ["pytester"]


@pytest.fixture
def results(suite):
    """Allure's results of the small suite, by scenario name."""
    suite.write().run("-n", "2")
    files = (suite.folder / "allure-results").glob("*-result.json")
    return {one["name"]: one for one in (json.loads(path.read_text("utf-8")) for path in files)}


def labels(result):
    found = {}
    for label in result["labels"]:
        found.setdefault(label["name"], []).append(label["value"])
    return found


def category(result):
    """Where Allure would put a result: the first category that matches."""
    message = result["statusDetails"]["message"]
    for rule in CATEGORIES:
        if result["status"] in rule["matchedStatuses"] and re.fullmatch(rule.get("messageRegex", r"[\s\S]*"), message):
            return rule["name"]
    return None


def test_scenarios_look_in_allure_as_they_were_written(results, suite):
    assert len(results) == 6
    failed = results["Every event name is billed"]
    steps = [(step["name"], step["status"]) for step in failed["steps"]]
    assert steps == [
        ("Given the catalog", "passed"),
        ("Then every event name is metered", "failed"),
        ("And this is never reached", "skipped"),
    ]
    found = labels(failed)
    assert found["epic"] == ["Go-live"]
    assert found["feature"] == found["suite"] == ["2. Product catalog"]
    assert found["story"] == ["2.2 Every event name the application sends is active, byte for byte"]
    assert found["parentSuite"] == ["Go-live checklist"]
    assert found["severity"] == ["blocker"]
    assert sorted(labels(results["Customers can be listed"])["story"]) == [
        "4.1 Customers exist under the external ids that the event pipeline sends",
        "4.2 Subscriptions are on the right plans",
    ]
    assert failed["description"].startswith("Checklist 2.2 ")

    # Statuses and categories: what is wrong, what could not be seen, what nobody decided, what broke.
    assert {name: one["status"] for name, one in results.items()} == {
        "The catalog is as signed off": "passed",
        "Every event name is billed": "failed",
        "Customers can be listed": "broken",
        "Collecting was decided": "failed",
        "The endpoint is registered": "broken",
        "Events of words are sent": "passed",
    }
    assert {name: category(one) for name, one in results.items() if one["status"] != "passed"} == {
        "Every event name is billed": "Requirement not met",
        "Customers can be listed": "Not verified",
        "Collecting was decided": "Not decided",
        "The endpoint is registered": "Error in the scenario itself",
    }
    assert failed["statusDetails"]["message"].startswith("Requirement not met: 'Model.completion' has no")
    assert "trace" not in failed["statusDetails"]

    # Examples column by column, tables as tables, observations side by side.
    assert results["Events of words are sent"]["parameters"] == [{"name": "kind", "value": "words"}]
    compared = results["The catalog is as signed off"]["steps"][1]["attachments"]
    folder = suite.folder / "allure-results"
    table = next(one for one in compared if one["name"] == "Data table")
    assert list(csv.reader((folder / table["source"]).open())) == [["feature", "meter"], ["tokens", "sum"]]
    seen = next(one for one in failed["steps"][1]["attachments"] if one["name"] == "event names")
    text = (folder / seen["source"]).read_text("utf-8")
    assert text.startswith("✗ 'Model.completion' has no published meter")
    assert re.search(r"^≠\s+model.completion\s+—$", text, re.M)

    # What stands beside the results, and what must not.
    assert "Verdict=NOT READY\n" in (folder / "environment.properties").read_text("utf-8")
    assert json.loads((folder / "executor.json").read_text())["buildName"] == "run-1"
    assert json.loads((folder / "categories.json").read_text()) == CATEGORIES
    assert json.loads((suite.folder / "allurerc.json").read_text())["plugins"]["awesome"]["options"]["groupBy"]
    everything = "".join(path.read_text("utf-8") for path in folder.iterdir())
    assert suite.secret not in everything
    assert "_pytest_bdd_example" not in everything
    assert "_session_faker" not in everything
    assert suite.pytester.path.as_posix() + "/golive.feature: " not in everything


SETUP = """
Feature: Set-up

  @item_6_2 @probe
  Scenario: The handler is asked
    Given a handler

  @item_6_3 @read
  Scenario: It is left out
    Given a handler
"""

SETUP_STEPS = """
import pytest
from pytest_bdd import scenarios, given
from pytest_flexprice.model.finding import not_verified

scenarios("golive.feature")

@pytest.fixture(autouse=True)
def handler(request):
    if "left_out" in request.node.name:
        pytest.skip("nothing to ask")
    raise not_verified("6.2", "webhooks.handler", "the plan names no handler")

@given("a handler")
def _(): pass
"""


def test_an_error_in_the_set_up_lands_in_its_place(suite):
    suite.write(features=SETUP, steps=SETUP_STEPS).run()
    files = (suite.folder / "allure-results").glob("*-result.json")
    results = {one["name"]: one for one in (json.loads(path.read_text("utf-8")) for path in files)}
    asked = results["The handler is asked"]
    assert (asked["status"], category(asked)) == ("broken", "Not verified")
    assert labels(asked)["story"] == ["6.2 The webhook handler verifies signatures"]
    assert results["It is left out"]["status"] == "skipped"
    assert suite.items()["6.2"]["state"] == "not verified"
    assert suite.items()["6.3"]["state"] == "not run"


def test_without_allure_nothing_is_missing(suite):
    suite.without_allure = True
    result = suite.write().run()
    assert result.ret == 1
    assert not (suite.folder / "allure-results").exists()
    assert suite.items()["2.1"]["state"] == "passed"


def test_a_folder_of_ones_own_is_respected(suite):
    own = suite.pytester.path / "elsewhere" / "results"
    suite.write().run(f"--alluredir={own}")
    assert len(list(own.glob("*-result.json"))) == 6
    assert (own / "categories.json").exists()
    assert not (suite.folder / "allure-results").exists()
    assert [path.name for path in own.parent.iterdir()] == ["results"]


def test_environment_values_stay_on_their_line():
    document = samples.run()
    document.run.base_url = "https://x.example\ninjected=1 \\"
    lines = environment(document).splitlines()
    assert "Base.URL=https://x.example injected=1 \\\\" in lines
    assert not [line for line in lines if line.startswith("injected")]
