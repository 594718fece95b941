"""Feature files as pytest items, and the guards against scenarios that are green without having run.

pytest-bdd says nothing about an ``async`` step (it passes unexecuted), the first of two scenarios with one name (it disappears), all but
the last of two matching step definitions, and a scenario nobody bound. Each is refused here by name.
"""

from __future__ import annotations

import inspect
import re
import types
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd import scenarios
from pytest_bdd.compat import getfixturedefs
from pytest_bdd.scenario import scenario_wrapper_template_registry
from pytest_bdd.steps import StepFunctionContext, step_function_context_registry

from pytest_flexprice.evidence.carrying import FUNCTIONS, SENTENCES, keep_as_collected, marks_of, noted
from pytest_flexprice.evidence.written import LEVEL_TAGS, Written, read_scenarios
from pytest_flexprice.model.checklist import BY_TAG, ITEMS, Item, Level

_OPEN = re.compile(r"<([^<>]+)>")
_FIXTURES = ("_arg2fixturedefs", "_arg2node2fixturedefs", "_arg2nodeid2fixturedefs")
"""Where pytest keeps fixtures by name: the first until 9.1, the others since."""


class FeatureFile(pytest.Module):
    """One feature file as the module into which pytest-bdd writes its test functions."""

    def _getobj(self) -> types.ModuleType:
        return self._module

    @cached_property
    def _module(self) -> types.ModuleType:
        module = types.ModuleType(self.path.stem)
        module.__file__ = str(self.path)
        # scenarios() writes into its caller's namespace, so it has to be called from there.
        module.__dict__.update(bind=scenarios, path=str(self.path.resolve()))
        exec(compile("bind(path)", str(self.path), "exec"), module.__dict__)  # noqa: S102 - a constant statement
        del module.bind, module.path
        for each in filter(inspect.isfunction, vars(module).values()):
            each.__module__ = module.__name__  # with collect_imported_tests = false, others are left out
        return module

    @cached_property
    def definitions(self) -> list[tuple[pytest.FixtureDef[Any], StepFunctionContext]]:
        """The step definitions that its scenarios see, looked up once: pytest-bdd looks through every fixture for each step."""
        manager = self.session._fixturemanager
        names = dict.fromkeys(name for registry in _FIXTURES for name in getattr(manager, registry, ()))
        seen = [definition for name in names for definition in getfixturedefs(manager, name, self) or ()]
        contexts = ((each, step_function_context_registry.get(each.func)) for each in seen)
        return [(each, context) for each, context in contexts if context is not None]

    def defining(self, step: Any) -> list[tuple[pytest.FixtureDef[Any], StepFunctionContext]]:
        """The definitions that match a step."""
        return [
            (each, context)
            for each, context in self.definitions
            if context.type in (None, step.type) and context.parser.is_matching(step.name)
        ]

    def collect(self) -> Iterable[Any]:
        """The scenarios of the file, refused where one of them could not be bound or tagged as it should."""
        written = read_scenarios(self.path)
        found = list(problems(self.path, written))
        if found:
            raise self.CollectError("\n".join(found))
        collected = list(super().collect())
        bound = {_template(item).name: item for item in collected if isinstance(item, pytest.Function)}
        for item in collected:
            if isinstance(item, pytest.Function):
                keep_as_collected(item, _steps(item))
        for scenario in written:
            where = f"{self.path}:{scenario.line}: scenario '{scenario.name}'"
            if scenario.name not in bound:
                raise self.CollectError(f"{where} was not collected, so it would never run; give it at least one step")
            lost = sorted(scenario.tags - marks_of(bound[scenario.name])) if scenario.rows is None else ()
            if lost:
                raise self.CollectError(
                    f"{where} lost its tag @{lost[0]} to a hook (pytest_bdd_apply_tag); leave it there"
                )
        return collected

    def funcnamefilter(self, name: str) -> bool:
        """Scenarios are tests whatever the ini file calls a company's own (``python_functions``)."""
        return name.startswith("test_")


def problems(path: Path, written: Iterable[Written]) -> Iterator[str]:
    """What keeps the scenarios of one file from being trusted, one sentence each."""
    written = list(written)
    if not written:
        yield f"{path}: the feature file has no scenario; write one, or remove the file"
    double = [name for name, times in Counter(scenario.name for scenario in written).items() if times > 1]
    for name in double:
        lines = ", ".join(str(scenario.line) for scenario in written if scenario.name == name)
        yield f"{path}: two scenarios are called '{name}' (lines {lines}), so only the last would run; rename one"
    for scenario in written:
        where = f"{path}:{scenario.line}: scenario '{scenario.name}'"
        if scenario.rows == 0:
            yield f"{where} has no row of examples, so it would never run as it is meant; add one"
        if scenario.empty:
            yield f"{where} has no step of its own, so it would pass without looking at anything; give it one"
        for line in scenario.unread:
            yield f"{where}: '{line}' is no step but a description, so it would never run; correct its first word, or reword it"
        unknown = sorted(scenario.tags - BY_TAG.keys() - LEVEL_TAGS.keys() - {"information"})
        if not scenario.tags & BY_TAG.keys() and not unknown:
            yield f"{where} names no checklist item; tag it with one, such as @{ITEMS[0].tag}"
        if len(scenario.tags & LEVEL_TAGS.keys()) != 1:
            yield f"{where} must carry exactly one level tag; expected one of {', '.join('@' + tag for tag in LEVEL_TAGS)}"
        for tag in unknown:
            yield f"{where} carries @{tag}, which is neither an item nor a level; remove it or correct its spelling"


def is_scenario(item: pytest.Item) -> bool:
    """Whether an item is a scenario of a feature file."""
    return isinstance(getattr(item, "parent", None), FeatureFile)


def items_of(item: pytest.Item) -> list[Item]:
    """The checklist items that a scenario gives evidence for, in the checklist's order."""
    marks = marks_of(item)
    return [each for each in ITEMS if each.tag in marks]


def level_of(item: pytest.Item) -> Level:
    """The level that a scenario needs."""
    marks = marks_of(item)
    return next(level for tag, level in LEVEL_TAGS.items() if tag in marks)


def step_functions(item: pytest.Function) -> Iterator[Callable[..., Any]]:
    """The functions that carry out the steps of a scenario."""
    for step in _steps(item):
        for _, context in _file(item).defining(step):
            yield context.step_func


def step_problems(item: pytest.Function) -> Iterator[str]:
    """Steps of a scenario that nobody defined, that two definitions match, that a hook changed, or that would pass unexecuted."""
    steps, carrying = _steps(item), []
    if tuple(step.name for step in steps) != item.stash[SENTENCES]:
        yield f"{item.path}: the steps of '{_template(item).name}' were changed by a hook after they were read; leave them as they are"
        return
    for step in steps:
        where = f"{item.path}:{step.line_number}: step '{step.keyword} {step.name}'"
        found = _file(item).defining(step)
        if not found and (open_names := _OPEN.findall(step.name)):
            yield f"{where} has no column {' and '.join(open_names)} in its examples; name the column so, or correct the step"
            continue
        if not found:
            yield f"{where} has no definition; write one in steps/ or in your conftest.py"
            continue
        innermost = max(len(definition.baseid) for definition, _ in found)
        contexts = {
            definition.func: context for definition, context in found if len(definition.baseid) == innermost
        }.values()
        functions = [context.step_func for context in contexts]
        if len(functions) > 1:
            names = " and ".join(sorted(function.__name__ for function in functions))
            yield f"{where} matches {names}, so which one runs is arbitrary; make their sentences differ"
        for function in functions:
            if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
                yield f"{where} is defined by the async function {function.__name__}, which would pass unexecuted; make it a plain function"
        for context in contexts:
            context.step_func = noted(context.step_func, gives=context.target_fixture is not None)
            carrying.append(context.step_func)
    item.stash[FUNCTIONS] = tuple(carrying)


def missing_items(items: Iterable[pytest.Item]) -> list[Item]:
    """Checklist items that no scenario gives evidence for."""
    covered = {each.id for item in items if is_scenario(item) for each in items_of(item)}
    return [each for each in ITEMS if each.id not in covered]


def _file(item: pytest.Item) -> FeatureFile:
    assert isinstance(item.parent, FeatureFile)  # who asks has looked at is_scenario
    return item.parent


def _template(item: Any) -> Any:
    return scenario_wrapper_template_registry[item.obj]


def _steps(item: pytest.Function) -> list[Any]:
    return list(_template(item).render(_examples(item)).steps)


def _examples(item: pytest.Function) -> dict[str, str]:
    callspec = getattr(item, "callspec", None)
    return dict(callspec.params.get("_pytest_bdd_example", {})) if callspec else {}
