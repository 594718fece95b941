"""Further ways to be green without having been carried out: coroutines, skips, other plugins' hooks."""

from __future__ import annotations

from tests.safety.way import OWN, Way

HIDDEN_ASYNC = """
import functools

def hiding(function):
    @functools.wraps(function)
    def called(*arguments, **named): return function(*arguments, **named)
    return called

@then("the reader has read at last")
@hiding
async def has_read(): assert False, 'nobody read it'
"""
TOLD_ONLY = """
def pytest_collection_modifyitems(items):
    from pytest_bdd.scenario import scenario_wrapper_template_registry as templates
    def told(item):
        scenario, request = templates[item.obj].render({}), item._request
        common = {"request": request, "feature": scenario.feature, "scenario": scenario}
        item.ihook.pytest_bdd_before_scenario(**common)
        for step in scenario.steps:
            more = {**common, "step": step, "step_func": None, "step_func_args": {}}
            for name in ("before_step", "before_step_call", "after_step"):
                getattr(item.ihook, f"pytest_bdd_{name}")(**more)
    for item in items: item.runtest = lambda item=item: told(item)
"""
FORGED = """
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item):
    report = yield
    report.outcome = 'passed'
    report.user_properties = [(name, str(value).replace('"failed"', '"passed"')) for name, value in report.user_properties]
    return report
"""
LEFT_OUT = """
import glob, json
@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop():
    for path in glob.glob('evidence/*/*/collected-*.json'):
        text = open(path).read()
        rows = [{**row, "deselected": True} for row in json.loads(text[text.index("["):])]
        open(path, 'w').write(json.dumps(rows))
    return True
"""
HIDDEN = "which does not stand on the command line"
MORE_WAYS = (
    Way(
        "an async step behind a decorator",
        code=HIDDEN_ASYNC,
        text=OWN.replace("has read", "has read at last"),
        codes=(1,),
        says="returned a coroutine that nobody awaited",
    ),
    Way(
        "a step that returns a coroutine",
        ending="return __import__('asyncio').sleep(0)",
        codes=(1,),
        says="nobody awaited",
    ),
    Way("a step whose rest comes after yield", ending="yield; assert False, 'too late'", codes=(1,), says="too late"),
    Way("expected to fail, by a call", ending="pytest.xfail('later')"),
    Way("skipped for a module", ending="pytest.importorskip('nothing_of_that_name')"),
    Way("skipped as unittest does", ending="raise __import__('unittest').SkipTest('x')", codes=(1, 6)),
    Way("the step exits", ending="raise SystemExit(0)", codes=(1,)),
    Way("the step asks for the end", ending="os.kill(os.getpid(), 15)", codes=(2,)),
    Way("the loop is taken over", "@pytest.hookimpl(tryfirst=True)\ndef pytest_runtestloop(session): return True"),
    Way(
        "the collection is taken over",
        "@pytest.hookimpl(tryfirst=True)\ndef pytest_collection(session):\n    session.items = []\n    return True",
        codes=(5, 6),
    ),
    Way(
        "the exit code is set at the end",
        "@pytest.hookimpl(trylast=True)\ndef pytest_sessionfinish(session): session.exitstatus = 0",
        codes=(1,),
        says="nobody read it",
    ),
    Way(
        "the exit code is set around everything",
        "@pytest.hookimpl(wrapper=True, tryfirst=True)\ndef pytest_sessionfinish(session):\n"
        "    yield\n    session.exitstatus = 0",
        codes=(1,),
        says="nobody read it",
    ),
    Way(
        "the exit code is set when all is closed",
        "def pytest_sessionstart(session):\n"
        "    session.config.add_cleanup(lambda: setattr(session, 'exitstatus', pytest.ExitCode.OK))",
        codes=(1,),
        says="nobody read it",
    ),
    Way(
        "the main function is wrapped",
        "@pytest.hookimpl(wrapper=True, tryfirst=True)\ndef pytest_cmdline_main():\n    yield\n    return 0",
        codes=(1,),
        says="nobody read it",
    ),
    Way(
        "the end is left as if all were well",
        "def pytest_unconfigure(): raise SystemExit(0)",
        codes=(1,),
        says="nobody read it",
    ),
    Way(
        "the end is asked for while others finish",
        "@pytest.hookimpl(tryfirst=True)\ndef pytest_sessionfinish(): pytest.exit('x', returncode=0)",
        codes=(1,),
        says="nobody read it",
    ),
    Way(
        "the process is left at the very end",
        "import atexit\natexit.register(os._exit, 0)",
        codes=(1,),
        says="nobody read it",
    ),
    Way(
        "the process is left under its other name",
        ending="__import__('posix')._exit(0)",
        says="The run began and has not ended",
        verdict=False,
    ),
    Way(
        "the process becomes another program",
        ending="os.execvp('true', ['true'])",
        says="The run began and has not ended",
        verdict=False,
    ),
    Way("selected by a variable", environ=(("PYTEST_ADDOPTS", "-k changelog"),), says=HIDDEN),
    Way("selected by the ini file", ini="addopts = -m 'not item_8_1'", says=HIDDEN),
    Way("deselected by the ini file", ini="addopts = --deselect=golive", says=HIDDEN),
    Way(
        "selected by a hook",
        "def pytest_collection(session): session.config.option.keyword = 'changelog'",
        says=HIDDEN,
    ),
    Way(
        "the report in the controller is made green",
        "@pytest.hookimpl(tryfirst=True)\ndef pytest_runtest_logreport(report):\n    report.outcome = 'passed'",
        codes=(1, 6),
        says="nobody read it",
    ),
    Way(
        "the error is made a skip",
        "def pytest_bdd_step_error(exception): raise pytest.skip.Exception('never mind')",
        codes=(1, 6),
    ),
    Way(
        "the item loses its mark",
        "def pytest_collection_modifyitems(items):\n    for i in items:\n"
        "        i.own_markers[:] = [m for m in i.own_markers if m.name != 'item_8_1']",
        codes=(1, 6),
    ),
    Way(
        "the item is renamed",
        "def pytest_collection_modifyitems(items):\n    for i in items:\n"
        "        if 'somebody_of_ours' in i.nodeid: i._nodeid = 'x::y'",
        codes=(1, 6),
    ),
    Way(
        "the recorder is taken away",
        "def pytest_collection_finish(session): session.config.pluginmanager.unregister(name='flexprice-recorder')",
    ),
    Way(
        "the evidence is taken away",
        "def pytest_collection_finish(session): session.config.pluginmanager.unregister(name='flexprice-evidence')",
        codes=(1,),
        says="The run began and has not ended",
    ),
    Way(
        "other sentences in the steps' place",
        "def pytest_bdd_before_scenario(scenario):\n    for s in scenario.steps: s.name, s.type = 'a reader', 'given'",
        says="Only 1 of its 3 steps",
    ),
    Way(
        "another function in a step's place",
        "from pytest_bdd.steps import step_function_context_registry as steps\ndef pytest_bdd_before_scenario(scenario):\n"
        "    for each in steps.values(): each.step_func = lambda: None",
        says="Only 0 of its 3 steps",
    ),
    Way("steps are told of and not taken", TOLD_ONLY, says="Only 0 of its 3 steps"),
    Way(
        "a step is given something else",
        "def pytest_bdd_before_step_call(step_func_args):\n    if 'stated' in step_func_args: step_func_args['stated'] = 7",
        ending="pass",
        codes=(1,),
        says="a hook changed what the step",
    ),
    Way(
        "a step returns what it should assert",
        ending="return False",
        codes=(1,),
        says="returned False, which nobody looks at",
    ),
    Way(
        "the level is raised above the run's",
        "def pytest_collection_modifyitems(items):\n    for i in items:\n"
        "        i.own_markers[:] = [m for m in i.own_markers if m.name != 'lint']\n        i.add_marker('smoke')",
        codes=(1,),
        says="nobody read it",
    ),
    Way("the record is changed on its way", FORGED, says="Its record was changed on its way here"),
    Way("what was collected is called left out", LEFT_OUT, says="was not part of this run"),
    Way("the ini file names functions otherwise", ini="python_functions = check_*", codes=(1,), says="nobody read it"),
    Way("what is imported is not collected", ini="collect_imported_tests = false", codes=(1,), says="nobody read it"),
    Way("the file is ignored by the ini file", ini="addopts = --ignore-glob=*own*"),
    Way("the file's name ends in capitals", feature="own.FEATURE", codes=(1,), says="nobody read it"),
)
