"""Which fixtures of the suite a company has overridden: two are there for that and are told; any other could make a check green."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_flexprice.evidence.context import HeaderRow
from pytest_flexprice.model.profile import Value

MAY_BE = ("send_events", "handler_has_processed")
_OURS = ("pytest_flexprice.run.fixtures", "pytest_flexprice.steps")
#: pytest's own, on which ours rest.
_BENEATH = ("pytestconfig",)
_FIXTURE = type(pytest.fixture(lambda: None))


def tell(session: pytest.Session) -> None:
    """Tell on the terminal and in the evidence what is overridden.

    Raises:
        pytest.UsageError: something that must not be.
    """
    _refuse_hooks(session.config)
    found, plugins = overridden(session), session.config.pluginmanager
    evidence: Any = plugins.get_plugin("flexprice-evidence")
    reporter: Any = plugins.get_plugin("terminalreporter")
    for each in found if evidence is not None else ():
        evidence.context.header.append(HeaderRow(each.name, each.value, each.source))
        if reporter is not None:
            reporter.write_line(each.told)


def _refuse_hooks(config: pytest.Config) -> None:
    """Refuse a ``conftest.py`` that steps between the suite's scenarios and their fixtures; plugins that are installed may."""
    for implementation in config.hook.pytest_fixture_setup.get_hookimpls():
        if Path(str(getattr(implementation.plugin, "__file__", ""))).name == "conftest.py":
            place = _place(implementation.function, config.rootpath)
            raise pytest.UsageError(
                f"{place} implements pytest_fixture_setup, through which the suite's own scenarios would judge what it gives; "
                "leave it out, or make it a fixture of your own"
            )


def overridden(session: pytest.Session) -> list[Value]:
    """The fixtures that are overridden for the suite's own scenarios, and where.

    Raises:
        pytest.UsageError: one of them must not be.
    """
    found = list(_found(session))
    for each in found:
        if each.name not in MAY_BE:
            raise pytest.UsageError(
                f"{each.source} overrides the fixture '{each.name}', on which the suite's own scenarios rest: they would judge what it "
                f"gives; give it another name (only {' and '.join(MAY_BE)} may be overridden)"
            )
    return found


def _found(session: pytest.Session) -> Iterator[Value]:
    manager = session._fixturemanager
    for name in (*_BENEATH, *_names(session.config.pluginmanager)):
        definitions = [each.func for each in manager.getfixturedefs(name, session) or ()]
        if definitions and not _is_known(definitions[-1]):
            yield Value(name, "overridden", _place(inspect.unwrap(definitions[-1]), session.config.rootpath))


def _names(manager: pytest.PytestPluginManager) -> Iterator[str]:
    """The names of the suite's fixtures."""
    for name, module in manager.list_name_plugin():
        if name.startswith(_OURS):
            yield from (each for each, value in vars(module).items() if isinstance(value, _FIXTURE))


def _is_known(function: object) -> bool:
    """Whether it is the suite's, or of what the suite is made with (pytest-bdd keeps steps as fixtures)."""
    return str(getattr(function, "__module__", "")).startswith((*_OURS, "_pytest.", "pytest_bdd."))


def _place(function: object, root: Path) -> str:
    code = getattr(function, "__code__", None)
    if code is None:
        return str(getattr(function, "__module__", "a plugin"))
    path = Path(code.co_filename)
    return f"{path.relative_to(root) if path.is_relative_to(root) else path}:{code.co_firstlineno}"
