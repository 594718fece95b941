"""A small suite of its own: features of two sections, steps that end in every way, and the evidence plugins registered."""

import json
import os
import zipfile
from pathlib import Path

import pytest

from tests.suite import TIMEOUT, WARM, Outcome

from .tampered import key_pair, run_signed

SECRET = "sk_01KTESTSECRET0123456789ABCD7F"

FEATURES = """
Feature: Product catalog

  @item_2_1 @read
  Scenario: The catalog is as signed off
    Given the catalog
    When both catalogs are compared
      | feature | meter |
      | tokens  | sum   |
    Then they agree

  @item_2_2 @read
  Scenario: Every event name is billed
    Given the catalog
    Then every event name is metered
    And this is never reached

  @item_4_1 @item_4_2 @read
  Scenario: Customers can be listed
    Given a server that answers 501
    Then this is never reached

  @item_5_2 @read
  Scenario: Collecting was decided
    Then the plan says so

  @item_6_1 @read
  Scenario: The endpoint is registered
    Given a bug in a step
    Then this is never reached

  @item_7_1 @smoke
  Scenario Outline: Events of <kind> are sent
    Given a secret in <kind>

    Examples:
      | kind  |
      | words |
"""

STEPS = """
import pytest
from pytest_bdd import scenarios, given, when, then, parsers
from pytest_flexprice.model.finding import Finding, require_none, not_verified, not_decided
from pytest_flexprice.evidence.recorder import RECORDER

scenarios("golive.feature")
SECRET = "{secret}"

@pytest.fixture
def observe(request):
    return request.config.stash[RECORDER].observer(request.node)

@given("the catalog")
def _(observe):
    observe("the catalog", observed={{"plans": ["acme-pro"], "api_key": SECRET}})

@when("both catalogs are compared")
def _(datatable, observe):
    observe("digest", expected="a1", observed="a1")

@then("they agree")
def _(): pass

@then("every event name is metered")
def _(observe):
    findings = [Finding("2.2", "events.Model.completion", "'Model.completion' has no published meter",
                        expected="model.completion", observed=None, consequence="its events are never billed",
                        remedy="publish a meter with that name")]
    observe("event names", expected=["model.completion", "call"], observed=["call"], findings=findings)
    require_none(findings)

@given("a server that answers 501")
def _():
    raise not_verified("", "GET /v1/customers", "the server does not implement listing customers")

@then("the plan says so")
def _():
    raise not_decided("5.2", "golive.toml: invoicing.collection", "nobody decided how invoices are collected")

@given("a bug in a step")
def _():
    headers = {{"x-api-key": SECRET}}
    print("sending", headers)
    assert headers["x-api-key"] == 3 or {{}}["no such " + SECRET]

@given(parsers.parse("a secret in {{kind}}"))
def _(kind, observe):
    observe("request", observed={{"url": "https://x.example/?api_key=" + SECRET, "note": "ends in " + SECRET[-2:]}})

@then("this is never reached")
def _(): pass
"""

PLUGIN = """
import os, pytest
from pathlib import Path
from pytest_flexprice.model.checklist import Level, ITEMS
from pytest_flexprice.evidence.context import RunContext, HeaderRow
from pytest_flexprice.evidence.plugin import EvidencePlugin
from pytest_flexprice.evidence.recorder import ScenarioRecorder
from pytest_flexprice.evidence.redaction import Redactor

FOLDER = Path("{folder}")

def pytest_configure(config):
    for item in ITEMS:
        config.addinivalue_line("markers", item.tag + ": item")
    for level in Level:
        config.addinivalue_line("markers", level.word + ": level")
    redactor = Redactor(["{secret}"])
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    recorder = ScenarioRecorder(config, redactor, FOLDER, worker)
    config.pluginmanager.register(recorder, "flexprice-recorder")
    if not hasattr(config, "workerinput"):
        context = RunContext(run_id="run-1", environment="prod", base_url="https://us.api.flexprice.io",
            level=Level.{level}, folder=FOLDER, redactor=redactor, environment_type="production", company="Acme",
            rehearsal={rehearsal}, key_tail="7F", header=[HeaderRow("level", "smoke", "command line")],
            leftovers=lambda: {leftovers})
        config.pluginmanager.register(EvidencePlugin(config, context), "flexprice-evidence")
"""


class Suite:
    """Runs the small suite in a process of its own and reads what it left."""

    without_allure = False

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.folder = pytester.path / "reports" / "prod" / "run-1"

    secret = SECRET
    steps = STEPS.format(secret=SECRET)

    def write(self, *, features: str = FEATURES, steps: str = "", level="SMOKE", rehearsal=False, leftovers=()):
        settings = {"folder": self.folder.as_posix(), "secret": SECRET, "level": level, "rehearsal": rehearsal}
        self.pytester.makeconftest(PLUGIN.format(**settings, leftovers=list(leftovers)))
        self.pytester.makefile(".feature", golive=features)
        self.pytester.makepyfile(test_golive=steps or self.steps)
        return self

    def run(self, *arguments: str) -> pytest.RunResult:
        # Only the plugins that matter.
        environ = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        wanted = ("-p", "pytest_bdd.plugin", "-p", "no:cacheprovider")
        wanted += ("-p", "xdist") if "-n" in arguments else ()
        wanted += () if self.without_allure else ("-p", "allure_pytest.plugin")
        code, output = WARM.begin((*wanted, *arguments), self.pytester.path, environ).ended(TIMEOUT)
        return pytest.RunResult(code, output.splitlines(), [], 0)

    @property
    def document(self) -> dict:
        return json.loads((self.folder / "golive.json").read_text("utf-8"))

    def items(self) -> dict[str, dict]:
        return {item["id"]: item for item in self.document["verdict"]["items"]}

    def scenario(self, name: str) -> dict:
        return next(one for one in self.document["scenarios"] if one["name"] == name)

    def files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Suite:
    return Suite(pytester)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("company", "stranger"):
        key_pair(folder, name)
    return folder


@pytest.fixture(scope="session")
def signed_run(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Outcome:
    """A signed run; at level lint, so that it is quick."""
    return run_signed(tmp_path_factory.mktemp("signed"), keys)


@pytest.fixture(scope="session")
def signed(signed_run: Outcome) -> Path:
    """Its zip."""
    (archive,) = signed_run.folder.glob("*.zip")
    return archive


@pytest.fixture
def unpacked(signed: Path, tmp_path: Path) -> Path:
    """A copy of the evidence as its receiver sees it."""
    with zipfile.ZipFile(signed) as opened:
        opened.extractall(tmp_path / "evidence")
    return tmp_path / "evidence"
