"""The pytest plugin: hooks only. Everything else is imported when a run asks for it, so an idle plugin costs nothing."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_flexprice.run import options
from pytest_flexprice.run.doubles import flexprice_server, make_flexprice_server, webhook_probes, webhook_receiver  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from pytest_flexprice.run.collector import FeatureFile

STEPS = "pytest_flexprice.steps"
pytest.register_assert_rewrite(STEPS)


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare ``--flexprice-*`` and refuse a plugin that cannot be loaded beside allure-pytest."""
    if pluginmanager.has_plugin("allure_pytest_bdd") and not pluginmanager.is_blocked("allure_pytest_bdd"):
        raise pytest.UsageError(
            "allure-pytest-bdd cannot be loaded beside allure-pytest (both add --alluredir); "
            "run with -p no:allure_pytest_bdd or uninstall allure-pytest-bdd"
        )
    options.add_options(parser)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """A ``conftest.py`` that cannot be imported shows no secret of the run that was asked for."""
    given = getattr(early_config.known_args_namespace, "flexprice_env", None)
    name = given or os.environ.get("FLEXPRICE_ENV")
    if not name:
        return (yield)
    from pytest_flexprice.run import last_word  # noqa: PLC0415 - a run's machinery
    from pytest_flexprice.run.early import clean_import  # noqa: PLC0415 - as above

    last_word.watch(early_config, name)
    full = bool(getattr(early_config.known_args_namespace, "fulltrace", False))
    with clean_import(early_config.rootpath, name, full=full):
        yield
    early_config.pluginmanager.register(last_word.LastWord(), "flexprice-last-word")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """With an environment and no paths given, the packaged features run, and the company's own under ``golive/``."""
    if options.only_lists(config):
        _look_at_the_features(config)
        return None
    item = config.getoption("flexprice_explain")
    if item:
        from pytest_flexprice.tasks import dispatch  # noqa: PLC0415 - instead of a run

        return dispatch.explain(config, item)
    options.refuse_blank(config)
    named = options.environment_name(config)
    if not named:
        options.refuse_tasks(config)
        return None
    if config.getoption("flexprice_missing"):
        from pytest_flexprice.tasks import dispatch  # noqa: PLC0415 - instead of a run

        return dispatch.missing(config, named[0])
    if any(config.getoption(task) for task in options.TASKS):
        from pytest_flexprice.tasks import dispatch as tasks  # noqa: PLC0415 - instead of a run

        return tasks.main(config, named[0])
    _look_at_the_features(config)
    return None


def _look_at_the_features(config: pytest.Config) -> None:
    if options.environment_name(config) and config.args_source is not config.ArgsSource.ARGS:
        from pytest_flexprice.evidence.written import features_folder  # noqa: PLC0415 - a run's machinery

        own = config.rootpath / "golive"
        config.args[:] = [str(features_folder()), *([str(own)] if own.is_dir() else [])]


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register markers always; start a run where an environment is named."""
    from pytest_flexprice.model.checklist import ITEMS, Level  # noqa: PLC0415 - light, but an idle plugin needs only names

    for item in ITEMS:
        config.addinivalue_line("markers", f"{item.tag}: checklist item {item.id}: {item.title}")
    for level in Level:
        config.addinivalue_line("markers", f"{level.word}: needs level {level.word}")
    config.addinivalue_line("markers", "information: tells something and asserts nothing about the go-live")
    named = options.environment_to_run(config)
    if named:
        from pytest_flexprice.run import session  # noqa: PLC0415 - a run's machinery

        session.configure(config, named)
    elif options.environment_name(config):  # a listing: what a company's steps may ask for is in it
        from pytest_flexprice.run.suite import register_suite  # noqa: PLC0415 - as above

        register_suite(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Give back whatever the run still holds."""
    if options.environment_to_run(config):
        from pytest_flexprice.run import session  # noqa: PLC0415 - a run's machinery

        session.unconfigure(config)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> FeatureFile | None:
    """Feature files of the suite, of ``golive/``, or named on the command line become items."""
    if file_path.suffix.lower() != ".feature" or not options.environment_name(parent.config):
        return None
    from pytest_flexprice.run.collector import FeatureFile  # noqa: PLC0415 - pytest-bdd and gherkin

    return FeatureFile.from_parent(parent, path=file_path)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand the run to an xdist worker."""
    if options.environment_to_run(node.config):
        from pytest_flexprice.run import session  # noqa: PLC0415 - a run's machinery

        session.hand_over(node)
