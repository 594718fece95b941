"""Ways to be green without having been carried out: none of them is. Each is a run of its own, in a process of its own.

The company's own scenario of item 8.1 fails, and its ``conftest.py`` or command line keeps that, or a scenario of the suite, from
being seen. What is asked of each run: no exit code 0, and item 8.1 neither passed nor attested.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.safety.more_ways import MORE_WAYS
from tests.safety.way import OURS, OWN, Way
from tests.suite import Outcome, rehearse

STEPS = """
import os, pytest
from pytest_bdd import given, when, then

@given("a reader")
def reader(): pass

@when("the reader looks")
def looks(): pass

@then("the reader has read")
def has_read(): {ending}

"""
HIDE_TRY = "    try:\n        return (yield)\n    except BaseException:\n        return None\n"
WAYS = (
    Way("setup only", arguments=("--setup-only",), says="It was set up, but not carried out"),
    Way("setup plan", arguments=("--setup-plan",), says="It was set up, but not carried out"),
    Way(
        "setup only by variable",
        environ=(("PYTEST_ADDOPTS", "--setup-only"),),
        says="It was set up, but not carried out",
    ),
    Way("the function is not called", "def pytest_pyfunc_call(pyfuncitem): return True", says="Only 0 of its 3 steps"),
    Way(
        "what the function raises is swallowed",
        f"@pytest.hookimpl(wrapper=True)\ndef pytest_pyfunc_call(pyfuncitem):\n{HIDE_TRY}",
        codes=(1,),
        says="nobody read it",
    ),
    Way(
        "what the call raises is swallowed",
        f"@pytest.hookimpl(wrapper=True, tryfirst=True)\ndef pytest_runtest_call(item):\n{HIDE_TRY}",
        codes=(1,),
        says="nobody read it",
    ),
    Way(
        "the item runs nothing",
        "def pytest_collection_modifyitems(items):\n    for i in items: i.runtest = lambda: None",
    ),
    Way(
        "the exception is taken away",
        "@pytest.hookimpl(wrapper=True, tryfirst=True)\ndef pytest_runtest_makereport(item, call):\n"
        "    call.excinfo = None\n    return (yield)",
        codes=(1,),
        says="nobody read it",
    ),
    Way(
        "the report is made green",
        "@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_makereport(item, call):\n"
        "    report = yield\n    report.outcome = 'passed'\n    return report",
        codes=(1,),
        says="nobody read it",
    ),
    Way(
        "the report loses its record",
        "@pytest.hookimpl(wrapper=True, tryfirst=True)\ndef pytest_runtest_makereport(item, call):\n"
        "    report = yield\n    report.outcome = 'passed'\n    report.user_properties = []\n    return report",
    ),
    Way(
        "the protocol is taken over",
        f"@pytest.hookimpl(tryfirst=True)\ndef pytest_runtest_protocol(item):\n    return True if {OURS} else None",
    ),
    Way(
        "the item is dropped without a word",
        "@pytest.hookimpl(trylast=True)\ndef pytest_collection_modifyitems(items):\n"
        f"    items[:] = [item for item in items if not ({OURS})]",
        says="was not part of this run",
    ),
    Way(
        "a scenario of the suite is dropped",
        "@pytest.hookimpl(trylast=True)\ndef pytest_collection_modifyitems(items):\n"
        "    items[:] = [i for i in items if 'somebody_reads_the_flexprice_changelog' not in i.nodeid]",
        ending="pass",
        says="08_post_launch.feature",
    ),
    Way(
        "the item is dropped at the end of collection",
        f"@pytest.hookimpl(tryfirst=True)\ndef pytest_collection_finish(session):\n"
        f"    session.items[:] = [item for item in session.items if not ({OURS})]",
        says="was not part of this run",
    ),
    Way(
        "the item is not collected",
        f"@pytest.hookimpl(wrapper=True, tryfirst=True)\ndef pytest_make_collect_report(collector):\n    report = yield\n"
        f"    report.result = [item for item in report.result if not ({OURS})]\n    return report",
        says="was not part of this run",
    ),
    Way(
        "the item is dropped with a word",
        f"@pytest.hookimpl(trylast=True)\ndef pytest_collection_modifyitems(config, items):\n"
        f"    left = [item for item in items if {OURS}]\n    items[:] = [item for item in items if item not in left]\n"
        "    config.hook.pytest_deselected(items=left)",
        says="A plugin or a conftest.py left it out",
    ),
    Way("the file is ignored", "collect_ignore_glob = ['golive/*']", says="was not part of this run"),
    Way(
        "an at sign in the file's name",
        feature="own@acme.feature",
        text=OWN
        + OWN.partition("\n")[2].replace("too", "as well").replace("Then the reader has read", "And the reader looks"),
        codes=(1,),
        says="nobody read it",
    ),
    Way(
        "the steps are taken away",
        "def pytest_bdd_before_scenario(scenario): scenario.steps.clear()",
        says="Only 0 of its 3 steps",
    ),
    Way(
        "the last step is taken away",
        "def pytest_bdd_before_scenario(scenario): scenario.steps.pop()",
        says="Only 2 of its 3 steps",
    ),
    Way(
        "expected to fail",
        f"def pytest_collection_modifyitems(items):\n    for item in items:\n        if {OURS}: item.add_marker('xfail')",
    ),
    Way(
        "skipped by a mark",
        f"def pytest_collection_modifyitems(items):\n    for item in items:\n"
        f"        if {OURS}: item.add_marker(pytest.mark.skip('later'))",
        says="later",
    ),
    Way("skipped by a step", ending="pytest.skip('another day')", says="another day"),
    Way("the run is ended", ending="pytest.exit('done', returncode=0)", arguments=("-p", "no:randomly")),
    Way(
        "the process vanishes", ending="os._exit(0)", codes=(6,), says="The run began and has not ended", verdict=False
    ),
    Way(
        "green the second time",
        "from _pytest.runner import runtestprotocol\nTRIED = []\n@pytest.hookimpl(tryfirst=True)\n"
        "def pytest_runtest_protocol(item, nextitem):\n"
        "    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)\n"
        "    for _ in (1, 2):\n        item._initrequest()\n"
        "        reports = runtestprotocol(item, nextitem=nextitem, log=False)\n"
        "        if all(report.passed for report in reports): break\n"
        "    for report in reports: item.ihook.pytest_runtest_logreport(report=report)\n    return True",
        ending="TRIED.append(1); assert len(TRIED) > 1",
        says="It was executed 2 times in this run",
    ),
    Way(
        "repeated",
        "def pytest_generate_tests(metafunc):\n    metafunc.fixturenames.append('again')\n    metafunc.parametrize('again', [1, 2])\n"
        "@pytest.fixture\ndef again(request): return request.param",
        ending="pass",
        says="It was executed 2 times in this run",
    ),
    Way(
        "tried on every worker",
        arguments=("-n", "2", "--dist", "each"),
        ending="pass",
        says="It was executed 2 times in this run",
    ),
    Way(
        "one scenario of a file",
        arguments=(
            "{features}/03_event_ingestion.feature::test_sample_events_can_be_sent_again_without_being_billed_twice",
        ),
        ending="pass",
        item="3.1",
        says="but was not part of this run",
    ),
    Way(
        "a failure that nobody tells of",
        f"@pytest.hookimpl(wrapper=True, tryfirst=True)\ndef pytest_runtest_makereport(item, call):\n    report = yield\n"
        f"    if {OURS} and report.when == 'teardown': report.outcome = 'failed'\n    return report",
        ending="pass",
        says="Pytest counts 1 failure that no scenario tells of",
        verdict=False,
    ),
    Way(
        "a file that cannot be collected",
        arguments=("--continue-on-collection-errors", "{features}", "golive", "test_broken.py"),
        ending="pass",
        codes=(1,),
        says="1 test of your own failed",
        verdict=False,
    ),
    *MORE_WAYS,
    Way("the first failure ends the run", arguments=("-x",), codes=(1,)),
    Way("a worker dies", arguments=("-n", "2"), ending="os._exit(0)", says="Its worker crashed while it ran"),
    Way(
        "a worker dies, by scope",
        arguments=("-n", "2", "--dist", "loadscope"),
        ending="os._exit(0)",
        says="Its worker crashed while it ran",
    ),
    Way(
        "a worker dies, by file",
        arguments=("-n", "2", "--dist", "loadfile"),
        ending="os._exit(1)",
        says="Its worker crashed while it ran",
    ),
    Way(
        "a worker dies, stealing",
        arguments=("-n", "2", "--dist", "worksteal"),
        ending="os._exit(0)",
        says="Its worker crashed while it ran",
    ),
    Way(
        "a worker dies, no other",
        arguments=("-n", "1", "--max-worker-restart=0"),
        ending="os._exit(0)",
        says="Its worker crashed while it ran",
    ),
    Way(
        "a worker is killed",
        arguments=("-n", "2"),
        ending="os.kill(os.getpid(), 9)",
        says="Its worker crashed while it ran",
    ),
)


def write(folder: Path, way: Way) -> list[str]:
    from pytest_flexprice.evidence.written import features_folder

    (folder / "conftest.py").write_text(STEPS.format(ending=way.ending) + way.code + "\n")
    (folder / "golive").mkdir()
    (folder / "golive" / way.feature).write_text(way.text)
    (folder / "test_broken.py").write_text("import nothing_of_that_name\n")
    (folder / "pytest.ini").write_text(f"[pytest]\n{way.ini}\n")
    return [each.format(features=features_folder()) for each in way.arguments]


def tried(folder: Path, way: Way, *more: str) -> Outcome:
    arguments = write(folder, way)
    return rehearse(folder, "--flexprice-level=lint", *arguments, *more, environ=dict(way.environ))


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_no_way_is_green(tmp_path: Path, way: Way) -> None:
    outcome = tried(tmp_path, way)
    assert outcome.code in way.codes, outcome.output
    assert way.says in json.dumps(outcome.document, ensure_ascii=False), outcome.output
    if way.verdict:
        assert outcome.items[way.item] not in ("passed", "attested"), outcome.output


@pytest.mark.parametrize(
    "way",
    [
        way
        for way in WAYS
        if way.name
        in ("the item is dropped without a word", "the function is not called", "repeated", "selected by a variable")
    ],
    ids=lambda way: way.name,
)
def test_no_way_is_green_with_workers_either(tmp_path: Path, way: Way) -> None:
    outcome = tried(tmp_path, way, "-n", "2")
    assert outcome.code in way.codes, outcome.output
    assert outcome.items["8.1"] not in ("passed", "attested")


NO_RUN = {
    "the main function is answered for": "@pytest.hookimpl(tryfirst=True)\ndef pytest_cmdline_main(): return 0",
    "a task that nobody asked for": (
        "@pytest.hookimpl(tryfirst=True)\ndef pytest_cmdline_main(config): config.option.flexprice_missing = True"
    ),
    "a listing that nobody asked for": "def pytest_configure(config): config.option.collectonly = True",
}


@pytest.mark.parametrize("code", NO_RUN.values(), ids=NO_RUN)
def test_no_run_at_all_is_not_green(tmp_path: Path, code: str) -> None:
    outcome = tried(tmp_path, Way("none", code))
    assert outcome.code == 6, outcome.output
    assert "no checklist was carried out" in outcome.output


REFUSED = (
    Way("reruns", arguments=("--reruns", "2"), says="--reruns is refused"),
    Way("reruns in the ini file", ini="reruns = 2", says="reruns = 2 in the ini file is refused"),
    Way("count", arguments=("--count", "2"), says="--count is refused"),
    Way(
        "a flaky mark",
        "def pytest_collection_modifyitems(items):\n    for item in items: item.add_marker(pytest.mark.flaky(reruns=2))",
        says="the mark flaky is refused",
    ),
    Way("no evidence", arguments=("-p", "no:flexprice-evidence"), says="-p no:flexprice-evidence would leave"),
    Way("no recorder", arguments=("-p", "no:flexprice-recorder"), says="-p no:flexprice-recorder would leave"),
    Way("no gate", arguments=("-p", "no:flexprice-gate"), says="-p no:flexprice-gate would leave"),
    Way(
        "collect only, by variable",
        environ=(("PYTEST_ADDOPTS", "--collect-only"),),
        says="--collect-only from PYTEST_ADDOPTS or the ini file",
    ),
    Way(
        "collect only, by the ini file", ini="addopts = --co", says="--collect-only from PYTEST_ADDOPTS or the ini file"
    ),
    Way("no suite", arguments=("-p", "no:flexprice-suite"), says="-p no:flexprice-suite would leave"),
    Way("no pytest-bdd", arguments=("-p", "no:pytest-bdd"), says="-p no:pytest-bdd would leave"),
    Way(
        "a tag that becomes no mark",
        "@pytest.hookimpl(tryfirst=True)\ndef pytest_bdd_apply_tag(tag): return tag == 'item_8_1' or None",
        says="lost its tag @item_8_1 to a hook",
    ),
    Way(
        "fixtures that a hook gives",
        "@pytest.hookimpl(tryfirst=True)\ndef pytest_fixture_setup(fixturedef): pass",
        says="implements pytest_fixture_setup, through which",
    ),
)
OTHERS = """
def pytest_addoption(parser):
    parser.addoption('--reruns', type=int, default=0)
    parser.addoption('--count', type=int, default=1)
    parser.addini('reruns', 'how often')

def pytest_configure(config):
    config.addinivalue_line('markers', 'flaky: another plugin marks so')
"""


@pytest.mark.parametrize("way", REFUSED, ids=lambda way: way.name)
def test_what_could_only_hide_something_is_refused(tmp_path: Path, way: Way) -> None:
    arguments = write(tmp_path, way)
    with (tmp_path / "conftest.py").open("a") as file:
        file.write(OTHERS)
    outcome = rehearse(tmp_path, "--flexprice-level=probe", "-m", "lint", *arguments, environ=dict(way.environ))
    assert outcome.code == 4, outcome.output
    assert way.says in outcome.output
    assert list(outcome.reports.glob("*/*/golive.json")) == []


def test_without_any_of_them_the_same_run_is_green(tmp_path: Path) -> None:
    outcome = tried(tmp_path, Way("none", ending="pass"))
    assert outcome.code == 0, outcome.output
    assert outcome.items["8.1"] == "attested"


@pytest.mark.parametrize(
    "arguments", [("-n", "2", "-m", "lint"), ("-n", "2", "-k", "changelog"), ("-n", "3", "-k", "nobody_is_called_so")]
)
def test_a_worker_with_nothing_to_do_takes_nothing_away(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    outcome = rehearse(tmp_path, "--flexprice-level=lint", *arguments)
    assert outcome.code in (0, 5), outcome.output
    assert "INTERNALERROR" not in outcome.output


def test_the_deadline_leaves_the_rest_unverified(tmp_path: Path) -> None:
    outcome = tried(tmp_path, Way("slow", "import time\n", ("--flexprice-deadline=3s",), ending="time.sleep(60)"))
    assert outcome.code == 6, outcome.output
    assert "the run's deadline passed at" in json.dumps(outcome.document)
    assert outcome.items["8.1"] == "not verified"
    assert "flexprice deadline: 3s (from --flexprice-deadline)" in outcome.output


def test_what_is_left_out_on_the_command_line_was_not_asked_for(tmp_path: Path) -> None:
    outcome = tried(tmp_path, Way("chosen", arguments=("-k", "changelog")), "-n", "2")
    assert outcome.code == 0, outcome.output
    assert outcome.items["8.1"] == "not run"


OVERRIDING = "@pytest.fixture(scope='session')\ndef {name}(): return lambda *a, **k: {gives}\n"


def test_a_fixture_that_checks_rest_on_cannot_be_replaced(tmp_path: Path) -> None:
    outcome = tried(tmp_path, Way("none", OVERRIDING.format(name="eventually", gives=True), ending="pass"))
    assert outcome.code == 4, outcome.output
    assert "conftest.py:14 overrides the fixture 'eventually'" in outcome.output
    assert "only send_events and handler_has_processed may be overridden" in outcome.output


def test_a_fixture_that_may_be_replaced_is_told(tmp_path: Path) -> None:
    outcome = tried(tmp_path, Way("none", OVERRIDING.format(name="send_events", gives=None), ending="pass"))
    assert outcome.code == 0, outcome.output
    assert "flexprice send_events: overridden (from conftest.py:14)" in outcome.output
    assert {"name": "send_events", "value": "overridden", "source": "conftest.py:14"} in outcome.document["run"][
        "header"
    ]


def test_what_a_step_saw_fails_though_nobody_raised_it(tmp_path: Path) -> None:
    code = (
        "from pytest_flexprice.model.finding import Finding\n@given('an observer')\ndef sees(observe):\n"
        "    observe('what', findings=[Finding('8.1', 'x', 'nobody read it')])\n"
    )
    outcome = tried(tmp_path, Way("none", code, ending="pass", text=OWN.replace("a reader", "an observer")))
    assert outcome.code == 1, outcome.output
    assert outcome.items["8.1"] == "failed"


def test_without_assert_statements_nothing_is_tried(tmp_path: Path) -> None:
    """A process of its own from the start: the variable is read when Python begins."""
    (tmp_path / "pytest.ini").touch()
    command = [sys.executable, "-O", "-m", "pytest", "--flexprice-env=local", "--flexprice-level=lint"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 4, done.stdout
    assert "Python leaves every assert statement out" in done.stderr
