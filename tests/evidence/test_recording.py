"""A whole run: what is recorded, judged, written and printed, with and without xdist."""

import hashlib
import json
import os
import zipfile

import pytest

from pytest_flexprice.evidence.allure_redaction import RedactingLogger
from pytest_flexprice.evidence.redaction import Redactor

pytest_plugins = ["pytester"]

STATES = {
    "2.1": "passed",
    "2.2": "failed",
    "4.1": "not verified",
    "4.2": "not verified",
    "5.2": "not decided",
    "6.1": "failed",
    "7.1": "passed",
    "8.1": "not run",
}


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "xdist"])
def test_a_run_leaves_every_outcome_in_its_evidence(suite, workers):
    result = suite.write().run("-l", "-rA", *workers)
    assert result.ret == 1
    items = suite.items()
    assert {number: items[number]["state"] for number in STATES} == STATES
    assert len(items) == 26
    assert items["2.2"]["why"].startswith("'Model.completion' has no published meter (expected 'model.completion'")
    assert suite.document["verdict"]["word"] == "NOT READY"
    assert suite.document["reconciliation"] == {"collected": 6, "reported": 6, "missing": []}
    result.stdout.fnmatch_lines(["*NOT READY: 2 items failed: 2.2 and 6.1; 1 item is not decided: 5.2.*"])

    # Nothing secret: neither printed nor written, in no file of the folder and of the zip.
    assert suite.secret not in result.stdout.str() + result.stderr.str()
    assert "redacted …7F" in result.stdout.str()
    for path in suite.files():
        content = path.read_bytes()
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                content = b"".join(archive.read(name) for name in archive.namelist())
        assert suite.secret.encode() not in content, path

    # What was sent by workers, and what was left by them.
    failed = suite.scenario("Every event name is billed")
    assert [step["status"] for step in failed["steps"]] == ["passed", "failed", "skipped"]
    assert [step["keyword"] for step in failed["steps"]] == ["Given", "Then", "And"]
    names = failed["observations"][1]
    assert (names["expected"], names["observed"]) == (["model.completion", "call"], ["call"])
    assert failed["findings"][names["findings"][0]]["path"] == "events.Model.completion"
    assert failed["findings_total"] == 1
    broken = suite.scenario("The endpoint is registered")
    assert (broken["outcome"], broken["broken"]) == ("failed", True)
    assert broken["message"] == "The scenario itself broke: KeyError: 'no such [redacted …7F]'"
    assert suite.scenario("Collecting was decided")["outcome"] == "not decided"
    assert suite.scenario("The catalog is as signed off")["steps"][1]["table"] == [
        ["feature", "meter"],
        ["tokens", "sum"],
    ]
    assert suite.scenario("Events of words are sent")["node_id"].endswith("[words]")
    assert not [path.name for path in suite.files() if path.name.startswith(("collected-", "waiting-", "exchanges-"))]
    _sums_are_right(suite)


def _sums_are_right(suite):
    sums = dict(reversed(line.split("  ")) for line in (suite.folder / "SHA256SUMS").read_text().splitlines())
    listed = {row["file"]: row for row in json.loads((suite.folder / "manifest.json").read_text())["files"]}
    assert set(sums) == {*listed, "manifest.json"}
    for name, digest in sums.items():
        assert hashlib.sha256((suite.folder / name).read_bytes()).hexdigest() == digest
    others = {p.relative_to(suite.folder).as_posix() for p in suite.files()} - {*sums, "SHA256SUMS", "statement.json"}
    assert others == {"golive-evidence-prod-run-1.zip"}
    with zipfile.ZipFile(suite.folder / "golive-evidence-prod-run-1.zip") as archive:
        assert {*sums, "SHA256SUMS", "statement.json"} == set(archive.namelist())
        assert archive.testzip() is None


def test_the_findings_sentence_stands_in_place_of_a_traceback(suite):
    result = suite.write().run()
    result.stdout.fnmatch_lines(
        [
            "Scenario: Every event name is billed",
            "  Then every event name is metered",
            "    2.2  'Model.completion' has*",
        ]
    )
    assert "require_none" not in result.stdout.str()


def test_a_crashed_worker_leaves_its_scenario_not_run(suite):
    crash = 'import os\n@given("a bug in a step")\ndef _(): os._exit(3)\n'
    steps = suite.steps.replace('@given("a bug in a step")', '@given("no bug in a step")') + crash
    result = suite.write(steps=steps).run("-n", "2", "--max-worker-restart", "1")
    item = suite.items()["6.1"]
    assert (item["state"], item["why"]) == ("not run", "Its worker crashed while it ran.")
    assert suite.items()["2.1"]["state"] == "passed"
    assert result.ret == 1  # others failed
    crashed = [json.loads(path.read_text()) for path in suite.folder.glob("allure-results/*-result.json")]
    crashed = [one for one in crashed if one["name"] == "The endpoint is registered"]
    assert [one["status"] for one in crashed] == ["broken"]


ENDINGS = """
Feature: Endings

  @item_2_1 @read
  Scenario: It ends
    Given {step}
    Then nothing
"""

ENDING_STEPS = """
import pytest

from pytest_flexprice.evidence.allure_redaction import RedactingLogger
from pytest_flexprice.evidence.redaction import Redactor
from pytest_bdd import scenarios, given, then
from pytest_flexprice.model.finding import Finding, Kind, require_none, not_verified

scenarios("golive.feature")

@given("a skip")
def _(): pytest.skip("no webhook endpoint to look at")

@given("a fixture that breaks")
def _(request): request.getfixturevalue("breaks")

@pytest.fixture
def breaks(): raise RuntimeError("no such luck")

@given("a fixture that cleans up badly")
def _(request): request.getfixturevalue("leaves")

@pytest.fixture
def leaves():
    yield
    require_none([Finding("", "subscription", "a subscription is still active", kind=Kind.LEFT_BEHIND)])

@given("a plain assertion")
def _(): assert 1 == 2

@given("nothing wrong")
def _(): pass

@then("nothing")
def _(): pass
"""


@pytest.mark.parametrize(
    ("step", "state", "why", "code"),
    [
        ("nothing wrong", "passed", "It ends.", 6),
        ("a skip", "not run", "No webhook endpoint to look at", 6),
        ("a fixture that breaks", "failed", "The scenario itself broke: RuntimeError: no such luck", 1),
        ("a fixture that cleans up badly", "failed", "A subscription is still active.", 1),
        ("a plain assertion", "failed", "assert 1 == 2", 1),
        ("a sentence nobody implements", "failed", "The scenario itself broke: StepDefinitionNotFoundError*", 1),
    ],
)
def test_how_a_scenario_ends(suite, step, state, why, code):
    result = suite.write(features=ENDINGS.format(step=step), steps=ENDING_STEPS).run()
    item = suite.items()["2.1"]
    assert item["state"] == state
    assert item["why"].startswith(why.rstrip("*"))
    assert result.ret == code


def test_objects_left_behind_end_the_run_with_seven(suite):
    result = suite.write(leftovers=["subscription subs_1 is still active; cancel it."]).run()
    assert result.ret == 7
    result.stdout.fnmatch_lines(["Left behind: subscription subs_1 is still active; cancel it."])
    assert suite.document["verdict"]["leftovers"] == ["subscription subs_1 is still active; cancel it."]


def test_what_could_not_be_read_back_counts_as_left_behind(suite):
    suite.write()
    conftest = suite.pytester.path / "conftest.py"
    conftest.write_text(conftest.read_text().replace("lambda: []", "lambda: {}['gone']"))
    assert suite.run("-k", "signed_off").ret == 7
    assert "could not be read back" in suite.document["verdict"]["leftovers"][0]


def test_a_rehearsal_says_so_everywhere(suite):
    result = suite.write(rehearsal=True).run()
    result.stdout.fnmatch_lines(["*go-live checklist (rehearsal)*", "REHEARSAL: *"])
    for name in ("golive.html", "golive.md", "golive.json"):
        text = (suite.folder / name).read_text("utf-8")
        assert "ehearsal" in text
        assert "NOT READY" not in text
    assert json.loads((suite.folder / "manifest.json").read_text())["rehearsal"] is True


@pytest.mark.parametrize(("arguments", "code"), [(("-k", "nothing_of_that_name"), 5), (("--no-such-option",), 4)])
def test_pytests_own_exit_codes_stay(suite, arguments, code):
    assert suite.write().run(*arguments).ret == code


def test_a_selection_is_told_and_what_it_left_out_is_not_run(suite):
    result = suite.write().run("-k", "signed_off")
    assert result.ret == 6  # other items have no scenario at all in this suite
    assert suite.document["run"]["selection"] == "-k 'signed_off'"
    item = suite.items()["2.2"]
    assert (item["state"], item["why"]) == ("not run", "Left out by the selection of this run.")


def test_collecting_only_leaves_nothing(suite):
    suite.write().run("--collect-only")
    assert not suite.folder.exists()


def test_a_secret_that_got_through_is_withheld_and_fails_the_run(suite):
    steps = suite.steps + (
        "\n@pytest.fixture(autouse=True)\ndef leak():\n    import pathlib, base64\n"
        f'    folder = pathlib.Path("{suite.folder.as_posix()}")\n    folder.mkdir(parents=True, exist_ok=True)\n'
        '    (folder / "ledger.txt").write_text(base64.b64encode(b"u:" + SECRET.encode()).decode())\n'
    )
    features = "Feature: F\n  @item_2_1 @read\n  Scenario: It holds\n    Then they agree\n"
    result = suite.write(features=features, steps=steps).run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["A secret got into the evidence, so no zip was made*"])
    assert "withheld" in (suite.folder / "ledger.txt").read_text()
    assert not list(suite.folder.glob("*.zip"))


def test_the_table_fits_a_narrow_terminal(suite, monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    result = suite.write().run()
    lines = result.stdout.lines
    table = lines[next(n for n, line in enumerate(lines) if "go-live checklist" in line) :]
    table = table[: next(n for n, line in enumerate(table) if line.startswith("Report:"))]
    assert max(map(len, table)) <= 50
    result.stdout.fnmatch_lines(["2.2  failed", "     Every event name the application sends is*"])


def test_the_table_stays_within_a_hundred_columns_of_a_wide_terminal(suite, monkeypatch):
    monkeypatch.setenv("COLUMNS", "220")
    lines = suite.write().run().stdout.lines
    table = lines[next(n for n, line in enumerate(lines) if "go-live checklist" in line) + 1 :]
    table = table[: table.index("")]
    assert 72 < max(map(len, table)) <= 100


def test_without_colours_where_nobody_wants_them(suite, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in suite.write().run().stdout.str()
    monkeypatch.delenv("NO_COLOR")
    assert "\x1b[31m" in suite.run("--color=yes").stdout.str()


def test_other_tests_in_the_run_are_left_alone_and_count(suite):
    suite.write(features=ENDINGS.format(step="nothing wrong"), steps=ENDING_STEPS)
    suite.pytester.makepyfile(test_own="def test_fine(): pass\n\ndef test_wrong(): assert False\n")
    result = suite.run()
    assert result.ret == 1
    assert "1 test of your own failed" in suite.document["verdict"]["headline"].lower()
    assert len(suite.document["scenarios"]) == 1


def test_a_users_junit_file_carries_the_record_without_secrets(suite):
    target = suite.pytester.path / "own.xml"
    suite.write().run(f"--junitxml={target}")
    text = target.read_text("utf-8")
    assert "flexprice_scenario" in text
    assert suite.secret not in text
    assert os.path.getsize(suite.folder / "junit.xml") > 500


def test_an_interrupted_run_is_judged_and_stays_interrupted(suite):
    steps = suite.steps.replace('@given("a bug in a step")', '@given("no bug in a step")')
    steps += '@given("a bug in a step")\ndef _(): raise KeyboardInterrupt\n'
    result = suite.write(steps=steps).run()
    assert result.ret == 2
    assert suite.items()["2.1"]["state"] == "passed"
    for number in ("6.1", "7.1"):
        item = suite.items()[number]
        assert (item["state"], item["why"]) == ("not run", "The run ended before it was reached.")
    assert len(suite.document["reconciliation"]["missing"]) == 2


def test_logs_and_warnings_lose_their_secrets(suite):
    steps = suite.steps + (
        "\n@pytest.fixture(autouse=True)\ndef talk():\n    import logging, warnings\n"
        "    logging.getLogger('x').warning('asked with %s', SECRET)\n"
        "    try:\n        raise ValueError(SECRET)\n    except ValueError:\n        logging.exception('gone')\n"
        "    warnings.warn('unsafe ' + SECRET)\n"
    )
    result = suite.write(steps=steps).run("-o", "log_file=log.txt", "-o", "log_cli=true")
    written = (suite.pytester.path / "log.txt").read_text("utf-8")
    printed = result.stdout.str() + result.stderr.str()
    assert "asked with [redacted …7F]" in written
    assert "ValueError: [redacted …7F]" in written
    assert "UserWarning: unsafe [redacted …7F]" in printed
    assert suite.secret not in written + printed


MANY = """
Feature: Many

  @item_4_1 @read
  Scenario: Customers exist
    Then they do

  @item_8_1 @lint
  Scenario: Somebody reads
    Given a wait
"""

MANY_STEPS = """
import time
from pytest_bdd import scenarios, given, then
from pytest_flexprice.model.finding import Finding, require_none
from pytest_flexprice.evidence.recorder import RECORDER

scenarios("golive.feature")

@then("they do")
def _(request):
    findings = [Finding("", f"customers.csv: row {n}", f"customer 'c-{n}' is missing") for n in range(5000)]
    observe = request.config.stash[RECORDER].observer(request.node)
    observe("customers", expected=[f"c-{n}" for n in range(5000)], observed=[], findings=findings)
    require_none(findings)

@given("a wait")
def _(request):
    board = request.config.stash[RECORDER].waiting
    for elapsed in (0.1, 0.3, 5.0):
        board.progress("the usage to be counted", elapsed, 60)
"""


def test_thousands_of_findings_are_counted_and_few_are_kept(suite):
    suite.write(features=MANY, steps=MANY_STEPS).run()
    record = suite.scenario("Customers exist")
    assert (record["findings_total"], len(record["findings"])) == (5000, 300)
    assert record["findings"][0]["item"] == "4.1"
    assert len(record["observations"][0]["expected"]) == 201
    assert suite.items()["4.1"]["why"] == "Customer 'c-0' is missing. (4999 more findings)"
    assert (suite.folder / "golive.html").stat().st_size < 400_000
    waits = suite.scenario("Somebody reads")["waits"]
    assert waits == [
        {"what": "the usage to be counted", "seconds": 5.0, "deadline": 60.0, "attempts": 3, "met": True},
    ]


def test_collection_and_internal_errors_lose_their_secrets_too(suite):
    suite.write(steps=suite.steps + "\nfaulty = {}[SECRET]\n")
    result = suite.run("-l")
    assert result.ret == 2
    assert "KeyError: '[redacted …7F]'" in result.stdout.str()
    assert suite.secret not in result.stdout.str()
    suite.write()
    conftest = suite.pytester.path / "conftest.py"
    hook = f"\ndef pytest_runtest_logstart():\n    raise RuntimeError('{suite.secret}')\n"
    conftest.write_text(conftest.read_text() + hook)
    result = suite.run()
    assert result.ret == 3
    assert "INTERNALERROR> RuntimeError: [redacted …7F]" in result.stdout.str() + result.stderr.str()


def test_node_ids_are_the_same_with_groups_of_xdist(suite):
    bound = 'scenarios("golive.feature")'
    steps = suite.steps.replace(bound, f'pytestmark = pytest.mark.xdist_group("one customer")\n{bound}')
    suite.write(steps=steps).run("-n", "2", "--dist", "loadgroup")
    assert (
        suite.scenario("The catalog is as signed off")["node_id"] == "test_golive.py::test_the_catalog_is_as_signed_off"
    )
    assert {number: suite.items()[number]["state"] for number in STATES} == STATES
    assert suite.document["reconciliation"] == {"collected": 6, "reported": 6, "missing": []}


@pytest.mark.parametrize(("limit", "code", "ran"), [(30_000, 1, "4 failed"), (5_000, 4, "no tests ran")])
def test_a_disk_without_room_ends_in_one_sentence(suite, limit, code, ran):
    suite.write()
    conftest = suite.pytester.path / "conftest.py"
    room = f"\nimport resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
    conftest.write_text(conftest.read_text("utf-8") + room, encoding="utf-8")
    run = suite.run()
    told = " ".join((run.stdout.str() + run.stderr.str()).split())
    assert run.ret == code
    assert ran in told
    assert "The evidence could not be written below" in told
    assert "make room there, or name another folder with --flexprice-reports, and run again." in told
    assert "INTERNALERROR" not in told
    assert "Traceback" not in told
    assert "Report: " not in told
    assert not list(suite.folder.glob("*.zip"))


def test_allure_without_room_is_only_a_warning(tmp_path):
    class Full:
        def report_result(self, result):
            raise OSError(28, "No space left on device")

    with pytest.warns(pytest.PytestWarning, match=r"Allure's results are not whole \(No space left on device\)"):
        RedactingLogger(Full(), Redactor())._write(Full().report_result, None)
