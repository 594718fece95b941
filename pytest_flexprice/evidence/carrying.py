"""Which steps of a scenario were carried out: sentence for sentence those that are written, each by the function that defines it.

A hook may put another sentence, another function or other values in a step's place, or tell of a step that nobody took; pytest-bdd counts
all of these as done.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator, Iterable
from typing import Any

import pytest

TAGS = pytest.StashKey[frozenset[str]]()
"""The marks of a scenario as it was collected: what a hook adds or takes away afterwards changes nothing."""
SENTENCES = pytest.StashKey[tuple[str, ...]]()
"""The sentences of its steps, likewise."""
FUNCTIONS = pytest.StashKey[tuple[Callable[..., object], ...]]()
"""What carries out each of them."""

_called: list[Callable[..., object]] = []


def keep_as_collected(item: pytest.Item, steps: Iterable[Any]) -> None:
    """Note what a scenario is before anybody may change it."""
    item.stash[TAGS] = frozenset(mark.name for mark in item.iter_markers())
    item.stash[SENTENCES] = tuple(step.name for step in steps)


def marks_of(item: pytest.Item) -> frozenset[str]:
    """The names of an item's marks; of a scenario those that it was collected with."""
    return item.stash.get(TAGS, None) or frozenset(mark.name for mark in item.iter_markers())


def noted(function: Callable[..., object], *, gives: bool = False) -> Callable[..., object]:
    """The step's function, which notes that it was carried out; ``gives`` where its value becomes a fixture.

    It fails where it returns a coroutine: that was made and never awaited; an ``async def`` behind a decorator looks like a plain function.
    It fails where it returns False, unless somebody looks at it.
    """
    if getattr(function, "_noted", False):
        return function

    @functools.wraps(function)
    def called(*arguments: object, **named: object) -> object:
        value = function(*arguments, **named)
        if inspect.iscoroutine(value):
            value.close()
            pytest.fail(
                f"the step's function {function.__name__} returned a coroutine that nobody awaited, so the step was not carried out; "
                "run it, as asyncio.run does",
                pytrace=False,
            )
        if value is False and not gives:
            pytest.fail(
                f"the step's function {function.__name__} returned False, which nobody looks at; assert it",
                pytrace=False,
            )
        _called.append(called)
        return value

    @functools.wraps(function)
    def begun(*arguments: object, **named: object) -> Generator[object, object, object]:
        _called.append(begun)
        return (yield from function(*arguments, **named))  # type: ignore[misc] # it is a generator's function

    made: Callable[..., object] = begun if inspect.isgeneratorfunction(function) else called
    made.__dict__["_noted"] = True
    return made


class Carrying:
    """The plugin that sees what a step is given, and whether its function was called."""

    def __init__(self) -> None:
        self._sentence = ""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_bdd_before_step(self) -> Generator[None, object, object]:
        """Nothing of this step has happened yet."""
        _called.clear()
        self._sentence = ""
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_bdd_before_step_call(self, step: Any, step_func_args: dict[str, Any]) -> Generator[None, object, object]:
        """Whatever hooks do here, the step gets what its sentence and its fixtures say."""
        self._sentence, given = step.name, dict(step_func_args)
        result = yield
        same = step_func_args.keys() == given.keys() and all(step_func_args[name] is given[name] for name in given)
        if not same:
            pytest.fail(
                f"a hook changed what the step '{step.name}' is given, so it would judge something else", pytrace=False
            )
        return result

    def carried_out(self, item: pytest.Item, number: int) -> bool:
        """Whether the step with this number (from 1) just was; of an item that is no scenario of a feature file nothing is known."""
        if FUNCTIONS not in item.stash:
            return True
        sentences, functions = item.stash[SENTENCES], item.stash[FUNCTIONS]
        return (
            0 < number <= len(functions)
            and self._sentence == sentences[number - 1]
            and _called == [functions[number - 1]]
        )
